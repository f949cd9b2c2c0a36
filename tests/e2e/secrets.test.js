// secrets.test.js - a secret never leaks: one in every position of an exchange, every output read, none found. The exchanges are made so that
// findings fire on them, because what is never printed cannot leak.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { exchange, raw } from './lib/client.js';
import { startPlainServer } from './lib/origin.js';
import { startScripted } from './lib/provider.js';
import { binary, startProxy } from './lib/proxy.js';
import { scratch } from './lib/scratch.js';

const MARK = 'kAnArY7';
const made = [];
function canary(position, prefix = '') {
  const value = `${prefix}${MARK}${Buffer.from(position).toString('hex')}${MARK}0123456789abcdef`;
  made.push([position, value]);
  return value;
}
const base64url = (value) => Buffer.from(value).toString('base64url');
const jwt = (position) => `${base64url('{"alg":"HS256","typ":"JWT"}')}.${base64url(JSON.stringify({ iss: 'https://as.test', sub: 'ada', exp: 4102444800 }))}.${canary(position)}`;
const formType = { 'Content-Type': 'application/x-www-form-urlencoded' };
const post = (type, body, headers = {}) => ({ method: 'POST', headers: { 'Content-Type': type, ...headers }, body: Buffer.from(body) });
const multipart = (fields) => `${Object.entries(fields).map(([name, value]) => `--edge\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`).join('')}--edge--\r\n`;

async function walk(proxy) {
  const access = canary('access_token of a response');
  const answers = {
    '/token': () => [200, { access_token: access, token_type: 'Bearer', expires_in: 3600, refresh_token: canary('refresh_token of a response'), id_token: jwt('id_token of a response') },
      { 'Set-Cookie': `sid=${canary('Set-Cookie')}; Path=/`, Location: `https://localhost/cb?code=${canary('code in Location')}#access_token=${canary('fragment in Location')}` }],
    '/lean': () => [200, { access_token: canary('access_token without company'), expires_in: 60 }],
    '/refused': () => [400, { error: 'invalid_client', error_description: `the secret ${made.find(([p]) => p === 'client_secret in a form')[1]} of token ${access} is wrong` },
      { 'WWW-Authenticate': `Basic realm="${canary('a realm')}"` }],
    '/html': () => [200, `<html>${canary('a page')}</html>`, { 'Content-Type': 'text/html' }],
    '/me': ({ headers }) => [401, { error: 'invalid_token', message: `${headers.authorization} is not welcome` }, { 'WWW-Authenticate': `Bearer error="invalid_token", error_description="${access} is expired"`, 'X-Echo': `${headers.authorization ?? ''}` }],
  };
  const provider = await startScripted(answers);
  const ask = (path, options) => exchange(provider.url + path, { ...options, proxy });
  const secretForm = (path, more = '') => ask(path, post(formType['Content-Type'], `grant_type=authorization_code&code=${canary('code in a form')}&client_id=a-client&client_secret=${canary('client_secret in a form')}&code_verifier=${canary('code_verifier in a form')}&x=${canary('an unknown field of a form')}${more}`));

  await ask(`/authorize?response_type=code&client_id=a-client&state=${canary('state in a query')}&nonce=${canary('nonce in a query')}&login_hint=${canary('login_hint in a query')}`);
  await secretForm('/token');
  await secretForm('/refused');
  await secretForm('/lean');
  await secretForm('/html');
  await ask('/token', post(formType['Content-Type'], `grant_type=password&username=ada&password=${canary('password in a form')}&assertion=${jwt('assertion in a form')}&client_assertion=${jwt('client_assertion in a form')}`,
    { Authorization: `Basic ${Buffer.from(`a-client:${canary('client_secret in Basic')}`).toString('base64')}` }));
  await ask(`/token?grant_type=authorization_code&client_secret=${canary('client_secret in a query')}&code=${canary('code in a query')}&refresh_token=${canary('refresh_token in a query')}&password=${canary('password in a query')}&unheard_of=${canary('an unknown field of a query')}`, { method: 'POST', body: Buffer.alloc(0) });
  await ask('/token', post('application/json', JSON.stringify({ grant_type: 'authorization_code', code: canary('code in JSON'), client_secret: canary('client_secret in JSON'), nested: { password: canary('a nested password in JSON') } })));
  await ask('/token', post('multipart/form-data; boundary=edge', multipart({ grant_type: 'authorization_code', code: canary('code in multipart'), client_secret: canary('client_secret in multipart') })));
  await ask('/elsewhere', post(formType['Content-Type'], `grant_type=refresh_token&refresh_token=${canary('refresh_token in a form')}`));
  for (const authorization of [access, `Bearer Bearer ${access}`, `Token ${access}`, `bearer ${access}`, `Bearer ${jwt('JWT of an API call')}`, `Bearer {{${canary('a placeholder')}}}`, `Digest username="a", response="${canary('Digest')}"`]) {
    await ask('/me', { headers: { Authorization: authorization } });
  }
  await ask(`/me?access_token=${access}&api_key=${canary('api_key in a query')}`);
  await ask('/me', { headers: { Cookie: `sid=${canary('Cookie')}`, Referer: `https://localhost/cb?code=${canary('code in Referer')}`, 'X-Api-Key': canary('X-Api-Key'), 'Proxy-Authorization': `Basic ${Buffer.from(`u:${canary('Proxy-Authorization')}`).toString('base64')}` } });

  // What no client library sends: user information, a fragment, secrets in broken requests and broken responses.
  const server = await startPlainServer((socket) => socket.once('data', () => socket.end(`HTTP/1.1 200 OK\r\nX: ${canary('a broken response')}\r\nContent-Length: x${canary('a broken length')}\r\n\r\n`)));
  const lines = [
    `GET http://user:${canary('userinfo')}@localhost:${server.port}/p HTTP/1.1`, `GET http://localhost:${server.port}/p?x=1#access_token=${canary('a fragment')} HTTP/1.1`,
    `GET http://localhost:${server.port}/p?code=${canary('a query before a broken response')} HTTP/1.1`, `GET http://localhost:${server.port}/p?client_secret=${canary('a broken target')} x HTTP/1.1`,
    `GET http://localhost:${server.port}/p HTTP/1.1\r\n: ${canary('a broken field')}`, `GET /p?access_token=${canary('origin-form')} HTTP/1.1`,
    `GET http://${canary('a host that does not exist').toLowerCase()}.invalid:1/?code=${canary('a query to nowhere')} HTTP/1.1`,
  ];
  for (const line of lines) await raw(proxy.port, `${line}\r\nHost: localhost:${server.port}\r\nConnection: close\r\n\r\n`);
  await server.stop();
  await walkOddPlaces(proxy, access);
  await provider.stop();
}

