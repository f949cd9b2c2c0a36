// ci.test.js - a scratch pipeline, as docs/ci.md tells to build one: curl through the proxy, and check of a recording; reports, their files, the exit status.
import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { lstatSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { promisify } from 'node:util';
import { har } from './lib/har.js';
import { binary, startProxy } from './lib/proxy.js';
import { assertJunit, assertSarif } from './lib/reports.js';
import { accessToken, bearerOnly, client, serve, tokens, without } from './lib/scenario.js';
import { originCaFile, scratch } from './lib/scratch.js';

const run = promisify(execFile);
const folder = () => mkdtempSync(join(scratch, 'pipeline-'));
const read = (...path) => readFileSync(join(...path), 'utf8');

// What the pipeline tests: a connection whose calls lack "Bearer" (an error), and whose token comes without a refresh token (a warning).
// mended: the calls have it.
async function pipeline(args, { isMended = false } = {}) {
  const server = await serve({ '/token': () => [200, without(tokens(1), 'refresh_token')], '/me': bearerOnly });
  const proxy = await startProxy(...args);
  const curl = (...words) => run('curl', ['-sS', '--max-time', '20', '--noproxy', '', '--proxy', proxy.url, '--cacert', proxy.caFile, ...words]);
  await curl('-u', `${client.id}:${client.secret}`, '-d', 'grant_type=authorization_code&code=the-code-0123456789abcdef', `${server.url}/token`);
  await curl('-H', `Authorization: ${isMended ? 'Bearer ' : ''}${accessToken(1)}`, `${server.url}/me`);
  const { code, records } = await proxy.stop();
  await server.stop();
  return { code, records, proxy, stdout: proxy.stdout, stderr: proxy.stderr };
}

// The same as a recording, at other ports and with other tokens each time.
let recordings = 0;
function recording({ isMended = false } = {}) {
  const n = ++recordings, port = 40000 + n, file = join(folder(), 'traffic.har');
  const json = { 'content-type': 'application/json', 'cache-control': 'no-store' };
  writeFileSync(file, JSON.stringify(har([
    { seconds_since_start: 0, method: 'POST', url: `https://localhost:${port}/token`,
      request_headers: { 'content-type': 'application/x-www-form-urlencoded', authorization: `Basic ${Buffer.from(`${client.id}:${client.secret}`).toString('base64')}` },
      request_body: `grant_type=authorization_code&code=the-code-${n}-0123456789abcdef`, status: 200, response_headers: json, response_body: without(tokens(n), 'refresh_token') },
    { seconds_since_start: 5, method: 'GET', url: `https://localhost:${port}/me`, request_headers: { authorization: `${isMended ? 'Bearer ' : ''}${accessToken(n)}` },
      status: isMended ? 200 : 401, response_headers: json, response_body: isMended ? { name: 'Ada' } : { error: 'invalid_token' } },
  ])));
  return file;
}

function check(args, options = {}) {
  const cwd = options.cwd ?? folder();
  const { status, stdout, stderr } = spawnSync(binary, ['check', '--ca-dir', join(scratch, 'no-ca'), ...args], { encoding: 'utf8', cwd, ...options });
  return { code: status, stdout, stderr, cwd };
}

const rulesOf = (records, ...severities) => records.filter(({ type, severity }) => type === 'finding' && severities.includes(severity)).map(({ rule }) => rule);
const failed = ['api/missing-bearer-prefix'], warned = ['token/missing-refresh-token'];

describe('a failing run', () => {
  test('through the proxy exits 1, with SARIF and JUnit that validate', async () => {
    const where = folder();
    const { code, records } = await pipeline(['--report', `sarif=${where}/o.sarif`, '--report', `junit=${where}/o.xml`, '--report', `text=${where}/o.txt`]);
    assert.equal(code, 1);
    assert.deepEqual(rulesOf(records, 'error'), failed);
    assert.deepEqual(rulesOf(records, 'warning'), warned);
    const [{ results, invocations }] = assertSarif(read(where, 'o.sarif')).runs;
    assert.deepEqual(results.filter(({ level }) => level === 'error').map(({ ruleId }) => ruleId), failed);
    assert.equal(invocations[0].exitCode, 1);
    const { cases } = assertJunit(read(where, 'o.xml'));
    assert.ok(cases.some(({ name, outcome }) => name.startsWith(failed[0]) && outcome === 'failure'));
    assert.ok(cases.some(({ name, outcome }) => name.startsWith(warned[0]) && outcome === 'passed'));
    assert.match(read(where, 'o.txt'), /^Verdict: /m);
    assert.deepEqual(readdirSync(where).sort(), ['o.sarif', 'o.txt', 'o.xml'], 'nothing is left beside them');
    for (const name of readdirSync(where)) assert.ok(!read(where, name).includes(client.secret) && !read(where, name).includes(accessToken(1)), `no secret in ${name}`);
  });

  test('of check exits 1, with the reports that its log gives afterwards', () => {
    const { code, cwd } = check([recording(), '--findings', 'f.jsonl', '--report', 'sarif=o.sarif', '--report', 'junit=o.xml', '--report', 'text=o.txt']);
    assert.equal(code, 1);
    assertSarif(read(cwd, 'o.sarif'));
    assertJunit(read(cwd, 'o.xml'));
    const again = (format) => spawnSync(binary, ['report', '--format', format, 'f.jsonl'], { cwd, encoding: 'utf8' }).stdout;
    assert.equal(read(cwd, 'o.xml'), again('junit'));
    assert.equal(read(cwd, 'o.txt'), again('text'));
    assert.equal(read(cwd, 'o.sarif').replace(/"startLine":\d+/g, ''), again('sarif').replace(/"startLine":\d+/g, ''));
  });

  test('--fail-on decides alike for the status and for JUnit', async () => {
    for (const [level, isMended, expected] of [['error', false, 1], ['error', true, 0], ['warning', true, 1], ['never', false, 0]]) {
      const file = recording({ isMended }), { code, cwd } = check([file, '--fail-on', level, '--report', 'junit=o.xml']);
      assert.equal(code, expected, `--fail-on ${level}, mended: ${isMended}`);
      assert.equal(assertJunit(read(cwd, 'o.xml')).failures > 0, expected === 1);
    }
    assert.equal((await pipeline(['--fail-on', 'warning'], { isMended: true })).code, 1);
    assert.equal((await pipeline([], { isMended: true })).code, 0);
  });
});

describe('--report', () => {
  test('to standard output leaves it to the report alone', async () => {
    const { stdout, stderr } = check([recording(), '--report', 'sarif=-']);
    assertSarif(stdout);
    assert.match(stderr, /Verdict: /);
    const live = await pipeline(['--report', 'junit=-']);
    assertJunit(live.stdout);
    assert.match(live.stderr, /Verdict: /);
  });

  test('replaces a file whole, follows a link, and writes to what cannot be replaced', () => {
    const cwd = folder();
    writeFileSync(join(cwd, 'old.xml'), 'x'.repeat(1000000), { mode: 0o644 });
    symlinkSync('old.xml', join(cwd, 'link.xml'));
    assert.equal(check([recording(), '--report', 'junit=link.xml', '--report', 'sarif=/dev/null'], { cwd }).code, 1);
    assert.ok(lstatSync(join(cwd, 'link.xml')).isSymbolicLink());
    assertJunit(read(cwd, 'old.xml'));
  });

  test('says before the run what cannot be written, and after it what could not', () => {
    const cwd = folder();
    for (const [args, code, reason] of [
      [['--report', 'sarif=not/there.sarif'], 3, /cannot write --report sarif=not\/there\.sarif: no such file/],
      [['--report', 'sarif=.'], 3, /cannot write --report sarif=\.: is a directory/i],
      [['--report', 'sarif'], 2, /expected FORMAT=FILE, as in --report sarif=oauthtap\.sarif/],
      [['--report', 'sarfi=x'], 2, /there is no format sarfi; did you mean sarif\?/],
      [['--report', 'sarif=x', '--report', 'junit=x'], 2, /would write the same file: name two/],
      [['--report', 'sarif=-', '--format', 'json'], 2, /standard output is taken by the findings already/],
    ]) {
      const said = check([recording(), ...args], { cwd });
      assert.equal(said.code, code, args.join(' '));
      assert.match(said.stderr, reason);
      assert.equal(said.stdout, '');
    }
    assert.deepEqual(readdirSync(cwd), []);
    const full = check([recording(), '--report', 'sarif=/dev/full', '--report', 'junit=o.xml'], { cwd });
    assert.equal(full.code, 3);
    assert.match(full.stderr, /cannot write --report sarif=\/dev\/full: no space left on device/i);
    assertJunit(read(cwd, 'o.xml'));
  });

  test('is a list in oauthtap.json', () => {
    const cwd = folder();
    writeFileSync(join(cwd, 'oauthtap.json'), '{"report": ["sarif=o.sarif", "junit=o.xml"]}');
    assert.equal(check([recording()], { cwd }).code, 1);
    assertSarif(read(cwd, 'o.sarif'));
    assertJunit(read(cwd, 'o.xml'));
  });
});

describe('the baseline', () => {
  const summaryOf = (records) => records.find(({ type }) => type === 'summary');
  const isStep = (records, step, status) => records.some((record) => record.type === 'step' && record.step === step && record.status === status);

  test('of one run makes the next, at other ports and with other tokens, exit 0 and say nothing of it', async () => {
    const where = folder(), file = join(where, 'baseline.json');
    const first = await pipeline(['--write-baseline', file]);
    assert.equal(first.code, 1, 'what is accepted is told once more');
    assert.match(first.stderr, /wrote \d+ findings to the baseline .*baseline\.json; --baseline .*baseline\.json takes them for known/);
    assert.match(read(file), /^ {2}\{"rule": "api\/missing-bearer-prefix", "severity": "error", .*"url": "https:\/\/localhost:\*\/me".*"title": "The access token is sent without the word Bearer"\}/m);
    assert.ok(!read(file).includes('tok:') && !read(file).includes(accessToken(1)), 'no secret, nor a hash of one');

    const args = ['--baseline', file, '--fail-on', 'info', '--report', `junit=${where}/o.xml`, '--report', `sarif=${where}/o.sarif`, '--report', `text=${where}/o.txt`];
    const second = await pipeline(args);
    assert.equal(second.code, 0);
    assert.deepEqual(rulesOf(second.records, 'error', 'warning', 'info'), []);
    const summary = summaryOf(second.records);
    assert.deepEqual(summary.findings, { error: 0, warning: 0, info: 0 });
    assert.deepEqual(summary.rules, []);
    assert.equal(summary.first_failure, undefined);
    assert.equal(summary.baseline.known, read(file).match(/"rule"/g).length);
    assert.deepEqual(summary.baseline.stale, []);
    assert.equal(summary.outcome, 'known');
    assert.ok(isStep(second.records, 'api', 'failed'), 'it failed all the same');
    for (const text of [second.stdout, read(where, 'o.txt')]) {
      assert.match(text, /Verdict: step 1, token, failed \(known\): /);
      assert.match(text, /✗ 2 {2}api +failed \(known\): /);
      assert.match(text, /Findings +none\n *Baseline +\d known findings not shown\n/);
    }
    assert.deepEqual(assertSarif(read(where, 'o.sarif')).runs[0].results, []);
    const junit = assertJunit(read(where, 'o.xml'));
    assert.equal(junit.failures, 0);
    assert.ok(read(where, 'o.xml').includes('<skipped message="failed (known): '));
  });

  test('of a recording holds for live traffic', async () => {
    const { cwd, code } = check([recording(), '--write-baseline', 'b.json']);
    assert.equal(code, 1);
    const again = check([recording(), '--baseline', 'b.json'], { cwd });
    assert.equal(again.code, 0, again.stdout);
    const live = await pipeline(['--baseline', join(cwd, 'b.json'), '--fail-on', 'warning']);
    assert.equal(live.code, 0, live.stdout);
  });

  test('that has a mended fault says that it is stale', async () => {
    const where = folder(), file = join(where, 'baseline.json');
    await pipeline(['--write-baseline', file]);
    const { code, records, stdout } = await pipeline(['--baseline', file, '--report', `junit=${where}/o.xml`, '--report', `sarif=${where}/o.sarif`], { isMended: true });
    assert.equal(code, 0);
    const stale = 'api/missing-bearer-prefix GET https://localhost:*/me (connector-under-test, error=invalid_token)';
    assert.deepEqual(summaryOf(records).baseline.stale, [stale]);
    assert.match(stdout.replace(/\s+/g, ' '), /1 entry no longer occurs: api\/missing-bearer-prefix GET https:\/\/localhost:\*\/me \(connector-under-test, error=invalid_token\)\. Take it out of the baseline\./);
    assert.ok(assertJunit(read(where, 'o.xml')).cases.some(({ classname, name }) => classname === 'baseline' && name === stale));
    assert.ok(assertSarif(read(where, 'o.sarif')).runs[0].invocations[0].toolExecutionNotifications.some(({ descriptor }) => descriptor.id === 'stale-baseline-entry'));
    assert.equal((await pipeline(['--baseline', file, '--write-baseline', file], { isMended: true })).code, 0);
    assert.ok(!read(file).includes('api/missing-bearer-prefix'), 'written anew, it holds what is');
  });

  test('hides neither another fault nor one that has become worse', () => {
    const { cwd } = check([recording(), '--write-baseline', 'b.json']);
    const lines = read(cwd, 'b.json').split('\n'), without = (word) => lines.filter((line) => !line.includes(word)).join('\n').replace(/,\n\]/, '\n]');
    writeFileSync(join(cwd, 'one.json'), without('api/missing-bearer-prefix'));
    const one = check([recording(), '--baseline', 'one.json', '--findings', 'one.jsonl'], { cwd });
    assert.equal(one.code, 1);
    assert.match(one.stdout, /Verdict: step 2, api, failed: /);
    assert.match(one.stdout, /✗ 1 {2}token +failed \(known\): /);
    const records = read(cwd, 'one.jsonl').trimEnd().split('\n').map((line) => JSON.parse(line));
    assert.deepEqual(rulesOf(records, 'error', 'warning'), failed);
    assert.equal(summaryOf(records).outcome, 'fails');
    writeFileSync(join(cwd, 'mild.json'), lines.join('\n').replaceAll('"severity": "error"', '"severity": "warning"'));
    assert.equal(check([recording(), '--baseline', 'mild.json'], { cwd }).code, 1);
  });

  test('keeps the reasons that people wrote into it', () => {
    const { cwd } = check([recording(), '--write-baseline', 'b.json']);
    writeFileSync(join(cwd, 'b.json'), read(cwd, 'b.json').replace(/("rule": "api\/missing-bearer-prefix".*)\}/, '$1, "reason": "until the gateway is replaced"}'));
    const before = read(cwd, 'b.json');
    assert.match(before, /until the gateway/);
    check([recording(), '--write-baseline', 'b.json'], { cwd });
    assert.equal(read(cwd, 'b.json'), before);
    check([recording(), '--baseline', 'b.json', '--write-baseline', 'c.json'], { cwd });
    assert.equal(read(cwd, 'c.json'), before);
  });

  test('that cannot be used is refused before anything is done', () => {
    const cwd = folder();
    writeFileSync(join(cwd, 'notes.json'), '{"a": 1}');
    writeFileSync(join(cwd, 'broken.json'), '{\n"oauthtap_baseline": 1,\n"findings": [\n  {"rule": "a/b", "severity": "error"\n]}');
    writeFileSync(join(cwd, 'typo.json'), '{"oauthtap_baseline": 1, "findings": [{"rule": "a/b", "severity": "error", "ulr": "x"}]}');
    for (const [args, reason] of [
      [['--baseline', 'missing.json'], /cannot read --baseline missing\.json: no such file/],
      [['--baseline', 'notes.json'], /--baseline notes\.json: it is no baseline: it has no "oauthtap_baseline": 1 \(--write-baseline makes one\)/],
      [['--baseline', 'broken.json'], /--baseline broken\.json: it is not JSON at line 5, column 1/],
      [['--baseline', 'typo.json'], /--baseline typo\.json: entry 1 has a member "ulr", which is none of rule, /],
      [['--write-baseline', '-'], /--write-baseline -: name a file/],
      [['--write-baseline', 'notes.json'], /--write-baseline notes\.json: a file is there that is not overwritten, since it is no baseline/],
    ]) {
      const { code, stderr, stdout } = check([recording(), ...args], { cwd });
      assert.equal(code, 2, args.join(' '));
      assert.match(stderr, reason);
      assert.equal(stdout, '');
    }
    assert.equal(read(cwd, 'notes.json'), '{"a": 1}');
  });
});

