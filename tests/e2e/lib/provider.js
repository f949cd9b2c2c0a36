// provider.js - oidc-provider over HTTPS with access tokens that live three seconds, and an API that believes it. Whoever comes is logged in and agrees.
import { generateKeyPairSync } from 'node:crypto';
import https from 'node:https';
import Provider from 'oidc-provider';
import { goodCertificate } from './scratch.js';

export const client = { id: 'connector-under-test', secret: 'a-secret-that-only-the-connector-knows-4711' };

async function listen(handler) {
  const server = https.createServer(goodCertificate, (request, response) => handler.current(request, response));
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { server, url: `https://localhost:${server.address().port}` };
}

const json = (response, status, body, headers = {}) => {
  response.writeHead(status, { 'Content-Type': 'application/json', 'Cache-Control': 'no-store', ...headers });
  response.end(JSON.stringify(body));
};

export async function startProvider() {
  const handlers = { provider: {}, api: {} };
  const as = await listen(handlers.provider);
  const api = await listen(handlers.api);
  const redirectUri = `${api.url}/callback`;
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const provider = new Provider(as.url, {
    clients: [{ client_id: client.id, client_secret: client.secret, redirect_uris: [redirectUri], grant_types: ['authorization_code', 'refresh_token'], response_types: ['code'] }],
    scopes: ['openid', 'offline_access', 'files.read'],
    jwks: { keys: [{ ...privateKey.export({ format: 'jwk' }), use: 'sig', kid: 'k1' }] },
    cookies: { keys: ['e2e'] },
    pkce: { required: () => false },
    features: { devInteractions: { enabled: false } },
    ttl: { AccessToken: 3, AuthorizationCode: 60, RefreshToken: 3600, IdToken: 3600, Session: 3600, Grant: 3600, Interaction: 60 },
    issueRefreshToken: () => true,
    rotateRefreshToken: () => true,
    findAccount: (_, accountId) => ({ accountId, claims: () => ({ sub: accountId }) }),
    interactions: { url: (_, { uid }) => `/interaction/${uid}` },
    async loadExistingGrant(ctx) {
      const grant = new ctx.oidc.provider.Grant({ clientId: ctx.oidc.client.clientId, accountId: ctx.oidc.session.accountId });
      grant.addOIDCScope('openid offline_access files.read');
      await grant.save();
      return grant;
    },
  });
  const issued = new Set();
  provider.on('access_token.saved', ({ jti }) => issued.add(jti));
  let lateCalls = 0;
  const callback = provider.callback();
  handlers.provider.current = (request, response) => {
    if (!request.url.startsWith('/interaction/')) return callback(request, response);
    return provider.interactionFinished(request, response, { login: { accountId: 'ada' } }, { mergeWithLastSubmission: false }).catch((error) => json(response, 500, { error: String(error) }));
  };
  handlers.api.current = async (request, response) => {
    const url = new URL(request.url, api.url);
    if (url.pathname === '/callback') return json(response, 200, { code: url.searchParams.get('code') });
    const value = (request.headers.authorization ?? '').replace(/^Bearer /, '');
    const token = await provider.AccessToken.find(value);
    if ((!token || token.isExpired) && issued.has(value)) lateCalls++;
    if (!token || token.isExpired) return json(response, 401, { error: 'invalid_token' }, { 'WWW-Authenticate': 'Bearer error="invalid_token"' });
    return json(response, 200, { name: 'Ada', sub: token.accountId });
  };
  return {
    // How many calls came with a token that had been issued here and had expired: on a machine so slow that 3 s are over, a run proves nothing.
    takeLateCalls: () => { const late = lateCalls; lateCalls = 0; return late; },
    issuer: as.url, authorizationUrl: `${as.url}/auth`, tokenUrl: `${as.url}/token`, apiUrl: `${api.url}/me`, redirectUri, scope: 'openid files.read',
    stop: () => Promise.all([as, api].map(({ server }) => { server.closeAllConnections(); return new Promise((resolve) => server.close(resolve)); })),
  };
}

// A provider that does what it is told: answers[path](request with its body) gives [status, body, headers].
export async function startScripted(answers) {
  const handler = {};
  const { server, url } = await listen(handler);
  handler.current = (request, response) => {
    let body = '';
    request.on('data', (piece) => { body += piece; });
    request.on('end', () => {
      const answer = answers[new URL(request.url, url).pathname];
      if (!answer) { response.writeHead(404, { 'Content-Type': 'text/html' }); return response.end('<h1>Not Found</h1>'); }
      const [status, content, headers] = answer({ body, headers: request.headers, url: request.url });
      return json(response, status, content, headers);
    });
  };
  return { url, stop: () => { server.closeAllConnections(); return new Promise((resolve) => server.close(resolve)); } };
}
