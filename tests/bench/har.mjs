// har.mjs - how fast `oauthtap check` reads a large recording, and in how much memory. A file as a browser's is generated (scripts, images as base64, API calls
// with JSON, now and then a refresh), HAR_MB megabytes of it (500), and read HAR_ROUNDS times (3). OAUTHTAP names the binary.
import { spawn } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const wanted = { megabytesPerSecond: 100, mebibytes: 100 };
const megabytes = Number(process.env.HAR_MB ?? 500), rounds = Number(process.env.HAR_ROUNDS ?? 3);
const start = Date.parse('2026-03-02T09:00:00Z');
let seed = 1;
const random = () => (seed = (seed * 48271) % 0x7fffffff) / 0x7fffffff;
const word = (length) => Array.from({ length }, () => 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789'[Math.floor(random() * 62)]).join('');

// Pieces that entries are made of, made once: generating must not take longer than reading.
const script = Array.from({ length: 900 }, () => `function ${word(8)}(a, b) {\n  return a["${word(6)}"] ? b : "\\n${word(12)}";\n}\n`).join('');
const image = Buffer.from(word(60000)).toString('base64');
const items = JSON.stringify({ items: Array.from({ length: 120 }, (_, id) => ({ id, name: word(12), created: '2026-03-02T09:00:00Z', tags: [word(5), word(5)], price: id * 1.5 })) });
const headers = (fields) => Object.entries({ 'User-Agent': 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36', Accept: '*/*', 'Accept-Language': 'en', ...fields }).map(([name, value]) => ({ name, value }));
let token = `at-${word(40)}`, refreshToken = `rt-${word(40)}`;

function exchange(n, { method = 'GET', url, request = {}, body, status = 200, type, text, encoding }) {
  return { startedDateTime: new Date(start + n * 40).toISOString(), time: 35.25,
    request: { method, url, httpVersion: 'HTTP/1.1', cookies: [], headers: headers(request), queryString: [], headersSize: -1, bodySize: body?.length ?? 0, ...(body ? { postData: { mimeType: request['Content-Type'], text: body } } : {}) },
    response: { status, statusText: '', httpVersion: 'HTTP/1.1', cookies: [], headers: headers({ 'Content-Type': type, 'Cache-Control': 'no-store' }), content: { size: text.length, mimeType: type, text, ...(encoding ? { encoding } : {}) }, redirectURL: '', headersSize: -1, bodySize: -1 },
    cache: {}, timings: { send: 0.5, wait: 30, receive: 4.75 }, _initiator: { type: 'script' } };
}

function entry(n) {
  const kind = n % 10;
  if (n % 2000 === 0) {
    const sent = refreshToken;
    token = `at-${word(40)}`;
    refreshToken = `rt-${word(40)}`;
    return exchange(n, { method: 'POST', url: 'https://as.shop.example/oauth/token', request: { 'Content-Type': 'application/x-www-form-urlencoded' }, type: 'application/json',
      body: n ? `grant_type=refresh_token&client_id=shop&refresh_token=${sent}` : `grant_type=authorization_code&client_id=shop&code=${word(30)}`,
      text: JSON.stringify({ access_token: token, token_type: 'Bearer', expires_in: 3600, refresh_token: refreshToken }) });
  }
  if (kind < 2) return exchange(n, { url: `https://cdn.shop.example/${n}.js`, type: 'text/javascript', text: script });
  if (kind < 4) return exchange(n, { url: `https://cdn.shop.example/${n}.png`, type: 'image/png', text: image, encoding: 'base64' });
  return exchange(n, { url: `https://api.shop.example/items?page=${n}`, request: { Authorization: `Bearer ${token}` }, type: 'application/json', text: items });
}

function generate(path) {
  const file = openSync(path, 'w');
  let bytes = writeSync(file, '{"log":{"version":"1.2","creator":{"name":"bench","version":"1"},"entries":[\n'), n = 0;
  for (; bytes < megabytes * 1e6; n++) bytes += writeSync(file, (n ? ',\n' : '') + JSON.stringify(entry(n), null, n % 2 ? 2 : 0));
  bytes += writeSync(file, '\n]}}\n');
  closeSync(file);
  return { bytes, entries: n };
}

// Processor seconds and the highest memory, read from /proc until the end.
function measure(path, folder) {
  return new Promise((resolve, reject) => {
    const child = spawn('/bin/sh', ['-c', 'ulimit -c 0; exec "$0" "$@"', process.env.OAUTHTAP, 'check', '--ca-dir', join(folder, 'no-ca'), '--fail-on', 'never', '--quiet', path], { stdio: 'ignore' });
    let peak = 0;
    const watch = setInterval(() => {
      try {
        peak = Math.max(peak, Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1] ?? 0));
      } catch { /* it has just ended */ }
    }, 20);
    const before = childSeconds();
    child.on('close', (code) => {
      clearInterval(watch);
      if (code !== 0) reject(new Error(`check ended with ${code}`));
      else resolve({ seconds: childSeconds() - before, mebibytes: peak / 1024 });
    });
  });
}

// Fields 16 and 17 of /proc/self/stat: what children took that have ended, in ticks of 10 ms.
function childSeconds() {
  const fields = readFileSync('/proc/self/stat', 'utf8').split(') ')[1].split(' ');
  return (Number(fields[13]) + Number(fields[14])) / 100;
}

const folder = mkdtempSync(join(tmpdir(), 'oauthtap-bench-'));
try {
  const path = join(folder, 'large.har'), { bytes, entries } = generate(path), results = [];
  for (let round = 0; round < rounds; round++) results.push(await measure(path, folder));
  const median = (values) => values.sort((a, b) => a - b)[Math.floor(values.length / 2)];
  const speed = bytes / 1e6 / median(results.map(({ seconds }) => seconds)), memory = Math.max(...results.map(({ mebibytes }) => mebibytes));
  console.log(`check of ${Math.round(bytes / 1e6)} MB in ${entries} entries: ${Math.round(speed)} MB per CPU second (wanted: ${wanted.megabytesPerSecond}), ${Math.round(memory)} MiB of memory (wanted: below ${wanted.mebibytes})`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
