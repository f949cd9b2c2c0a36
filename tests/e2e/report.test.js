// report.test.js - `oauthtap report`: findings logs read back and rendered; what is broken in them is named by its line.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { marked } from 'marked';
import { har } from './lib/har.js';
import { assertJunit, assertSarif } from './lib/reports.js';
import { scratch } from './lib/scratch.js';

const binary = process.env.OAUTHTAP;
const vectors = JSON.parse(readFileSync(fileURLToPath(new URL('../vectors/rules/cases.json', import.meta.url)), 'utf8'));
const faulty = vectors.filter(({ kind, expected_rules: rules }) => kind === 'failure' && rules.length > 0);

function run(args, options = {}) {
  const { status, stdout, stderr } = spawnSync(binary, args, { encoding: 'utf8', cwd: scratch, ...options });
  return { status, stdout, stderr };
}

function put(name, content) {
  const path = join(scratch, name);
  writeFileSync(path, content);
  return path;
}

// The log of a check of that vector, and what the terminal showed.
function logOf(vector, name) {
  const log = join(scratch, `${name}.jsonl`), file = put(`${name}.har`, JSON.stringify(har(vector.exchanges)));
  const { stdout } = run(['check', '--ca-dir', join(scratch, 'no-ca'), '--findings', log, file]);
  return { log, stdout, lines: readFileSync(log, 'utf8') };
}

describe('the text report', () => {
  test('is what the terminal showed', () => {
    for (const [index, vector] of faulty.slice(0, 10).entries()) {
      const { log, stdout } = logOf(vector, `same-${index}`);
      const { stdout: report, stderr, status } = run(['report', log]);
      assert.equal(report, stdout);
      assert.equal(stderr, '');
      assert.equal(status, 0, 'rendering is no judgement');
    }
  });

  test('takes several logs and standard input', () => {
    const one = logOf(faulty[0], 'several-1'), two = logOf(faulty[1], 'several-2');
    const { stdout } = run(['report', one.log, two.log]);
    assert.equal(stdout.match(/^Verdict: /gm).length, 2);
    assert.equal(run(['report', '-'], { input: one.lines + two.lines }).stdout, stdout);
  });

  test('of an empty log says that it holds no records', () => {
    const empty = put('empty.jsonl', '\n');
    for (const format of ['text', 'junit', 'mermaid']) {
      const { status, stderr } = run(['report', '--format', format, empty]);
      assert.deepEqual([status, stderr], [2, `oauthtap: ${empty} holds no records: the run that writes it still goes on or was killed, or it is no findings log\n`]);
    }
    assert.match(run(['report', '-'], { input: '' }).stderr, /^oauthtap: standard input holds no records: /);
  });

  test('judges where --fail-on is given', () => {
    const { log, lines } = logOf(faulty[0], 'judged');
    assert.match(lines, /"severity":"error"/);
    assert.equal(run(['report', log, '--fail-on', 'error']).status, 1);
    assert.equal(run(['report', log, '--fail-on', 'never']).status, 0);
    const mild = put('mild.jsonl', lines.replaceAll('"severity":"error"', '"severity":"warning"'));
    assert.equal(run(['report', mild, '--fail-on', 'error']).status, 0);
    assert.equal(run(['report', mild, '--fail-on', 'warning']).status, 1);
  });
});

