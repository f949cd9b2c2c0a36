// client.js - one request, straight to the origin or through a proxy, and everything that came back: also what most clients hide.
import { createHash } from 'node:crypto';
import http from 'node:http';
import net from 'node:net';
import tls from 'node:tls';
import { within } from './proxy.js';
import { originCa } from './scratch.js';

// Fields that belong to one connection, or change with the second.
const ofConnection = new Set(['connection', 'keep-alive', 'transfer-encoding', 'date', 'proxy-connection']);

function endToEnd(rawHeaders) {
  const fields = [];
  for (let i = 0; i < rawHeaders.length; i += 2) if (!ofConnection.has(rawHeaders[i].toLowerCase())) fields.push([rawHeaders[i], rawHeaders[i + 1]]);
  return fields;
}

export function connect(host, port) {
  return new Promise((resolve, reject) => {
    const socket = net.connect({ host, port, allowHalfOpen: true }, () => resolve(socket));
    socket.once('error', reject);
  });
}

// tunnel - CONNECT through the proxy; resolves to {socket, head} where head is the proxy's answer and socket whatever follows.
export async function tunnel(proxy, authority) {
  const socket = await connect('127.0.0.1', proxy.port);
  socket.write(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\nUser-Agent: e2e\r\n\r\n`);
  const head = await within(20000, `the answer to CONNECT ${authority}`, new Promise((resolve, reject) => {
    let seen = Buffer.alloc(0);
    const onReadable = () => {
      for (let piece = socket.read(); piece !== null; piece = socket.read()) {
        seen = Buffer.concat([seen, piece]);
        const end = seen.indexOf('\r\n\r\n');
        if (end < 0) continue;
        socket.off('readable', onReadable);
        if (seen.length > end + 4) socket.unshift(seen.subarray(end + 4));
        resolve(seen.subarray(0, end + 4).toString('latin1'));
        return;
      }
    };
    socket.on('readable', onReadable);
    socket.once('error', reject);
    socket.once('close', () => reject(new Error('closed during CONNECT')));
  }));
  return { socket, head };
}

export async function openSocket(url, proxy) {
  const { hostname, port, protocol } = new URL(url);
  if (protocol === 'http:') return proxy ? connect('127.0.0.1', proxy.port) : connect(hostname, port);
  let lower;
  if (proxy) {
    const { socket, head } = await tunnel(proxy, `${hostname}:${port}`);
    if (!head.startsWith('HTTP/1.1 200')) throw new Error(`CONNECT was answered with ${head}`);
    lower = socket;
  } else {
    lower = await connect(hostname, port);
  }
  const secure = tls.connect({ socket: lower, servername: net.isIP(hostname) ? undefined : hostname, host: hostname, ca: proxy ? proxy.ca : originCa, ALPNProtocols: ['http/1.1'] });
  await within(20000, 'TLS', new Promise((resolve, reject) => { secure.once('secureConnect', resolve); secure.once('error', reject); }));
  return secure;
}

// exchange - options: method, headers, body (a Buffer or an iterable of pieces), proxy, onData(piece), onInformation, socket (to reuse), keep.
// The result compares with deepStrictEqual between a direct and a proxied run.
export async function exchange(url, options = {}) {
  const { proxy } = options;
  const target = new URL(url);
  const socket = options.socket ?? await openSocket(url, proxy);
  const path = proxy && target.protocol === 'http:' ? url : target.pathname + target.search;
  const result = { informational: [] };
  const done = new Promise((resolve, reject) => {
    const request = http.request({ createConnection: () => socket, method: options.method ?? 'GET', path,
      headers: { Host: target.host, Connection: options.keep ? 'keep-alive' : 'close', ...options.headers } });
    request.on('error', reject);
    request.on('information', ({ statusCode, rawHeaders }) => result.informational.push([statusCode, endToEnd(rawHeaders)]));
    request.on('upgrade', (response, upgraded, head) => resolve({ ...result, status: response.statusCode, upgraded, head }));
    request.on('response', (response) => {
      const hash = createHash('sha256');
      const pieces = [];
      let bytes = 0;
      response.on('data', (piece) => {
        hash.update(piece);
        bytes += piece.length;
        if (bytes <= 1 << 20) pieces.push(piece);
        options.onData?.(piece, response);
      });
      response.on('aborted', () => reject(new Error('the response was cut')));
      response.on('error', reject);
      response.on('end', () => {
        if (!options.keep) socket.destroy();
        resolve({ ...result, version: response.httpVersion, status: response.statusCode, reason: response.statusMessage, fields: endToEnd(response.rawHeaders), bytes,
          sha256: hash.digest('hex'), text: bytes <= 1 << 16 ? Buffer.concat(pieces).toString('latin1') : undefined, trailers: response.rawTrailers });
      });
    });
    sendBody(request, options).catch(reject);
  });
  return within(options.patience ?? 120000, `${options.method ?? 'GET'} ${url}`, done);
}

async function sendBody(request, { body, headers = {} }) {
  if (Object.keys(headers).some((name) => name.toLowerCase() === 'expect')) {
    request.flushHeaders();
    const goesOn = await new Promise((resolve) => { request.once('continue', () => resolve(true)); request.once('response', () => resolve(false)); });
    if (!goesOn) return request.destroyed || request.destroy();
  }
  if (body === undefined || Buffer.isBuffer(body) || typeof body === 'string') return request.end(body);
  for (const piece of body) if (!request.write(piece)) await new Promise((resolve) => request.once('drain', resolve));
  return request.end();
}

// raw - writes the bytes as they are, half-closes if asked, and gives all bytes until the peer closes.
export async function raw(port, bytes, { finish = false } = {}) {
  const socket = await connect('127.0.0.1', port);
  const pieces = [];
  const done = new Promise((resolve) => {
    socket.on('data', (piece) => pieces.push(piece));
    socket.on('end', () => socket.end());
    socket.on('error', () => {});
    socket.on('close', () => resolve(Buffer.concat(pieces)));
  });
  if (finish) socket.end(bytes);
  else socket.write(bytes);
  return within(20000, 'the peer to close', done);
}
