// hostile.test.js - peers that misbehave, on real sockets: early answers and resets, closes at the wrong moment, floods, broken messages, wrong
// certificates. The proxy delivers what exists, sends nothing twice, mirrors closes, gives back what it took, and says whose fault it was.
import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import net from 'node:net';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import tls from 'node:tls';
import { promisify } from 'node:util';
import { WebSocket, WebSocketServer } from 'ws';
import { connect, exchange, openSocket, raw, tunnel } from './lib/client.js';
import { Origin } from './lib/origin.js';
import { isSanitized, startProxy, startRecorded, within } from './lib/proxy.js';
import { goodCertificate, scratch } from './lib/scratch.js';

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

  test('an early answer arrives intercepted, too, although the server closes with the body unread', async () => {
    const server = tls.createServer(goodCertificate, (socket) => {
      socket.on('error', () => {});
      socket.once('data', () => { socket.pause(); socket.write(answer, () => setImmediate(() => socket.destroy())); });
    });
    await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
    for (let i = 0; i < 10; i++) {
      const socket = await openSocket(`https://localhost:${server.address().port}`, proxy);
      const heard = hear(socket);
      socket.write(`POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${64 << 20}\r\n\r\n`);
      for (let j = 0; j < 32; j++) socket.write(Buffer.alloc(1 << 16, 'x'));
      const { heard: text } = await heard;
      assert.match(text, /^HTTP\/1\.1 413 Content Too Large\r\n/);
      assert.ok(text.endsWith('too much'));
      socket.destroy();
    }
    await new Promise((resolve) => server.close(resolve));
  });

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

