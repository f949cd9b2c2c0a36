// saz.test.js - `oauthtap check` on Fiddler session archives: what a HAR of the same traffic gives, and nothing but a clear word for archives that are broken or hostile.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { har } from './lib/har.js';
import { saz, sessionParts, zip } from './lib/saz.js';
import { assertValidRecords } from './lib/schema.js';
import { scratch } from './lib/scratch.js';

const binary = process.env.OAUTHTAP;
const load = (name) => JSON.parse(readFileSync(fileURLToPath(new URL(`../vectors/rules/${name}`, import.meta.url)), 'utf8'));
const cases = load('cases.json');
const faulty = cases.find(({ kind, expected_rules: rules }) => kind === 'failure' && rules.length > 0);
const healthy = cases.find(({ kind }) => kind === 'healthy');

function put(name, content) {
  const path = join(scratch, name);
  writeFileSync(path, typeof content === 'string' || Buffer.isBuffer(content) ? content : JSON.stringify(content));
  return path;
}

const check = (args, options = {}) => spawnSync(binary, ['check', '--ca-dir', join(scratch, 'no-ca'), ...args], { encoding: 'utf8', cwd: scratch, ...options });

// Fingerprints are of the run, and an archive has the framing that a HAR leaves out.
function findings({ stdout, stderr }) {
  assert.equal(stderr, '');
  const records = stdout.split('\n').filter(Boolean).map((line) => JSON.parse(line));
  assertValidRecords(records);
  return records.map((record) => JSON.stringify(record).replace(/tok:[0-9a-f]{12}/g, 'tok:'));
}

describe('the same traffic as HAR and as Fiddler saves it', () => {
  const isHttp = ({ observed, url, status, response_headers: headers }) => !observed && /^https?:/.test(url) && status && !Object.keys(headers ?? {}).some((name) => name.toLowerCase() === 'content-encoding');
  for (const file of readdirSync(fileURLToPath(new URL('../vectors/rules/', import.meta.url)))) {
    test(`each vector of ${file} gives the same records`, () => {
      const vectors = load(file).filter(({ exchanges }) => exchanges.every(isHttp) && !exchanges.some(({ is_truncated: isCut, is_cut: isBroken }) => isCut || isBroken)), all = vectors.flatMap(({ exchanges }) => exchanges);
      if (!vectors.length) return;
      assert.deepEqual(findings(check(['--format', 'json', put('all.saz', saz(all))])), findings(check(['--format', 'json', put('all.har', har(all))])));
    });
  }

  for (const options of [{ way: 'chunked' }, { way: 'gzip' }, { isOriginForm: true }]) {
    test(`${JSON.stringify(options)} changes nothing`, () => {
      assert.deepEqual(findings(check(['--format', 'json', put('faulty.saz', saz(faulty.exchanges, options))])), findings(check(['--format', 'json', put('faulty.har', har(faulty.exchanges))])));
    });
  }

  test('an archive on standard input and a HAR beside it are one run', () => {
    const [first, ...rest] = faulty.exchanges;
    const both = check(['--format', 'json', '-', put('rest.har', har(rest))], { input: saz([first]) });
    assert.deepEqual(findings(both), findings(check(['--format', 'json', put('whole.har', har(faulty.exchanges))])));
  });

  test('sessions are read by their numbers, whatever the order in the archive', () => {
    const parts = faulty.exchanges.flatMap((exchange, i) => sessionParts(exchange, i + 1).map((part) => (part.name.endsWith('m.xml') ? { ...part, data: Buffer.from('<Session SID="1">') } : part)));
    const forward = check(['--format', 'json', put('forward.saz', zip(parts))]), backward = check(['--format', 'json', put('backward.saz', zip([...parts].reverse()))]);
    assert.deepEqual(findings(backward), findings(forward));
  });
});

