// guide.test.js - Microsoft's "Troubleshoot OAuth configuration", sentence by sentence: what the guide asks its reader to look for is what oauthtap finds, with
// curl through the proxy. The walk that has no fault verifies every step and finds nothing.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { startRecorded } from './lib/proxy.js';
import { accessToken, always, bearer, bearerOnly, call, client, form, found, healthy, inTurn, pause, refreshAt, refreshToken, refusal, secretFile, serve, signIn, tokens, without } from './lib/scenario.js';

const run = promisify(execFile);
const second = 'refresh-token-number-2-0123456789abcdef01234567';
const invalidGrant = [400, { error: 'invalid_grant', error_description: 'the refresh token is invalid' }];
const seconds = (n) => [200, tokens(1, { expires_in: n })];
const api = (accepted) => ({ headers }) => (accepted.some((n) => headers.authorization === `Bearer ${accessToken(n)}`) ? [200, { name: 'Ada' }] : refusal);
const refreshWith = (token, more = {}) => form('/token', { grant_type: 'refresh_token', refresh_token: token, ...more });

// Accepts each token for so long after it was first seen.
function livesFor(milliseconds) {
  const seen = new Map();
  return ({ headers }) => {
    const token = headers.authorization ?? '';
    if (!seen.has(token)) seen.set(token, Date.now());
    return Date.now() - seen.get(token) < milliseconds ? [200, { name: 'Ada' }] : refusal;
  };
}

// sentence of the guide → what goes wrong → rule. `found` is all that is found, or `among` what must be among it.
const guide = {
  'a connection fails after X time, X consistent': {
    'tokens die long before the hour that was announced': { server: { ...healthy, '/me': inTurn([200, {}], refusal) }, client: [signIn, bearer(1), bearer(1)], found: ['error api/rejected-before-expiry'] },
    'every token dies at the same age': { server: { '/token': inTurn([200, tokens(1)], [200, tokens(2)], [200, tokens(3)]), '/me': livesFor(2500) },
      client: [1, 2].flatMap((n) => [n === 1 ? signIn : refreshAt('/token'), bearer(n), pause(2000), bearer(n), pause(1300), bearer(n)]), among: ['api/consistent-expiry'] },
    'an expired token is used and refused, though there is a refresh token': { server: { '/token': always(...seconds(1)), '/me': always(...refusal) }, client: [signIn, pause(1500), bearer(1)], among: ['api/expired-token-used'] },
    'it is never refreshed': { server: { '/token': always(...seconds(1)), '/me': livesFor(900) }, client: [signIn, bearer(1), pause(1500), bearer(1), pause(10500)], among: ['refresh/never-attempted'] },
  },
  '401 is returned': {
    'to a token that is known and unexpired': { server: { ...healthy, '/me': always(...refusal) }, client: [signIn, bearer(1)], found: ['error api/unauthorized'] },
  },
  'the client id and secret are those of the connector': {
    'another client id': { server: healthy, client: [signIn], options: (url) => ['--client-id', 'another-client', '--token-url', `${url}/token`], found: ['error connector/client-id-differs'] },
    'another client secret': { server: healthy, client: [signIn], options: (url) => ['--client-id', client.id, '--client-secret-file', secretFile('not-the-secret'), '--token-url', `${url}/token`],
      found: ['error connector/client-secret-differs'] },
  },
  'the endpoint returns an access token': {
    'it does not': { server: { '/token': always(200, { token_type: 'Bearer' }) }, client: [signIn], found: ['error token/missing-access-token'] },
    'under another name': { server: { '/token': always(200, { accessToken: accessToken(1), token_type: 'Bearer', expires_in: 3600 }) }, client: [signIn], among: ['token/misnamed-field'] },
    'an error instead': { server: { '/token': always(400, { error: 'invalid_client' }) }, client: [signIn], among: ['token/error-response'] },
  },
  'a refresh token is returned; if not, the access token must not expire': {
    'it expires': { server: { '/token': always(200, without(tokens(1), 'refresh_token')) }, client: [signIn], found: ['warning token/missing-refresh-token'] },
    'nothing says whether it expires': { server: { '/token': always(200, without(tokens(1), 'refresh_token', 'expires_in')) }, client: [signIn], found: ['info token/expiry-unknown'] },
  },
  "the token is inside the Authorization header prefixed by 'bearer'": {
    'no Authorization header': { server: healthy, client: [signIn, bearer(1), call()], found: ['error api/missing-authorization'] },
    'no prefix': { server: healthy, client: [signIn, call(accessToken(1))], found: ['error api/missing-bearer-prefix'] },
    'another prefix': { server: healthy, client: [signIn, call(`Token ${accessToken(1)}`)], found: ['error api/wrong-scheme'] },
    'in the query': { server: { ...healthy, '/me': always(200, {}) }, client: [signIn, call(undefined, `/me?access_token=${accessToken(1)}`)], found: ['warning api/token-in-query'] },
  },
  'the response is successful': {
    'a scope is missing': { server: { ...healthy, '/me': always(403, { error: 'insufficient_scope' }, { 'WWW-Authenticate': 'Bearer error="insufficient_scope", scope="contacts.write"' }) }, client: [signIn, bearer(1)],
      found: ['error api/insufficient-scope'] },
    'no call succeeds': { server: { ...healthy, '/me': always(404, { message: 'no such thing' }) }, client: [signIn, bearer(1), bearer(1)], among: ['api/failed'] },
    '200 with an error inside': { server: { ...healthy, '/me': always(200, { ok: false, error: 'token_expired' }) }, client: [signIn, bearer(1)], among: ['api/error-with-200'] },
  },
  'call the refresh URL with the refresh token (or the access token if there is none)': {
    'it is refused': { server: { '/token': inTurn([200, tokens(1)], invalidGrant) }, client: [signIn, refreshAt('/token')], found: ['error refresh/rejected'] },
    'with another grant type': { server: { '/token': inTurn([200, tokens(1)], [400, { error: 'unsupported_grant_type' }]) },
      client: [signIn, form('/token', { grant_type: 'refresh', refresh_token: refreshToken })], among: ['refresh/wrong-grant-type'] },
    'with the access token': { server: { '/token': inTurn([200, tokens(1)], invalidGrant) }, client: [signIn, refreshWith(accessToken(1))], among: ['refresh/access-token-as-refresh-token'] },
  },
  'a new access token is returned': {
    'none is': { server: { '/token': inTurn([200, tokens(1)], [200, { token_type: 'Bearer' }]) }, client: [signIn, refreshAt('/token')], found: ['error refresh/missing-access-token'] },
    'the old one is, and is refused': { server: { '/token': always(200, tokens(1)), '/me': inTurn([200, {}], refusal) }, client: [signIn, bearer(1), refreshAt('/token'), bearer(1)], among: ['refresh/same-access-token'] },
  },
  'if the refresh token expires, a new refresh token is returned': {
    'its life was announced, and no new one came': { server: { '/token': inTurn([200, tokens(1, { refresh_token_expires_in: 86400 })], [200, without(tokens(2), 'refresh_token')]) }, client: [signIn, refreshAt('/token')],
      among: ['refresh/missing-rotated-token'] },
    'it came, and the old one is used again': { server: { '/token': inTurn([200, tokens(1)], [200, tokens(2, { refresh_token: second })], invalidGrant) }, client: [signIn, refreshAt('/token'), pause(100), refreshAt('/token')],
      among: ['refresh/rotated-token-reused'] },
    'it has expired': { server: { '/token': inTurn([200, tokens(1, { refresh_token_expires_in: 1 })], invalidGrant) }, client: [signIn, pause(2500), refreshAt('/token')], among: ['refresh/refresh-token-expired'] },
  },
  'call the API with the new access token': {
    'the old one is used': { server: { '/token': inTurn([200, tokens(1)], [200, tokens(2)]), '/me': api([2]) }, client: [signIn, refreshAt('/token'), pause(2200), bearer(1)], found: ['error refresh/old-token-used-after-refresh'] },
  },
  'the token URL is the same': {
    'it is not': { server: healthy, client: [signIn], options: (url) => ['--client-id', client.id, '--token-url', `${url}/elsewhere`], found: ['error connector/token-url-differs'] },
  },
  'the refresh URL is the same, or the token URL where it is not used': {
    'it is not the connector\'s': { server: { '/token': inTurn([200, tokens(1)], [200, tokens(2)]), '/me': bearerOnly }, client: [signIn, refreshAt('/token')],
      options: (url) => ['--client-id', client.id, '--token-url', `${url}/token`, '--refresh-url', `${url}/elsewhere`], found: ['error connector/refresh-url-differs'] },
    'it is not the token URL, and there is nothing': { server: healthy, client: [signIn, refreshAt('/refresh')], found: ['error refresh/url-differs-from-token-url'] },
  },
  'all is well': {
    'nothing is found, and all steps are verified': { server: { '/token': inTurn([200, tokens(1)], [200, tokens(2)]), '/me': bearerOnly }, client: [signIn, bearer(1), refreshAt('/token'), bearer(2)],
      options: (url) => ['--client-id', client.id, '--client-secret-file', secretFile(client.secret), '--token-url', `${url}/token`, '--refresh-url', `${url}/token`], found: [],
      steps: ['token', 'api', 'refresh', 'api-after-refresh', 'connector'] },
  },
};

