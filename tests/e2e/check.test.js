// check.test.js - `oauthtap check`: recorded traffic gives the findings that the same traffic gives live, and broken files say where they are broken.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { har } from './lib/har.js';
import { assertValidRecords } from './lib/schema.js';
import { scratch } from './lib/scratch.js';

const binary = process.env.OAUTHTAP;
const vectors = JSON.parse(readFileSync(fileURLToPath(new URL('../vectors/rules/cases.json', import.meta.url)), 'utf8'));
const healthy = vectors.find(({ kind }) => kind === 'healthy');
const faulty = vectors.find(({ kind, expected_rules: rules }) => kind === 'failure' && rules.length > 0);

function put(name, content) {
  const path = join(scratch, name);
  writeFileSync(path, typeof content === 'string' || Buffer.isBuffer(content) ? content : JSON.stringify(content));
  return path;
}

function check(args, options = {}) {
  const { status, stdout, stderr } = spawnSync(binary, ['check', '--ca-dir', join(scratch, 'no-ca'), ...args], { encoding: 'utf8', cwd: scratch, ...options });
  return { status, stdout, stderr };
}

function records(stdout) {
  const lines = stdout.split('\n').filter(Boolean).map((line) => JSON.parse(line));
  assertValidRecords(lines);
  return lines;
}

const rulesOf = (lines, ...severities) => lines.filter(({ type, severity }) => type === 'finding' && severities.includes(severity)).map(({ rule }) => rule);

describe('a platform that the connector runs on', () => {
  const profiles = JSON.parse(readFileSync(fileURLToPath(new URL('../vectors/rules/profiles.json', import.meta.url)), 'utf8'));
  const late = profiles.find(({ id }) => id === 'n8n-and-403-at-the-end');
  const path = () => put('late.har', har(late.exchanges));
  const remedyOf = ({ stdout }) => records(stdout).find(({ rule }) => rule === 'api/expiry-not-401').remedy;

  test('the remedy names its setting, said by --profile or by the config file', () => {
    const said = remedyOf(check(['--format', 'json', '--profile', 'n8n', path()]));
    assert.match(said, /Token Expired Status Code: 403/);
    const config = put('platform.json', { profile: 'n8n' });
    assert.equal(remedyOf(check(['--format', 'json', '--config', config, path()])), said);
    assert.doesNotMatch(remedyOf(check(['--format', 'json', '--config', config, '--profile', 'none', path()])), /Token Expired Status Code/);
  });

  test('the verdict says whom it was judged for, also when it is read back', () => {
    const log = join(scratch, 'platform.jsonl');
    assert.match(check(['--profile', 'power-platform', '--findings', log, path()]).stdout, /^ {2}Judged for {5}Power Platform$/m);
    assert.equal(records(readFileSync(log, 'utf8')).at(-1).profile, 'power-platform');
    assert.match(spawnSync(binary, ['report', log], { encoding: 'utf8' }).stdout, /Judged for +Power Platform/);
    assert.doesNotMatch(check([path()]).stdout, /Judged for/);
    const works = put('moved.har', har(profiles.find(({ id }) => id === 'n8n-has-no-refresh-url').exchanges));
    assert.match(check(['--profile', 'n8n', works]).stdout, /Verdict: it works as far as it was seen[^]*On n8n it may fail:\s+see refresh\/url-differs-from-token-url\./);
    assert.doesNotMatch(check([works]).stdout, /may fail/);
  });

  test('a platform that is not known is refused with those that are', () => {
    const { status, stderr } = check(['--profile', 'powerapps', path()]);
    assert.equal(status, 2);
    assert.match(stderr, /--profile powerapps: expected power-platform, logic-apps, postman, n8n, zapier or none/);
  });
});

