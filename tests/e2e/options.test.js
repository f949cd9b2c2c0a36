// options.test.js - --help, man page, config keys, completion and docs/options.md come from one table; here they are held against each other, so
// that none can lack an option.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import * as shells from './lib/completion.js';
import { binary } from './lib/proxy.js';
import { scratch } from './lib/scratch.js';

const repository = new URL('../../', import.meta.url).pathname;
const say = (...words) => execFileSync(binary, words, { encoding: 'utf8', cwd: scratch });
const sorted = (words) => [...new Set(words)].sort();

const commands = [...say('--help').matchAll(/^ {2}([a-z]+) {2,}\S/gm)].map(([, name]) => name);
// What each command's own --help names: the measure for all else.
const helped = Object.fromEntries(commands.map((command) => [command, sorted([...say(command, '--help').matchAll(/^ {2}--([a-z-]+)/gm)].map(([, name]) => name))]));
const readsConfig = commands.filter((command) => helped[command].includes('config'));
const notKeys = ['config', 'help', 'print-config'];

function manPage() {
  const of = Object.fromEntries(commands.map((command) => [command, []]));
  const text = readFileSync(join(repository, 'docs/oauthtap.1'), 'utf8').replaceAll('\\-', '-');
  for (const [, name, list] of text.matchAll(/^\.B --([a-z-]+).*\(([a-z, ]+)\)$/gm)) for (const command of list.split(', ')) of[command].push(name);
  return of;
}

function optionsPage() {
  const rows = readFileSync(join(repository, 'docs/options.md'), 'utf8').split('\n').filter((line) => /^\| (option|`--)/.test(line)).map((line) => line.replaceAll('\\|', '/').split('|').map((cell) => cell.trim()));
  const [head, ...options] = rows;
  return Object.fromEntries(head.slice(2, -2).map((command, i) => [command, options.filter((row) => row[i + 2] === '●').map((row) => /^`--([a-z-]+)/.exec(row[1])[1])]));
}

// The key with a value of a type that no option has: one that is known is told so.
function knowsKey(command, key) {
  const folder = mkdtempSync(join(scratch, 'keys-'));
  writeFileSync(join(folder, 'oauthtap.json'), JSON.stringify({ [key]: null }));
  const { stderr } = spawnSync(binary, [command], { cwd: folder, encoding: 'utf8' });
  assert.match(stderr, /^oauthtap: oauthtap\.json: /, `${command}, ${key}`);
  return stderr.includes('must be');
}

test('the commands are those of the documents', () => {
  assert.ok(commands.length >= 8);
  assert.deepEqual(Object.keys(optionsPage()), commands);
  assert.deepEqual(sorted([...readFileSync(join(repository, 'docs/oauthtap.1'), 'utf8').matchAll(/^\.B oauthtap ([a-z]+)$/gm)].map(([, name]) => name)), sorted([...commands, 'help']));
  assert.equal(say('help', 'markdown'), readFileSync(join(repository, 'docs/options.md'), 'utf8'));
});

describe('each command has the same options everywhere', () => {
  let inZsh = {};
  before(async () => {
    if (!shells.has('zsh')) return;
    const answers = await shells.zsh(commands.map((command) => `oauthtap ${command} --`));
    inZsh = Object.fromEntries(commands.map((command, i) => [command, answers[i].map((word) => word.replace(/^--|=$/g, ''))]));
  });
  const bare = (words) => sorted(words.map((word) => word.replace(/^--|=$/g, '')));

  for (const command of commands) {
    test(command, (t) => {
      const wanted = helped[command];
      assert.ok(wanted.includes('help'));
      assert.deepEqual(sorted(manPage()[command]), wanted, 'man page');
      assert.deepEqual(sorted(optionsPage()[command]), wanted, 'docs/options.md');
      assert.deepEqual(bare(shells.bash(`oauthtap ${command} --`)), wanted, 'bash');
      if (shells.has('fish')) assert.deepEqual(bare(shells.fish(`oauthtap ${command} --`)), wanted, 'fish');
      else t.diagnostic('fish is not installed');
      if (shells.has('zsh')) assert.deepEqual(bare(inZsh[command]), wanted, 'zsh');
      else t.diagnostic('zsh is not installed');
    });
  }
});

test('every option of proxy, run and check is a key of the config file, for each command that reads it', () => {
  const keys = sorted(['proxy', 'run', 'check'].flatMap((command) => helped[command])).filter((name) => !notKeys.includes(name));
  assert.deepEqual(sorted(readsConfig), ['ca', 'check', 'proxy', 'report', 'run']);
  for (const command of readsConfig) for (const key of keys) assert.ok(knowsKey(command, key), `${command} knows ${key}`);
  for (const key of [...notKeys, 'serve', 'no-quiet']) assert.ok(!knowsKey('proxy', key), `${key} is no key`);
});

test('--print-config names every key, and the file that it prints gives the same', () => {
  for (const command of ['proxy', 'run', 'check']) {
    const folder = mkdtempSync(join(scratch, 'printed-'));
    const print = (...words) => execFileSync(binary, [command, ...words, '--print-config'], { cwd: folder, encoding: 'utf8' });
    const first = print('--client-id', 'my-client', '--disable', 'api/*', '--quiet');
    const names = [...first.matchAll(/^ {2}(?:\/\/ )?"([a-z-]+)":/gm)].map(([, name]) => name);
    assert.deepEqual(sorted(names), helped[command].filter((name) => !notKeys.includes(name)));
    const values = (text) => JSON.parse(text.split('\n').map((line) => line.replace(/(^| )\/\/ .*$/, '')).join('\n'));
    writeFileSync(join(folder, 'oauthtap.json'), first);
    const again = print();
    assert.deepEqual(values(again), values(first));
    assert.match(again, /"client-id": "my-client", +\/\/ oauthtap\.json\n/);
    assert.match(first, /"client-id": "my-client", +\/\/ command line\n/);
  }
});

test("docs/options.md: its config file is one", () => {
  const folder = mkdtempSync(join(scratch, 'documented-'));
  const [, example] = /```json\n([^]*?)```/.exec(readFileSync(join(repository, 'docs/options.md'), 'utf8'));
  writeFileSync(join(folder, 'oauthtap.json'), example);
  const printed = execFileSync(binary, ['check', '--print-config'], { cwd: folder, encoding: 'utf8' });
  assert.match(printed, /"fail-on": "warning", +\/\/ oauthtap\.json/);
});
