// oauth.test.js - real clients through the proxy against a real authorization server: nothing to complain about when all is well, and exactly the
// expected rules when it is not.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { exchange } from './lib/client.js';
import { client, startProvider, startScripted } from './lib/provider.js';
import { startRecorded } from './lib/proxy.js';
import { originCaFile, scratch } from './lib/scratch.js';

const run = promisify(execFile);
const here = (name) => fileURLToPath(new URL(name, import.meta.url));

describe('a healthy connection', () => {
  let provider;
  before(async () => { provider = await startProvider(); });
  after(() => provider.stop());

  const settings = () => ({ ISSUER: provider.issuer, AUTHORIZATION_URL: provider.authorizationUrl, TOKEN_URL: provider.tokenUrl, API_URL: provider.apiUrl,
    REDIRECT_URI: provider.redirectUri, CLIENT_ID: client.id, CLIENT_SECRET: client.secret, SCOPE: provider.scope });

  function environment(proxy) {
    const { HTTP_PROXY, http_proxy, https_proxy, HTTPS_PROXY, ALL_PROXY, all_proxy, NO_PROXY, no_proxy, ...rest } = process.env;
    const ca = proxy ? proxy.caFile : originCaFile;
    return { ...rest, ...settings(), NODE_EXTRA_CA_CERTS: ca, REQUESTS_CA_BUNDLE: ca, CURL_CA_BUNDLE: ca, OAUTHLIB_RELAX_TOKEN_SCOPE: '1',
      ...(proxy ? { HTTPS_PROXY: proxy.url, https_proxy: proxy.url } : {}) };
  }

  function newmanArguments() {
    const file = join(scratch, 'environment.json');
    const values = Object.entries(settings()).map(([key, value]) => ({ key: key.toLowerCase(), value, enabled: true }));
    writeFileSync(file, JSON.stringify({ name: 'settings', values }));
    return [here('node_modules/newman/bin/newman.js'), 'run', here('clients/newman.json'), '-e', file, '--reporters', 'cli', '--color', 'off', '--timeout-request', '20000'];
  }

  // What newman found, without the times and sizes that differ from run to run.
  const newmanResult = (stdout) => stdout.split('\n').filter((line) => /^(→|\s+(GET|POST)|\s+✓|\s+\d+\.)/.test(line) || /assertions/.test(line)).map((line) => line.replace(/[?][^ ]*/, '').replace(/, [\d.]+k?B, [\d.]+m?s/, '').replace(/ *│ */g, '|')).join('\n');

  const clients = {
    curl: { command: () => ['bash', [here('clients/curl.sh')]], result: (stdout) => stdout },
    newman: { command: () => [process.execPath, newmanArguments()], result: newmanResult },
    'openid-client': { command: () => [process.execPath, [here('clients/openid-client.js')]], result: JSON.parse },
    'requests-oauthlib': { command: () => ['/usr/bin/python3', [here('clients/requests_oauthlib_client.py')]], result: JSON.parse },
  };

  // The client without the proxy, then with it. A failure is only told: the provider knows whether the machine was too slow for its tokens.
  async function walk([program, args]) {
    const proxy = await startRecorded();
    const walked = { proxy };
    try {
      walked.direct = await run(program, args, { env: environment() });
      walked.proxied = await run(program, args, { env: environment(proxy) });
    } catch (error) {
      walked.error = error;
    }
    return Object.assign(walked, await proxy.stop());
  }

  for (const [name, { command, result }] of Object.entries(clients)) {
    test(`${name} gets the same results through the proxy, and nothing is found`, async () => {
      let { error, direct, proxied, proxy, records, code } = await walk(command());
      for (let again = 0; provider.takeLateCalls() > 0 && again < 3; again++) ({ error, direct, proxied, proxy, records, code } = await walk(command()));
      assert.ifError(error);
      assert.deepEqual(result(proxied.stdout), result(direct.stdout));
      assert.notEqual(JSON.stringify(result(direct.stdout)).length, 2);
      assert.deepEqual(proxy.findings('error', 'warning'), []);
      assert.equal(code, 0);
      const verified = new Set(records.filter(({ type, status }) => type === 'step' && status === 'verified').map(({ step }) => step));
      for (const step of ['token', 'api', 'refresh', 'api-after-refresh']) assert.ok(verified.has(step), `step ${step} is verified`);
    });
  }
});

