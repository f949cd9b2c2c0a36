// expiry.test.js - expiry on demand: clients of providers whose tokens live an hour show within seconds what they do when a token is over; what is
// simulated is marked, and everything else passes as if nothing were simulated.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import zlib from 'node:zlib';
import { exchange, openSocket } from './lib/client.js';
import { Origin } from './lib/origin.js';
import { binary, startProxy, startRecorded } from './lib/proxy.js';
import { finish, killAll } from './lib/run.js';
import { accessToken, bearer, form, refreshAt, refusal, serve, signIn, tokens } from './lib/scenario.js';
import { scratch } from './lib/scratch.js';

const run = promisify(execFile);
const here = (name) => fileURLToPath(new URL(name, import.meta.url));
after(killAll);

// A provider of tokens that live an hour, and its API; `seen` is what reached it.
async function serveHours(more = {}) {
  const seen = [], issued = new Set();
  const note = (answer) => (request) => {
    seen.push(`${request.method} ${request.url} ${request.headers.authorization ?? ''}`);
    return answer(request);
  };
  const answers = {
    '/token': () => { issued.add(accessToken(issued.size + 1)); return [200, tokens(issued.size)]; },
    '/me': ({ headers }) => (issued.has((headers.authorization ?? '').replace(/^Bearer /, '')) ? [200, { name: 'Ada' }] : refusal),
    ...more,
  };
  const server = await serve(Object.fromEntries(Object.entries(answers).map(([path, answer]) => [path, note(answer)])));
  return Object.assign(server, { seen, calls: () => seen.filter((line) => line.includes(' /me ')) });
}

const send = (server, proxy, { path, ...options }) => exchange(server.url + path, { ...options, proxy });
const field = ({ fields }, name) => fields.filter(([key]) => key.toLowerCase() === name).map(([, value]) => value);
const steps = (records) => records.at(-1).steps;
const stepSentences = (records) => Object.fromEntries(Object.entries(records.at(-1).verdict).map(([step, { sentence }]) => [step, sentence]));

// Calls until the answer has that status: an expiry comes when it comes.
async function until(status, call) {
  for (let i = 0; i < 600; i++) {
    const answer = await call();
    if (answer.status === status) return answer;
    await sleep(50);
  }
  throw new Error(`no answer had the status ${status}`);
}

// ---- what people do with it ----

describe('newman, with tokens that live an hour', () => {
  async function newman(refreshes, options) {
    const server = await serveHours();
    const file = join(scratch, `environment-${refreshes}.json`);
    const values = Object.entries({ token_url: `${server.url}/token`, api_url: `${server.url}/me`, refreshes }).map(([key, value]) => ({ key, value, enabled: true }));
    writeFileSync(file, JSON.stringify({ name: 'settings', values }));
    const ran = await finish(options, [process.execPath, here('node_modules/newman/bin/newman.js'), 'run', here('clients/newman-expiry.json'), '-e', file, '--color', 'off']);
    await server.stop();
    return { ...ran, server };
  }

  test('a collection that refreshes on 401 gets its verdict, step by step', async () => {
    const { status, steps: got, rules, records, stderr, server } = await newman('yes', ['--simulate-expiry', '1']);
    assert.deepEqual(rules, []);
    assert.equal(status, 0, stderr);
    assert.deepEqual(got, { token: 'verified', api: 'verified', refresh: 'verified', 'api-after-refresh': 'verified', connector: 'not_seen' });
    assert.equal(stepSentences(records).refresh, 'After the simulated expiry the refresh brought a new access token, and a refresh token.');
    assert.match(stderr, /^oauthtap: expiry is simulated: calls whose access token is older than 1 second are answered with 401 by oauthtap$/m);
    assert.match(stderr, /Simulated: 1 answer was made by oauthtap\s+as if the access token had expired/);
    assert.deepEqual(records.at(-1).simulated, { expiries: 1, dropped_expires_in: 0 });
    assert.ok(server.calls().length >= 2, 'calls with a young token reach the API');
  });

  test('a collection that does not refresh gets the finding', async () => {
    const { status, rules, records, stderr, steps: got } = await newman('no', ['--simulate-expiry', '1']);
    assert.deepEqual(rules, ['error refresh/never-attempted'], stderr);
    assert.equal(status, 1);
    assert.equal(got.refresh, 'failed');
    const finding = records.find(({ type }) => type === 'finding');
    assert.equal(finding.exchange.simulated, 'expiry');
    assert.match(finding.message, /was answered 401 and invalid_token by oauthtap, as if its access token had expired/);
    assert.match(stderr, /→ 401 \(simulated\)/);
  });
});

