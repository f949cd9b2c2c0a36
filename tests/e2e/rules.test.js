// rules.test.js - every rule by name: a real client, the real proxy, a real server that does one thing wrong, and exactly the finding that it deserves,
// nothing beside it. Where a rule compares with the connector's configuration, the right value is tried, too.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import net from 'node:net';
import { describe, test } from 'node:test';
import { promisify } from 'node:util';
import zlib from 'node:zlib';
import { exchange } from './lib/client.js';
import { startRecorded } from './lib/proxy.js';
import { accessToken, always, bearer, bearerOnly, call, client, form, found, healthy, inTurn, pause, play, refreshAt, refreshToken, refusal, secretFile, serve, signIn, tokens, without } from './lib/scenario.js';
import { expiredCertificate, originCaFile, otherNamesCertificate, strangersCertificate } from './lib/scratch.js';

const run = promisify(execFile);

// ---- the server ----

async function servePlain(onConnection) {
  const sockets = new Set();
  const server = net.createServer((socket) => { sockets.add(socket); socket.on('error', () => {}); onConnection(socket); });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { port: server.address().port, url: `https://localhost:${server.address().port}`,
    stop: () => { sockets.forEach((socket) => socket.destroy()); return new Promise((resolve) => server.close(resolve)); } };
}

const now = () => Math.floor(Date.now() / 1000);
const jwt = (claims) => [{ alg: 'RS256', typ: 'JWT' }, claims].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.') + '.c2lnbmF0dXJlLW9mLXRoZS10b2tlbg';