// Places of HTTP that client libraries hide from people, and bodies in other clothes.
async function walkOddPlaces(proxy, access) {
  const body = (bytes, type = 'application/json', more = '') => Buffer.concat([Buffer.from(`HTTP/1.1 401 Unauthorized\r\nContent-Type: ${type}\r\n${more}Content-Length: ${bytes.length}\r\n\r\n`), Buffer.from(bytes)]);
  const error = (position) => JSON.stringify({ error: canary(`error of ${position}`), error_description: `no ${canary(`error_description of ${position}`)}`, token_type: canary(`token_type of ${position}`), expires_in: canary(`expires_in of ${position}`), scope: `a ${canary(`scope of ${position}`)} b`, data: JSON.stringify({ access_token: canary(`JSON within ${position}`) }) });
  const answers = {
    '/reason': () => `HTTP/1.1 401 ${canary('a reason phrase')}\r\nContent-Length: 0\r\n\r\n`,
    '/trailers': () => `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\nTrailer: X-Late\r\n\r\n2;x=${canary('a chunk extension')}\r\n{}\r\n0\r\nX-Late: ${canary('a trailer')}\r\n\r\n`,
    '/gzip': () => body(gzipSync(error('a gzip answer')), 'application/json', 'Content-Encoding: gzip\r\n'),
    '/br': () => body(brotliCompressSync(error('a brotli answer')), 'application/json', 'Content-Encoding: br\r\n'),
    '/broken': () => body(`${error('JSON and more')} and ${canary('trailing garbage')}`),
    '/utf16': () => body(Buffer.from(error('UTF-16'), 'utf16le'), 'application/json; charset=utf-16'),
    '/xml': () => body(`<a><access_token>${canary('an XML element')}</access_token><b token="${canary('an XML attribute')}"/></a>`, 'application/xml'),
    '/page': () => body(`<form><input type="hidden" name="code" value="${canary('a hidden input')}"></form>`, 'text/html'),
    '/field-name': () => `HTTP/1.1 401 No\r\nX-${canary('a field name')}: 1\r\nServer: ${canary('Server')}\r\nRetry-After: ${canary('Retry-After')}\r\nContent-Length: 0\r\n\r\n`,
    '/upgrade': () => `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Protocol: ${canary('the protocol of an upgrade')}\r\n\r\n`,
  };
  const server = await startPlainServer((socket) => socket.once('data', (bytes) => socket.end(answers[/ (\/[a-z0-9-]+)/.exec(bytes)[1]]())));
  const post = `POST %s HTTP/1.1\r\nHost: localhost:${server.port}\r\nContent-Type: application/x-www-form-urlencoded\r\nUser-Agent: x ${canary('User-Agent')}\r\n%s`;
  for (const path of Object.keys(answers)) {
    const form = `grant_type=authorization_code&code=${canary(`a code to ${path}`)}&clientSecret=${canary(`clientSecret to ${path}`)}&client_id=${canary(`a secret in place of the id to ${path}`, 'GOCSPX-')}&oauth_verifier=${canary(`oauth_verifier to ${path}`)}`;
    const fields = path === '/upgrade' ? `Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Protocol: bearer, ${canary('a WebSocket protocol')}\r\nSec-WebSocket-Key: ${canary('a WebSocket key')}\r\n` : 'Connection: close\r\n';
    await raw(proxy.port, `${post.replace('%s', `http://localhost:${server.port}${path};jsessionid=${canary(`a matrix parameter of ${path}`)}`).replace('%s', fields)}Content-Length: ${form.length}\r\n\r\n${form}`);
    await raw(proxy.port, `GET http://localhost:${server.port}${path} HTTP/1.1\r\nHost: localhost:${server.port}\r\nAuthorization: Bearer ${access}\r\nConnection: close\r\n\r\n`);
    await raw(proxy.port, `GET http://localhost:${server.port}${path} HTTP/1.1\r\nHost: localhost:${server.port}\r\nAuthorization: Basic ${Buffer.from(canary(`Basic without a colon to ${path}`)).toString('base64')}\r\nCookie: ${canary(`a cookie without a name to ${path}`)}\r\nConnection: close\r\n\r\n`);
  }
  await server.stop();
}

// The same outputs once more, from what was recorded and logged.
function lookAgain(proxy) {
  const again = [];
  const tell = (words) => { const { stdout, stderr } = spawnSync(binary, words, { encoding: 'utf8', cwd: scratch }); assert.equal(stderr, ''); assert.ok(stdout.length > 1000, words.join(' ')); again.push([`oauthtap ${words.join(' ')}`, stdout]); };
  for (const format of ['text', 'json']) tell(['check', '--verbose', '--format', format, '--ca-dir', join(scratch, 'no-ca'), recording]);
  const baseline = join(scratch, 'baseline.json');
  spawnSync(binary, ['check', '--write-baseline', baseline, '--ca-dir', join(scratch, 'no-ca'), recording]);
  again.push(['the baseline', readFileSync(baseline, 'utf8')]);
  for (const format of ['text', 'sarif', 'junit', 'markdown', 'mermaid']) tell(['report', '--format', format, proxy.findingsFile]);
  return again;
}

const recording = join(scratch, 'recording.har');

for (const options of [[], ['--verbose', '--har', recording], ['--format', 'json', '--verbose']]) {
  test(`no secret appears in any output${options.length ? ` with ${options.join(' ')}` : ''}`, async () => {
    made.length = 0;
    const secretFile = join(scratch, 'client-secret');
    writeFileSync(secretFile, canary('--client-secret-file'), { mode: 0o600 });
    const proxy = await startProxy('--client-id', 'another-client', '--client-secret-file', secretFile, '--token-url', 'https://localhost:1/token', ...options);
    await walk(proxy);
    await proxy.stop();
    assert.ok(proxy.findings().length >= 5, 'findings fired, so there was something to leak into');
    assert.match(JSON.stringify(proxy.findings()), /tok:[0-9a-f]{12}/);
    const recorded = options.includes('--har') ? [['the recording', readFileSync(recording, 'utf8')], ...lookAgain(proxy)] : [];
    if (recorded.length) assert.ok(JSON.parse(recorded[0][1]).log.entries.length > 50, 'and recorded');
    const outputs = [...proxy.outputs(), ...recorded].map(([name, text]) => [name, text.toLowerCase()]);
    for (const [position, value] of made) {
      if (position === 'a host that does not exist') continue; // a host is no secret; it is there so that an error names it
      for (const [name, text] of outputs) {
        for (const form of [value, Buffer.from(value).toString('base64').slice(0, -4), Buffer.from(value).toString('hex'), value.slice(0, 24)]) {
          assert.ok(!text.includes(form.toLowerCase()), `${position} is in ${name}: …${text.slice(Math.max(0, text.indexOf(form.toLowerCase()) - 200), text.indexOf(form.toLowerCase()) + 100)}…`);
        }
      }
    }
    for (const [name, text] of proxy.outputs()) assert.doesNotMatch(text, /[\x00-\x08\x0b-\x1f\x7f]/, `control characters in ${name}`);
  });
}
