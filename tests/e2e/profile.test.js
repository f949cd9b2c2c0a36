// profile.test.js - `--profile` on a live proxy: a connection that works for the client here and would not on the platform, told with its setting; the recording tells the same.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { startRecorded } from './lib/proxy.js';
import { accessToken, always, bearer, call, client, form, healthy, play, refreshAt, serve, signIn, tokens, without } from './lib/scenario.js';

const named = (type) => [200, Buffer.from(JSON.stringify(tokens(1))), { 'Content-Type': type }];
const json = { ...signIn, headers: { ...signIn.headers, 'Content-Type': 'application/json' }, body: Buffer.from(JSON.stringify({ grant_type: 'authorization_code', code: 'the-code-0123456789abcdef', redirect_uri: 'https://localhost/cb' })) };
const machine = form('/token', { grant_type: 'client_credentials' });

const cases = [
  { what: 'n8n refuses JSON under another name', profile: 'n8n', server: { ...healthy, '/token': always(...named('text/json')) }, client: [signIn, bearer(1)], rule: 'token/wrong-content-type', severity: 'warning', says: /n8n refuses/ },
  { what: 'n8n has no refresh URL', profile: 'n8n', server: { ...healthy, '/refresh': always(200, tokens(2)) }, client: [signIn, refreshAt('/refresh')], rule: 'refresh/url-differs-from-token-url', severity: 'warning', says: /n8n has no refresh URL/ },
  { what: 'connectors of Power Platform send forms', profile: 'power-platform', server: healthy, client: [json], rule: 'token/request-not-form', severity: 'warning', says: /Power Platform sends forms/ },
  { what: 'connectors of Power Platform have no client credentials', profile: 'power-platform', server: healthy, client: [machine], rule: 'connector/grant-not-supported', severity: 'warning', says: /client_credentials; connectors of Power Platform/ },
  { what: 'Postman has a setting for the word Bearer', profile: 'postman', server: healthy, client: [signIn, call(accessToken(1))], rule: 'api/missing-bearer-prefix', severity: 'error', remedy: 'Authorization, OAuth 2.0, Header Prefix: Bearer.' },
  { what: 'Zapier wants a Refresh Token Request', profile: 'zapier', server: { ...healthy, '/token': always(200, without(tokens(1), 'refresh_token')) }, client: [signIn], rule: 'token/missing-refresh-token', severity: 'warning', remedy: /Refresh Token Request/ },
];

describe('a platform that the connector runs on', () => {
  for (const { what, profile, rule, severity, says = /./, remedy = /./, ...scenario } of cases) {
    test(what, async () => {
      const server = await serve(scenario.server), run = async (...options) => {
        const proxy = await startRecorded(...options);
        await play(scenario, server, proxy);
        return (await proxy.stop()).records;
      };
      const found = (records) => records.find((record) => record.type === 'finding' && record.rule === rule);
      const there = await run('--profile', profile), nowhere = await run();
      await server.stop();
      assert.equal(found(there)?.severity, severity);
      assert.match(found(there).message, says);
      if (typeof remedy === 'string') assert.equal(found(there).remedy, remedy);
      else assert.match(found(there).remedy, remedy);
      assert.equal(there.at(-1).profile, profile);
      assert.equal(there.at(-1).rules.some((count) => count.rule === rule && count.is_of_platform), severity === 'warning' && rule !== 'token/missing-refresh-token', 'what the platform does is why');
      assert.notDeepEqual([found(nowhere)?.severity, found(nowhere)?.message, found(nowhere)?.remedy], [severity, found(there).message, found(there).remedy], 'without a platform it is another word');
      assert.ok(!JSON.stringify(there).includes(client.secret));
    });
  }
});
