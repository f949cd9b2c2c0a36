// openid-client.js - login, token, API, refresh, API with openid-client; prints what it got. Settings come in the environment, as do proxy and CA.
import { HttpsProxyAgent } from 'https-proxy-agent';
import https from 'node:https';
import { Issuer, custom } from 'openid-client';

const { ISSUER, AUTHORIZATION_URL, TOKEN_URL, API_URL, REDIRECT_URI, CLIENT_ID, CLIENT_SECRET, SCOPE, HTTPS_PROXY } = process.env;
const agent = HTTPS_PROXY ? new HttpsProxyAgent(HTTPS_PROXY) : new https.Agent();
custom.setHttpOptionsDefaults({ agent, timeout: 20000 });

function get(url, cookies) {
  return new Promise((resolve, reject) => {
    https.get(url, { agent, headers: cookies.size > 0 ? { Cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; ') } : {} }, (response) => {
      response.resume();
      response.on('end', () => resolve(response));
    }).on('error', reject);
  });
}

// What a browser would do: follow redirects, keep cookies, until the callback.
async function login(url) {
  const cookies = new Map();
  for (let hops = 0; hops < 10; hops++) {
    const response = await get(url, cookies);
    for (const line of response.headers['set-cookie'] ?? []) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(line);
      cookies.set(name, value);
    }
    if (url.startsWith(REDIRECT_URI)) return url;
    if (!response.headers.location) throw new Error(`login ended with ${response.statusCode} at ${url}`);
    url = new URL(response.headers.location, url).href;
  }
  throw new Error('login goes round in circles');
}

const issuer = new Issuer({ issuer: ISSUER, authorization_endpoint: AUTHORIZATION_URL, token_endpoint: TOKEN_URL, jwks_uri: `${ISSUER}/jwks` });
const client = new issuer.Client({ client_id: CLIENT_ID, client_secret: CLIENT_SECRET, redirect_uris: [REDIRECT_URI], response_types: ['code'] });
const back = await login(client.authorizationUrl({ scope: SCOPE, state: 'state-of-openid-client', prompt: 'login' }));
const first = await client.callback(REDIRECT_URI, client.callbackParams(back), { state: 'state-of-openid-client' });
const me = await client.requestResource(API_URL, first.access_token);
const second = await client.refresh(first.refresh_token);
const again = await client.requestResource(API_URL, second.access_token);
console.log(JSON.stringify({ token: Object.keys(first).sort(), type: first.token_type, api: [me.statusCode, JSON.parse(me.body)], refresh: Object.keys(second).sort(),
  isNew: first.access_token !== second.access_token, again: [again.statusCode, JSON.parse(again.body)] }));
agent.destroy();