test('requests-oauthlib is told of no expiry, and has to take notice of the 401', async () => {
  const server = await serveHours();
  const ran = await finish(['--simulate-expiry', '1,drop-expires-in'], ['/usr/bin/python3', here('clients/expiry_oauthlib.py')],
    { env: { TOKEN_URL: `${server.url}/token`, API_URL: `${server.url}/me` } });
  await server.stop();
  assert.equal(ran.status, 0, ran.stderr);
  assert.deepEqual(JSON.parse(ran.stdout), { first: ['access_token', 'refresh_token', 'token_type'], byItself: 0, second: ['access_token', 'refresh_token', 'token_type'], again: 200 });
  assert.deepEqual(ran.rules, [], 'the provider did say how long its tokens live');
  assert.equal(ran.records.at(-1).simulated.dropped_expires_in, 2);
  assert.match(ran.stderr, /2 token answers reached the client\s+without expires_in/);
  assert.equal(ran.steps['api-after-refresh'], 'verified');
});

// ---- the answers ----

describe('curl', () => {
  const curl = async (proxy, ...args) => (await run('curl', ['-sS', '-i', '--noproxy', '', '--max-time', '20', '-x', proxy.url, '--cacert', proxy.caFile, ...args])).stdout;

  for (const [variant, status, challenge] of [['1', '401 Unauthorized', true], ['1,status=403', '403 Forbidden', false], ['localhost=1,status=200', '200 OK', false]]) {
    test(`--simulate-expiry ${variant}`, async () => {
      const server = await serveHours();
      const proxy = await startRecorded('--simulate-expiry', variant);
      const call = () => curl(proxy, '-H', `Authorization: Bearer ${accessToken(1)}`, `${server.url}/me`);
      await send(server, proxy, signIn);
      let answer;
      do answer = await call(); while (answer.includes('"Ada"'));
      const reached = server.calls().length;
      await call();
      assert.equal(server.calls().length, reached, 'nothing reaches the API');
      const [head, body] = answer.split('\r\n\r\n').slice(-2);
      assert.ok(head.startsWith(`HTTP/1.1 ${status}\r\n`), head);
      assert.equal(head.includes('\r\nWWW-Authenticate: Bearer error="invalid_token"'), challenge);
      assert.match(head, /\r\nProxy-Status: oauthtap; error=http_request_denied; details="simulated expiry"/);
      assert.equal(JSON.parse(body).error, 'invalid_token');
      await send(server, proxy, refreshAt('/token'));
      assert.match(await curl(proxy, '-H', `Authorization: Bearer ${accessToken(2)}`, `${server.url}/me`), /"Ada"/);
      const { code, records } = await proxy.stop();
      await server.stop();
      assert.equal(code, 0);
      assert.deepEqual(proxy.findings(), []);
      assert.deepEqual([steps(records).refresh, steps(records)['api-after-refresh']], ['verified', 'verified']);
    });
  }

  test('an upload gets its answer, with and without Expect, and none of it reaches the API', async () => {
    const server = await serveHours({ '/upload': () => [200, { size: 'unknown' }] });
    const proxy = await startRecorded('--simulate-expiry', '1');
    const file = join(scratch, 'upload.bin');
    writeFileSync(file, Buffer.alloc(3 << 20, 7));
    await send(server, proxy, signIn);
    await until(401, () => send(server, proxy, bearer(1)));
    for (const expect of ['Expect: 100-continue', 'Expect:']) {
      const answer = await curl(proxy, '-H', `Authorization: Bearer ${accessToken(1)}`, '-H', 'Content-Type: application/octet-stream', '-H', expect, '--data-binary', `@${file}`, `${server.url}/upload`);
      assert.match(answer, /HTTP\/1\.1 401 Unauthorized\r\n/);
      assert.match(answer, /"error":"invalid_token"/);
    }
    assert.match(await curl(proxy, '-H', `Authorization: Bearer ${accessToken(1)}`, '-d', 'a=b', `${server.url}/upload`), /401 Unauthorized/);
    await proxy.stop();
    await server.stop();
    assert.ok(!server.seen.some((line) => line.includes('/upload')), server.seen.join('\n'));
  });
});

