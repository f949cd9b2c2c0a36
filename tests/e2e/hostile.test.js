// hostile.test.js - peers that misbehave, on real sockets: early answers and resets, closes at the wrong moment, floods, broken messages, wrong
// certificates. The proxy delivers what exists, sends nothing twice, mirrors closes, gives back what it took, and says whose fault it was.
import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import tls from 'node:tls';
import { promisify } from 'node:util';
import { WebSocket, WebSocketServer } from 'ws';
import { connect, exchange, openSocket, raw, tunnel } from './lib/client.js';
import { Origin } from './lib/origin.js';
import { isSanitized, startProxy, within } from './lib/proxy.js';
import { scratch } from './lib/scratch.js';

const run = promisify(execFile);
const openssl = (...args) => execFileSync('openssl', args, { cwd: scratch, stdio: ['ignore', 'pipe', 'pipe'] }).toString();

let proxy;
const origins = {};

before(async () => {
  proxy = await startProxy();
  for (const scheme of ['http', 'https']) origins[scheme] = await Origin.start(scheme);
});

after(async () => {
  await Promise.all(Object.values(origins).map((origin) => origin.stop()));
  await proxy.stop();
});

// A server of bytes on an address of its own, so that findings about different servers are told apart.
let lastAddress = 1;
async function listen(onConnection, host = `127.0.0.${++lastAddress}`) {
  const sockets = new Set();
  const server = net.createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => {});
    onConnection(socket);
  });
  await new Promise((resolve) => server.listen(0, host, resolve));
  const authority = `${host}:${server.address().port}`;
  return { authority, host, url: `http://${authority}`, sockets, stop: () => { sockets.forEach((socket) => socket.destroy()); return new Promise((resolve) => server.close(resolve)); } };
}

// Everything that arrives until the peer's end, and how it ended: 'fin', or the code of the error.
function hear(socket) {
  return within(20000, 'the end of the connection', new Promise((resolve) => {
    let heard = '';
    socket.on('data', (piece) => { heard += piece.toString('latin1'); });
    socket.on('end', () => resolve({ heard, how: 'fin' }));
    socket.on('error', ({ code }) => resolve({ heard, how: code }));
  }));
}

const field = (text, name) => new RegExp(`^${name}: *(.*)\r$`, 'im').exec(text)?.[1];
const eventually = async (what, holds) => {
  for (const deadline = Date.now() + 10000; !holds(); await new Promise((resolve) => setImmediate(resolve))) {
    assert.ok(Date.now() < deadline, `${what}: not after 10 s`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
};

describe('answers that come before the request has ended', () => {
  const upload = (server) => `POST ${server.url}/ HTTP/1.1\r\nHost: ${server.authority}\r\nContent-Length: ${64 << 20}\r\n\r\n`;
  const answer = 'HTTP/1.1 413 Content Too Large\r\nContent-Length: 8\r\nConnection: close\r\n\r\ntoo much';
  const leave = {
    'closes with the body unread': (socket) => socket.destroy(),
    'resets the connection': (socket) => socket.resetAndDestroy(),
    'half-closes and reads on': (socket) => { socket.end(); socket.resume(); },
  };
  for (const [what, leaves] of Object.entries(leave)) {
    test(`an early answer arrives with a FIN when the server then ${what}`, async () => {
      const server = await listen((socket) => socket.once('data', () => { socket.pause(); socket.write(answer, () => leaves(socket)); }));
      const block = Buffer.alloc(1 << 16, 'x');
      for (let i = 0; i < 10; i++) {
        const socket = await connect('127.0.0.1', proxy.port);
        const heard = hear(socket);
        let isAnswered = false;
        socket.once('data', () => { isAnswered = true; });
        const pour = () => { while (!isAnswered && socket.write(block)); };
        socket.on('drain', pour);
        socket.write(upload(server));
        pour();
        const { heard: text, how } = await heard;
        assert.match(text, /^HTTP\/1\.1 413 Content Too Large\r\n/);
        assert.ok(text.endsWith('too much'));
        assert.equal(how, 'fin');
        socket.destroy();
      }
      await server.stop();
    });
  }

  for (const leaves of ['destroy', 'resetAndDestroy']) {
    test(`an upload that nobody answers (${leaves}) ends with one 502 and a FIN`, async () => {
      const server = await listen((socket) => socket.once('data', () => { socket.pause(); setImmediate(() => socket[leaves]()); }));
      const socket = await connect('127.0.0.1', proxy.port);
      const heard = hear(socket);
      socket.write(upload(server));
      socket.write(Buffer.alloc(1 << 20, 'x'));
      const { heard: text, how } = await heard;
      assert.equal(text.match(/HTTP\/1\.1 \d{3}/g).join(), 'HTTP/1.1 502');
      assert.equal(field(text, 'Proxy-Status'), 'oauthtap; error=connection_terminated');
      assert.equal(how, 'fin');
      socket.destroy();
      await server.stop();
    });
  }

  test('the answer to a broken request arrives although the client goes on sending', async () => {
    const socket = await connect('127.0.0.1', proxy.port);
    const heard = hear(socket);
    socket.write('POST http://localhost/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: +5\r\n\r\n');
    for (let i = 0; i < 16; i++) socket.write(Buffer.alloc(1 << 16, 'x'));
    const { heard: text, how } = await heard;
    assert.equal(text.match(/HTTP\/1\.1 \d{3}/g).join(), 'HTTP/1.1 400');
    assert.equal(how, 'fin');
    socket.destroy();
  });
});

describe('Expect: 100-continue', () => {
  const expecting = { 417: 'Expectation Failed', 401: 'Unauthorized' };
  for (const [status, reason] of Object.entries(expecting)) {
    test(`curl is told ${status} and keeps its body`, async () => {
      let asked = '';
      const server = await listen((socket) => socket.on('data', (piece) => { asked += piece; socket.end(`HTTP/1.1 ${status} ${reason}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`); }));
      const { stdout } = await run('curl', ['-sS', '-i', '--noproxy', '', '-x', proxy.url, '-H', 'Expect: 100-continue', '--expect100-timeout', '10', '-d', 'the-body', `${server.url}/`]);
      assert.match(stdout, new RegExp(`^HTTP/1\\.1 ${status} ${reason}\r\n`));
      assert.match(asked, /^Expect: 100-continue\r$/m);
      assert.doesNotMatch(asked, /the-body/);
      await server.stop();
    });
  }

  test('a server that never says 100 gets the body once the client is tired of waiting', async () => {
    let asked = '';
    const server = await listen((socket) => socket.on('data', (piece) => { asked += piece; if (asked.endsWith('the-body')) socket.end('HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok'); }));
    const { stdout } = await run('curl', ['-sS', '-i', '--noproxy', '', '-x', proxy.url, '-H', 'Expect: 100-continue', '--expect100-timeout', '0.2', '-d', 'the-body', `${server.url}/`]);
    assert.equal(stdout, 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok');
    await server.stop();
  });
});
