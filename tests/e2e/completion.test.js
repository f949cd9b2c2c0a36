// completion.test.js - bash, zsh and fish offer what oauthtap would take.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import * as shells from './lib/completion.js';
import { binary } from './lib/proxy.js';
import { scratch } from './lib/scratch.js';

const folder = mkdtempSync(join(scratch, 'completed-'));
writeFileSync(join(folder, 'traffic.har'), '');
mkdirSync(join(folder, 'trash'));

// Behind each line: what must be offered, and what must not. bash gives what stands behind the last = alone, zsh the same without option and =.
const questions = [
  ['oauthtap ', ['proxy', 'run', 'check', 'report', 'demo', 'ca', 'rules', 'completion', 'help'], ['--listen']],
  ['oauthtap ru', ['run', 'rules'], ['proxy']],
  ['oauthtap --fail', ['--fail-on'], ['--listen']],
  ['oauthtap run --li', ['--listen'], ['--quiet']],
  ['oauthtap check --h', ['--help'], ['--har']],
  ['oauthtap run --fail-on ', ['error', 'warning', 'info', 'never'], ['traffic.har']],
  ['oauthtap run --fail-on=w', ['warning'], ['error']],
  ['oauthtap run --quiet --profile po', ['power-platform', 'postman'], ['n8n']],
  ['oauthtap ca --format ', ['pem', 'der', 'p12'], ['json']],
  ['oauthtap rules --format ', ['text', 'json', 'markdown'], ['pem']],
  ['oauthtap proxy --disable token/missing-r', ['token/missing-refresh-token'], ['api/missing-bearer-prefix']],
  ['oauthtap proxy --severity api/missing-b', ['api/missing-bearer-prefix'], ['token/missing-refresh-token']],
  ['oauthtap proxy --severity api/missing-bearer-prefix=', ['error', 'warning', 'info'], ['never']],
  ['oauthtap rules token/missing-r', ['token/missing-refresh-token'], ['token/']],
  ['oauthtap check t', ['traffic.har', 'trash'], ['token/']],
  ['oauthtap check --findings t', ['traffic.har'], []],
  ['oauthtap run --ca-dir t', ['trash'], ['traffic.har']],
  ['oauthtap ca no', ['node'], ['curl']],
  ['oauthtap completion ', ['bash', 'zsh', 'fish'], []],
  ['oauthtap run -- ca', ['cat'], ['--ca-dir']],
  ['oauthtap run --quiet -- cat t', ['traffic.har'], ['--token-url']],
  ['oauthtap run --listen 127.0.0.1:0 cat t', ['traffic.har'], []],
  ['oauthtap demo --', ['--serve', '--listen', '--help'], ['--har']],
];

function holds(line, offered, wanted, unwanted) {
  const parts = offered.flatMap((word) => word.split('=')).map((word) => word.replace(/[/ ]$/, '')); // a folder, a word and its level
  for (const word of wanted) assert.ok(parts.includes(word), `"${line}" offers ${word}: ${offered.slice(0, 20)}`);
  for (const word of unwanted) assert.ok(!parts.includes(word.replace(/[/]$/, '')), `"${line}" does not offer ${word}`);
}

describe('bash', () => {
  for (const [line, wanted, unwanted] of questions) test(`"${line}"`, () => holds(line, shells.bash(line, { cwd: folder }), wanted, unwanted));
  test('what stands before = is not repeated, since readline keeps it', () => {
    assert.deepEqual(shells.bash('oauthtap run --fail-on=w'), ['warning']);
    assert.deepEqual(shells.bash('oauthtap run --severity=api/missing-bearer-prefix=e'), ['error']);
    assert.deepEqual(shells.bash('oauthtap check --report junit=t', { cwd: folder }), ['traffic.har', 'trash']);
  });
  test('Tab writes the rest of the word, in a real terminal', async () => {
    const lines = [['oauthtap comp', 'completion'], ['oauthtap run --fail-o', 'run --fail-on'], ['oauthtap run --fail-on=w', 'run --fail-on=warning'], ['oauthtap run --fail-on w', 'run --fail-on warning'],
      ['oauthtap check --severity api/missing-bea', 'check --severity api/missing-bearer-prefix='], ['oauthtap check --severity api/missing-bearer-prefix=e', 'check --severity api/missing-bearer-prefix=error'],
      ['oauthtap check --report=junit=traf', 'check --report=junit=traffic.har'], ['oauthtap check traf', 'check traffic.har'], ['oauthtap run -- cat traf', 'run -- cat traffic.har']];
    assert.deepEqual(await shells.tab(lines.map(([line]) => line), { cwd: folder }), lines.map(([, whole]) => whole));
  });
  test('the script has no word that a strict shell refuses', () => {
    const script = spawnSync(binary, ['completion', 'bash'], { encoding: 'utf8' }).stdout;
    const { status, stderr } = spawnSync('bash', ['--norc', '-euc', `${script}\ncomplete -p oauthtap`], { encoding: 'utf8' });
    assert.equal(status, 0, stderr);
  });
});

describe('fish', { skip: !shells.has('fish') && 'fish is not installed' }, () => {
  for (const [line, wanted, unwanted] of questions) test(`"${line}"`, () => holds(line, shells.fish(line, { cwd: folder }), wanted, unwanted));
});

describe('zsh', { skip: !shells.has('zsh') && 'zsh is not installed' }, () => {
  test('each line', async () => {
    const answers = await shells.zsh(questions.map(([line]) => line), { cwd: folder });
    questions.forEach(([line, wanted, unwanted], i) => holds(line, answers[i], wanted, unwanted));
  });
});

test('a shell that is not known is named with the nearest', () => {
  const { status, stderr } = spawnSync(binary, ['completion', 'bsh'], { encoding: 'utf8' });
  assert.equal(status, 2);
  assert.match(stderr, /bsh; did you mean bash\?/);
  assert.match(spawnSync(binary, ['completion'], { encoding: 'utf8' }).stderr, /name a shell/);
});