// Every command of docs/ci.md, run as it stands, in a folder where newman is a script that asks the scratch pipeline's server.
describe('docs/ci.md', () => {
  const text = readFileSync(new URL('../../docs/ci.md', import.meta.url), 'utf8');
  const blocks = (language) => [...text.matchAll(new RegExp(`\`\`\`${language}\\n([^]*?)\`\`\``, 'g'))].map(([, block]) => block);
  // What a runner would run: the lines of `run: |` and `bash: |`, and the items of `script:`.
  function scripts(yaml) {
    const lines = yaml.split('\n'), found = [];
    for (const [index, line] of lines.entries()) {
      const [, before, key] = /^( *(?:- )?)(run: \||bash: \||script:)$/.exec(line) ?? [];
      if (!key) continue;
      const body = lines.slice(index + 1), end = body.findIndex((next) => next.search(/\S/) <= before.length);
      found.push(body.slice(0, end < 0 ? undefined : end).map((next) => next.slice(before.length + 2).replace(key === 'script:' ? /^- / : '', '')).join('\n'));
    }
    return found;
  }

  async function atWork(isMended, work) {
    const server = await serve({ '/token': () => [200, without(tokens(1), 'refresh_token')], '/me': bearerOnly }), cwd = folder(), bin = join(cwd, 'bin');
    mkdirSync(bin);
    symlinkSync(binary, join(bin, 'oauthtap'));
    const curl = 'curl -sS -o /dev/null --max-time 20 --noproxy ""';
    writeFileSync(join(bin, 'newman'), `#!/bin/sh\n${curl} -u '${client.id}:${client.secret}' -d 'grant_type=authorization_code&code=the-code-0123456789abcdef' ${server.url}/token &&\n`
      + `${curl} -H 'Authorization: ${isMended ? 'Bearer ' : ''}${accessToken(1)}' ${server.url}/me\n`, { mode: 0o755 });
    writeFileSync(join(cwd, 'oauthtap.json'), JSON.stringify({ 'upstream-ca': originCaFile, 'ca-dir': join(scratch, 'pipeline-ca') }));
    writeFileSync(join(cwd, 'summary.md'), '');
    symlinkSync(recording({ isMended }), join(cwd, 'traffic.har'));
    const sh = (script) => new Promise((resolve) => execFile('bash', ['-e', '-c', script], { cwd, env: { ...process.env, PATH: `${bin}:${process.env.PATH}`, GITHUB_STEP_SUMMARY: join(cwd, 'summary.md'), CURL_CA_BUNDLE: join(scratch, 'pipeline-ca', 'ca.pem') } },
      (error, stdout, stderr) => resolve({ code: error ? error.code : 0, stdout, stderr })));
    try {
      await work({ cwd, sh });
    } finally {
      await server.stop();
    }
  }

  test('the commands give the status and the reports that it tells of', async () => {
    const [one, proxy, reports, baseline, ofRecording] = blocks('sh');
    assert.equal(blocks('sh').length, 5);
    await atWork(false, async ({ cwd, sh }) => {
      assert.equal((await sh(one)).code, 1);
      assert.ok(assertJunit(read(cwd, 'oauthtap.xml')).failures > 0);
      assertSarif(read(cwd, 'oauthtap.sarif'));
      assert.match(read(cwd, 'oauthtap.md'), /^### ❌ oauthtap: /);
      assert.equal((await sh(proxy)).code, 1);
      assertJunit(read(cwd, 'oauthtap.xml'));
      for (const name of ['linux', 'windows']) writeFileSync(join(cwd, `${name}.jsonl`), read(cwd, 'oauthtap-findings.jsonl'));
      const rendered = await sh(reports);
      assert.equal(rendered.code, 0, rendered.stderr);
      assert.match(rendered.stdout, /^### ❌ oauthtap: /);
      assert.ok(assertSarif(read(cwd, 'oauthtap.sarif')).runs[0].invocations.length >= 4);
      const known = await sh(baseline);
      assert.equal(known.code, 0, known.stderr);
      assert.match(known.stderr, /failed \(known\)/);
      assert.equal((await sh(ofRecording)).code, 0);
    });
  });

  test('the recipes fail for what is new, pass for what is known, and leave what they publish', async () => {
    const recipes = blocks('yaml').map(scripts);
    assert.deepEqual(recipes.map((recipe) => recipe.length), [2, 1, 2]);
    for (const recipe of recipes) {
      await atWork(false, async ({ cwd, sh }) => {
        const [start, ...others] = recipe;
        assert.match(start, /^oauthtap run --baseline /);
        writeFileSync(join(cwd, 'oauthtap-baseline.json'), '{"oauthtap_baseline": 1, "findings": []}');
        assert.equal((await sh(start)).code, 1);
        for (const script of others) assert.equal((await sh(script)).code, 0, script);
        if (start.includes('sarif=')) assert.ok(assertSarif(read(cwd, 'oauthtap.sarif')).runs[0].results.length > 0);
        if (start.includes('junit=')) assert.ok(assertJunit(read(cwd, 'oauthtap.xml')).failures > 0);
        if (others.some((script) => script.includes('GITHUB_STEP_SUMMARY'))) assert.match(read(cwd, 'summary.md'), /^### ❌ oauthtap: /);
        assert.equal((await sh(blocks('sh')[3].split('\n')[0])).code, 0);
        assert.equal((await sh(start)).code, 0);
      });
    }
  });

  test('its baseline is one', () => {
    const [example] = blocks('json'), cwd = folder();
    writeFileSync(join(cwd, 'b.json'), example);
    assert.equal(check([recording({ isMended: true }), '--baseline', 'b.json', '--fail-on', 'never'], { cwd }).code, 0);
  });
});