describe('broken logs', () => {
  test('are named by line, and the rest is rendered', () => {
    const { lines, stdout } = logOf(faulty[0], 'broken');
    const [first, ...others] = lines.split('\n');
    const broken = put('broken.jsonl', ['half a line {', first, '{"schema":2,"type":"finding"}', '', ...others].join('\n') + '{"type":"sum');
    const report = run(['report', broken]);
    assert.equal(report.status, 2);
    assert.equal(report.stdout, stdout);
    const said = report.stderr.trimEnd().split('\n');
    assert.equal(said.length, 3);
    assert.match(said[0], /^oauthtap: .*broken\.jsonl, line 1: it is not JSON/);
    assert.match(said[1], /line 3: .*version 2 of the findings log's schema.*use a later one/);
    assert.match(said[2], /line \d+: it is cut short/);
  });

  test('of another program do not flood the terminal', () => {
    const { stderr, status, stdout } = run(['report', put('other.log', 'INFO started\n'.repeat(1000))]);
    assert.equal(status, 2);
    assert.equal(stdout, '');
    assert.equal(stderr.trimEnd().split('\n').length, 11);
    assert.match(stderr, /990 more lines cannot be read either; is it a findings log\?/);
  });

  test('with endless lines cost no memory', () => {
    const { lines, stdout } = logOf(faulty[0], 'endless');
    const report = run(['report', '-'], { input: `${'x'.repeat(8 * 1024 * 1024)}\n${lines}`, maxBuffer: 1 << 26 });
    assert.match(report.stderr, /standard input, line 1: it is longer than any record/);
    assert.equal(report.stdout, stdout);
  });

  test('that are not there, and none at all, say what to do', () => {
    const missing = run(['report', 'not-there.jsonl']);
    assert.equal(missing.status, 2);
    assert.match(missing.stderr, /cannot read the findings log not-there\.jsonl: no such file/);
    const none = run(['report']);
    assert.equal(none.status, 2);
    assert.match(none.stderr, /name a findings log, as in oauthtap report oauthtap-findings\.jsonl/);
  });
});

const kept = fileURLToPath(new URL('../reports/', import.meta.url));
const keptLogs = readdirSync(kept).filter((name) => name.endsWith('.jsonl'));

// The log without a record makes a whole report, too, and a word about it.
function assertRendered(name, stderr, status) {
  if (name === 'nothing.jsonl') assert.match(stderr, /^oauthtap: [^\n]*nothing\.jsonl holds no records: [^\n]*\n$/);
  else assert.equal(stderr, '');
  assert.equal(status, name === 'nothing.jsonl' ? 2 : 0);
}

describe('SARIF', () => {
  for (const name of keptLogs) {
    test(`of ${name} is as the standard says`, () => {
      const { stdout, stderr, status } = run(['report', '--format', 'sarif', join(kept, name)]);
      assertRendered(name, stderr, status);
      assertSarif(stdout);
    });
  }

  test('of real logs is valid, and tells what the log tells', () => {
    for (const [index, vector] of faulty.slice(0, 12).entries()) {
      const { log, lines } = logOf(vector, `sarif-${index}`);
      const [run1] = assertSarif(run(['report', '--format', 'sarif', log]).stdout).runs;
      const records = lines.trimEnd().split('\n').map((line) => JSON.parse(line)), findings = records.filter(({ type }) => type === 'finding');
      assert.deepEqual(new Set(run1.results.map(({ ruleId }) => ruleId)), new Set(findings.map(({ rule }) => rule)));
      const levels = { error: 'error', warning: 'warning', info: 'note' };
      for (const { ruleId, level, locations } of run1.results) {
        const record = records[locations[0].physicalLocation.region.startLine - 1];
        assert.equal(record.rule, ruleId);
        assert.equal(levels[record.severity], level);
      }
      assert.equal(run1.invocations[0].exitCode, findings.some(({ severity }) => severity === 'error') ? 1 : 0);
    }
  });

  test('has the same fingerprints for another run of the same fault', () => {
    const one = logOf(faulty[0], 'again-1'), two = logOf(faulty[0], 'again-2');
    const prints = ({ log }) => assertSarif(run(['report', '--format', 'sarif', log]).stdout).runs[0].results.map(({ partialFingerprints }) => partialFingerprints);
    assert.notEqual(one.lines, two.lines, 'each run has a key of its own here');
    assert.deepEqual(prints(one), prints(two));
    const both = assertSarif(run(['report', '--format', 'sarif', one.log, two.log]).stdout).runs[0];
    assert.equal(both.results.length, prints(one).length);
    assert.equal(both.invocations.length, 2);
  });
});

describe('JUnit XML', () => {
  for (const name of keptLogs) {
    test(`of ${name} is valid`, () => {
      const { stdout, stderr, status } = run(['report', '--format', 'junit', join(kept, name)]);
      assertRendered(name, stderr, status);
      assertJunit(stdout);
    });
  }

  test('has a failure exactly where the exit status would be 1', () => {
    for (const [index, vector] of faulty.slice(0, 8).entries()) {
      const { log } = logOf(vector, `junit-${index}`);
      for (const level of ['error', 'warning', 'info', 'never']) {
        const { stdout, status } = run(['report', '--format', 'junit', '--fail-on', level, log]);
        assert.equal(assertJunit(stdout).failures > 0, status === 1, `${vector.id} with --fail-on ${level}`);
      }
    }
  });

  test('names its cases alike in each run', () => {
    const names = (name) => assertJunit(run(['report', '--format', 'junit', logOf(faulty[0], name).log]).stdout).cases;
    assert.deepEqual(names('cases-1'), names('cases-2'));
  });
});

// What mermaid's own parser makes of it: the participants' names, entities decoded, and how many messages and notes there are.
async function parseMermaid(text) {
  const { default: mermaid } = await import('mermaid');
  assert.equal((await mermaid.parse(text)).diagramType, 'sequence');
  const { db } = await mermaid.mermaidAPI.getDiagramFromText(text);
  const decode = (words) => words.replace(/ﬂ°°(\d+)¶ß/g, (_, code) => String.fromCharCode(code));
  return { actors: [...db.getActors().values()].map(({ description }) => decode(description)), messages: db.getMessages().map(({ message }) => decode(String(message))) };
}

describe('mermaid', () => {
  for (const name of keptLogs) {
    test(`of ${name} is what mermaid parses`, async () => {
      const { stdout, stderr, status } = run(['report', '--format', 'mermaid', join(kept, name)]);
      assertRendered(name, stderr, status);
      assert.ok(stdout.length < 50000, 'it is short enough to be drawn');
      const { actors, messages } = await parseMermaid(stdout);
      const lines = stdout.trimEnd().split('\n');
      assert.equal(actors.length, lines.filter((line) => /^ {2}(actor|participant) /.test(line)).length, 'nothing breaks out of its line');
      assert.equal(messages.length, lines.length - 1 - actors.length);
    });
  }

  test('draws the connection: who asked whom, what came back, what was found', async () => {
    const { log, lines } = logOf(faulty[0], 'drawn');
    const { actors, messages } = await parseMermaid(run(['report', '--format', 'mermaid', log]).stdout);
    const summary = JSON.parse(lines.trimEnd().split('\n').at(-1)), [flow] = summary.flows;
    assert.ok(actors.includes(flow.client_id));
    for (const { host } of flow.story) assert.ok(actors.includes(host));
    assert.match(messages[0], /^Verdict: step \d, /);
    assert.ok(messages.some((message) => /^\d\d:\d\d:\d\d token request$/.test(message)));
    assert.ok(messages.some((message) => /^200, .* [✓✗] token$/.test(message)));
    const [error] = lines.trimEnd().split('\n').map((line) => JSON.parse(line)).filter(({ severity }) => severity === 'error');
    assert.ok(messages.some((message) => message.replaceAll('<br/>', ' ').startsWith(`ERROR: ${error.title}`)));
  });

  test('of several runs tells their connections apart', async () => {
    const logs = ['drawn-1', 'drawn-2'].map((name) => logOf(faulty[0], name).log);
    const { messages } = await parseMermaid(run(['report', '--format', 'mermaid', ...logs]).stdout);
    const headings = messages.map((message) => message.replaceAll('<br/>', ' ')).filter((message) => / f\d+: /.test(message));
    assert.deepEqual(headings.map((heading) => heading.slice(0, 20)), ['Run 1, connection f1', 'Run 2, connection f1']);
    const { stdout } = run(['report', '--format', 'mermaid', logs[0]]);
    assert.doesNotMatch(stdout, /Run \d/);
  });
});

describe('Markdown', () => {
  for (const name of keptLogs) {
    test(`of ${name} holds our own markup and nothing else`, async () => {
      const { stdout, stderr, status } = run(['report', '--format', 'markdown', join(kept, name)]);
      assertRendered(name, stderr, status);
      assert.ok(stdout.length < 65536, 'it fits into a comment');
      const html = marked.parse(stdout, { gfm: true });
      const tags = new Set([...html.matchAll(/<([a-z0-9]+)/gi)].map(([, tag]) => tag.toLowerCase()));
      for (const tag of tags) assert.ok(['h3', 'hr', 'p', 'table', 'thead', 'tbody', 'tr', 'th', 'td', 'br', 'code', 'strong', 'details', 'summary', 'b', 'sub', 'a', 'ul', 'li'].includes(tag), `<${tag}>`);
      for (const [, href] of html.matchAll(/href="([^"]*)"/g)) assert.match(href, /^https:\/\/(www\.rfc-editor\.org|learn\.microsoft\.com)\//);
      assert.equal(html.match(/<details/g)?.length ?? 0, stdout.match(/^<details/gm)?.length ?? 0);
      assert.doesNotMatch(html, /@team/, 'nobody is mentioned');
    });
  }

  test('opens what fails, folds the rest, and says what to do first', () => {
    const { log, lines } = logOf(faulty[0], 'markdown');
    const { stdout } = run(['report', '--format', 'markdown', log]);
    assert.match(stdout, /^### ❌ oauthtap: step \d, [a-z-]+, failed: /);
    for (const { type, severity, title, rule } of lines.trimEnd().split('\n').map((line) => JSON.parse(line))) {
      if (type !== 'finding') continue;
      assert.ok(stdout.includes(`<details${severity === 'error' ? ' open' : ''}><summary>`), title);
      assert.ok(stdout.includes(`<code>${rule}</code>`), rule);
    }
    assert.match(stdout, /<\/summary>\n\n\*\*What to do:\*\* /);
  });
});