test('the token refreshed ages anew, and a connection is kept over it', async () => {
  const server = await serveHours();
  const proxy = await startRecorded('--simulate-expiry', '1');
  const socket = await openSocket(server.url, proxy);
  const sendOn = async (what) => {
    const answer = await send(server, proxy, { ...what, socket, keep: true });
    await sleep(20); // Node lets go of the socket a moment after the answer has ended
    return answer;
  };
  await sendOn(signIn);
  for (let n = 1; n <= 3; n++) {
    assert.equal((await sendOn(bearer(n))).status, 200);
    const refused = await until(401, () => sendOn(bearer(n)));
    assert.deepEqual(field(refused, 'www-authenticate'), ['Bearer error="invalid_token"']);
    await sendOn(refreshAt('/token'));
  }
  socket.destroy();
  const { records, code } = await proxy.stop();
  await server.stop();
  assert.equal(code, 0);
  assert.deepEqual(proxy.findings(), []);
  assert.equal(records.at(-1).simulated.expiries, 3);
  const { story } = records.at(-1).flows[0];
  assert.deepEqual(story.filter(({ simulated }) => simulated).map(({ event, status }) => [event, status]), Array(3).fill(['api', 401]));
});

test('calls that run beside each other all hear of the expiry, one refresh helps all, and nothing is found', async () => {
  const server = await serveHours();
  const proxy = await startRecorded('--simulate-expiry', '1');
  await send(server, proxy, signIn);
  const all = (n) => Promise.all(Array.from({ length: 6 }, () => send(server, proxy, bearer(n))));
  assert.ok((await all(1)).every(({ status }) => status === 200));
  await until(401, () => send(server, proxy, bearer(1)));
  assert.ok((await all(1)).every(({ status }) => status === 401));
  await send(server, proxy, refreshAt('/token'));
  assert.ok((await all(2)).every(({ status }) => status === 200));
  await proxy.stop();
  await server.stop();
  assert.deepEqual(proxy.findings(), []);
});

test('a worker that goes on with the old token after the refresh is found', async () => {
  const server = await serveHours();
  const proxy = await startRecorded('--simulate-expiry', '1');
  await send(server, proxy, signIn);
  await until(401, () => send(server, proxy, bearer(1)));
  await send(server, proxy, refreshAt('/token'));
  await until(200, () => send(server, proxy, bearer(2)));
  await sleep(2100); // in flight until then, for all that is known
  assert.equal((await send(server, proxy, { ...bearer(1), path: '/me?worker=2' })).status, 401);
  const { records } = await proxy.stop();
  await server.stop();
  assert.deepEqual(proxy.findings().map(({ severity, rule }) => `${severity} ${rule}`), ['error refresh/old-token-used-after-refresh']);
  assert.match(proxy.findings()[0].message, /as if that had expired \(--simulate-expiry\)/);
  assert.equal(steps(records)['api-after-refresh'], 'failed');
});

// ---- what is left alone ----

test('tokens of unknown issue, other hosts and token requests reach their server', async () => {
  const server = await serveHours();
  const proxy = await startRecorded('--simulate-expiry', '127.0.0.1=1');
  const there = { ...server, url: server.url.replace('localhost', '127.0.0.1') };
  await send(server, proxy, signIn);
  await until(401, () => send(there, proxy, bearer(1)));
  assert.equal((await send(server, proxy, bearer(1))).status, 200, 'the same token at another host');
  const unknown = await send(there, proxy, { path: '/me', headers: { Authorization: 'Bearer of-an-issue-that-nobody-saw-0123' } });
  assert.deepEqual(field(unknown, 'proxy-status'), [], 'refused by the server itself');
  assert.equal(server.seen.at(-1), 'GET /me Bearer of-an-issue-that-nobody-saw-0123');
  const asToken = { ...refreshAt('/token'), headers: { ...refreshAt('/token').headers, Authorization: `Bearer ${accessToken(1)}` } };
  assert.equal((await send(there, proxy, asToken)).status, 200, 'a refresh that carries the old token');
  await proxy.stop();
  await server.stop();
});