// One scenario: what the server answers, what the client sends, what must be found (severity and rule, all of it).
const scenarios = {
  'token/missing-access-token': { server: { '/token': always(200, without(tokens(1), 'access_token')) }, client: [signIn], found: ['error token/missing-access-token'] },
  'token/missing-refresh-token': { server: { '/token': always(200, without(tokens(1), 'refresh_token')) }, client: [signIn], found: ['warning token/missing-refresh-token'] },
  'token/expiry-unknown': { server: { '/token': always(200, without(tokens(1), 'refresh_token', 'expires_in')) }, client: [signIn], found: ['info token/expiry-unknown'] },
  'token/error-response': { server: { '/token': always(400, { error: 'invalid_grant', error_description: 'code expired' }) }, client: [signIn], found: ['error token/error-response'] },
  'token/error-response, put right': { server: { '/token': inTurn([401, { error: 'invalid_client' }], [200, tokens(1)]) }, client: [signIn, signIn], found: ['info token/error-response'] },
  'token/error-with-200': { server: { '/token': always(200, { error: 'bad_verification_code' }) }, client: [signIn], found: ['error token/error-with-200'] },
  'token/not-json': { server: { '/token': always(200, '<html>Sign in</html>', { 'Content-Type': 'text/html' }) }, client: [signIn], found: ['error token/not-json'] },
  'token/misnamed-field': { server: { '/token': always(200, { accessToken: accessToken(1), expiresIn: 3600 }) }, client: [signIn], found: ['error token/misnamed-field'] },
  'token/nested-access-token': { server: { '/token': always(200, { data: tokens(1) }) }, client: [signIn], found: ['error token/nested-access-token'] },
  'token/unexpected-response': { server: { '/token': always(403, '<h1>Blocked</h1>', { 'Content-Type': 'text/html' }) }, client: [signIn], found: ['error token/unexpected-response'] },
  'token/form-encoded-response': { server: { '/token': always(200, new URLSearchParams(tokens(1)).toString(), { 'Content-Type': 'application/x-www-form-urlencoded' }) }, client: [signIn], found: ['warning token/form-encoded-response'] },
  'token/wrong-content-type': { server: { '/token': always(200, tokens(1), { 'Content-Type': 'text/html' }) }, client: [signIn], found: ['warning token/wrong-content-type'] },
  'token/missing-token-type': { server: { '/token': always(200, without(tokens(1), 'token_type')) }, client: [signIn], found: ['warning token/missing-token-type'] },
  'token/unknown-token-type': { server: { '/token': always(200, tokens(1, { token_type: 'jwt' })) }, client: [signIn], found: ['warning token/unknown-token-type'] },
  'token/unknown-token-type, but the API takes it': { server: { '/token': always(200, tokens(1, { token_type: 'jwt' })), '/me': bearerOnly }, client: [signIn, bearer(1)], found: [] },
  'token/expires-in-not-number': { server: { '/token': always(200, tokens(1, { expires_in: '1 hour' })) }, client: [signIn], found: ['warning token/expires-in-not-number'] },
  'token/expires-in-implausible': { server: { '/token': always(200, tokens(1, { expires_in: -5 })) }, client: [signIn], found: ['error token/expires-in-implausible'] },
  'token/missing-cache-control': { server: { '/token': always(200, tokens(1), { 'Cache-Control': 'no-cache' }) }, client: [signIn], found: ['info token/missing-cache-control'] },
  'jwt/expired-on-issue': { server: { '/token': () => [200, tokens(1, { access_token: jwt({ exp: now() - 600 }) })] }, client: [signIn], found: ['error jwt/expired-on-issue'] },
  'jwt/lifetime-differs': { server: { '/token': () => [200, tokens(1, { access_token: jwt({ exp: now() + 300 }) })] }, client: [signIn], found: ['warning jwt/lifetime-differs'] },
  'jwt/id-token-audience': { server: { '/token': () => [200, tokens(1, { id_token: jwt({ aud: 'another-client', exp: now() + 300 }) })] }, client: [signIn], found: ['error jwt/id-token-audience'] },
  'discovery/issuer-mismatch': { server: { '/.well-known/openid-configuration': always(200, { issuer: 'http://localhost', token_endpoint: 'https://localhost/token' }) }, client: [call(undefined, '/.well-known/openid-configuration')],
    found: ['warning discovery/issuer-mismatch'] },
  'token/secret-in-url': { server: healthy, client: [form('/token', { grant_type: 'authorization_code', code: 'the-code-0123456789abcdef' }, `?client_secret=${client.secret}`)], found: ['error token/secret-in-url'] },
  'api/missing-authorization': { server: healthy, client: [signIn, bearer(1), call()], found: ['error api/missing-authorization'] },
  'api/missing-authorization, but a challenge that is answered': { server: healthy, client: [signIn, bearer(1), call(), bearer(1)], found: [] },
  'api/missing-bearer-prefix': { server: healthy, client: [signIn, call(accessToken(1))], found: ['error api/missing-bearer-prefix'] },
  'api/wrong-scheme': { server: healthy, client: [signIn, call(`Token ${accessToken(1)}`)], found: ['error api/wrong-scheme'] },
  'api/double-prefix': { server: healthy, client: [signIn, call(`Bearer Bearer ${accessToken(1)}`)], found: ['error api/double-prefix'] },
  'api/placeholder-token': { server: healthy, client: [signIn, call('Bearer {{access_token}}')], found: ['error api/placeholder-token'] },
  'api/token-in-query': { server: { ...healthy, '/me': always(200, {}) }, client: [signIn, call(undefined, `/me?access_token=${accessToken(1)}`)], found: ['warning api/token-in-query'] },
  'api/expired-token-used': { server: { '/token': always(200, tokens(1, { expires_in: 1 })), '/me': always(...refusal) }, client: [signIn, pause(62000), bearer(1)], found: ['error api/expired-token-used'] },
  'api/rejected-before-expiry': { server: { ...healthy, '/me': inTurn([200, {}], refusal) }, client: [signIn, bearer(1), bearer(1)], found: ['error api/rejected-before-expiry'] },
  'api/unauthorized': { server: { ...healthy, '/me': always(...refusal) }, client: [signIn, bearer(1)], found: ['error api/unauthorized'] },
  'api/unauthorized, refreshed and repeated': { server: { '/token': inTurn([200, tokens(1)], [200, tokens(2)]), '/me': ({ headers }) => (headers.authorization.includes('-2-') ? [200, {}] : refusal) },
    client: [signIn, bearer(1), refreshAt('/token'), bearer(2)], found: ['info api/unauthorized'] },
  'refresh/url-differs-from-token-url': { server: healthy, client: [signIn, refreshAt('/refresh')], found: ['error refresh/url-differs-from-token-url'] },
  'refresh/url-differs-from-token-url, and it works': { server: { ...healthy, '/refresh': always(200, tokens(2)) }, client: [signIn, refreshAt('/refresh')], found: ['info refresh/url-differs-from-token-url'] },
  'refresh/missing-access-token': { server: { '/token': inTurn([200, tokens(1)], [200, { token_type: 'Bearer' }]) }, client: [signIn, refreshAt('/token')], found: ['error refresh/missing-access-token'] },
  'refresh/rejected': { server: { '/token': inTurn([200, tokens(1)], [400, { error: 'invalid_grant' }]) }, client: [signIn, refreshAt('/token')], found: ['error refresh/rejected'] },
  'refresh/old-token-used-after-refresh': { server: { '/token': inTurn([200, tokens(1)], [200, tokens(2)]), '/me': ({ headers }) => (headers.authorization.includes('-2-') ? [200, {}] : refusal) },
    client: [signIn, refreshAt('/token'), pause(2200), bearer(1)], found: ['error refresh/old-token-used-after-refresh'] },
  'nothing, when all is well': { server: { '/token': inTurn([200, tokens(1)], [200, tokens(2)]), '/me': bearerOnly }, client: [signIn, bearer(1), refreshAt('/token'), bearer(2)], found: [] },
};