describe('what an archive holds beside', () => {
  const tunnel = (flags) => [{ name: 'raw/90_c.txt', data: Buffer.from('CONNECT as.hidden.example:443 HTTP/1.1\r\nHost: as.hidden.example:443\r\n\r\n') }, { name: 'raw/90_s.txt', data: Buffer.from('HTTP/1.1 200 Connection Established\r\n\r\n') },
    { name: 'raw/90_m.xml', data: Buffer.from(`<Session SID="90" BitFlags="${flags}"></Session>`) }];
  const parts = healthy.exchanges.flatMap((exchange, i) => sessionParts(exchange, i + 1));

  test('a tunnel that was not decrypted is told, one that was is not', () => {
    const blind = check([put('blind.saz', zip([...parts, ...tunnel(4096)]))]), open = check([put('open.saz', zip([...parts, ...tunnel(8192)]))]);
    assert.match(blind.stdout, /1 tunnel was recorded without what went through\s+\(as\.hidden\.example\)/);
    assert.match(blind.stdout, /HTTPS\s+decryption/);
    assert.doesNotMatch(open.stdout, /tunnel/);
    assert.doesNotMatch(open.stdout, /left out/);
  });

  test('an answer that Fiddler made is not held against the provider', () => {
    const [exchange] = faulty.exchanges;
    const broken = { ...exchange, status: 502, response_headers: { 'Content-Type': 'text/html' }, response_body: '[Fiddler] DNS Lookup for as.example failed.' };
    const own = sessionParts(broken, 1).map((part) => (part.name.endsWith('m.xml') ? { ...part, data: Buffer.from('<Session SID="1" BitFlags="257"></Session>') } : part));
    assert.notEqual(check([put('theirs.saz', saz([broken]))]).stdout, check([put('own.saz', zip(own))]).stdout);
    assert.equal(check([put('own.saz', zip(own))]).status, 0);
  });

  test('parts that are missing are not made up', () => {
    const { stdout, status, stderr } = check(['--format', 'json', put('bare.saz', zip([...parts.filter(({ name }) => /_c\.txt$/.test(name)), { name: 'raw/99_s.txt', data: Buffer.from('HTTP/1.1 500 Oh\r\n\r\n') }]))]);
    assert.equal(stderr, '');
    assert.equal(status, 0);
    assert.doesNotMatch(stdout, /"severity":"(error|warning)"/);
  });

  test('a session that is no HTTP is counted as left out', () => {
    const { stdout } = check([put('odd.saz', zip([...parts, { name: 'raw/50_c.txt', data: zip(parts) }]))]);
    assert.match(stdout, /1 entry of the recording was left out/);
  });

  test('the same session twice is judged once and told', () => {
    const twice = check([put('twice.saz', zip([...parts, { ...parts[0], name: 'raw/001_c.txt' }]))]);
    assert.match(twice.stdout, /in it\s+twice/);
    assert.equal(twice.status, 0);
  });

  test('names that lead elsewhere are no sessions', () => {
    const [exchange] = faulty.exchanges, [{ data }] = sessionParts(exchange, 1);
    for (const name of ['../raw/1_c.txt', '/raw/1_c.txt', 'raw/../1_c.txt', 'raw/1/1_c.txt', 'raw/_c.txt', 'raw/-1_c.txt', 'x/raw/1_c.txt', 'raw/99999999999_c.txt']) {
      const { status, stderr } = check([put('path.saz', zip([{ name, data }]))]);
      assert.equal(status, 2, name);
      assert.match(stderr, /path\.saz is a zip archive, but not Fiddler's/);
    }
  });
});

describe('archives that are broken or hostile', () => {
  const parts = faulty.exchanges.flatMap((exchange, i) => sessionParts(exchange, i + 1));
  const whole = zip(parts);
  const others = /the others are judged/;

  function refused(content, why) {
    const { status, stderr, stdout } = check([put('bad.saz', content)]);
    assert.equal(status, 2);
    assert.match(stderr, why);
    return stdout;
  }

  test('a cut archive is told', () => refused(whole.subarray(0, whole.length - 40), /bad\.saz begins like a zip archive, and is damaged or cut/));
  test('an archive of something else is told', () => refused(zip([{ name: 'traffic.har', data: Buffer.from('{}') }]), /not Fiddler's.*unpack it/));
  test('an empty archive is told', () => refused(zip([]), /not Fiddler's/));
  test('an encrypted archive is told', () => refused(zip(parts.map((part) => ({ ...part, flags: 1 }))), /is encrypted: save it in Fiddler again, without a password/));

  test('an answer that alone is encrypted is told', () => {
    refused(zip(parts.map((part) => ({ ...part, flags: part.name === 'raw/1_s.txt' ? 1 : 0 }))), /session 1 cannot be read: it is encrypted/);
  });

  test('a session that is damaged is told by its number, the others are judged', () => {
    const damaged = zip([...parts, { name: 'raw/77_c.txt', data: Buffer.from('GET / HTTP/1.1'), packed: Buffer.from([0xff, 0xff, 0xff]) }]);
    assert.match(refused(damaged, /session 77 cannot be read: it is damaged or cut/), new RegExp(faulty.expected_rules[0]));
    refused(damaged, others);
  });

  test('a bomb stops by what comes out of it, the others are judged', () => {
    const bomb = zip([...parts, { name: 'raw/78_c.txt', data: Buffer.concat([Buffer.from('POST https://as.example/token HTTP/1.1\r\n\r\n'), Buffer.alloc(20 * 1024 * 1024)]) }]);
    assert.match(refused(bomb, /session 78 cannot be read: it unpacks to more than 200 times its size/), new RegExp(faulty.expected_rules[0]));
  });

  test('a message beyond all measure is told', () => {
    const noise = Buffer.alloc(70 * 1024 * 1024);
    for (let i = 0; i < noise.length; i += 4) noise.writeUInt32LE((i * 2654435761) >>> 0, i);
    refused(zip([...parts, { name: 'raw/79_c.txt', data: noise, packed: Buffer.concat(Array.from({ length: Math.ceil(noise.length / 65535) }, (_, i) => {
      const piece = noise.subarray(i * 65535, (i + 1) * 65535), head = Buffer.alloc(5);
      head[0] = (i + 1) * 65535 >= noise.length ? 1 : 0; head.writeUInt16LE(piece.length, 1); head.writeUInt16LE(piece.length ^ 0xffff, 3);
      return Buffer.concat([head, piece]);
    })) }]), /session 79 cannot be read: it is larger than any message/);
  });

  test('entries that share their bytes, and entries that lie about their size, harm nothing', () => {
    const shared = zip([...parts, ...Array.from({ length: 2000 }, (_, i) => ({ name: `raw/${100 + i}_c.txt`, at: 0, data: parts[0].data }))]);
    assert.equal(check(['--quiet', put('shared.saz', shared)]).stderr, '');
    const lying = zip(parts.map((part) => ({ ...part, size: 5 })));
    assert.ok([0, 1, 2].includes(check(['--quiet', put('lying.saz', lying)]).status));
  });

  test('no secret of an archive is printed', () => {
    const { stdout, stderr } = check(['--verbose', put('secret.saz', whole)]);
    for (const { request_body: body } of faulty.exchanges)
      for (const [name, value] of new URLSearchParams(typeof body === 'string' ? body : ''))
        if (/secret|token$|^code/.test(name) && value.length >= 12) assert.ok(!(stdout + stderr).includes(value), name);
  });
});
