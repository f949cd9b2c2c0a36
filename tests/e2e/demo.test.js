// demo.test.js - what a newcomer sees: each scenario of `oauthtap demo` and what is said about it, and `--serve` with curl.
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync } from 'node:fs';
import net from 'node:net';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { binary, within } from './lib/proxy.js';
import { scratch } from './lib/scratch.js';

const run = promisify(execFile);
const running = new Set();
after(() => running.forEach((child) => child.kill('SIGKILL'))); // a test that failed leaves its demo running

const environment = () => {
  const { https_proxy, HTTPS_PROXY, all_proxy, ALL_PROXY, CURL_CA_BUNDLE, ...rest } = process.env;
  return { ...rest, TMPDIR: mkdtempSync(join(scratch, 'demo-')) };
};

// The demo as a child: what it wrote so far, when it wrote something, and how it ended.
class Demo {
  stdout = '';
  stderr = '';
  #waiting = new Set();

  constructor(...args) {
    this.env = environment();
    this.child = spawn(binary, ['demo', ...args], { cwd: this.env.TMPDIR, env: this.env, stdio: ['ignore', 'pipe', 'pipe'] });
    running.add(this.child);
    for (const name of ['stdout', 'stderr']) {
      this.child[name].setEncoding('utf8').on('data', (text) => {
        this[name] += text;
        this.#waiting.forEach((look) => look());
      });
    }
    this.ended = new Promise((resolve, reject) => {
      this.child.on('error', reject);
      this.child.on('close', (code, signal) => {
        running.delete(this.child);
        resolve({ code, signal });
      });
    });
  }

  async says(pattern) {
    const said = new Promise((resolve, reject) => {
      const look = () => {
        const found = pattern.exec(this.stdout);
        if (!found) return;
        this.#waiting.delete(look);
        resolve(found);
      };
      this.#waiting.add(look);
      look();
      this.ended.then(({ code }) => reject(new Error(`the demo ended (${code}) and did not say ${pattern}: ${this.stderr}${this.stdout}`)));
    });
    return within(20000, `the demo to say ${pattern}`, said);
  }

  end(milliseconds = 20000) {
    return within(milliseconds, 'the demo to end', this.ended);
  }

  get leftBehind() {
    return readdirSync(this.env.TMPDIR);
  }
}

const steps = ['token', 'api', 'refresh', 'api-after-refresh'];
const ruleIds = (text) => [...text.matchAll(/(?<![\w./:-])(?:token|authorize|api|refresh|connector|transport|jwt|discovery|client)\/[a-z][a-z0-9-]+(?![\w/])/g)].map(([id]) => id);

// {title, findings, steps} of each scenario, as printed.
function scenariosOf(stdout) {
  const parts = stdout.split(/^\d of \d {2}/m).slice(1);
  return parts.map((part) => {
    const verdicts = [...part.matchAll(/[·✓✗] (not seen|verified|failed)/g)].map(([, word]) => word);
    return { title: part.split('\n')[0], findings: ruleIds(part), steps: Object.fromEntries(verdicts.map((verdict, i) => [steps[i] ?? i, verdict])), text: part };
  });
}

const expected = [
  { title: 'All is well', findings: [], steps: { token: 'verified', api: 'verified', refresh: 'verified', 'api-after-refresh': 'verified' } },
  { title: 'The provider gives no refresh token', findings: ['token/missing-refresh-token'], steps: { token: 'failed', api: 'verified', refresh: 'not seen', 'api-after-refresh': 'not seen' } },
  { title: 'The client forgets the word Bearer', findings: ['api/missing-bearer-prefix'], steps: { token: 'verified', api: 'failed', refresh: 'not seen', 'api-after-refresh': 'not seen' } },
  { title: 'The client refreshes at another URL', findings: ['refresh/url-differs-from-token-url'], steps: { token: 'verified', api: 'verified', refresh: 'failed', 'api-after-refresh': 'not seen' } },
  { title: 'The provider refuses a token before its time', findings: ['api/rejected-before-expiry'], steps: { token: 'verified', api: 'failed', refresh: 'not seen', 'api-after-refresh': 'not seen' } },
];

