// fidelity.test.js - traffic is never harmed: what arrives through the proxy is what arrives without it, over HTTP and over intercepted HTTPS.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import tls from 'node:tls';
import { promisify } from 'node:util';
import { WebSocket } from 'ws';
import { connect, exchange, openSocket, raw, tunnel } from './lib/client.js';
import { Origin, blocks, startPlainServer } from './lib/origin.js';
import { startProxy, within } from './lib/proxy.js';
import { expiredCertificate, otherNamesCertificate, strangersCertificate } from './lib/scratch.js';

const run = promisify(execFile);
const BIG = 64 << 20;
const shaOf = (pieces) => { const hash = createHash('sha256'); for (const piece of pieces) hash.update(piece); return hash.digest('hex'); };
const sha256Big = shaOf(blocks(BIG));

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

async function sameWithAndWithout(url, options = {}) {
  const bodyOf = options.bodyOf ?? (() => options.body);
  const direct = await exchange(url, { ...options, body: bodyOf() });
  const proxied = await exchange(url, { ...options, body: bodyOf(), proxy });
  assert.deepEqual(proxied, direct);
  return proxied;
}

for (const scheme of ['http', 'https']) {
  describe(`over ${scheme}`, () => {
    const url = (path) => origins[scheme].url + path;

    for (const framing of ['length', 'chunked']) {
      for (const bytes of [0, 1, 100000]) {
        test(`a response of ${bytes} bytes by ${framing} is the same`, async () => {
          assert.equal((await sameWithAndWithout(url(`/bytes?n=${bytes}&framing=${framing}`))).bytes, bytes);
        });
        test(`a request of ${bytes} bytes by ${framing} is the same`, async () => {
          const headers = framing === 'length' ? { 'Content-Length': bytes } : { 'Transfer-Encoding': 'chunked' };
          const answer = await sameWithAndWithout(url('/sum'), { method: 'POST', headers, bodyOf: () => [...blocks(bytes)] });
          assert.equal(JSON.parse(answer.text).bytes, bytes);
        });
      }
      for (const coding of ['gzip', 'br', 'deflate']) {
        test(`100 kB of ${coding} by ${framing} stay as they were coded`, async () => {
          await sameWithAndWithout(url(`/coded?coding=${coding}&framing=${framing}`), { headers: { 'Accept-Encoding': 'gzip, br, deflate' } });
        });
      }
      test(`64 MiB down by ${framing} are the same`, async () => {
        const got = await exchange(url(`/bytes?n=${BIG}&framing=${framing}`), { proxy });
        assert.deepEqual([got.status, got.bytes, got.sha256], [200, BIG, sha256Big]);
      });
      test(`64 MiB up by ${framing} are the same`, async () => {
        const headers = framing === 'length' ? { 'Content-Length': BIG } : { 'Transfer-Encoding': 'chunked' };
        const got = JSON.parse((await exchange(url('/sum'), { method: 'PUT', headers, body: blocks(BIG), proxy })).text);
        assert.deepEqual(got, { bytes: BIG, sha256: sha256Big, length: framing === 'length' ? String(BIG) : null, coding: framing === 'length' ? null : 'chunked', trailers: [] });
      });
    }

    test('103 Early Hints arrive before the response', async () => {
      const answer = await sameWithAndWithout(url('/early'));
      assert.deepEqual(answer.informational.map(([status]) => status), [103]);
    });

    test('trailers arrive', async () => {
      assert.deepEqual((await sameWithAndWithout(url('/trailers'))).trailers, ['X-Sum', '1234', 'x-second', 'two words']);
    });

    test('field order, case, duplicates and the reason phrase are kept in responses', async () => {
      const answer = await sameWithAndWithout(url('/fields'));
      assert.equal(answer.reason, 'As You Like It');
    });

    test('field order, case and duplicates are kept in requests, and nothing is added', async () => {
      const headers = { 'X-ZuLu': '1', accept: '*/*', 'X-Twice': ['a', 'b'], Authorization: 'Basic dTpw', 'x-last': 'z' };
      for (const via of [undefined, proxy]) await exchange(url('/204'), { headers, proxy: via });
      const [direct, proxied] = origins[scheme].requests.slice(-2).map(({ fields }) => fields.filter((_, i, all) => !/^connection$/i.test(all[i - (i % 2)])));
      assert.deepEqual(proxied, direct);
    });

    test('a method of WebDAV is forwarded', async () => {
      await sameWithAndWithout(url('/204'), { method: 'PROPFIND' });
    });

    test('HEAD keeps the length, and the connection stays aligned', async () => {
      const socket = await openSocket(url('/'), proxy);
      const first = await exchange(url('/bytes?n=1000'), { method: 'HEAD', socket, proxy, keep: true });
      assert.deepEqual([first.status, first.bytes, new Map(first.fields).get('Content-Length')], [200, 0, '1000']);
      const second = await exchange(url('/bytes?n=10'), { socket, proxy });
      assert.deepEqual([second.status, second.bytes], [200, 10]);
      await sameWithAndWithout(url('/bytes?n=1000'), { method: 'HEAD' });
      await sameWithAndWithout(url('/bytes?n=1000&framing=chunked'), { method: 'HEAD' });
    });

    test('304 with a Content-Length and 204 have no body', async () => {
      const socket = await openSocket(url('/'), proxy);
      for (const [path, status] of [['/304', 304], ['/204', 204], ['/bytes?n=5', 200]]) {
        assert.equal((await exchange(url(path), { socket, proxy, keep: status !== 200 })).status, status);
      }
      await sameWithAndWithout(url('/304'));
      await sameWithAndWithout(url('/204'));
    });

    test('Expect: 100-continue is answered by the server, not by the proxy', async () => {
      const headers = { Expect: '100-continue', 'Content-Length': 5 };
      const good = await sameWithAndWithout(url('/sum'), { method: 'POST', headers, body: Buffer.from('hello') });
      assert.equal(JSON.parse(good.text).bytes, 5);
      const refused = await sameWithAndWithout(url('/refuse-upload'), { method: 'POST', headers, body: Buffer.from('hello') });
      assert.equal(refused.status, 413);
    });

    test('a WebSocket echoes text and binary, and the first frame of the server is not lost', async () => {
      // Clients of ws:// open a tunnel, too.
      const socket = scheme === 'http' ? (await tunnel(proxy, new URL(url('/')).host)).socket : await openSocket(url('/'), proxy);
      const target = scheme === 'http' ? url('/socket').replace('http', 'ws') : url('/socket').replace('https', 'ws');
      const client = new WebSocket(target, { createConnection: () => socket });
      const got = [];
      await within(20000, 'the WebSocket', new Promise((resolve, reject) => {
        client.on('error', reject);
        client.on('open', () => { client.send('text'); client.send(Buffer.alloc(70000, 7)); client.ping('p'); });
        client.on('pong', () => got.push('pong'));
        client.on('message', (data, isBinary) => { got.push(isBinary ? data.length : data.toString()); if (isBinary) client.close(1000, 'done'); });
        client.on('close', (code, reason) => { got.push(code, reason.toString()); resolve(); });
      }));
      assert.deepEqual(got.filter((item) => item !== 'pong'), ['the server speaks at once', 'text', 70000, 1000, 'done']);
    });

    test('each event of a stream arrives before the next is sent', async () => {
      let received = '';
      let count = 0;
      const sendNext = () => { count += 1; for (const stream of origins[scheme].streams) if (count < 5) stream.write(`data: event ${count}\n\n`); else stream.end(); };
      const answer = await exchange(url('/events'), { proxy, patience: 20000, onData: (piece) => {
        received += piece;
        if (received.endsWith(`data: event ${count}\n\n`)) sendNext();
      } });
      assert.equal(answer.status, 200);
      assert.equal(received, [0, 1, 2, 3, 4].map((n) => `data: event ${n}\n\n`).join(''));
    });

    test('20 requests at once get their own answers', async () => {
      const answers = await Promise.all(Array.from({ length: 20 }, (_, i) => exchange(url(`/bytes?n=${1000 + i * 4096}`), { proxy })));
      assert.deepEqual(answers.map(({ bytes, sha256 }) => [bytes, sha256]), answers.map((_, i) => [1000 + i * 4096, shaOf(blocks(1000 + i * 4096))]));
    });

    test('ten requests on one connection, all answered in order', async () => {
      const socket = await openSocket(url('/'), proxy);
      for (let i = 0; i < 10; i++) assert.equal((await exchange(url(`/bytes?n=${i}&framing=${i % 2 ? 'chunked' : 'length'}`), { socket, proxy, keep: i < 9 })).bytes, i);
    });

    test('a client of HTTP/1.0 gets a body that ends with the connection, never chunked', async () => {
      const answer = await sendRaw(scheme, 'GET /bytes?n=5000&framing=chunked HTTP/1.0');
      const [head, body] = split(answer);
      assert.match(head, /^HTTP\/1\.[01] 200 /);
      assert.doesNotMatch(head, /transfer-encoding/i);
      assert.equal(shaOf([Buffer.from(body, 'latin1')]), shaOf(blocks(5000)));
    });

    test('a client that half-closes after its request gets the whole answer', async () => {
      const answer = await sendRaw(scheme, 'GET /bytes?n=300000 HTTP/1.1', { finish: true });
      assert.equal(split(answer)[1].length, 300000);
    });

    test('two pipelined requests are answered in order', async () => {
      const { host } = new URL(url('/'));
      const target = (path) => (scheme === 'http' ? url(path) : path);
      const answer = await sendRaw(scheme, `GET ${target('/bytes?n=3')} HTTP/1.1\r\nHost: ${host}\r\n\r\nGET /fields HTTP/1.1`, { isWhole: true });
      assert.ok(answer.indexOf('Content-Length: 3') > 0 && answer.indexOf('Content-Length: 3') < answer.indexOf('As You Like It'), answer);
    });

    test('curl sees the same with and without the proxy', async () => {
      const curl = (...args) => run('curl', ['-sS', '-i', '--http1.1', '--noproxy', '', ...args], { encoding: 'latin1', maxBuffer: 1 << 20 });
      const without = ({ stdout }) => stdout.replace(/^HTTP\/1\.1 200 (OK|Connection established)\r\n\r\n/i, '').replace(/^(Date|Connection|Keep-Alive|Transfer-Encoding):.*\r\n/gim, '');
      for (const path of ['/fields', '/coded?coding=gzip', '/trailers', '/early']) {
        const direct = await curl('--cacert', originCaPath(), url(path));
        const proxied = await curl('--suppress-connect-headers', '--proxy', proxy.url, '--cacert', proxy.caFile, url(path));
        assert.equal(without(proxied), without(direct));
      }
    });
  });
}