describe('ends and closes', () => {
  const endless = (socket) => {
    socket.write('HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n');
    const pour = () => { while (socket.write(Buffer.alloc(1 << 14, 'x'))); };
    socket.on('drain', pour);
    pour();
  };

  for (const [what, leave] of Object.entries({ resets: (socket) => socket.resetAndDestroy(), closes: (socket) => socket.destroy() })) {
    test(`a download is ended within a second when the client ${what}`, async () => {
      let closed;
      const server = await listen((socket) => { closed = new Promise((resolve) => socket.on('close', resolve)); socket.once('data', () => endless(socket)); });
      const socket = await connect('127.0.0.1', proxy.port);
      socket.on('error', () => {});
      socket.write(`GET ${server.url}/ HTTP/1.1\r\nHost: ${server.authority}\r\n\r\n`);
      await new Promise((resolve) => socket.once('data', resolve));
      leave(socket);
      await within(1000 * (isSanitized ? 3 : 1), 'the close at the server', closed);
      await server.stop();
    });
  }

  test('an event stream is ended within a second when its listener closes, intercepted', async () => {
    const origin = origins.https;
    const socket = await openSocket(origin.url, proxy);
    socket.write(`GET /events HTTP/1.1\r\nHost: localhost:${origin.port}\r\n\r\n`);
    await new Promise((resolve) => socket.once('data', resolve));
    assert.equal(origin.streams.size, 1);
    const closed = new Promise((resolve) => [...origin.streams][0].on('close', resolve));
    socket.end();
    await within(1000 * (isSanitized ? 3 : 1), 'the close at the server', closed);
    socket.destroy();
  });

  // Answers the first request of a connection, and closes on the second one; counts what came.
  const closesWhenReused = async () => {
    const asked = [];
    const server = await listen((socket) => {
      let count = 0;
      socket.on('data', (piece) => {
        asked.push(piece.toString('latin1').split('\r\n')[0]);
        if (++count === 1) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
        else socket.destroy();
      });
    });
    return { ...server, asked };
  };

  test('a GET on a kept connection that closes is asked once more, and answered', async () => {
    const server = await closesWhenReused();
    const socket = await connect('127.0.0.1', proxy.port);
    await exchange(`${server.url}/first`, { socket, proxy, keep: true });
    const second = await exchange(`${server.url}/second`, { socket, proxy });
    assert.deepEqual([second.status, second.text], [200, 'ok']);
    assert.deepEqual(server.asked, ['GET /first HTTP/1.1', 'GET /second HTTP/1.1', 'GET /second HTTP/1.1']);
    await server.stop();
  });

  test('a POST on a kept connection that closes reaches the origin once, and the client is left to decide', async () => {
    const server = await closesWhenReused();
    const socket = await connect('127.0.0.1', proxy.port);
    await exchange(`${server.url}/first`, { socket, proxy, keep: true });
    await assert.rejects(exchange(`${server.url}/second`, { method: 'POST', headers: { 'Content-Length': 0 }, socket, proxy }), /hang up|ECONNRESET/);
    assert.deepEqual(server.asked, ['GET /first HTTP/1.1', 'POST /second HTTP/1.1']);
    await server.stop();
  });

  test('a server that closes its idle connection closes the client\'s', async () => {
    const server = await listen((socket) => socket.once('data', () => { socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'); setTimeout(() => socket.end(), 50); }));
    const socket = await connect('127.0.0.1', proxy.port);
    const heard = hear(socket);
    socket.write(`GET ${server.url}/ HTTP/1.1\r\nHost: ${server.authority}\r\n\r\n`);
    const { heard: text, how } = await heard;
    assert.ok(text.endsWith('\r\n\r\nok'));
    assert.equal(how, 'fin');
    socket.destroy();
    await server.stop();
  });

  test('busybox-like clients that half-close get the answer from a slow server', async () => {
    const server = await listen((socket) => socket.once('data', () => setTimeout(() => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nslow'), 300)));
    const text = (await raw(proxy.port, `GET ${server.url}/ HTTP/1.0\r\n\r\n`, { finish: true })).toString('latin1');
    assert.ok(text.endsWith('\r\n\r\nslow'), text);
    await server.stop();
  });
});

describe('WebSockets', () => {
  test('frames sent with the upgrade and with the 101 arrive', async () => {
    let asked = '';
    const server = await listen((socket) => socket.on('data', (piece) => {
      const isFirst = asked === '';
      asked += piece.toString('latin1');
      if (isFirst) socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n\x81\x02hi', 'latin1');
      if (asked.endsWith('\x81\x03you')) socket.end();
    }));
    const socket = await connect('127.0.0.1', proxy.port);
    const heard = hear(socket);
    socket.write(`GET ${server.url}/ HTTP/1.1\r\nHost: ${server.authority}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n\x81\x03you`, 'latin1');
    const { heard: text } = await heard;
    assert.match(text, /^HTTP\/1\.1 101 /);
    assert.ok(text.endsWith('\x81\x02hi'));
    assert.ok(asked.endsWith('\r\n\r\n\x81\x03you'));
    socket.destroy();
    await server.stop();
  });

  for (const scheme of ['ws', 'wss']) {
    const server = scheme === 'ws' ? http.createServer() : https.createServer(goodCertificate);
    const sockets = new WebSocketServer({ server });
    before(() => new Promise((resolve) => server.listen(0, '127.0.0.1', resolve)));
    after(() => new Promise((resolve) => { server.closeAllConnections(); server.close(resolve); }));
    const open = async () => {
      const { port } = server.address();
      const { socket: lower } = await tunnel(proxy, `localhost:${port}`);
      const createConnection = () => (scheme === 'ws' ? lower : tls.connect({ socket: lower, servername: 'localhost', ca: proxy.ca, ALPNProtocols: ['http/1.1'] }));
      const connected = new Promise((resolve) => sockets.once('connection', resolve));
      const client = new WebSocket(`${scheme}://localhost:${port}/`, { createConnection });
      const opened = new Promise((resolve, reject) => { client.on('open', resolve); client.on('error', reject); });
      const [peer] = await within(20000, 'the WebSocket', Promise.all([connected, opened]));
      client.on('error', () => {});
      return { client, peer };
    };
    const closeOf = (socket) => within(10000, 'the close', new Promise((resolve) => socket.on('close', (code, reason) => resolve([code, reason.toString()]))));

    test(`${scheme}: a close by the client is the server's, with its code`, async () => {
      const { client, peer } = await open();
      const closes = Promise.all([closeOf(client), closeOf(peer)]);
      client.close(4001, 'client leaves');
      assert.deepEqual(await closes, [[4001, 'client leaves'], [4001, 'client leaves']]);
    });

    test(`${scheme}: a close by the server is the client's, with its code`, async () => {
      const { client, peer } = await open();
      const closes = Promise.all([closeOf(client), closeOf(peer)]);
      peer.close(4002, 'server leaves');
      assert.deepEqual(await closes, [[4002, 'server leaves'], [4002, 'server leaves']]);
    });

    test(`${scheme}: a side that vanishes takes the other along`, async () => {
      for (const who of ['client', 'peer']) {
        const pair = await open();
        const closed = closeOf(who === 'client' ? pair.peer : pair.client);
        pair[who].terminate();
        assert.equal((await closed)[0], 1006);
      }
    });
  }
});

describe('many connections', () => {
  const files = (own) => readdirSync(`/proc/${own.child.pid}/fd`).length;
  const residentKib = (own) => Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${own.child.pid}/status`, 'utf8'))[1]);
  const fileLimit = Number(/^Max open files\s+\d+\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8').replaceAll('unlimited', '1000000'))[1]);
  const most = Math.min(1024, Math.floor((fileLimit - 64) / 2));

  test('of 1,100 idle connections the surplus gets 503, and the proxy lives on', { skip: fileLimit < 4096 ? 'the limit of open files is too low' : false }, async () => {
    const own = await startProxy();
    const base = files(own);
    const answers = [];
    const sockets = [];
    for (let i = 0; i < 1100; i++) {
      const socket = await connect('127.0.0.1', own.port);
      socket.on('error', () => {});
      socket.on('data', (piece) => answers.push(piece.toString('latin1')));
      sockets.push(socket);
    }
    await eventually('76 refusals', () => answers.length === 1100 - most);
    for (const answer of answers) {
      assert.match(answer, /^HTTP\/1\.1 503 Service Unavailable\r\n/);
      assert.equal(field(answer, 'Proxy-Status'), 'oauthtap; error=connection_limit_reached');
      assert.equal(Number(field(answer, 'Content-Length')), answer.length - answer.indexOf('\r\n\r\n') - 4);
    }
    sockets.forEach((socket) => socket.destroy());
    await eventually('the files of before', () => files(own) <= base + 2);
    assert.equal((await exchange(`${origins.http.url}/204`, { proxy: own })).status, 204);
    await own.stop();
  });

  test('2,000 short connections leave no file and no memory behind', async () => {
    const greeter = await listen((socket) => socket.end('220 bye\r\n'));
    const own = await startProxy();
    const viaHttp = async () => assert.match((await raw(own.port, `GET ${origins.http.url}/204 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`)).toString(), /^HTTP\/1\.1 204 /);
    const intercepted = async () => assert.equal((await exchange(`${origins.https.url}/204`, { proxy: own })).status, 204);
    const passed = async () => {
      const { socket } = await tunnel(own, greeter.authority);
      const heard = hear(socket);
      socket.end();
      assert.equal((await heard).heard, '220 bye\r\n');
      socket.destroy();
    };
    const kinds = [viaHttp, intercepted, passed];
    const many = (total) => {
      let next = 0;
      return Promise.all(Array.from({ length: 16 }, async () => { while (next < total) await kinds[next++ % 3](); }));
    };
    await many(200);
    await eventually('the connections of the start to be over', () => files(own) < 60);
    const base = files(own);
    const before = residentKib(own);
    await many(2000);
    await eventually(`${base} open files`, () => files(own) <= base);
    if (!isSanitized) assert.ok(residentKib(own) < before + 3072, `${before} KiB before, ${residentKib(own)} KiB after`);
    await own.stop();
    await greeter.stop();
  });

  test('at the limit of open files clients get 503 and the processor rests', async () => {
    const own = await startProxy();
    const held = await connect('127.0.0.1', own.port);
    await exchange(`${origins.http.url}/204`, { proxy: own });
    execFileSync('prlimit', ['--pid', String(own.child.pid), `--nofile=${files(own)}:${files(own)}`]);
    const ticks = () => { const words = readFileSync(`/proc/${own.child.pid}/stat`, 'utf8').split(') ')[1].split(' '); return Number(words[11]) + Number(words[12]); };
    const before = ticks();
    const answers = await Promise.all(Array.from({ length: 20 }, () => raw(own.port, `GET ${origins.http.url}/204 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`)));
    for (const answer of answers) assert.match(answer.toString('latin1'), /^HTTP\/1\.1 503 /);
    await new Promise((resolve) => setTimeout(resolve, 500));
    assert.ok(ticks() - before < 30, `${ticks() - before} hundredths of a second of processor time`);
    held.destroy();
    await own.stop();
  });

  test('a flood of broken TLS hellos disturbs nobody', async () => {
    const body = Buffer.alloc(4 << 20, 'post');
    const posted = exchange(`${origins.https.url}/sum`, { method: 'POST', headers: { 'Content-Length': body.length }, body: [body.subarray(0, 1 << 20), body.subarray(1 << 20)], proxy });
    const hellos = ['\x16\x03\x00\x00\x05\x01\x00\x00\x01\x03', '\x16\x03\x01\xff\xff', '\x80\x2e\x01\x00\x02', `\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03${'\xff'.repeat(508)}`, '\x15\x03\x01\x00\x02\x02\x28'];
    const flood = async (bytes, isTunnel) => {
      const socket = isTunnel ? (await tunnel(proxy, `localhost:${origins.https.port}`)).socket : await connect('127.0.0.1', proxy.port);
      socket.on('error', () => {});
      await new Promise((resolve) => socket.write(bytes, 'latin1', resolve));
      socket.destroy();
    };
    for (let i = 0; i < 20; i++) await Promise.all(hellos.flatMap((bytes) => [flood(bytes, false), flood(bytes, true)]));
    assert.equal(JSON.parse((await posted).text).bytes, body.length);
    assert.equal((await exchange(`${origins.https.url}/204`, { proxy })).status, 204);
  });
});

describe('the proxy itself', () => {
  test('a request to the proxy\'s own address is refused with one connection used, however it is spelt', async () => {
    const own = await startProxy();
    const hosts = ['localhost', '127.0.0.1', '0.0.0.0', '[::]', '[::ffff:127.0.0.1]'];
    for (const host of hosts) {
      const authority = `${host}:${own.port}`;
      const answer = (await raw(own.port, `GET http://${authority}/ HTTP/1.1\r\nHost: ${authority}\r\n\r\n`)).toString('latin1');
      assert.match(answer, /^HTTP\/1\.1 502 /, authority);
      assert.equal(field(answer, 'Proxy-Status'), 'oauthtap; error=proxy_loop_detected', authority);
      const { socket, head } = await tunnel(own, authority);
      assert.match(head, /^HTTP\/1\.1 502 /, authority);
      assert.equal(field(head, 'Proxy-Status'), 'oauthtap; error=proxy_loop_detected', authority);
      socket.destroy();
    }
    const { records } = await own.stop();
    assert.equal(records.at(-1).exchanges, hosts.length);
  });

  test('a client that speaks TLS to the proxy is served, and may open tunnels', async () => {
    const curl = (...args) => run('curl', ['-sS', '--noproxy', '', '--http1.1', '-x', `https://localhost:${proxy.port}`, '--proxy-cacert', proxy.caFile, '--cacert', proxy.caFile, '-w', '%{http_code}', ...args]);
    for (const scheme of ['http', 'https']) assert.equal((await curl(`${origins[scheme].url}/204`)).stdout, '204');
  });

  test('Proxy-Authorization reaches no origin, inside tunnels neither', async () => {
    const headers = { 'Proxy-Authorization': 'Basic bWU6c2VjcmV0', 'Proxy-Connection': 'keep-alive' };
    for (const { url, requests } of Object.values(origins)) {
      await exchange(`${url}/204`, { headers, proxy });
      assert.deepEqual(requests.at(-1).fields.filter((text) => /^proxy-|bWU6c2VjcmV0/i.test(text)), []);
    }
  });

  test('no error page repeats the request, and each is plain text with nosniff and Proxy-Status', async () => {
    const marker = 'm4rk3r';
    const nobody = await listen(() => {});
    await nobody.stop();
    const asks = [
      `GET ${nobody.url}/<${marker}> HTTP/1.1\r\nHost: ${nobody.authority}\r\n\r\n`,
      `GET ${nobody.url}/?${marker} HTTP/1.1\r\nHost: ${nobody.authority}\r\nX: ${marker}\r\n\r\n`,
      `GET /${marker} HTTP/1.1\r\nHost: ${marker}\r\n\r\n`,
      `GET http://localhost:${proxy.port}/${marker} HTTP/1.1\r\nHost: localhost\r\n\r\n`,
      `${marker}( / HTTP/1.1\r\n\r\n`,
      `GET http://a/ HTTP/1.1\r\nHost: a\r\n${marker} : x\r\n\r\n`,
      `CONNECT ${marker} HTTP/1.1\r\nHost: ${marker}\r\n\r\n`,
      `GET ftp://${marker}/ HTTP/1.1\r\nHost: ${marker}\r\n\r\n`,
      `GET http://a/${'x'.repeat(20000)}${marker} HTTP/1.1\r\nHost: a\r\n\r\n`,
      `GET http://a/ HTTP/1.1\r\nHost: a\r\nX: ${marker}${'x'.repeat(70000)}\r\n\r\n`,
      `POST http://a/ HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\nX: ${marker}\r\n\r\n`,
      `GET http://a/ HTTP/2.0\r\nHost: ${marker}\r\n\r\n`,
    ];
    const statuses = [];
    for (const bytes of asks) {
      const answer = (await raw(proxy.port, bytes)).toString('latin1');
      statuses.push(Number(/^HTTP\/1\.1 (\d{3}) /.exec(answer)?.[1]));
      assert.match(field(answer, 'Content-Type'), /^text\/plain/, bytes.slice(0, 80));
      assert.equal(field(answer, 'X-Content-Type-Options'), 'nosniff');
      assert.match(field(answer, 'Proxy-Status'), /^oauthtap; error=[a-z_]+$/);
      assert.equal(field(answer, 'Connection'), 'close');
      assert.ok(!answer.includes(marker), answer);
      assert.equal(answer.match(/^HTTP\/1\.1 /gm).length, 1);
    }
    assert.deepEqual(statuses, [502, 502, 400, 502, 400, 400, 400, 400, 414, 431, 501, 505]);
  });
});

describe('broken messages', () => {
  // What the server says, and what the finding must say of it: the reason, and where it stands.
  const responses = {
    'a CR that hides a field': ['HTTP/1.1 200 OK\r\nX: \rTransfer-Encoding: chunked\r\n\r\n', /CR is not followed by LF.*byte \d+/],
    'an empty Content-Length': ['HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\n', /Content-Length.*byte \d+/],
    'both framings': ['HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n', /Content-Length.*Transfer-Encoding.*byte \d+/],
    'white space before the colon': ['HTTP/1.1 200 OK\r\nX : y\r\nContent-Length: 0\r\n\r\n', /byte \d+/],
    'bare line feeds': ['HTTP/1.1 200 OK\nContent-Length: 0\n\n', /LF alone.*byte 15/],
    'a NUL in a value': ['HTTP/1.1 200 OK\r\nX: a\0b\r\nContent-Length: 0\r\n\r\n', /byte \d+/],
    'an escape sequence instead of HTTP': ['\x1b[31mHELLO\r\n', /byte 0/],
    'an endless head': [`HTTP/1.1 200 OK\r\nX: ${'x'.repeat(80000)}\r\n\r\n`, /too long.*byte 6\d{4}/],
    'HTTP/2 in the clear': ['\0\0\x12\x04\0\0\0\0\0', /byte 0/],
    'an unasked 101': ['HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n', /switched protocols/],
    'a hundred informational responses': ['HTTP/1.1 102 Processing\r\n\r\n'.repeat(100), /informational.*byte \d+/],
    'a head that is cut': ['HTTP/1.1 200 OK\r\nContent-Le', /middle of the response head|ended/],
  };
  const reasons = new Map();
  let own;
  before(async () => { own = await startProxy(); });
  for (const [what, [bytes, reason]] of Object.entries(responses)) {
    test(`a response with ${what} is one 502`, async () => {
      const server = await listen((socket) => socket.once('data', () => socket.end(bytes, 'latin1')));
      const answer = (await raw(own.port, `GET ${server.url}/ HTTP/1.0\r\nHost: ${server.authority}\r\n\r\n`)).toString('latin1');
      assert.equal(answer.match(/HTTP\/1\.\d \d{3}/g).join().replace('1.0', '1.1'), 'HTTP/1.1 502');
      assert.match(field(answer, 'Proxy-Status'), /^oauthtap; error=(http_protocol_error|connection_terminated|http_response_incomplete)$/);
      reasons.set(server.host, reason);
      await server.stop();
    });
  }

  test('each broken response is one finding with its reason and its place, and no control byte reaches an output', async () => {
    const { records } = await own.stop(); // where a server may recover, the end of the run decides
    assert.equal(reasons.size, Object.keys(responses).length);
    for (const [host, reason] of reasons) {
      const about = records.filter(({ type, evidence }) => type === 'finding' && evidence.host === host);
      assert.deepEqual(about.map(({ occurrences }) => occurrences), [1], `${host} ${reason}`);
      assert.match(about[0].evidence.detail, reason);
    }
    for (const [name, text] of own.outputs()) assert.doesNotMatch(text, name.endsWith('.jsonl') ? /[\0-\x09\x0b-\x1f\x7f]/ : /[\0-\x08\x0b-\x1a\x7f]/, name);
  });

  test('304 and 204 with a Content-Length leave the connection aligned', async () => {
    const answers = ['HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n', 'HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'];
    let next = 0;
    const server = await listen((socket) => socket.on('data', () => socket.write(answers[next++])));
    const socket = await connect('127.0.0.1', proxy.port);
    for (const status of [304, 204, 200]) assert.equal((await exchange(`${server.url}/`, { socket, proxy, keep: status !== 200, patience: 3000 })).status, status);
    await server.stop();
  });
});

describe('certificates', () => {
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  const read = (name) => readFileSync(join(scratch, name));
  function leaf(name, issuer, { names = 'DNS:localhost,IP:127.0.0.1', days = '2', isAuthority = 'FALSE' } = {}) {
    writeFileSync(join(scratch, `${name}.ext`), `subjectAltName=${names}\nbasicConstraints=CA:${isAuthority}\n`);
    openssl('req', '-new', ...key, '-subj', `/CN=${name}`, '-keyout', `${name}-key.pem`, '-out', `${name}.csr`);
    openssl('x509', '-req', '-in', `${name}.csr`, '-CA', `${issuer}.pem`, '-CAkey', `${issuer}-key.pem`, '-CAcreateserial', '-days', days, '-extfile', `${name}.ext`, '-out', `${name}.pem`);
    return { key: read(`${name}-key.pem`), cert: read(`${name}.pem`) };
  }
  const selfSigned = () => {
    openssl('req', '-x509', ...key, '-days', '2', '-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1', '-keyout', 'self-key.pem', '-out', 'self.pem');
    return { key: read('self-key.pem'), cert: read('self.pem') };
  };
  const underNoAuthority = () => {
    const issuer = leaf('no-authority', 'origin-ca');
    const { key: leafKey, cert } = leaf('under-none', 'no-authority');
    return { key: leafKey, cert: Buffer.concat([cert, issuer.cert]) };
  };
  // subjectAltName: a DNS name "localhost\0.evil.test", as bytes
  const nulName = () => leaf('nul', 'origin-ca', { names: `DER:${Buffer.from('\x30\x15\x82\x13localhost\0.evil.test', 'latin1').toString('hex').match(/../g).join(':')}` });
  const wrong = {
    'has expired': [() => leaf('over', 'origin-ca', { days: '-1' }), ['certificate-expired']],
    'is for another host': [() => leaf('elsewhere', 'origin-ca', { names: 'DNS:elsewhere.test' }), ['certificate-wrong-host']],
    'is for every host of a top-level domain': [() => leaf('wild', 'origin-ca', { names: 'DNS:*,DNS:*.test,DNS:loc*' }), ['certificate-wrong-host']],
    'hides a NUL in its name': [nulName, ['certificate-wrong-host', 'certificate-invalid']],
    'signed itself': [selfSigned, ['certificate-self-signed']],
    'is of an unknown issuer': [() => leaf('unknown', 'stranger-ca'), ['certificate-unknown-issuer']],
    'is signed by one that is no authority': [underNoAuthority, ['certificate-invalid', 'certificate-unknown-issuer']],
  };
  for (const [what, [make, faults]] of Object.entries(wrong)) {
    test(`a server whose certificate ${what} gets not one byte of the request, and the finding names the fault`, async () => {
      const own = await startRecorded();
      let received = 0;
      const server = tls.createServer(make(), (socket) => { socket.on('data', (piece) => { received += piece.length; }); socket.on('error', () => {}); });
      server.on('tlsClientError', () => {});
      await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
      const answer = await exchange(`https://localhost:${server.address().port}/`, { proxy: own, headers: { Authorization: 'Bearer not-for-strangers' } });
      assert.equal(answer.status, 502);
      assert.equal(new Map(answer.fields).get('Proxy-Status'), 'oauthtap; error=tls_certificate_error');
      await new Promise((resolve) => server.close(resolve));
      const { records } = await own.stop();
      const findings = records.filter(({ type }) => type === 'finding');
      assert.deepEqual(findings.map(({ rule, occurrences }) => [rule, occurrences]), [['transport/upstream-certificate', 1]]);
      assert.ok(faults.includes(findings[0].evidence.fault), findings[0].evidence.fault);
      assert.equal(received, 0);
    });
  }

  for (const [version, args] of Object.entries({ '1.2': ['--tls-max', '1.2'], '1.3': ['--tlsv1.3'] })) {
    test(`curl that does not know the CA is told of as client-rejected-ca, in TLS ${version}`, async () => {
      const own = await startRecorded();
      const failure = await run('curl', ['-sS', '--noproxy', '', '-x', own.url, ...args, `${origins.https.url}/204`]).catch((error) => error);
      assert.equal(failure.code, 60);
      const { records } = await own.stop();
      const findings = records.filter(({ type }) => type === 'finding');
      assert.deepEqual(findings.map(({ rule, severity }) => [rule, severity]), [['transport/client-rejected-ca', 'error']]);
      assert.equal(findings[0].evidence.alert, 'unknown_ca');
      assert.equal(findings[0].evidence.host, 'localhost');
      assert.match(findings[0].remedy, /--cacert/);
    });
  }

  const shown = async (servername, host) => {
    const { socket: lower } = await tunnel(proxy, `${host ?? 'localhost'}:${origins.https.port}`);
    const socket = tls.connect({ socket: lower, servername, host: servername ?? host, ca: proxy.ca, ALPNProtocols: ['http/1.1'] });
    await within(20000, 'TLS', new Promise((resolve, reject) => { socket.on('secureConnect', resolve); socket.on('error', reject); }));
    const certificate = socket.getPeerX509Certificate();
    socket.destroy();
    return certificate;
  };

  test('names of any length, international names and addresses get certificates that clients accept', async () => {
    const long = `${'a'.repeat(63)}.${'b'.repeat(63)}.${'c'.repeat(63)}.test`;
    for (const name of [long, 'xn--mnchen-3ya.test', 'under_score.test', 'UPPER.test']) assert.match((await shown(name)).subjectAltName, new RegExp(name, 'i'));
    assert.equal((await shown(undefined, '127.0.0.1')).subjectAltName, 'IP Address:127.0.0.1');
  });

  test('a certificate stands up to the strict checks of Python, and its revocation list is there and signed', async () => {
    writeFileSync(join(scratch, 'shown.pem'), (await shown('strict.test')).toString());
    assert.match(openssl('verify', '-x509_strict', '-purpose', 'sslserver', '-verify_hostname', 'strict.test', '-CAfile', proxy.caFile, 'shown.pem'), /OK/);
    const response = await fetch(`${proxy.url}/oauthtap.crl`);
    assert.equal(response.status, 200);
    writeFileSync(join(scratch, 'list.crl'), Buffer.from(await response.arrayBuffer()));
    openssl('crl', '-inform', 'DER', '-in', 'list.crl', '-CAfile', proxy.caFile, '-noout', '-verify');
  });
});