describe('recorded traffic', () => {
  for (const vector of vectors) {
    test(`${vector.id}: ${vector.kind}, as a HAR file`, () => {
      const { stdout, stderr, status } = check(['--format', 'json', put('case.har', har(vector.exchanges))]);
      assert.equal(stderr, '');
      const lines = records(stdout), loud = rulesOf(lines, 'error', 'warning'), all = rulesOf(lines, 'error', 'warning', 'info');
      if (vector.kind === 'healthy') assert.deepEqual(loud, []);
      for (const rule of vector.forbidden_rules) assert.ok(!loud.includes(rule), `${rule} must be silent, but there are ${loud}`);
      if (vector.kind === 'failure' && vector.expected_rules.length > 0) assert.ok(vector.expected_rules.some((rule) => all.includes(rule)), `one of ${vector.expected_rules} among ${all}`);
      assert.equal(status, rulesOf(lines, 'error').length ? 1 : 0);
      assert.equal(lines.at(-1).type, 'summary');
      assert.equal(lines.at(-1).exchanges, vector.exchanges.length);
    });
  }

  test('blocks for people are the default, and the summary ends them', () => {
    const { stdout, status } = check([put('faulty.har', har(faulty.exchanges))]);
    assert.equal(status, 1);
    assert.match(stdout, new RegExp(faulty.expected_rules[0]));
    assert.doesNotMatch(stdout, /\x1b/);
    assert.match(stdout.trimEnd().split('\n').slice(-8).join('\n'), /exchanges/);
  });

  test('a packed file, standard input and several files are read alike', () => {
    const document = har(faulty.exchanges), plain = records(check(['--format', 'json', put('plain.har', document)]).stdout);
    const packed = records(check(['--format', 'json', put('packed.har.gz', gzipSync(JSON.stringify(document)))]).stdout);
    const piped = records(check(['--format', 'json', '-'], { input: JSON.stringify(document) }).stdout);
    const half = Math.floor(faulty.exchanges.length / 2);
    const parts = [put('part1.har', har(faulty.exchanges.slice(half))), put('part2.har', har(faulty.exchanges.slice(0, half)))];
    const joined = records(check(['--format', 'json', ...parts]).stdout);
    for (const lines of [packed, piped, joined]) assert.deepEqual(rulesOf(lines, 'error', 'warning', 'info'), rulesOf(plain, 'error', 'warning', 'info'));
  });

  test('--findings appends the records, --disable and --fail-on decide the status', () => {
    const file = put('again.har', har(faulty.exchanges)), log = join(scratch, 'check-findings.jsonl');
    const loud = rulesOf(records(check(['--format', 'json', file]).stdout), 'error');
    assert.equal(check([file, '--findings', log]).status, 1);
    assert.deepEqual(rulesOf(records(readFileSync(log, 'utf8')), 'error'), loud);
    assert.equal(check([file, '--fail-on', 'never']).status, 0);
    assert.equal(check([file, ...loud.flatMap((rule) => ['--disable', rule])]).stdout.includes(loud[0]), false);
  });

  test('what was left out of a recording is said in the summary', () => {
    const document = har(faulty.exchanges), [entry] = document.log.entries;
    const unseen = (file) => records(check(['--format', 'json', file]).stdout).at(-1).not_seen.filter(({ kind }) => kind === 'capture').map(({ text }) => text);
    assert.deepEqual(unseen(put('all-read.har', document)), []);
    document.log.entries.push({ ...entry, request: { ...entry.request, url: 'data:text/plain,x' } }, { ...entry, request: { ...entry.request, url: 'chrome-extension://a/b.js' } });
    assert.match(unseen(put('skipped.har', document)).join(), /^2 entries of the recording were left out/);
    const text = JSON.stringify(document);
    assert.match(unseen(put('damaged.har', text.slice(0, text.length - 200))).join(), /damaged/);
  });

  test('no secret of the recording is printed', () => {
    const secret = 'canary-secret-4711-canary-secret-4711';
    const document = har([{ method: 'POST', url: `https://as.example/token?client_secret=${secret}`, request_headers: { 'content-type': 'application/x-www-form-urlencoded', cookie: `session=${secret}` },
      request_body: `grant_type=refresh_token&refresh_token=${secret}`, status: 400, response_headers: { 'content-type': 'application/json' }, response_body: { error: 'invalid_grant', error_description: `${secret} is unknown` }, seconds_since_start: 0 }]);
    const { stdout, stderr } = check(['--verbose', put('canary.har', document)]);
    assert.match(stdout, /token\/secret-in-url/);
    assert.ok(!stdout.includes(secret) && !stderr.includes(secret));
  });
});

