// connector.test.js - files that say what the connector should be, against what newman does (step 5 of the verdict) and by themselves.
import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { har } from './lib/har.js';
import { binary, startProxy, startRecorded } from './lib/proxy.js';
import { bearerOnly, client, refreshToken, secretFile, serve, tokens } from './lib/scenario.js';
import { assertValidRecords } from './lib/schema.js';
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

  test('a client secret in the file is compared like any other, and shown nowhere', async () => {
    const content = apiProperties(), sent = 'another-secret-altogether-0815';
    content.properties.connectionParameters.token.oAuthSettings.clientSecret = client.secret;
    for (const [secret, expected] of [[client.secret, ['verified', undefined]], [sent, ['failed', 'connector/client-secret-differs']]]) {
      const proxy = await startRecorded('--connector', put(content));
      await walk(proxy, { secret });
      const { status, rule } = (await proxy.stop()).records.at(-1).verdict.connector;
      assert.deepEqual([status, rule], expected);
      assert.deepEqual(proxy.findings('warning').map(({ rule: id }) => id), ['connector/secret-in-file']);
      for (const [name, text] of proxy.outputs()) for (const hidden of [sent, client.secret]) assert.ok(!text.includes(hidden), `${name} shows a secret`);
    }
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

describe('connector files alone', () => {
  const folder = mkdtempSync(join(scratch, 'files-'));
  const oauthtap = (args, options = {}) => spawnSync(binary, args, { cwd: folder, encoding: 'utf8', ...options });
  const check = (...args) => oauthtap(['check', '--ca-dir', join(folder, 'no-ca'), ...args]);
  const write = (name, content) => { writeFileSync(join(folder, name), typeof content === 'string' ? content : JSON.stringify(content)); return name; };
  const settings = (more = {}, custom = {}) => ({ properties: { iconBrandColor: '#007ee5', connectionParameters: { token: { type: 'oauthSetting', oAuthSettings: {
    identityProvider: 'oauth2', clientId: client.id, scopes: ['read'], redirectMode: 'Global', redirectUrl: redirectUri, ...more,
    customParameters: { authorizationUrl: { value: 'https://as.example/authorize' }, tokenUrl: { value: 'https://as.example/token' }, refreshUrl: { value: 'https://as.example/token' }, ...custom } } } } } });
  const records = (stdout) => { const lines = stdout.split('\n').filter(Boolean).map((line) => JSON.parse(line)); assertValidRecords(lines); return lines; };

  test('a fault is told with the file and the member, and ends with status 1', () => {
    const name = write('faulty.json', settings({}, { refreshUrl: { value: 'https://as.example/authorize' } }));
    const { status, stdout, stderr } = check(name);
    assert.deepEqual([status, stderr], [1, '']);
    assert.match(stdout, /^ERROR {2}The refresh URL is the authorization URL {2}connector\/refresh-url-is-authorization-url\n {2}faulty\.json:1 {2}properties\.connectionParameters\.token\.oAuthSettings\.customParameters\.refreshUrl\.value\n/);
    assert.match(stdout, /\nVerdict: 1 error in the connector file\.\n\n {2}Connector +faulty\.json: Power Platform apiProperties, 1 OAuth connection parameter\n {2}Findings +1 error: connector\/refresh-url-is-authorization-url\n$/);
    const [finding, summary] = records(check('--format', 'json', name).stdout);
    assert.deepEqual(finding.file, { name, member: 'properties.connectionParameters.token.oAuthSettings.customParameters.refreshUrl.value', line: 1 });
    assert.equal(finding.exchange, undefined);
    assert.deepEqual([summary.has_files_alone, summary.not_seen], [true, []]);
  });

  test('nothing is said where nothing is wrong', () => {
    const { status, stdout } = check(write('right.json', settings()));
    assert.equal(status, 0);
    assert.match(stdout, /^\n?Verdict: nothing is wrong with the connector file\./);
  });

  test('a file that is no such file says what was expected at which member, with status 2', () => {
    const wrong = {
      'number.json': [settings({}, { refreshUrl: { value: 7 } }), /number\.json:1: at properties\.connectionParameters\.token\.oAuthSettings\.customParameters\.refreshUrl\.value expected a string, found a number/],
      'cut.json': [JSON.stringify(settings()).slice(0, -9), /cut\.json is no whole JSON: line 1, column \d+/],
      'other.json': ['{"name": "a package"}', /other\.json is no connector file: expected Power Platform apiProperties\.json/],
      'traffic.har': ['{"log": {"entries": []}}', /traffic\.har is a recording: name it to oauthtap check instead/],
      'missing.json': [undefined, /cannot read the connector file missing\.json: no such file/],
    };
    for (const [name, [content, sentence]] of Object.entries(wrong)) {
      if (content !== undefined) write(name, content);
      for (const command of [['check', '--connector', name], ['proxy', '--listen', '127.0.0.1:0', '--ca-dir', 'ca-of-nobody', '--connector', name]]) {
        const { status, stderr, stdout } = oauthtap(command, { timeout: 20000 });
        assert.equal(status, 2, `${command}: ${stdout}${stderr}`);
        assert.match(stderr, sentence);
      }
    }
  });

  test('files and recordings are told apart by what is in them, and judged together', () => {
    const exchange = { method: 'POST', url: 'https://as.example/token', status: 200, seconds_since_start: 0, request_headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
      request_body: `grant_type=refresh_token&refresh_token=${refreshToken}&client_id=another-client`, response_headers: { 'Content-Type': 'application/json', 'Cache-Control': 'no-store' }, response_body: tokens(1) };
    const lines = records(check('--format', 'json', write('settings.txt', settings()), write('recording.txt', har([exchange]))).stdout);
    assert.ok(lines.some(({ rule }) => rule === 'connector/client-id-differs'));
    assert.deepEqual([lines.at(-1).verdict.connector.status, lines.at(-1).files[0].name, lines.at(-1).exchanges], ['failed', 'settings.txt', 1]);
  });

  test('a secret in a file is shown nowhere', () => {
    const secret = 'kH8~q2vW9xZ3mN7pR5tY1uB4cD6fG0jL', name = write('secret.json', settings({ clientSecret: secret }));
    const outputs = [check('--verbose', name), check('--format', 'json', '--findings', 'secret.jsonl', name), check('--connector', name, '--client-id', 'x')];
    for (const { stdout, stderr } of outputs) assert.ok(!(stdout + stderr).includes(secret.slice(0, 12)) && stdout.includes('connector/secret-in-file'));
    assert.ok(!readFileSync(join(folder, 'secret.jsonl'), 'utf8').includes(secret.slice(0, 12)));
    const report = oauthtap(['report', 'secret.jsonl']);
    assert.match(report.stdout, /secret\.json:1 {2}properties\.connectionParameters\.token\.oAuthSettings\.clientSecret/);
    const broken = oauthtap(['check', '--connector', write('broken-secret.json', JSON.stringify(settings({ clientSecret: secret })).replace('"scopes":["read"]', '"scopes":{}'))]);
    assert.equal(broken.status, 2);
    assert.ok(!broken.stderr.includes(secret.slice(0, 12)));
  });

  test('oauthtap.json names connector files, too', () => {
    const elsewhere = mkdtempSync(join(scratch, 'config-'));
    writeFileSync(join(elsewhere, 'oauthtap.json'), JSON.stringify({ connector: [join(folder, write('in-config.json', settings({ redirectUrl: 'https://x.example/' })))] }));
    const { stdout } = oauthtap(['check', '--ca-dir', join(folder, 'no-ca')], { cwd: elsewhere });
    assert.match(stdout, /connector\/redirect-url-unusual/);
  });

  test('docs/connectors.md: its commands do what it says', async () => {
    const text = readFileSync(fileURLToPath(new URL('../../docs/connectors.md', import.meta.url)), 'utf8');
    const commands = [...text.matchAll(/```sh\n([^`]*)```/g)].flatMap(([, block]) => block.split('\n')).map((line) => line.replace(/ +#.*/, '')).filter(Boolean);
    assert.ok(commands.length >= 3);
    write('apiProperties.json', JSON.stringify(settings({}, { refreshUrl: undefined }), null, 2));
    write('apiDefinition.swagger.json', { swagger: '2.0', securityDefinitions: { oauth2: { type: 'oauth2', flow: 'accessCode', authorizationUrl: 'https://as.example/authorize', tokenUrl: 'https://as.example/token', scopes: { read: '' } } } });
    write('traffic.har', har([]));
    for (const command of commands) {
      const [program, name, ...args] = command.split(' ');
      assert.equal(program, 'oauthtap');
      if (name === 'proxy') {
        const proxy = await startProxy(...args.map((arg) => (arg.endsWith('.json') ? join(folder, arg) : arg)));
        await proxy.stop();
        assert.deepEqual([...new Set(proxy.findings().map(({ rule }) => rule))], ['connector/refresh-url-missing']);
        continue;
      }
      const { status, stdout } = check(...args);
      assert.equal(status, 0, stdout);
      assert.match(stdout, /apiProperties\.json: Power\s+Platform\s+apiProperties, 1 OAuth connection\s+parameter/);
      for (const line of /```\n(WARNING[^`]*)```/.exec(text)[1].split('\n').filter(Boolean)) assert.ok(stdout.includes(line), line);
    }
  });
});
