// memory.test.js - memory is bounded by the marks of the streams, not by what passes: 64 MiB to a reader that is slower than its server.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { deflateRawSync } from 'node:zlib';
import { exchange } from './lib/client.js';
import { Origin, blocks } from './lib/origin.js';
import { isSanitized, startProxy } from './lib/proxy.js';
import { crc32, zip } from './lib/saz.js';
import { scratch } from './lib/scratch.js';

const BIG = 64 << 20;
const SLOW_BYTES = 8 << 20; // read at 1 MiB/s; the rest as fast as it comes
const LIMIT_KIB = 40 * 1024;
const skip = isSanitized ? 'a sanitizer has memory of its own' : false;

const peakKib = (proxy) => Number(/^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${proxy.child.pid}/status`, 'utf8'))[1]);

for (const scheme of ['http', 'https']) {
  test(`64 MiB over ${scheme} to a slow reader, and from a client, stay under 40 MiB of memory`, { skip }, async () => {
    const origin = await Origin.start(scheme);
    const proxy = await startProxy();
    const started = process.hrtime.bigint();
    let bytes = 0;
    const answer = await exchange(`${origin.url}/bytes?n=${BIG}`, { proxy, onData: (piece, response) => {
      bytes += piece.length;
      if (bytes > SLOW_BYTES) return;
      const elapsed = Number(process.hrtime.bigint() - started) / 1e6;
      const due = bytes / (1 << 20) * 1000;
      if (due > elapsed) { response.pause(); setTimeout(() => response.resume(), due - elapsed); }
    } });
    assert.equal(answer.bytes, BIG);
    assert.ok(peakKib(proxy) < LIMIT_KIB, `${peakKib(proxy)} KiB at the peak`);
    await exchange(`${origin.url}/sum`, { method: 'POST', headers: { 'Content-Length': BIG }, body: blocks(BIG), proxy });
    assert.ok(peakKib(proxy) < LIMIT_KIB, `${peakKib(proxy)} KiB at the peak`);
    await proxy.stop();
    await origin.stop();
  });
}

test('a Fiddler archive that unpacks to 256 MiB is read in half of that, its libraries included', { skip }, () => {
  const archive = join(scratch, 'long.saz'), body = Buffer.from(randomBytes(16384).toString('hex').repeat(32));
  const data = Buffer.concat([Buffer.from(`POST https://api.example/upload HTTP/1.1\r\nHost: api.example\r\nContent-Length: ${body.length}\r\n\r\n`), body]);
  const once = { data, packed: deflateRawSync(data), sum: crc32(data) }; // all sessions share these bytes, which is quick to write
  writeFileSync(archive, zip(Array.from({ length: 256 }, (_, i) => ({ ...once, name: `raw/${i + 1}_c.txt`, ...(i ? { at: 0 } : {}) }))));
  const { status, stdout, stderr } = spawnSync('sh', ['-c', 'ulimit -v 131072 && exec "$0" "$@"', process.env.OAUTHTAP, 'check', '--ca-dir', join(scratch, 'no-ca'), '--format', 'json', archive], { encoding: 'utf8' });
  assert.equal(stderr, '');
  assert.equal(status, 0);
  assert.equal(JSON.parse(stdout.trim().split('\n').at(-1)).exchanges, 256);
});