describe('values of other JSON types than HAR has them', () => {
  const call = (overrides = {}) => ({ startedDateTime: '2026-03-02T09:00:00Z', time: 10, request: { method: 'GET', url: 'https://api.example/me', headers: [{ name: 'Authorization', value: 'Bearer abcdefghijklmnop1234' }], ...overrides.request },
    response: { status: 401, headers: [], content: { size: 0 }, ...overrides.response } });
  const judge = (...entries) => {
    const { status, stdout, stderr } = check(['--format', 'json', put('odd.har', { log: { entries } })]);
    const lines = records(stdout);
    return { status, stderr, rules: rulesOf(lines, 'error', 'warning', 'info'), unseen: lines.at(-1).not_seen.filter(({ kind }) => kind === 'capture').map(({ text }) => text), exchanges: lines.at(-1).exchanges };
  };
  const plain = () => judge(call());

  for (const [what, headers] of [
    ['an object', { Authorization: 'Bearer abcdefghijklmnop1234', Accept: null }], ['an object of lists', { Authorization: ['Bearer abcdefghijklmnop1234'], 'X-Count': [1, true] }],
    ['pairs', [['Authorization', 'Bearer abcdefghijklmnop1234']]], ['lines', ['Authorization: Bearer abcdefghijklmnop1234']], ['a list of objects', [{ Authorization: 'Bearer abcdefghijklmnop1234' }]],
    ['values that are lists', [{ name: 'Authorization', value: ['Bearer abcdefghijklmnop1234'] }, { name: 'X-Count', value: 3 }]],
  ]) {
    test(`headers that are ${what} are read as the fields they are`, () => {
      const expected = plain();
      assert.ok(!expected.rules.includes('api/missing-authorization') && expected.rules.length > 0, expected.rules.join());
      assert.deepEqual(judge(call({ request: { headers } })), expected);
    });
  }

  test('where headers cannot be read nothing is concluded from their absence, and that is said once', () => {
    const answer = JSON.stringify({ access_token: 'abcdefghijklmnop1234', token_type: 'Bearer', expires_in: 3600 }), form = 'application/x-www-form-urlencoded';
    const before = [call({ request: { method: 'POST', url: 'https://as.example/token', headers: { 'Content-Type': form }, postData: { mimeType: form, text: 'grant_type=client_credentials&client_id=c&client_secret=long-enough-a-secret-4711' } },
      response: { status: 200, headers: { 'Content-Type': 'application/json', 'Cache-Control': 'no-store' }, content: answer } }), call({ response: { status: 200 } })];
    const later = (headers) => ({ ...call({ request: { url: 'https://api.example/other', headers } }), startedDateTime: '2026-03-02T09:00:05Z' });
    const place = 19 + JSON.stringify(before).length - 1;
    assert.ok(judge(...before, later({ Accept: '*/*' })).rules.includes('api/missing-authorization'));
    for (const headers of [7, 'x', true, [5], [{ name: 'Authorization', value: {} }], undefined]) {
      const { rules, unseen, stderr } = judge(...before, later(headers), later(headers));
      assert.deepEqual([rules, stderr], [[], '']);
      assert.deepEqual(unseen, [`2 entries of the recording have no headers that can be read, and the rules that need them were silent: the first one begins at byte ${place} of odd.har.`]);
    }
  });

  test('a status, sizes and times that are strings count as the numbers they are', () => {
    const expected = plain(), strings = call({ response: { status: '401', content: { size: '0' }, bodySize: '0' } });
    assert.deepEqual(judge({ ...strings, time: '10' }), expected);
    assert.deepEqual(judge(call({ request: { queryString: 5, cookies: 'x' }, response: { cookies: {} } })), expected);
  });

  test('bodies that are plain strings are read', () => {
    const token = (postData, content) => ({ startedDateTime: '2026-03-02T09:00:00Z', time: 10, request: { method: 'POST', url: 'https://as.example/token', headers: [{ name: 'Content-Type', value: 'application/x-www-form-urlencoded' }], postData },
      response: { status: 400, headers: [{ name: 'Content-Type', value: 'application/json' }], content } });
    const form = 'grant_type=authorization_code&code=abc&redirect_uri=https%3A%2F%2Fc.example%2Fcb&client_id=c', answer = '{"error":"invalid_grant"}';
    const expected = judge(token({ mimeType: 'application/x-www-form-urlencoded', text: form }, { size: answer.length, mimeType: 'application/json', text: answer }));
    assert.ok(expected.rules.length > 0);
    assert.deepEqual(judge(token(form, answer)), expected);
    const odd = judge(token({ text: { grant_type: 'authorization_code' } }, { text: 5 }));
    assert.ok(!odd.rules.includes('token/missing-parameter') && !odd.rules.includes('token/not-json'), odd.rules.join());
  });

  test('broken entries are told as broken, with the place of the first', () => {
    const { unseen, exchanges, status, stderr } = judge(call({ request: { url: undefined } }), call({ request: { url: 'data:,x' } }), call({ response: { status: {} } }), { ...call(), response: 'lost' }, {}, call());
    assert.deepEqual([exchanges, stderr, status], [1, '', plain().status]);
    assert.match(unseen.find((text) => text.includes('broken')), /^4 broken entries of the recording were left out \(no URL, or an answer, status or method that cannot be read\): the first one begins at byte 19 of odd\.har\.$/);
    assert.match(unseen.find((text) => text.includes('data:')), /^1 entry of the recording was left out/);
  });
});