// A zstd frame of one raw block, for bodies below 256 bytes (RFC 8878 section 3.1.1).
function zstdRaw(text) {
  const body = Buffer.from(text);
  const block = Buffer.alloc(3);
  block.writeUIntLE((body.length << 3) | 1, 0, 3);
  return Buffer.concat([Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x20, body.length]), block, body]);
}

for (const [coding, encode] of Object.entries({ gzip: zlib.gzipSync, br: zlib.brotliCompressSync, zstd: zstdRaw })) {
  const coded = (body) => [200, encode(JSON.stringify(body)), { 'Content-Type': 'application/json', 'Content-Encoding': coding }];
  scenarios[`nothing, when all is well in ${coding}`] = { server: { '/token': inTurn(coded(tokens(1)), coded(tokens(2))), '/me': bearerOnly }, client: [signIn, bearer(1), refreshAt('/token'), bearer(2)],
    found: [], steps: ['token', 'api', 'refresh', 'api-after-refresh'] };
  scenarios[`token/missing-refresh-token in ${coding}`] = { server: { '/token': always(...coded(without(tokens(1), 'refresh_token'))) }, client: [signIn], found: ['warning token/missing-refresh-token'] };
}

// ---- the connector's configuration: given as options, held against the wire ----

const whole = { server: scenarios['nothing, when all is well'].server, client: [signIn, bearer(1), refreshAt('/token'), bearer(2)] };
const fresh = () => ({ '/token': inTurn([200, tokens(1)], [200, tokens(2)]), '/me': bearerOnly });
const right = (url) => ['--client-id', client.id, '--client-secret-file', secretFile(client.secret), '--token-url', `${url}/token`, '--refresh-url', `${url}/token`];
const connectors = {
  'connector/client-id-differs': (url) => ['--client-id', 'another-client', '--token-url', `${url}/token`],
  'connector/client-secret-differs': (url) => ['--client-id', client.id, '--client-secret-file', secretFile('not-the-secret-that-is-sent'), '--token-url', `${url}/token`],
  'connector/token-url-differs': (url) => ['--client-id', client.id, '--token-url', `${url}/elsewhere`],
  'connector/refresh-url-differs': (url) => ['--client-id', client.id, '--token-url', `${url}/token`, '--refresh-url', `${url}/elsewhere`],
};
for (const [rule, options] of Object.entries(connectors)) scenarios[rule] = { ...whole, server: fresh(), options, found: [`error ${rule}`] };
scenarios['connector/*, when every value is right'] = { ...whole, server: fresh(), options: right, found: [], steps: ['token', 'api', 'refresh', 'api-after-refresh', 'connector'] };

// Two at a time: one of them has to let a token expire, and the sixty seconds of tolerance that clocks are given.
describe('exactly the finding that is deserved', { concurrency: 2 }, () => {
  const slowestFirst = Object.entries(scenarios).sort(([, a], [, b]) => Number(b.client.some(({ pause: ms }) => ms > 10000)) - Number(a.client.some(({ pause: ms }) => ms > 10000)));
  for (const [name, scenario] of slowestFirst) {
    test(name, async () => {
      const server = await serve(scenario.server);
      const proxy = await startRecorded(...(scenario.options?.(server.url) ?? []));
      try {
        await play(scenario, server, proxy);
      } finally {
        await server.stop();
      }
      const { code, records } = await proxy.stop();
      assert.deepEqual(found(proxy), scenario.found);
      assert.equal(code, scenario.found.some((text) => text.startsWith('error')) ? 1 : 0);
      const { steps } = records.at(-1);
      for (const step of scenario.steps ?? []) assert.equal(steps[step], 'verified', `step ${step}`);
      for (const [, text] of proxy.outputs()) for (const secret of [client.secret, refreshToken, accessToken(1), accessToken(2)]) assert.ok(!text.includes(secret), 'no secret is written');
    });
  }
});