test('over plain HTTP, too', async () => {
  const server = await serveHours();
  let reached = 0;
  const api = http.createServer((request, response) => { reached++; response.end('ok'); });
  await new Promise((resolve) => api.listen(0, '127.0.0.1', resolve));
  const proxy = await startProxy('--simulate-expiry', '1');
  const call = () => exchange(`http://localhost:${api.address().port}/me`, { proxy, headers: { Authorization: `Bearer ${accessToken(1)}` } });
  await send(server, proxy, signIn);
  await until(401, call);
  const before = reached;
  await call();
  assert.equal(reached, before);
  await proxy.stop();
  api.closeAllConnections();
  await Promise.all([server.stop(), new Promise((resolve) => api.close(resolve))]);
});

test('everything else passes byte for byte', async () => {
  const origin = await Origin.start('https'), server = await serveHours();
  const proxy = await startProxy('--simulate-expiry', '1,drop-expires-in');
  await send(server, proxy, signIn);
  await until(401, () => send(server, proxy, bearer(1)));
  const old = { Authorization: `Bearer ${accessToken(1)}` }, strange = { Authorization: 'Bearer of-an-issue-that-nobody-saw-0123' };
  const urlencoded = { 'Content-Type': 'application/x-www-form-urlencoded' };
  const grant = `grant_type=refresh_token&x=${'y'.repeat(50000)}`;
  const requests = [['/fields', { headers: strange }], ['/coded?coding=gzip', { headers: strange }], ['/bytes?n=3000000', { headers: strange }],
    ['/sum', { method: 'POST', headers: { ...strange, ...urlencoded }, body: Buffer.from('a=b') }],
    ['/sum', { method: 'POST', headers: { ...old, ...urlencoded }, body: Buffer.from(grant) }],
    ['/sum', { method: 'POST', headers: { ...old, ...urlencoded }, body: [Buffer.from(grant.slice(0, 20)), Buffer.from(grant.slice(20))] }],
    ['/sum', { method: 'POST', headers: { ...old, 'Content-Type': 'application/json' }, body: Buffer.from('{"grant_type":"password"}') }]];
  for (const [path, options] of requests) {
    const direct = await exchange(origin.url + path, options);
    assert.deepEqual(await exchange(origin.url + path, { ...options, proxy }), direct, `${options.method ?? 'GET'} ${path}`);
  }
  await proxy.stop();
  await Promise.all([origin.stop(), server.stop()]);
});

// ---- token answers ----

test('token answers lose expires_in and nothing else', async () => {
  const body = '{ "token_type":"Bearer",\n "expires_in": 3600,"access_token":"access-token-number-1-0123456789abcdef" ,"refresh_token":"r-0123456789abcdef0123" }';
  const left = '{ "token_type":"Bearer",\n "access_token":"access-token-number-1-0123456789abcdef" ,"refresh_token":"r-0123456789abcdef0123" }';
  const server = await serve({
    '/token': () => [200, body, { 'Content-Type': 'application/json', 'X-Kept': 'yes', 'Content-Length': body.length }],
    '/gzip': () => [200, zlib.gzipSync(body), { 'Content-Type': 'application/json', 'Content-Encoding': 'gzip' }],
    '/none': () => [200, left, { 'Content-Type': 'application/json', ETag: '"x"' }],
    '/me': () => [200, body, { 'Content-Type': 'application/json' }],
  });
  const proxy = await startRecorded('--simulate-expiry', '60,drop-expires-in');
  const grant = (path) => form(path, { grant_type: 'authorization_code', code: `the-code-of-${path}-0123456789abcdef`, redirect_uri: 'https://localhost/cb' });
  const plain = await send(server, proxy, grant('/token')), coded = await send(server, proxy, grant('/gzip'));
  assert.equal(plain.text, left);
  assert.deepEqual([field(plain, 'x-kept'), field(plain, 'content-length'), field(plain, 'proxy-status')], [['yes'], [String(left.length)], ['oauthtap; details="expires_in was dropped"']]);
  assert.deepEqual([coded.text, field(coded, 'content-encoding')], [left, []]);
  assert.deepEqual(await send(server, proxy, grant('/none')), await send(server, undefined, grant('/none')), 'without expires_in: untouched');
  assert.equal((await send(server, proxy, bearer(1))).text, body, 'an API may say what it likes');
  const { records } = await proxy.stop();
  await server.stop();
  assert.equal(records.at(-1).simulated.dropped_expires_in, 2);
  assert.deepEqual(proxy.findings('error', 'warning'), []);
});

