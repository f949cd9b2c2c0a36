// scenario.js - the words in which tests describe a faulty connection: what a server answers, what a client sends, in order.
import { writeFileSync } from 'node:fs';
import https from 'node:https';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { exchange } from './client.js';
import { goodCertificate, scratch } from './scratch.js';

// ---- the server: answers[path](request with its body) gives [status, body, headers] ----

export async function serve(answers, { certificate = goodCertificate, port = 0 } = {}) {
  const server = https.createServer(certificate, (request, response) => {
    let body = '';
    request.on('data', (piece) => { body += piece; });
    request.on('end', () => {
      request.body = body;
      const answer = answers[new URL(request.url, 'https://localhost').pathname] ?? (() => [404, '<h1>Not Found</h1>', { 'Content-Type': 'text/html' }]);
      const [status, content, headers = {}] = answer(request);
      const isBytes = typeof content === 'string' || Buffer.isBuffer(content);
      response.writeHead(status, { ...(isBytes ? {} : { 'Content-Type': 'application/json' }), 'Cache-Control': 'no-store', ...headers });
      response.end(isBytes ? content : JSON.stringify(content));
    });
  });
  server.on('tlsClientError', () => {});
  await new Promise((resolve) => server.listen(port, '127.0.0.1', resolve));
  return { port: server.address().port, url: `https://localhost:${server.address().port}`,
    stop: () => { server.closeAllConnections(); return new Promise((resolve) => server.close(resolve)); } };
}

// ---- what is said ----

export const client = { id: 'connector-under-test', secret: 'a-secret-that-only-the-connector-knows-4711' };
export const refreshToken = 'refresh-token-0123456789abcdef0123456789';
export const accessToken = (n) => `access-token-number-${n}-0123456789abcdef`;
export const tokens = (n, more = {}) => ({ access_token: accessToken(n), token_type: 'Bearer', expires_in: 3600, refresh_token: refreshToken, ...more });
export const without = (body, ...names) => Object.fromEntries(Object.entries(body).filter(([name]) => !names.includes(name)));
export const always = (...answer) => () => answer;
export const inTurn = (...answers) => { let i = 0; return () => answers[Math.min(i++, answers.length - 1)]; };
export const refusal = [401, { error: 'invalid_token' }, { 'WWW-Authenticate': 'Bearer error="invalid_token"' }];
export const bearerOnly = ({ headers }) => (/^Bearer access-token/.test(headers.authorization ?? '') ? [200, { name: 'Ada' }] : refusal);

export const form = (path, fields, query = '') => ({ path: path + query, method: 'POST', body: Buffer.from(new URLSearchParams(fields).toString()),
  headers: { 'Content-Type': 'application/x-www-form-urlencoded', Authorization: `Basic ${Buffer.from(`${client.id}:${client.secret}`).toString('base64')}` } });
export const signIn = form('/token', { grant_type: 'authorization_code', code: 'the-code-0123456789abcdef', redirect_uri: 'https://localhost/cb' });
export const refreshAt = (path) => form(path, { grant_type: 'refresh_token', refresh_token: refreshToken });
export const call = (authorization, path = '/me') => ({ path, headers: authorization === undefined ? {} : { Authorization: authorization } });
export const bearer = (n) => call(`Bearer ${accessToken(n)}`);
export const pause = (milliseconds) => ({ pause: milliseconds });
export const healthy = { '/token': inTurnOfTokens(), '/me': bearerOnly };

export function inTurnOfTokens() {
  return ({ headers }) => (headers.authorization ? [200, tokens(1)] : [401, { error: 'invalid_client' }]);
}

export function secretFile(secret) {
  const file = join(scratch, `secret-${secret.length}`);
  writeFileSync(file, `${secret}\n`, { mode: 0o600 });
  return file;
}

// ---- playing it ----

export const found = (proxy) => proxy.findings().map(({ severity, rule }) => `${severity} ${rule}`).sort();

export async function play(scenario, server, proxy) {
  for (const step of scenario.client) {
    if (step.pause) await sleep(step.pause);
    else await exchange(server.url + step.path, { ...without(step, 'path'), proxy });
  }
}
