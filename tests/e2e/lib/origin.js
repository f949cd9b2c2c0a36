// origin.js - a server that does everything an HTTP/1.1 server may do, over HTTP and HTTPS, and remembers what it was asked.
import { createHash } from 'node:crypto';
import http from 'node:http';
import https from 'node:https';
import net from 'node:net';
import zlib from 'node:zlib';
import { WebSocketServer } from 'ws';
import { goodCertificate } from './scratch.js';

const MEBIBYTE = 1 << 20;

// One mebibyte that is neither constant nor compressible, the same in every run.
export const block = (() => {
  const bytes = Buffer.alloc(MEBIBYTE);
  let state = 0x9e3779b9;
  for (let i = 0; i < bytes.length; i += 4) {
    state ^= state << 13; state ^= state >>> 17; state ^= state << 5;
    bytes.writeInt32LE(state | 0, i);
  }
  return bytes;
})();

export function* blocks(total) {
  for (let left = total; left > 0; left -= block.length) yield left >= block.length ? block : block.subarray(0, left);
}

const text100k = Buffer.from(Array.from({ length: 4096 }, (_, i) => `line ${i} ${(i * 2654435761 >>> 0).toString(36)}\n`).join('').padEnd(102400, '.').slice(0, 102400));
const coded = { identity: text100k, gzip: zlib.gzipSync(text100k), br: zlib.brotliCompressSync(text100k), deflate: zlib.deflateSync(text100k) };

// Where the length was announced, whoever has all bytes may close before we hear that they left.
function drainedOrClosed(response) {
  return new Promise((resolve) => {
    const done = () => { response.off('drain', done).off('close', done); resolve(); };
    response.on('drain', done).on('close', done);
  });
}

async function send(response, pieces) {
  for (const piece of pieces) if (!response.destroyed && !response.write(piece)) await drainedOrClosed(response);
  response.end();
}

const routes = {
  '/bytes': (request, response, query) => {
    const total = Number(query.get('n'));
    if (query.get('framing') !== 'chunked') response.setHeader('Content-Length', total);
    response.setHeader('Content-Type', 'application/octet-stream');
    if (total === 0) return response.end();
    return send(response, blocks(total));
  },
  '/coded': (request, response, query) => {
    const body = coded[query.get('coding')];
    response.writeHead(200, { 'Content-Type': 'text/plain', 'Content-Encoding': query.get('coding'), ...(query.get('framing') === 'chunked' ? {} : { 'Content-Length': body.length }) });
    return send(response, [body.subarray(0, 777), body.subarray(777)]);
  },
  '/sum': (request, response) => {
    const hash = createHash('sha256');
    let bytes = 0;
    request.on('data', (piece) => { hash.update(piece); bytes += piece.length; });
    request.on('end', () => response.end(JSON.stringify({ bytes, sha256: hash.digest('hex'), length: request.headers['content-length'] ?? null,
      coding: request.headers['transfer-encoding'] ?? null, trailers: request.rawTrailers })));
  },
  '/early': (request, response) => {
    response.writeEarlyHints({ link: '</style.css>; rel=preload; as=style', 'x-early': 'yes' });
    setImmediate(() => response.end('after the hints'));
  },
  '/trailers': (request, response) => {
    response.writeHead(200, { Trailer: 'X-Sum, x-second' });
    response.write('body, then ');
    response.addTrailers([['X-Sum', '1234'], ['x-second', 'two words']]);
    response.end('trailers');
  },
  '/204': (request, response) => { response.writeHead(204, { 'X-Kept': 'yes' }); response.end(); },
  '/304': (request, response) => { response.writeHead(304, { ETag: '"v1"', 'Content-Length': 4711 }); response.end(); },
  '/fields': (request, response) => {
    response.writeHead(200, 'As You Like It', [['X-CaSe', 'Kept'], ['Set-Cookie', 'a=1; Path=/'], ['x-between', ''], ['Set-Cookie', 'b=2'], ['X-Order', 'last'], ['Content-Length', '2']].flat());
    response.end('ok');
  },
  '/refuse-upload': (request, response) => { response.writeHead(413, { Connection: 'close' }); response.end('too much'); },
};

export class Origin {
  requests = [];
  streams = new Set();

  static async start(scheme, options = {}) {
    const origin = new Origin();
    const credentials = { ...goodCertificate, ...options };
    const server = scheme === 'https' ? https.createServer(credentials) : http.createServer();
    server.on('request', (request, response) => origin.answer(request, response));
    server.on('checkContinue', (request, response) => origin.decide(request, response));
    server.on('clientError', (error, socket) => socket.destroy());
    server.on('tlsClientError', () => {});
    const sockets = new WebSocketServer({ server, path: '/socket' });
    sockets.on('connection', (socket) => {
      socket.send('the server speaks at once');
      socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
    });
    await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
    Object.assign(origin, { server, scheme, port: server.address().port, url: `${scheme}://localhost:${server.address().port}` });
    return origin;
  }

  answer(request, response) {
    const url = new URL(request.url, this.url);
    this.requests.push({ method: request.method, url: request.url, fields: request.rawHeaders, version: request.httpVersion });
    if (url.pathname === '/events') return this.openEvents(response);
    const route = routes[url.pathname];
    if (!route) { response.statusCode = 404; return response.end('no such route'); }
    return route(request, response, url.searchParams);
  }

  decide(request, response) {
    if (request.url !== '/refuse-upload') response.writeContinue();
    this.answer(request, response);
  }

  openEvents(response) {
    response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' });
    response.write('data: event 0\n\n');
    this.streams.add(response);
    response.on('close', () => this.streams.delete(response));
  }

  stop() {
    this.server.closeAllConnections();
    return new Promise((resolve) => this.server.close(resolve));
  }
}

// A server below HTTP: calls onConnection with each socket.
export async function startPlainServer(onConnection) {
  const sockets = new Set();
  const server = net.createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => {});
    onConnection(socket);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { port: server.address().port, stop: () => { sockets.forEach((socket) => socket.destroy()); return new Promise((resolve) => server.close(resolve)); } };
}
