// Token, API, refresh, API with the HTTP client of Node.js that the first argument names, which knows proxy and CA from the environment alone.
const env = process.env;
const basic = `Basic ${Buffer.from(`${env.CLIENT_ID}:${env.CLIENT_SECRET}`).toString('base64')}`;
const form = { 'Content-Type': 'application/x-www-form-urlencoded' };

const viaFetch = (fetch, options = {}) => async (url, method, headers, body) => (await fetch(url, { method, headers, body, ...options })).json();
const clients = {
  fetch: async () => viaFetch(fetch),
  axios: async () => {
    const { default: axios } = await import('axios');
    return async (url, method, headers, data) => (await axios({ url, method, headers, data })).data;
  },
  undici: async () => {
    const { EnvHttpProxyAgent, fetch: undiciFetch } = await import('undici');
    return viaFetch(undiciFetch, { dispatcher: new EnvHttpProxyAgent() });
  },
};

const send = await clients[process.argv[2]]();
const token = (fields) => send(env.TOKEN_URL, 'POST', { ...form, Authorization: basic }, new URLSearchParams(fields).toString());
const call = async (accessToken) => console.log(JSON.stringify(await send(env.API_URL, 'GET', { Authorization: `Bearer ${accessToken}` })));

const first = await token({ grant_type: 'authorization_code', code: env.CODE, redirect_uri: 'https://localhost/cb' });
await call(first.access_token);
const second = await token({ grant_type: 'refresh_token', refresh_token: first.refresh_token });
await call(second.access_token);