const originCaPath = () => proxy.caFolder.replace(/proxy-[^/]*\/ca$/, 'origin-ca.pem');
const split = (answer) => { const end = answer.indexOf('\r\n\r\n'); return [answer.slice(0, end), answer.slice(end + 4)]; };

// One hand-written request (its line; Host and Connection: close are added), the answer as it came.
async function sendRaw(scheme, line, { finish = false, isWhole = false } = {}) {
  const { host, port } = new URL(origins[scheme].url);
  const [method, path, ...rest] = line.split(' ');
  const first = scheme === 'http' && !isWhole ? [method, origins.http.url + path, ...rest].join(' ') : line.replace('GET /fields', scheme === 'http' ? `GET ${origins.http.url}/fields` : 'GET /fields');
  const bytes = `${first}\r\nHost: ${host}\r\nConnection: close\r\n\r\n`;
  if (scheme === 'http') return (await raw(proxy.port, bytes, { finish })).toString('latin1');
  const { socket: lower } = await tunnel(proxy, `localhost:${port}`);
  const socket = tls.connect({ socket: lower, servername: 'localhost', ca: proxy.ca, ALPNProtocols: ['http/1.1'] });
  const pieces = [];
  const done = new Promise((resolve, reject) => {
    socket.on('data', (piece) => pieces.push(piece));
    socket.on('error', (error) => (pieces.length > 0 ? resolve() : reject(error)));
    socket.on('close', resolve);
    socket.on('end', resolve);
  });
  socket.on('secureConnect', () => (finish ? socket.end(bytes) : socket.write(bytes)));
  await within(20000, line, done);
  socket.destroy();
  return Buffer.concat(pieces).toString('latin1');
}