// ---- below HTTP ----

const fails = (promise) => promise.then(({ status }) => status, () => 'broken');

async function expectTransport(expected, act) {
  const proxy = await startRecorded();
  await act(proxy);
  const { records } = await proxy.stop();
  assert.deepEqual(found(proxy), expected);
  return { summary: records.at(-1), findings: proxy.findings() };
}

describe('connections that fail', () => {
  test('transport/client-rejected-ca: curl does not trust the proxy, which is told once and listed as not seen', async () => {
    const server = await serve(healthy);
    const { summary, findings } = await expectTransport(['error transport/client-rejected-ca'], async (proxy) => {
      const error = await run('curl', ['-sS', '--noproxy', '', '-x', proxy.url, '--cacert', originCaFile, `${server.url}/me`]).catch((thrown) => thrown);
      assert.equal(error.code, 60);
    });
    await server.stop();
    assert.deepEqual(summary.not_seen.map(({ kind }) => kind), ['client-rejected-ca']);
    assert.match(findings[0].message, /localhost/);
    assert.match(findings[0].remedy, /CURL_CA_BUNDLE/);
  });

  test('transport/client-rejected-ca: Node.js does not trust the proxy and says nothing: told as a warning after three tries', async () => {
    const server = await serve(healthy);
    const script = `const tls = require('node:tls'), net = require('node:net'), { hostname, port } = new URL(process.argv[2]);
      const lower = net.connect(new URL(process.argv[1]).port, '127.0.0.1', () => lower.write('CONNECT ' + hostname + ':' + port + ' HTTP/1.1\\r\\nHost: ' + hostname + '\\r\\n\\r\\n'));
      lower.once('data', () => tls.connect({ socket: lower, servername: hostname }).on('error', ({ code }) => { console.log(code); process.exit(0); }));`;
    const { findings } = await expectTransport(['warning transport/client-rejected-ca'], async (proxy) => {
      const { NODE_EXTRA_CA_CERTS, ...env } = process.env;
      for (let tries = 0; tries < 3; tries++) assert.match((await run(process.execPath, ['-e', script, proxy.url, server.url], { env })).stdout, /SELF_SIGNED_CERT_IN_CHAIN/);
    });
    await server.stop();
    assert.match(findings[0].message, /localhost/);
  });

  for (const [what, certificate] of Object.entries({ expired: expiredCertificate, 'of a stranger': strangersCertificate, 'of another host': otherNamesCertificate })) {
    test(`transport/upstream-certificate: a certificate ${what}`, async () => {
      const server = await serve(healthy, { certificate });
      await expectTransport(['error transport/upstream-certificate'], async (proxy) => assert.equal(await fails(exchange(`${server.url}/me`, { proxy })), 502));
      await server.stop();
    });
  }

  test('transport/upstream-tls: a server that does not speak TLS', async () => {
    const server = await servePlain((socket) => socket.on('data', () => socket.end('HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n')));
    await expectTransport(['error transport/upstream-tls'], async (proxy) => assert.equal(await fails(exchange(`${server.url}/me`, { proxy })), 502));
    await server.stop();
  });

  test('transport/malformed-response: a header with a line break in its name', async () => {
    const server = await servePlain((socket) => socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\nX Y: z\r\nContent-Length: 2\r\n\r\nok')));
    await expectTransport(['error transport/malformed-response'], async (proxy) => assert.equal(await fails(exchange(`http://localhost:${server.port}/me`, { proxy })), 502));
    await server.stop();
  });

  test('transport/upstream-unreachable: nobody listens', async () => {
    const server = await serve(healthy);
    await server.stop();
    await expectTransport(['error transport/upstream-unreachable'], async (proxy) => assert.notEqual(await fails(exchange(`${server.url}/me`, { proxy })), 401));
  });

  test('transport/upstream-unreachable, put right by a retry: worth knowing only', async () => {
    const server = await serve(healthy);
    await server.stop();
    await expectTransport(['info transport/upstream-unreachable'], async (proxy) => {
      assert.notEqual(await fails(exchange(`${server.url}/me`, { proxy })), 401);
      const again = await serve(healthy, { port: server.port });
      assert.equal(await fails(exchange(`${server.url}/me`, { proxy })), 401);
      await again.stop();
    });
  });
});
