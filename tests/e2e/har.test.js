// har.test.js - `--har`: what passes is recorded without secrets, whole after every entry, and `oauthtap check` finds in it what was found live.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { accessToken, always, bearer, call, client, form, healthy, inTurn, play, refreshAt, refreshToken, refusal, serve, signIn, tokens, without } from './lib/scenario.js';
import { startProxy } from './lib/proxy.js';
import { scratch } from './lib/scratch.js';

const secrets = [client.secret, refreshToken, accessToken(1), accessToken(2), Buffer.from(`${client.id}:${client.secret}`).toString('base64')];
let files = 0;
const fresh = () => join(scratch, `recording-${++files}.har`);

async function record(file, scenario) {
  const server = await serve(scenario.server);
  const proxy = await startProxy('--har', file);
  await play(scenario, server, proxy);
  await server.stop();
  const { records } = await proxy.stop();
  return { records };
}

const scenarios = {
  'a healthy connection': { server: { '/token': inTurn([200, tokens(1)], [200, tokens(2)]), '/me': always(200, { name: 'Ada' }) }, client: [signIn, bearer(1), refreshAt('/token'), bearer(2)] },
  'no refresh token': { server: { '/token': always(200, without(tokens(1), 'refresh_token')) }, client: [signIn] },
  'no Bearer': { server: healthy, client: [signIn, call(accessToken(1))] },
  'a token in the query': { server: { ...healthy, '/me': always(200, {}) }, client: [signIn, call(undefined, `/me?access_token=${accessToken(1)}`)] },
  'a cut token': { server: healthy, client: [signIn, call(`Bearer ${accessToken(1).slice(0, 30)}`)] },
  'a placeholder': { server: healthy, client: [signIn, call('Bearer {{access_token}}')] },
  'a refresh at another URL': { server: healthy, client: [signIn, refreshAt('/refresh')] },
  'a refresh that is refused': { server: { '/token': inTurn([200, tokens(1)], [400, { error: 'invalid_grant', error_description: `${refreshToken} is unknown` }]) }, client: [signIn, refreshAt('/token')] },
  'a secret in the URL': { server: healthy, client: [form('/token', { grant_type: 'authorization_code', code: 'the-code-0123456789abcdef' }, `?client_secret=${client.secret}`)] },
  'a token that is refused': { server: { ...healthy, '/me': inTurn([200, {}], refusal) }, client: [signIn, bearer(1), bearer(1)] },
};

describe('a recording', () => {
  for (const [name, scenario] of Object.entries(scenarios)) {
    test(`of ${name} gives the findings of the run, and no secret`, async () => {
      const file = fresh();
      const { records } = await record(file, scenario);
      const text = readFileSync(file, 'utf8'), { log } = JSON.parse(text);
      assert.equal(log.version, '1.2');
      assert.equal(log.entries.length, scenario.client.length + 1, 'the exchanges, and the end');
      for (const secret of secrets) assert.ok(!text.includes(secret), 'no secret is recorded');
      assert.equal(records.at(-1).type, 'summary');
      assert.equal(statSync(file).mode & 0o777, 0o600);
    });
  }

  test('is whole while the proxy runs, and when it is killed; the next run goes on with it', async () => {
    const file = fresh();
    const server = await serve(healthy);
    const proxy = await startProxy('--har', file);
    await play({ client: [signIn, bearer(1)] }, server, proxy);
    const entries = () => JSON.parse(readFileSync(file, 'utf8')).log.entries.length;
    for (const end = Date.now() + 10000; entries() < 2 && Date.now() < end;) await new Promise((resolve) => setTimeout(resolve, 10));
    assert.equal(entries(), 2);
    proxy.child.kill('SIGKILL');
    await proxy.ended;
    assert.equal(entries(), 2);
    const whole = readFileSync(file, 'utf8');
    writeFileSync(file, `${whole.slice(0, whole.lastIndexOf('\n]}}'))},\n{"startedDateTime":"2026-`); // as if the kill had come within a write
    const again = await startProxy('--har', file);
    await play({ client: [bearer(1)] }, server, again);
    await again.stop();
    await server.stop();
    assert.equal(entries(), 4, 'the exchanges of both runs, and the end of the second');
  });

  test('tells a wrong client secret from the right one by its fingerprint, and under another key neither', async () => {
    const secretFile = join(scratch, 'secret-of-the-connector');
    const rules = (records) => records.filter(({ type, rule }) => type === 'finding' && rule === 'connector/client-secret-differs').map(({ evidence }) => evidence.difference);
    const server = await serve(healthy);
    for (const [configured, expected] of [[client.secret, []], [`${client.secret}X`, ['their length: the sent one is cut off']], [client.secret.toUpperCase(), ['upper and lower case']]]) {
      writeFileSync(secretFile, configured);
      const proxy = await startProxy('--har', fresh(), '--token-url', `${server.url}/token`, '--client-secret-file', secretFile);
      await play({ client: [signIn] }, server, proxy);
      assert.deepEqual(rules((await proxy.stop()).records), expected); // stop compares with check of the recording
      proxy.caFolder = join(scratch, 'the-key-of-somebody-else');
      assert.deepEqual(rules(await proxy.check()), []);
    }
    await server.stop();
  });

  test('of a run without traffic is an empty one', async () => {
    const file = fresh();
    await (await startProxy('--har', file)).stop();
    assert.deepEqual(JSON.parse(readFileSync(file, 'utf8')).log.entries, []);
  });

  test('does not overwrite the file of another program', async () => {
    const file = fresh();
    writeFileSync(file, '{"log":{"version":"1.2","creator":{"name":"WebInspector"},"entries":[]}}');
    const { status, stderr } = spawnSync(process.env.OAUTHTAP, ['proxy', '--listen', '127.0.0.1:0', '--ca-dir', join(scratch, 'ca-other'), '--findings', join(scratch, 'other.jsonl'), '--har', file], { encoding: 'utf8', cwd: scratch });
    assert.equal(status, 3);
    assert.match(stderr, /is no recording of oauthtap's \(choose another with --har\)/);
    assert.match(readFileSync(file, 'utf8'), /WebInspector/);
  });
});