describe('a faulty connection', () => {
  const ok = (body) => () => [200, body];
  const tokens = (n, more = {}) => ({ access_token: `access-token-number-${n}-0123456789abcdef`, token_type: 'Bearer', expires_in: 3600, ...more });
  const refreshToken = 'refresh-token-0123456789abcdef0123456789';
  const bearerOnly = ({ headers }) => (/^Bearer access-token/.test(headers.authorization ?? '') ? [200, { name: 'Ada' }] : [401, { error: 'invalid_token' }, { 'WWW-Authenticate': 'Bearer' }]);

  // What a client sends, in order; each an exchange with the scripted provider.
  const form = (fields) => ({ method: 'POST', headers: { 'Content-Type': 'application/x-www-form-urlencoded', Authorization: `Basic ${Buffer.from(`${client.id}:${client.secret}`).toString('base64')}` },
    body: Buffer.from(new URLSearchParams(fields).toString()) });
  const codeGrant = { path: '/token', ...form({ grant_type: 'authorization_code', code: 'the-code-0123456789abcdef', redirect_uri: 'https://localhost/cb' }) };
  const refreshAt = (path) => ({ path, ...form({ grant_type: 'refresh_token', refresh_token: refreshToken }) });
  const api = (authorization) => ({ path: '/me', headers: { Authorization: authorization } });
  const bearer = api(`Bearer ${tokens(1).access_token}`);

  const refusesTheSecondTime = () => {
    let calls = 0;
    return () => (++calls > 1 ? [401, { error: 'invalid_token' }, { 'WWW-Authenticate': 'Bearer error="invalid_token"' }] : [200, { name: 'Ada' }]);
  };

  const faults = {
    'no refresh token': { provider: { '/token': ok(tokens(1)), '/me': bearerOnly }, client: [codeGrant, bearer], rules: ['token/missing-refresh-token'], code: 0 },
    'the word Bearer is missing': { provider: { '/token': ok(tokens(1, { refresh_token: refreshToken })), '/me': bearerOnly }, client: [codeGrant, api(tokens(1).access_token)],
      rules: ['api/missing-bearer-prefix'], code: 1 },
    'the refresh goes to another URL, where there is nothing': { provider: { '/token': ok(tokens(1, { refresh_token: refreshToken })), '/me': bearerOnly },
      client: [codeGrant, bearer, refreshAt('/refresh')], rules: ['refresh/url-differs-from-token-url'], code: 1 },
    'a token is refused long before it expires': { provider: { '/token': ok(tokens(1, { refresh_token: refreshToken })), '/me': refusesTheSecondTime() },
      client: [codeGrant, bearer, bearer], rules: ['api/rejected-before-expiry'], code: 1 },
    'no fault': { provider: { '/token': ok(tokens(1, { refresh_token: refreshToken })), '/me': bearerOnly }, client: [codeGrant, bearer], rules: [], code: 0 },
  };

  for (const [name, fault] of Object.entries(faults)) {
    test(`${name}: ${fault.rules.join(', ') || 'nothing'} and nothing else`, async () => {
      const provider = await startScripted(fault.provider);
      const proxy = await startRecorded();
      for (const { path, ...options } of fault.client) await exchange(provider.url + path, { ...options, proxy });
      const { code } = await proxy.stop();
      await provider.stop();
      assert.deepEqual(proxy.findings('error', 'warning').map(({ rule }) => rule), fault.rules);
      for (const finding of proxy.findings()) assert.ok(finding.message && finding.remedy && finding.title, 'a finding says what and what to do');
      assert.equal(code, fault.code);
    });
  }
});
