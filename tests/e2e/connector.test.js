// connector.test.js - files that say what the connector should be, against what newman does: step 5 of the verdict.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { startRecorded } from './lib/proxy.js';
import { bearerOnly, client, refreshToken, secretFile, serve, tokens } from './lib/scenario.js';
import { scratch } from './lib/scratch.js';

const run = promisify(execFile);
const redirectUri = 'https://global.consent.azure-apim.net/redirect';
const newman = fileURLToPath(new URL('node_modules/newman/bin/newman.js', import.meta.url));

let files = 0;
function put(content, name = 'apiProperties.json') {
  const path = join(scratch, `${++files}-${name}`);
  writeFileSync(path, JSON.stringify(content));
  return path;
}

// A request of newman's, as a collection has it.
const formRequest = (name, url, fields) => ({ name, request: { method: 'POST', url,
  body: { mode: 'urlencoded', urlencoded: Object.entries(fields).map(([key, value]) => ({ key, value })) } } });
const apiRequest = (name, url, token) => ({ name, request: { method: 'GET', url, header: [{ key: 'Authorization', value: `Bearer ${token}` }] } });

describe('a connector file and newman', () => {
  let server, n = 0;
  before(async () => {
    const answer = ({ body }) => (body.includes('grant_type=') ? [200, tokens(++n)] : [400, { error: 'invalid_request' }]);
    server = await serve({ '/token': answer, '/v2/token': answer, '/refresh': answer, '/me': bearerOnly });
  });
  after(() => server.stop());

  // What a person tests by hand: the code becomes a token, an API call, a refresh, an API call.
  async function walk(proxy, { id = client.id, secret = client.secret, token = '/token', refresh = '/refresh', refreshes = true } = {}) {
    const first = n + 1, credentials = { client_id: id, client_secret: secret }, call = (name, count) => apiRequest(name, `${server.url}/me`, tokens(count).access_token);
    const item = [
      formRequest('token', server.url + token, { grant_type: 'authorization_code', code: 'the-code-0123456789abcdef', redirect_uri: redirectUri, ...credentials }),
      call('api', first),
      ...(refreshes ? [formRequest('refresh', server.url + refresh, { grant_type: 'refresh_token', refresh_token: refreshToken, ...credentials }), call('api again', first + 1)] : []),
    ];
    const collection = put({ info: { name: 'walk', schema: 'https://schema.getpostman.com/json/collection/v2.1.0/collection.json' }, item }, 'walk.json');
    const { HTTP_PROXY, http_proxy, ALL_PROXY, all_proxy, NO_PROXY, no_proxy, ...environment } = process.env;
    await run(process.execPath, [newman, 'run', collection, '--reporters', 'cli', '--color', 'off', '--timeout-request', '20000'],
      { env: { ...environment, HTTPS_PROXY: proxy.url, https_proxy: proxy.url, NODE_EXTRA_CA_CERTS: proxy.caFile } });
  }

  const apiProperties = ({ clientId = client.id, tokenUrl = `${server.url}/token`, refreshUrl = `${server.url}/refresh` } = {}) => ({ properties: {
    iconBrandColor: '#007ee5', capabilities: ['actions'], connectionParameters: { token: { type: 'oauthSetting', oAuthSettings: {
      identityProvider: 'oauth2', clientId, scopes: ['read', 'write'], redirectMode: 'Global', redirectUrl: redirectUri,
      customParameters: { authorizationUrl: { value: `${server.url}/authorize` }, tokenUrl: { value: tokenUrl }, refreshUrl: { value: refreshUrl } } } } } } });

  async function verdict(content, walked, ...more) {
    const file = put(content), proxy = await startRecorded('--connector', file, '--client-secret-file', secretFile(client.secret), ...more);
    await walk(proxy, walked);
    const { records } = await proxy.stop(), summary = records.at(-1);
    return { proxy, file, summary, step: summary.verdict.connector, loud: proxy.findings('error').map(({ rule }) => rule) };
  }

  test('that agree are verified, part by part', async () => {
    const { proxy, file, summary, step, loud } = await verdict(apiProperties());
    assert.deepEqual(loud, []);
    assert.equal(step.status, 'verified');
    assert.equal(step.sentence, 'As configured: client id, client secret, token URL and refresh URL.');
    assert.equal(step.exchange.url, `${server.url}/refresh`);
    assert.deepEqual(summary.files, [{ name: file, text: 'Power Platform apiProperties, 1 OAuth connection parameter' }]);
    assert.match(proxy.stdout, /✓ 5 {2}connector +verified: As configured: client id/);
    assert.match(proxy.stdout, /Power\s+Platform\s+apiProperties,\s+1\s+OAuth\s+connection\s+parameter/);
  });

  const differing = {
    'client id': ['connector/client-id-differs', { clientId: 'another-client' }],
    'token URL': ['connector/token-url-differs', (url) => ({ tokenUrl: `${url}/oauth2/token` })],
    'refresh URL': ['connector/refresh-url-differs', (url) => ({ refreshUrl: `${url}/oauth2/refresh` })],
  };
  for (const [what, [rule, change]] of Object.entries(differing)) {
    test(`that differ in the ${what} fail step 5 by ${rule}`, async () => {
      const { proxy, step, loud } = await verdict(apiProperties(typeof change === 'function' ? change(server.url) : change));
      assert.deepEqual([...new Set(loud)], [rule]);
      assert.deepEqual([step.status, step.rule], ['failed', rule]);
      assert.match(proxy.stdout, /step 5, connector, failed/);
    });
  }

  test('that differ in the client secret fail step 5, and neither secret is shown', async () => {
    const other = 'another-secret-altogether-0815';
    const { proxy, step, loud } = await verdict(apiProperties(), { secret: other });
    assert.deepEqual([...new Set(loud)], ['connector/client-secret-differs']);
    assert.deepEqual([step.status, step.rule], ['failed', 'connector/client-secret-differs']);
    for (const [name, text] of proxy.outputs()) for (const secret of [other, client.secret]) assert.ok(!text.includes(secret), `${name} shows a secret`);
  });

  test('a refresh that did not come is what is missing, and is said so', async () => {
    const { step } = await verdict(apiProperties(), { refreshes: false });
    assert.equal(step.status, 'not_seen');
    assert.equal(step.sentence, 'As configured: client id, client secret and token URL. Not seen so: refresh URL. Let the client run until it refreshes.');
  });

  test('options win over the file', async () => {
    const { step, loud } = await verdict(apiProperties({ clientId: 'another-client' }), {}, '--client-id', client.id);
    assert.deepEqual(loud, []);
    assert.equal(step.status, 'verified');
  });

  test('of several connection parameters the traffic is held against the one that it matches', async () => {
    const content = apiProperties({ clientId: 'another-client', tokenUrl: `${server.url}/elsewhere`, refreshUrl: `${server.url}/elsewhere` });
    content.properties.connectionParameterSets = { values: [{ name: 'second', parameters: { token: apiProperties().properties.connectionParameters.token } }] };
    const { step, loud, summary } = await verdict(content);
    assert.deepEqual(loud, []);
    assert.equal(step.status, 'verified');
    assert.match(summary.files[0].text, /2 OAuth connection parameters/);
  });
});