async function curl(url, { path, method = 'GET', headers = {}, body }, proxy) {
  const { HTTP_PROXY, http_proxy, HTTPS_PROXY, https_proxy, ALL_PROXY, all_proxy, NO_PROXY, no_proxy, ...env } = process.env;
  const args = ['-sS', '-o', '/dev/null', '--max-time', '20', '-x', proxy.url, '--cacert', proxy.caFile, '-X', method, ...Object.entries(headers).flatMap(([name, value]) => ['-H', `${name}: ${value}`])];
  await run('curl', [...args, ...(body ? ['--data-binary', body.toString()] : []), url + path], { env });
}

for (const [sentence, faults] of Object.entries(guide)) {
  describe(sentence, { concurrency: 2 }, () => {
    for (const [fault, scenario] of Object.entries(faults)) {
      test(`${fault}: ${(scenario.among ?? scenario.found).join(', ') || 'nothing'}`, async () => {
        const server = await serve(scenario.server);
        const proxy = await startRecorded(...(scenario.options?.(server.url) ?? []));
        try {
          for (const step of scenario.client) await (step.pause ? sleep(step.pause) : curl(server.url, step, proxy));
        } finally {
          await server.stop();
        }
        const { records } = await proxy.stop();
        if (scenario.found) assert.deepEqual(found(proxy), scenario.found);
        for (const rule of scenario.among ?? []) assert.ok(found(proxy).some((text) => text.endsWith(` ${rule}`)), `${rule} is among ${found(proxy).join(', ') || 'nothing'}`);
        for (const step of scenario.steps ?? []) assert.equal(records.at(-1).steps[step], 'verified', `step ${step}`);
      });
    }
  });
}