describe('oauthtap demo', { concurrency: true }, () => {
  test('ends by itself within 20 seconds; each fault has its one finding, and the healthy walk none', async () => {
    const demo = new Demo();
    assert.deepEqual(await demo.end(20000), { code: 0, signal: null }, demo.stderr);
    assert.equal(demo.stderr, '');
    const scenarios = scenariosOf(demo.stdout);
    assert.deepEqual(scenarios.map(({ text, ...seen }) => seen), expected);
    assert.match(scenarios[0].text, /3 s pass[^]*3 The token is refreshed[^]*4 The API is called +GET \/contacts +200/);
    assert.match(scenarios[1].text, /WARNING/);
    assert.match(scenarios[4].text, /2 The API is called +GET \/contacts +200[^]*called again +GET \/contacts +401/);
    assert.deepEqual(demo.leftBehind, []);
  });

  test('is readable in 80 columns, has no escape codes in a file, and shows no secret', async () => {
    const demo = new Demo();
    assert.equal((await demo.end()).code, 0, demo.stderr);
    assert.deepEqual(demo.stdout.split('\n').filter((line) => [...line].length > 80), []);
    assert.doesNotMatch(demo.stdout, /[\x00-\x09\x0b-\x1f\x7f\x80-\x9f]/);
    assert.doesNotMatch(demo.stdout, /demo-(access|refresh|code|verifier|client-secret)|[0-9a-f]{32}/);
    assert.equal(demo.stdout.includes(Buffer.from('demo-client:demo-client-secret').toString('base64')), false);
  });

  test('ends at once when interrupted, and leaves nothing behind', async () => {
    const demo = new Demo();
    await demo.says(/3 s pass/);
    demo.child.kill('SIGINT');
    assert.deepEqual(await demo.end(), { code: 130, signal: null });
    assert.doesNotMatch(demo.stdout, /2 of 5/);
    assert.deepEqual(demo.leftBehind, []);
  });

  test('explains itself and refuses what it does not know', async () => {
    assert.match((await run(binary, ['demo', '--help'])).stdout, /--serve[^]*--listen HOST:PORT/);
    for (const [words, reason] of [[['--sreve'], /--sreve/], [['--listen', '127.0.0.1:0'], /--serve/], [['--serve', '--listen', '0.0.0.0:0'], /this machine only/], [['--serve', '--listen'], /HOST:PORT/], [['--serve', '--listen', '127.0.0.1'], /HOST:PORT/]]) {
      await assert.rejects(run(binary, ['demo', ...words]), ({ code, stdout, stderr }) => code === 2 && stdout === '' && /^oauthtap: .*\n$/.test(stderr) && reason.test(stderr), words.join(' '));
    }
  });
});

