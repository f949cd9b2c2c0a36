// files.test.js - what oauthtap is told to write never destroys what it is told to read, nor another file that it writes: each such call is
// refused before anything is touched.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { linkSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { har } from './lib/har.js';
import { binary } from './lib/proxy.js';
import { originCa, scratch } from './lib/scratch.js';

const vectors = JSON.parse(readFileSync(fileURLToPath(new URL('../vectors/rules/cases.json', import.meta.url)), 'utf8'));
const healthy = vectors.find(({ kind }) => kind === 'healthy');
const swagger = { swagger: '2.0', info: { title: 'Shop', version: '1' }, host: 'api.shop.example', paths: {}, securityDefinitions: { oauth2: { type: 'oauth2', flow: 'accessCode', authorizationUrl: 'https://login.shop.example/authorize', tokenUrl: 'https://login.shop.example/token', scopes: {} } } };

// A folder with one of each file that is read.
function folder() {
  const path = mkdtempSync(join(scratch, 'apart-'));
  const put = (name, content) => writeFileSync(join(path, name), content);
  put('r.har', JSON.stringify(har(healthy.exchanges)));
  put('api.json', JSON.stringify(swagger));
  put('secret', 'a-secret-of-the-client-0123456789\n');
  put('roots.pem', originCa);
  put('known.json', '');
  put('options.json', '{"quiet": true}');
  linkSync(join(path, 'r.har'), join(path, 'hard.har'));
  symlinkSync('r.har', join(path, 'soft.har'));
  mkdirSync(join(path, 'sub'));
  return path;
}

const contents = (path) => readdirSync(path, { withFileTypes: true }).filter((entry) => !entry.isDirectory()).map(({ name }) => [name, readFileSync(join(path, name), 'utf8')]);

function run(cwd, words) {
  const { status, stdout, stderr } = spawnSync(binary, words, { cwd, encoding: 'utf8', env: { ...process.env, XDG_CONFIG_HOME: join(cwd, 'sub') } });
  return { status, stdout, stderr };
}

describe('a call that would destroy a file is refused, and names both options', () => {
  const overwrites = (output, input) => [`${output} would overwrite ${input}, which is read: name another file with ${output.split(' ')[0]}`];
  const twice = (one, other) => [`${one} and ${other} would write the same file: name two`];
  for (const [words, said] of [
    [['check', 'r.har', '--report', 'sarif=r.har'], overwrites('--report sarif=r.har', 'r.har')],
    [['check', 'r.har', '--report', 'sarif=sub/../r.har'], overwrites('--report sarif=sub/../r.har', 'r.har')],
    [['check', 'r.har', '--report', 'sarif=soft.har'], overwrites('--report sarif=soft.har', 'r.har')],
    [['check', 'hard.har', '--report', 'sarif=r.har'], overwrites('--report sarif=r.har', 'hard.har')],
    [['check', 'api.json', '--report', 'markdown=api.json'], overwrites('--report markdown=api.json', 'api.json')],
    [['check', 'r.har', '--connector', 'api.json', '--report', 'markdown=api.json'], overwrites('--report markdown=api.json', '--connector api.json')],
    [['check', 'r.har', '--findings', 'r.har'], overwrites('--findings r.har', 'r.har')],
    [['check', 'r.har', '--write-baseline', 'r.har'], overwrites('--write-baseline r.har', 'r.har')],
    [['check', 'r.har', '--findings', 'new', '--report', 'sarif=new'], twice('--findings new', '--report sarif=new')],
    [['check', 'r.har', '--findings', 'new', '--report', 'sarif=./sub/../new'], twice('--findings new', '--report sarif=./sub/../new')],
    [['check', 'r.har', '--report', 'junit=new', '--report', 'sarif=new'], twice('--report junit=new', '--report sarif=new')],
    [['check', 'r.har', '--baseline', 'known.json', '--report', 'sarif=known.json'], overwrites('--report sarif=known.json', '--baseline known.json')],
    [['check', 'r.har', '--config', 'options.json', '--findings', 'options.json'], overwrites('--findings options.json', '--config options.json')],
    [['check', 'r.har', '--client-secret-file', 'secret', '--findings', 'secret'], overwrites('--findings secret', '--client-secret-file secret')],
    [['run', '--har', 'new', '--report', 'sarif=new', '--', 'true'], twice('--har new', '--report sarif=new')],
    [['run', '--findings', 'new', '--har', 'new', '--', 'true'], twice('--findings new', '--har new')],
    [['run', '--har', 'oauthtap-findings.jsonl', '--', 'true'], twice('--findings oauthtap-findings.jsonl', '--har oauthtap-findings.jsonl')],
    [['run', '--upstream-ca', 'roots.pem', '--report', 'junit=roots.pem', '--', 'true'], overwrites('--report junit=roots.pem', '--upstream-ca roots.pem')],
    [['proxy', '--listen', '127.0.0.1:0', '--har', 'new', '--write-baseline', 'new'], twice('--har new', '--write-baseline new')],
    [['run', '--ca-dir', 'sub', '--findings', 'sub/ca-key.pem', '--', 'true'], overwrites('--findings sub/ca-key.pem', "the authority's sub/ca-key.pem")],
  ])
    test(words.join(' '), () => {
      const cwd = folder(), before = contents(cwd), told = run(cwd, words);
      assert.deepEqual([told.status, told.stdout, told.stderr], [2, '', `oauthtap: ${said}\n`]);
      assert.deepEqual(contents(cwd), before);
      assert.deepEqual(readdirSync(join(cwd, 'sub')), []);
    });
});

test('what is no file, and the baseline that is renewed, may be named twice', () => {
  const cwd = folder();
  for (const words of [
    ['--findings', '/dev/null', '--report', 'sarif=/dev/null'],
    ['--write-baseline', 'fresh.json'],
    ['--baseline', 'fresh.json', '--write-baseline', 'fresh.json'],
    ['--findings', 'one.jsonl', '--report', 'sarif=one.sarif'],
    ['--findings', 'one.jsonl', '--report', 'sarif=one.sarif'],
    ['--findings', 'sub/one.jsonl'],
  ]) {
    const { status, stderr } = run(cwd, ['check', 'r.har', ...words]);
    assert.ok(status < 2, `${words.join(' ')}: ${stderr}`);
  }
});

test('a findings log is not appended to a file of another kind', () => {
  const cwd = folder();
  for (const words of [['check', 'r.har'], ['run', '--', 'true']]) {
    const before = readFileSync(join(cwd, 'api.json'), 'utf8'), options = ['--findings', 'api.json'];
    const told = run(cwd, [words[0], ...options, ...words.slice(1)]);
    assert.deepEqual([told.status, told.stderr], [3, 'oauthtap: --findings api.json: the file exists and is no findings log (choose another with --findings)\n']);
    assert.equal(readFileSync(join(cwd, 'api.json'), 'utf8'), before);
  }
  for (const begun of ['', '{"type":"fin', '{"t']) {
    writeFileSync(join(cwd, 'log.jsonl'), begun);
    assert.ok(run(cwd, ['check', 'r.har', '--findings', 'log.jsonl']).status < 2, `a log of a run that was killed: ${begun}`);
  }
});

test('a baseline is not written to what is no regular file', () => {
  const cwd = folder();
  for (const [path, reason] of [['/dev/full', 'this is no regular file'], ['sub', 'this is no regular file']]) {
    const { status, stderr } = run(cwd, ['check', 'r.har', '--write-baseline', path]);
    assert.deepEqual([status, stderr], [2, `oauthtap: --write-baseline ${path}: ${reason}; name one, which the next run reads with --baseline\n`]);
  }
});