// ---- marks ----

test('the recording, the log, the terminal and check say what was simulated, and none holds the token', async () => {
  const server = await serveHours();
  const proxy = await startRecorded('--simulate-expiry', '1', '--verbose');
  assert.match(proxy.stdout, /^ {2}expiry +is simulated: calls whose access token is older than 1 second are answered with 401 by oauthtap$/m);
  await send(server, proxy, signIn);
  await until(401, () => send(server, proxy, bearer(1)));
  await sleep(2100);
  const { records } = await proxy.stop();
  await server.stop();
  assert.deepEqual(proxy.findings().map(({ rule, exchange: { simulated } }) => [rule, simulated]), [['refresh/never-attempted', 'expiry']]);
  const summary = records.at(-1);
  assert.equal(summary.verdict.refresh.exchange.simulated, 'expiry');
  assert.equal(summary.first_failure.exchange.simulated, 'expiry');
  assert.match(proxy.stdout, /^Simulated: 1 answer was made by oauthtap as if the access token had expired \(--simulate-expiry\), not\s+by the provider\./m);
  assert.match(proxy.stdout, /API 401 simulated at 1 s/);
  for (const [format, words] of [['junit', / answered 401 \(simulated\)/], ['markdown', /→ 401 \(simulated\)/], ['sarif', /"simulated":"expiry"/], ['mermaid', /401 simulated by oauthtap/], ['text', /^Simulated: 1 answer was made by oauthtap/m]])
    assert.match((await run(binary, ['report', '--format', format, proxy.findingsFile])).stdout, words, format);
  const recording = readFileSync(proxy.recording, 'utf8');
  const entry = JSON.parse(recording).log.entries.find(({ _oauthtap: own }) => own.simulated === 'expiry');
  assert.equal(entry.comment, 'oauthtap simulated this answer (--simulate-expiry)');
  for (const [what, text] of [...proxy.outputs(), ['recording', recording]]) assert.ok(!text.includes(accessToken(1)), `${what} holds the token`);
  assert.deepEqual((await proxy.check()).at(-1).simulated, { expiries: 1, dropped_expires_in: 0 });
});

// ---- the document ----

describe('docs/simulate-expiry.md', () => {
  const text = readFileSync(here('../../docs/simulate-expiry.md'), 'utf8');
  const commands = [...text.matchAll(/```sh\n([^`]*)```/g)].flatMap(([, block]) => block.split('\n')).filter(Boolean);

  test('its commands simulate what they say', async () => {
    assert.equal(commands.length, 4);
    for (const command of commands) {
      const [program, name, ...words] = command.split(' '), options = words.includes('--') ? words.slice(0, words.indexOf('--')) : words;
      assert.deepEqual([program, options[0]], ['oauthtap', '--simulate-expiry']);
      if (name === 'run') {
        assert.match((await finish(options, ['true'])).stderr, /^oauthtap: expiry is simulated: /);
        continue;
      }
      const proxy = await startProxy(...options);
      await proxy.stop();
      assert.match(proxy.stdout, /expiry +is simulated: calls whose access token is older than (30|60) seconds are answered with 401/);
    }
  });

  test('its answer is the one that is given', async () => {
    const server = await serveHours();
    const proxy = await startProxy('--simulate-expiry', '1');
    await send(server, proxy, signIn);
    const { status, reason, fields, text: body } = await until(401, () => send(server, proxy, bearer(1)));
    await proxy.stop();
    await server.stop();
    const head = fields.filter(([name]) => name !== 'Content-Length').map((field) => field.join(': '));
    assert.ok(text.includes(`HTTP/1.1 ${status} ${reason}\n${head.join('\n')}\n\n${body}`), [head, body].join('\n'));
  });
});