describe('oauthtap demo --serve', { concurrency: true }, () => {
  async function serve() {
    const demo = new Demo('--serve', '--listen', '127.0.0.1:0');
    await demo.says(/at Ctrl-C\.\n/);
    const value = (name) => new RegExp(`^ *${name} {2,}(\\S.*)$`, 'm').exec(demo.stdout)?.[1];
    const settings = { proxy: value('Proxy Server'), ca: value('CA certificates'), authUrl: value('Auth URL'), tokenUrl: value('Access Token URL'), id: value('Client ID'), secret: value('Client Secret'),
      scope: value('Scope'), callback: value('Callback URL'), api: value('GET'), prefix: value('Header Prefix') };
    for (const [name, found] of Object.entries(settings)) assert.ok(found, `${name} is shown`);
    const curl = async (...args) => (await run('curl', ['-sS', '--max-time', '20', '--noproxy', '', '--proxy', `http://${settings.proxy}`, '--cacert', settings.ca, ...args], { env: demo.env })).stdout;
    return { demo, settings, curl };
  }

  async function signIn({ settings, curl }) {
    const data = { response_type: 'code', client_id: settings.id, scope: settings.scope, state: 'any', redirect_uri: settings.callback };
    const back = new URL(await curl('-G', '-w', '%{redirect_url}', ...Object.entries(data).flatMap((pair) => ['--data-urlencode', pair.join('=')]), settings.authUrl));
    assert.equal(back.origin + back.pathname, settings.callback);
    assert.equal(back.searchParams.get('state'), 'any');
    return back.searchParams.get('code');
  }

  const askToken = async ({ settings, curl }, fields) => JSON.parse(await curl('-u', `${settings.id}:${settings.secret}`, ...Object.entries(fields).flatMap((pair) => ['--data-urlencode', pair.join('=')]), settings.tokenUrl));
  const callApi = async ({ settings, curl }, credentials) => curl('-o', '/dev/null', '-w', '%{http_code}', '-H', `Authorization: ${credentials}`, settings.api);

  test('serves the whole walk with what it shows for Postman, and shows what it sees as it comes', async () => {
    const served = await serve();
    const { demo, settings, curl } = served;
    const code = await signIn(served);
    const grant = { grant_type: 'authorization_code', code, redirect_uri: settings.callback };
    const first = await askToken(served, grant);
    assert.equal(first.expires_in, 60);
    assert.equal(await callApi(served, `${settings.prefix} ${first.access_token}`), '200');
    const second = await askToken(served, { grant_type: 'refresh_token', refresh_token: first.refresh_token });
    assert.notEqual(second.access_token, first.access_token);
    assert.equal(await callApi(served, `${settings.prefix} ${second.access_token}`), '200');
    await demo.says(/✓ api-after-refresh/);
    assert.deepEqual(ruleIds(demo.stdout).filter((rule) => rule !== 'authorize/missing-pkce'), []); // the person's curl sends no challenge
    assert.equal(await callApi(served, second.access_token), '401');
    // A failure waits for its recovery; a secret in a URL is told at once.
    await curl('-o', '/dev/null', `${settings.tokenUrl}?client_secret=in-the-url-0123456789abcdef&grant_type=authorization_code&code=none`, '-d', '');
    await demo.says(/token\/secret-in-url/);
    demo.child.kill('SIGINT');
    assert.deepEqual(await demo.end(), { code: 0, signal: null });
    assert.equal(demo.stderr, '');
    assert.match(demo.stdout, /^Verdict: [^]*^  Traffic +\d+ exchanges/m);
    assert.deepEqual([...new Set(ruleIds(demo.stdout))].filter((id) => !/^(token|authorize)\//.test(id)), ['api/missing-bearer-prefix']);
    for (const secret of [code, first.access_token, first.refresh_token, second.access_token, second.refresh_token]) assert.equal(demo.stdout.includes(secret), false);
    assert.doesNotMatch(demo.stdout, /\x1b/);
    assert.deepEqual(demo.leftBehind, []);
  });

  test('has commands for curl that work as they are', async () => {
    const { demo } = await serve();
    const [commands] = /^ {2}export [^]*?Bearer \$token"$/m.exec(demo.stdout);
    const { stdout } = await run('sh', ['-c', commands], { env: demo.env });
    assert.ok(JSON.parse(stdout).contacts.length > 0);
    await demo.says(/✓ api:/);
    demo.child.kill('SIGTERM');
    assert.equal((await demo.end()).code, 0);
    assert.match(demo.stdout, / 3 exchanges|^3 exchanges: 0 errors, 0 warnings/m);
  });

  for (const [first, second] of [['SIGINT', 'SIGINT'], ['SIGTERM', 'SIGHUP']]) {
    test(`${second} after ${first} ends at once, and leaves nothing behind`, async () => {
      const { demo } = await serve();
      const proxyPort = Number(/^ {4}Proxy Server +127\.0\.0\.1:(\d+)$/m.exec(demo.stdout)[1]);
      const origin = net.createServer((socket) => socket.on('error', () => {})).listen(0, '127.0.0.1');
      await once(origin, 'listening');
      const client = net.connect(proxyPort, '127.0.0.1').on('error', () => {});
      client.write(`GET http://127.0.0.1:${origin.address().port}/never HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`);
      const [waiting] = await once(origin, 'connection');
      const from = Date.now();
      demo.child.kill(first);
      while (await new Promise((resolve) => { net.connect(proxyPort, '127.0.0.1').on('connect', function close() { this.destroy(); resolve(true); }).on('error', () => resolve(false)); }));
      demo.child.kill(second);
      assert.deepEqual(await demo.end(), { code: 0, signal: null });
      assert.ok(Date.now() - from < 4500, 'it did not wait for the five seconds');
      assert.deepEqual(demo.leftBehind, []);
      waiting.destroy();
      origin.close();
    });
  }

  test('its provider refuses what a real one refuses', async () => {
    const served = await serve();
    const { settings, curl, demo } = served;
    const grant = async () => ({ grant_type: 'authorization_code', code: await signIn(served), redirect_uri: settings.callback });
    const used = await grant();
    const tokens = await askToken(served, used);
    assert.equal((await askToken(served, used)).error, 'invalid_grant');
    assert.equal((await askToken(served, { ...await grant(), redirect_uri: 'http://127.0.0.1/callback' })).error, 'invalid_grant');
    assert.equal((await askToken({ ...served, settings: { ...settings, secret: 'wrong' } }, await grant())).error, 'invalid_client');
    assert.equal((await askToken(served, { grant_type: 'password' })).error, 'unsupported_grant_type');
    const refresh = { grant_type: 'refresh_token', refresh_token: tokens.refresh_token };
    assert.ok((await askToken(served, refresh)).access_token);
    assert.equal((await askToken(served, refresh)).error, 'invalid_grant');
    assert.equal(await callApi(served, `Bearer ${tokens.access_token}`), '401');
    const elsewhere = { response_type: 'code', client_id: settings.id, redirect_uri: 'https://elsewhere.test/' };
    assert.equal(JSON.parse(await curl('-G', ...Object.entries(elsewhere).flatMap((pair) => ['-d', pair.join('=')]), settings.authUrl)).error, 'invalid_request');
    demo.child.kill('SIGINT');
    assert.equal((await demo.end()).code, 0);
  });

  test('says so when its port is taken', async () => {
    const holder = net.createServer();
    await new Promise((resolve) => holder.listen(0, '127.0.0.1', resolve));
    const { port } = holder.address();
    try {
      const demo = new Demo('--serve', '--listen', `127.0.0.1:${port}`);
      assert.deepEqual(await demo.end(), { code: 3, signal: null });
      assert.equal(demo.stdout, '');
      assert.match(demo.stderr, new RegExp(`^oauthtap: .*127\\.0\\.0\\.1:${port}.*address already in use.*--listen.*\\n$`));
      assert.deepEqual(demo.leftBehind, []);
    } finally {
      holder.close();
    }
  });
});
