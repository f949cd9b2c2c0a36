// memory.test.js - memory is bounded by the marks of the streams, not by what passes: 64 MiB to a reader that is slower than its server.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { exchange } from './lib/client.js';
import { Origin, blocks } from './lib/origin.js';
import { isSanitized, startProxy } from './lib/proxy.js';

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