describe('a file that cannot be read', () => {
  test('a cut file says at which byte, and what stands before is judged', () => {
    const whole = JSON.stringify(har([...faulty.exchanges, ...healthy.exchanges]));
    const last = whole.lastIndexOf('"startedDateTime"');
    const { status, stdout, stderr } = check(['--format', 'json', put('cut.har', whole.slice(0, last + 30))]);
    assert.equal(status, 2);
    assert.match(stderr, new RegExp(`cut\\.har is no whole HAR file: at byte ${last + 30} the file ends before the document does`));
    assert.ok(rulesOf(records(stdout), 'error').length > 0);
  });

  const zip = Buffer.from('504b0506000000000000000000000000000000000000', 'hex');
  for (const [what, content, message] of [
    ['an HTML page', '<!DOCTYPE html>\n<html></html>', /no recording: it is an HTML page \(export the traffic as HAR\)/], ['XML', '<?xml version="1.0"?><a/>', /it is XML/],
    ['an empty file', '', /it is empty \(record again/], ['white space', ' \n\n', /it is empty/], ['text', 'GET /token was refused', /it is text, and no JSON/],
    ['a packet capture', Buffer.from('d4c3b2a10200040000000000', 'hex'), /it is a packet capture \(it cannot show what HTTPS carries/], ['a newer packet capture', Buffer.from('0a0d0d0a1c0000004d3c2b1a', 'hex'), /packet capture/],
    ['flows of mitmproxy', '1234:4:type;4:http;', /it is a file of mitmproxy's flows \(turn it into HAR: mitmdump/], ['a picture', Buffer.from('89504e470d0a1a0a', 'hex'), /it is a picture/],
    ['a findings log', '{"type":"finding","schema":1}\n{"type":"summary","schema":1}\n', /it is a findings log of oauthtap \(oauthtap report reads it\)/], ['a zip archive', zip, /zip archive/],
    ['other bytes', Buffer.from([1, 2, 3, 0, 255]), /it is data of an unknown kind/], ['another JSON document', '{"info":{}}', /no HAR file, nor a connector file that oauthtap knows: at byte 11 there is no log\.entries in it\n$/],
  ]) {
    test(`${what} is called what it is, and there is no verdict`, () => {
      for (const format of ['text', 'json']) {
        const { status, stdout, stderr } = check(['--format', format, put('other.har', content)]);
        assert.equal(status, 2);
        assert.match(stderr, message);
        assert.equal(stdout, '');
      }
    });
  }

  test('what could be read of several files has its verdict', () => {
    const { status, stdout, stderr } = check([put('page.har', '<html>'), put('good.har', har(healthy.exchanges))]);
    assert.deepEqual([status, /it is an HTML page/.test(stderr), /^Verdict: /m.test(stdout)], [2, true, true]);
  });

  test('a file that is not there is told', () => {
    const { status, stderr } = check([join(scratch, 'absent.har')]);
    assert.equal(status, 2);
    assert.match(stderr, /cannot read .*absent\.har: no such file or folder/);
  });

  test('no file at all is told', () => {
    const { status, stderr } = check([]);
    assert.equal(status, 2);
    assert.match(stderr, /name a HAR file/);
  });
});

test('entries without a moment stand in the order of the file: a success puts no later failure right', () => {
  const { exchanges } = JSON.parse(readFileSync(fileURLToPath(new URL('../vectors/rules/api.json', import.meta.url)), 'utf8')).find(({ id }) => id === 'worked-then-refused-unannounced');
  const [token, call] = exchanges;
  const { Authorization, ...anonymous } = call.request_headers;
  const recorded = har([token, call, { ...call, request_headers: anonymous, status: 401, response_body: '{"error":"unauthorized"}' }]);
  for (const entry of recorded.log.entries) Object.assign(entry, { startedDateTime: null, time: 0, timings: {} });
  const { status, stdout } = check(['--format', 'json', put('no-moments.har', recorded)]);
  assert.equal(status, 1);
  assert.deepEqual(rulesOf(records(stdout), 'error', 'warning'), ['api/missing-authorization']);
});