describe('below and beside HTTP', () => {
  test('a server that speaks first is heard through CONNECT, and answers byte for byte', async () => {
    const server = await startPlainServer((socket) => {
      socket.write('220 mail.test ready\r\n');
      socket.on('data', (line) => socket.write(Buffer.concat([Buffer.from('250 '), line])));
      socket.on('end', () => socket.end('221 bye\r\n'));
    });
    const { socket, head } = await tunnel(proxy, `127.0.0.1:${server.port}`);
    assert.match(head, /^HTTP\/1\.1 200 /);
    assert.doesNotMatch(head, /content-length|transfer-encoding/i);
    let heard = '';
    await within(20000, 'the mail server', new Promise((resolve) => {
      socket.on('data', (piece) => {
        const before = heard.length;
        heard += piece.toString('latin1');
        if (before === 0) socket.write('EHLO \0\x16\xff\r\n', 'latin1');
        if (heard.endsWith('\xff\r\n')) socket.end();
      });
      socket.on('end', resolve);
    }));
    assert.equal(heard, '220 mail.test ready\r\n250 EHLO \0\x16\xff\r\n221 bye\r\n');
    socket.destroy();
    await server.stop();
  });

  test('a method that no list has is forwarded as it is', async () => {
    let asked = '';
    const server = await startPlainServer((socket) => socket.once('data', (piece) => { asked = piece.toString(); socket.end('HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n'); }));
    const authority = `localhost:${server.port}`;
    const answer = (await raw(proxy.port, `Brew http://${authority}/pot HTTP/1.1\r\nHost: ${authority}\r\nConnection: close\r\n\r\n`)).toString('latin1');
    assert.match(answer, /^HTTP\/1\.1 204 /);
    assert.match(asked, /^Brew \/pot HTTP\/1\.1\r\n/);
    await server.stop();
  });

  const malformed = {
    'a space in the target': 'GET bad request HTTP/1.1\r\nHost: a\r\n\r\n',
    'both framings': 'POST http://localhost:1/ HTTP/1.1\r\nHost: localhost:1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    'two lengths': 'POST http://localhost:1/ HTTP/1.1\r\nHost: localhost:1\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!',
    'an empty field name': 'GET http://localhost:1/ HTTP/1.1\r\nHost: localhost:1\r\n: x\r\n\r\n',
    'no Host': 'GET http://localhost:1/ HTTP/1.1\r\n\r\n',
    'CONNECT without a port': 'CONNECT localhost HTTP/1.1\r\nHost: localhost\r\n\r\n',
    'an escape sequence in a CONNECT target': 'CONNECT local\x1b[31mhost:443 HTTP/1.1\r\nHost: localhost\r\n\r\n',
    'origin-form on the proxy port': 'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n',
  };
  for (const [what, bytes] of Object.entries(malformed)) {
    test(`a request with ${what} gets one 400 and the connection closed`, async () => {
      const answer = (await raw(proxy.port, bytes)).toString('latin1');
      assert.match(answer, /^HTTP\/1\.[01] 400 /);
      assert.equal(answer.match(/HTTP\/1\.[01] \d{3} /g).length, 1);
      assert.match(split(answer)[1], /\w+ \w+/, 'a sentence that says why');
      assert.doesNotMatch(answer, /\x1b/);
    });
  }

  const hostile = {
    'two lengths': 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!',
    'both framings': 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    'an empty field name': 'HTTP/1.1 200 OK\r\n: x\r\nContent-Length: 0\r\n\r\n',
    'no HTTP at all': 'SSH-2.0-OpenSSH_9.2\r\n',
    'an unasked 101': 'HTTP/1.1 101 Switching Protocols\r\n\r\n',
    'nothing': '',
  };
  for (const [what, bytes] of Object.entries(hostile)) {
    test(`a response with ${what} becomes a 502 with Proxy-Status`, async () => {
      const server = await startPlainServer((socket) => socket.once('data', () => socket.end(bytes)));
      const answer = await exchange(`http://localhost:${server.port}/`, { proxy });
      assert.equal(answer.status, 502);
      assert.match(new Map(answer.fields.map(([name, value]) => [name.toLowerCase(), value])).get('proxy-status') ?? '', /^oauthtap; *error=/);
      await server.stop();
    });
  }

  test('a response cut short is cut short for the client, too', async () => {
    const server = await startPlainServer((socket) => socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this')));
    await assert.rejects(exchange(`http://localhost:${server.port}/`, { proxy }));
    await server.stop();
  });

  const wrong = { 'of an unknown authority': strangersCertificate, 'for another name': otherNamesCertificate, 'that has expired': expiredCertificate };
  for (const [what, certificate] of Object.entries(wrong)) {
    test(`an upstream certificate ${what} becomes a 502, and the origin sees no request`, async () => {
      const origin = await Origin.start('https', certificate);
      const answer = await exchange(`${origin.url}/204`, { proxy, headers: { Authorization: 'Bearer not-for-strangers' } });
      assert.equal(answer.status, 502);
      assert.match(answer.text, /certificate/i);
      assert.match(new Map(answer.fields.map(([name, value]) => [name.toLowerCase(), value])).get('proxy-status') ?? '', /^oauthtap; *error=/);
      assert.equal(origin.requests.length, 0);
      await origin.stop();
    });
  }

  test('an upstream that refuses the connection becomes a 502 that says so', async () => {
    const server = await startPlainServer(() => {});
    await server.stop();
    const answer = await exchange(`http://localhost:${server.port}/`, { proxy });
    assert.equal(answer.status, 502);
    assert.match(answer.text, /refused/i);
  });

  test('a request to the proxy itself is refused, however it is spelt', async () => {
    for (const host of ['127.0.0.1', 'localhost', '[::ffff:127.0.0.1]', '0.0.0.0']) {
      const authority = `${host}:${proxy.port}`;
      const answer = (await raw(proxy.port, `GET http://${authority}/ HTTP/1.1\r\nHost: ${authority}\r\nConnection: close\r\n\r\n`)).toString('latin1');
      assert.match(answer, /^HTTP\/1\.[01] [45]\d\d /, authority);
      assert.match(answer, /Proxy-Status: oauthtap/i, authority);
    }
    const { socket, head } = await tunnel(proxy, `localhost:${proxy.port}`);
    assert.match(head, /^HTTP\/1\.1 [45]\d\d /);
    socket.destroy();
  });
});

describe('the end', () => {
  test('SIGTERM ends an idle proxy with a summary on the terminal and in the log', async () => {
    const own = await startProxy();
    await exchange(`${origins.http.url}/204`, { proxy: own });
    const idle = await connect('127.0.0.1', own.port);
    const { records } = await own.stop();
    idle.destroy();
    assert.equal(records.at(-1).type, 'summary');
    assert.ok(records.at(-1).exchanges >= 1);
    assert.match(own.stdout + own.stderr, /exchange/i);
  });

  test('an answer in flight is finished after SIGTERM', async () => {
    const own = await startProxy();
    const server = await startPlainServer((socket) => socket.once('data', () => {
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nfirst');
      server.finish = () => socket.write('-last');
    }));
    let isAsked = false;
    const answer = await exchange(`http://localhost:${server.port}/`, { proxy: own, onData: () => {
      if (isAsked) return;
      isAsked = true;
      own.child.kill('SIGTERM');
      server.finish();
    } });
    assert.equal(answer.text, 'first-last');
    assert.deepEqual(await within(20000, 'the end', own.ended), { code: 0, signal: null });
    await server.stop();
  });

  test('the port of a running proxy is refused to a second one, with the remedy', async () => {
    await assert.rejects(startProxy('--listen', `127.0.0.1:${proxy.port}`), /\(3\).*--listen/s);
  });
});
