// curl-trace.test.js - `oauthtap check` on what curl wrote of its transfers: each of its forms tells the same of the same exchanges, as far as it shows them.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { har } from './lib/har.js';
import { scratch } from './lib/scratch.js';

const binary = process.env.OAUTHTAP;
const token = 'at-0a1B2c3D4e5F6g7H8i9J0kLmNoPqRsTu', secret = 's3cr3t-Qw9eRt8yUi7oPa6sDf5g';
const check = (...args) => spawnSync(binary, ['check', '--ca-dir', join(scratch, 'no-ca'), '--format', 'json', ...args], { encoding: 'utf8', cwd: scratch });
const lines = ({ stdout, stderr }) => { assert.equal(stderr, ''); return stdout.split('\n').filter(Boolean).map((line) => JSON.parse(line)); };
const rules = (result) => lines(result).filter(({ type }) => type === 'finding').map(({ rule, severity }) => `${rule} ${severity}`).sort();

let origin, server;
before(async () => {
  server = createServer((request, response) => {
    request.resume().on('end', () => {
      if (request.method === 'GET') return response.writeHead(401, { 'WWW-Authenticate': 'Bearer error="invalid_token"' }).end();
      response.writeHead(200, { 'Content-Type': 'application/json' }); // chunked, and with line ends in it
      for (const piece of JSON.stringify({ access_token: token, token_type: 'Bearer', expires_in: 3600 }, null, 2).match(/[^]{1,20}/g)) response.write(piece);
      response.end();
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  origin = `http://127.0.0.1:${server.address().port}`;
});
after(() => server.close());

async function trace(name, ...options) {
  const path = join(scratch, `${name}.txt`);
  const args = ['-s', ...options.map((option) => option.replace('FILE', path)), '-d', `grant_type=authorization_code&code=code-7Hg6Fd5Sa4Po3Iu2Yt1Re0Wq&client_id=shop&client_secret=${secret}`, `${origin}/token`, '--next', '-s', '-H', `Authorization: ${token}`, `${origin}/me`];
  const terminal = openSync(options.includes('FILE') ? '/dev/null' : path, 'w'); // both outputs, as a person would copy them
  const [status] = await once(spawn('curl', args, { stdio: ['ignore', terminal, terminal] }), 'close');
  closeSync(terminal);
  assert.equal(status, 0);
  return path;
}

describe('the forms in which curl tells of a transfer', () => {
  for (const [name, ...options] of [['bytes', '--trace', 'FILE'], ['ascii', '--trace-ascii', 'FILE'], ['timed', '--trace-time', '--trace-ascii', 'FILE']]) {
    test(`${options.join(' ')}: the findings of both exchanges`, async () => {
      const path = await trace(name, ...options), result = check(path);
      assert.deepEqual(rules(result), ['api/missing-bearer-prefix error', 'token/missing-cache-control info', 'token/missing-refresh-token warning']);
      assert.equal(result.status, 1);
      assert.equal(lines(result).at(-1).exchanges, 2);
      assert.ok(!result.stdout.includes(secret) && !result.stdout.includes(token));
    });
  }

  test('-v: what its heads show', async () => {
    const result = check(await trace('verbose', '-v'));
    assert.deepEqual(rules(result), ['api/missing-bearer-prefix error']);
    assert.ok(!result.stdout.includes(token));
  });

  test('beside a HAR file, in one run', async () => {
    const path = await trace('beside', '--trace', 'FILE'), empty = join(scratch, 'empty.har');
    writeFileSync(empty, JSON.stringify(har([])));
    assert.deepEqual(rules(check(path, empty)), rules(check(path)));
  });

  test('a trace that is cut anywhere is judged as far as it goes', async () => {
    const path = await trace('whole', '--trace-ascii', 'FILE'), whole = readFileSync(path, 'utf8').split('\n'), cut = join(scratch, 'cut.txt');
    for (let count = whole.findIndex((line) => line.startsWith('=> Send header')) + 1; count < whole.length; count += 5) {
      writeFileSync(cut, whole.slice(0, count).join('\n'));
      const result = check(cut);
      assert.ok([0, 1].includes(result.status), `${count} lines`);
      for (const rule of rules(result)) assert.match(rule, /^(api\/missing-bearer-prefix|token\/missing-(cache-control|refresh-token)|transport\/capture-truncated) /);
    }
  });
});
