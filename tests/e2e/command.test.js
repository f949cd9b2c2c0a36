// command.test.js - the program as a person meets it: words, exit statuses, terminals, signals, full disks.
import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { exchange, openSocket, raw } from './lib/client.js';
import { startPlainServer } from './lib/origin.js';
import { startScripted } from './lib/provider.js';
import { binary, isSanitized, startProxy, within } from './lib/proxy.js';
import { assertValidRecords } from './lib/schema.js';
import { originCaFile, scratch } from './lib/scratch.js';

const repository = new URL('../../', import.meta.url).pathname;
const caFolder = join(scratch, 'command-ca');
const folder = () => mkdtempSync(join(scratch, 'command-'));
const formType = { 'Content-Type': 'application/x-www-form-urlencoded' };

// Runs to the end; for what must end by itself.
function oauthtap(args, options = {}) {
  const { status, signal, stdout, stderr } = spawnSync(binary, args, { cwd: folder(), encoding: 'utf8', timeout: 30000, ...options });
  assert.equal(signal, null, `oauthtap ${args.join(' ')} ended by itself`);
  return { status, stdout, stderr };
}

// Ends with the status, says one sentence on standard error, with these words in it, and nothing on standard output.
function refuses(args, expected, words, options) {
  const { status, stdout, stderr } = oauthtap(args, options);
  assert.equal(status, expected, `${args.join(' ')}: ${stderr}`);
  assert.match(stderr, /^oauthtap: [^\n]+\n$/);
  for (const word of words) assert.ok(stderr.includes(word), `"${word}" is not in: ${stderr}`);
  assert.equal(stdout, '');
}

const proxyWords = ['proxy', '--listen', '127.0.0.1:0', '--ca-dir', caFolder];

const running = new Set();
process.on('exit', () => running.forEach((child) => child.kill('SIGKILL')));

// A program that runs, with all it writes, until `stop`. stdio: as spawn takes it.
function start(words, { stdio = ['ignore', 'pipe', 'pipe'], command = binary, ...options } = {}) {
  const cwd = options.cwd ?? folder();
  const child = spawn(command, words, { ...options, cwd, stdio });
  const run = { child, cwd, stdout: '', stderr: '' };
  running.add(child);
  child.stdout?.setEncoding('utf8').on('data', (text) => { run.stdout += text; });
  child.stderr?.setEncoding('utf8').on('data', (text) => { run.stderr += text; });
  run.ended = new Promise((resolve) => child.on('close', (code, signal) => { running.delete(child); resolve({ code, signal }); }));
  run.until = (what, look) => within(20000, what, (async () => {
    for (let found = look(); ; found = look()) {
      if (found) return found;
      await new Promise((resolve) => { setTimeout(resolve, 10); });
    }
  })());
  run.port = async () => Number((await run.until('the proxy to listen', () => /listens on http:\/\/127\.0\.0\.1:(\d+)/.exec(run.stdout + run.stderr)))[1]);
  run.stop = (signal = 'SIGTERM') => { child.kill(signal); return within(20000, 'the end', run.ended); };
  return run;
}

const lean = { '/token': () => [200, { access_token: 'an-access-token-0123456789', token_type: 'Bearer', expires_in: 3600 }],
  '/refused': () => [400, { error: 'invalid_scope', error_description: 'no such client' }], '/page': () => [200, 'a page', { 'Content-Type': 'text/html' }] };
const basic = `Basic ${Buffer.from('a-client:the-secret-of-a-client-0123').toString('base64')}`;
const askToken = (url, proxy, more = '') => exchange(url, { method: 'POST', headers: { ...formType, Authorization: basic }, body: Buffer.from(`grant_type=authorization_code&code=c0de-0123456789&client_id=a-client&scope=offline_access${more}`), proxy });

// ---- words ----

test('refuses words that are not known, with the nearest that is', () => {
  refuses(['proxy', '--lisen', '127.0.0.1:0'], 2, ['--lisen', 'did you mean --listen?']);
  refuses(['--verbos'], 2, ['did you mean --verbose?']);
  refuses(['prxy'], 2, ['"prxy"', 'did you mean proxy?']);
  refuses(['help', 'rulse'], 2, ['did you mean rules?']);
  refuses(['rules', 'token/mising-refresh-token'], 2, ['token/mising-refresh-token', 'did you mean token/missing-refresh-token?']);
  refuses(['ca', 'nod', '--ca-dir', caFolder], 2, ['nod', 'did you mean node?']);
  refuses([...proxyWords, '--disable', 'api/missing-bearer'], 2, ['api/missing-bearer', 'did you mean api/missing-bearer-prefix?']);
  refuses(['rules', 'missing-refresh-token'], 2, ['did you mean token/missing-refresh-token?']);
  for (const [words, sentence] of [[['rules', 'banana'], 'there is no rule banana (oauthtap rules lists them)'], [['banana'], 'unknown command "banana" (oauthtap --help lists them)'], [['ca', 'banana', '--ca-dir', caFolder], 'no client is named banana (oauthtap ca lists them)']]) refuses(words, 2, [sentence]);
  refuses([...proxyWords, '--severity', 'api/unautorized=error'], 2, ['did you mean api/unauthorized?']);
});

test('refuses bad values with what is expected instead', () => {
  refuses(['--listen', '127.0.0.1:99999'], 2, ['--listen 127.0.0.1:99999', '65535']);
  refuses(['--listen', '8080'], 2, ['HOST:PORT', '--listen 127.0.0.1:8080']);
  refuses(['--listen', '0.0.0.0:0', '--ca-dir', caFolder], 2, ['0.0.0.0', '--allow-remote', '127.0.0.1']);
  refuses([...proxyWords, '--fail-on', 'fatal'], 2, ['error, warning, info or never']);
  refuses([...proxyWords, '--severity', 'token/not-json=fatal'], 2, ['error, warning or info']);
  refuses([...proxyWords, '--findings'], 2, ['--findings needs a value: --findings FILE']);
  refuses([...proxyWords, '--ui', '127.0.0.1:8081'], 2, ['--ui off']);
  refuses([...proxyWords, '--client-secret-file', '/nowhere/secret'], 2, ['--client-secret-file /nowhere/secret', 'no such file']);
  refuses([...proxyWords, '--token-url', 'not a url \x1b[31m'], 2, ['--token-url', 'http']);
  refuses(['ca', '--format', 'jpg', '--ca-dir', join(scratch, 'never-made')], 2, ['--format jpg', 'pem|der|p12']);
  refuses(['rules', '--format', 'pdf'], 2, ['text|json|markdown']);
  assert.ok(!existsSync(join(scratch, 'never-made')), 'what is refused makes no authority');
});

test('control characters in words and files do not reach the terminal', () => {
  for (const args of [['\x1b[31mred'], ['--\x1b[31mred'], ['--findings', '/nowhere/\x1b[31m\r\n', '--listen', '127.0.0.1:0', '--ca-dir', caFolder], ['rules', '\u202e\u009b']]) {
    const { status, stderr } = oauthtap(args);
    assert.ok(status === 2 || status === 3);
    assert.match(stderr, /^oauthtap: [^\x00-\x1f\x7f-\x9f\u202e]+\n$/);
  }
  const cwd = folder();
  writeFileSync(join(cwd, 'oauthtap.json'), '{"\\u001b[31mred": 1}');
  refuses(['proxy'], 2, ['unknown key "\\x1b[31mred"'], { cwd });
});

test('the config file is read from the current folder, and the command line wins', async () => {
  const cwd = folder();
  const write = (text) => writeFileSync(join(cwd, 'oauthtap.json'), text);
  write('// ours\n{ "lisen": "127.0.0.1:0" }');
  refuses(['proxy'], 2, ['oauthtap.json', 'unknown key "lisen"', 'did you mean "listen"?'], { cwd });
  write('{ "listen": }');
  refuses(['proxy'], 2, ['oauthtap.json is not JSON at line 1'], { cwd });
  write(`/* all of it */ { "listen": "127.0.0.1:1", // taken back below\n "ca-dir": ${JSON.stringify(caFolder)}, "findings": "from-config.jsonl", "fail-on": "never" }`);
  const run = start(['--listen', '127.0.0.1:0'], { cwd });
  await run.port();
  assert.deepEqual(await run.stop(), { code: 0, signal: null });
  assert.match(run.stdout, /options\s+oauthtap\.json/);
  assert.equal(JSON.parse(readFileSync(join(cwd, 'from-config.jsonl'), 'utf8').trim().split('\n').at(-1)).type, 'summary');
  assert.ok(oauthtap(['ca', 'curl'], { cwd }).stdout.includes(`${caFolder}/ca.pem`), 'ca looks where the proxy does');
  refuses(['proxy', '--config', 'elsewhere.json'], 2, ['elsewhere.json', 'no such file'], { cwd });
});

test('each command explains itself, and so does the program', () => {
  for (const [words, part] of [[['--help'], 'Usage: oauthtap'], [['-h'], 'rules'], [['help'], 'demo'], [['proxy', '--help'], '--upstream-ca'], [['help', 'proxy'], '--upstream-ca'],
    [['ca', '--help'], '--format pem|der|p12'], [['rules', '--help'], '--format text|json|markdown'], [['demo', '--help'], '--serve'], [['proxy', '--nonsense', '--help'], '--listen']]) {
    const { status, stdout, stderr } = oauthtap(words);
    assert.equal(status, 0, words.join(' '));
    assert.equal(stderr, '');
    assert.ok(stdout.includes(part), `oauthtap ${words.join(' ')} tells of ${part}`);
    assert.doesNotMatch(stdout, /\x1b/);
  }
  assert.match(oauthtap(['--version']).stdout, /^oauthtap \d+\.\d+\.\d+\n$/);
});

test('the generated documents are as the program writes them', () => {
  assert.equal(oauthtap(['help', 'man']).stdout, readFileSync(join(repository, 'docs/oauthtap.1'), 'utf8'));
  assert.equal(oauthtap(['rules', '--format', 'markdown']).stdout, readFileSync(join(repository, 'docs/rules.md'), 'utf8'));
});

test('rules are listed, explained, and given as JSON', () => {
  const ids = oauthtap(['rules']).stdout.trim().split('\n').map((line) => line.split(' ')[0]);
  const rules = oauthtap(['rules', '--format=json']).stdout.trim().split('\n').map((line) => JSON.parse(line));
  assert.deepEqual(rules.map(({ id }) => id), ids);
  assert.ok(ids.length > 20 && ids.includes('token/missing-refresh-token'));
  for (const rule of rules) assert.ok(rule.references.every(({ url }) => url.startsWith('https://')) && rule.remedy && rule.title, rule.id);
  for (const id of ids) {
    const { status, stdout } = oauthtap(['rules', id]);
    assert.equal(status, 0);
    assert.ok(stdout.startsWith(`${id}\n`) && stdout.includes('What to do'), id);
    for (const line of stdout.split('\n')) assert.ok(line.length <= 100 || line.includes('https://'), `${id}: ${line}`);
  }
});

test('a group of rules is listed by its name', () => {
  const all = oauthtap(['rules']).stdout.trim().split('\n');
  for (const group of ['token', 'token/', 'token/*']) assert.deepEqual(oauthtap(['rules', group]).stdout.trim().split('\n'), all.filter((line) => line.startsWith('token/')));
  assert.ok(oauthtap(['rules', 'jwt', '--format', 'json']).stdout.trim().split('\n').every((line) => JSON.parse(line).id.startsWith('jwt/')));
});

test('a proxy for other machines hands out certificates whose revocation list this machine can ask for', async () => {
  const provider = await startScripted({});
  const run = start(['proxy', '--listen', '0.0.0.0:0', '--allow-remote', '--ca-dir', caFolder]);
  const port = Number((await run.until('the proxy to listen', () => /listens on http:\/\/0\.0\.0\.0:(\d+)/.exec(run.stdout)))[1]);
  const client = await openSocket(provider.url, { port, ca: readFileSync(join(caFolder, 'ca.pem')) });
  assert.ok(client.getPeerX509Certificate().raw.includes(`http://127.0.0.1:${port}/oauthtap.crl`));
  assert.match(`${await raw(port, `GET /oauthtap.crl HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: close\r\n\r\n`)}`, /^HTTP\/1\.1 200 [^]*pkix-crl/);
  client.destroy();
  await run.stop();
  await provider.stop();
});

test('what oauthtap.json says of listening is for those who listen', () => {
  const cwd = folder();
  writeFileSync(join(cwd, 'oauthtap.json'), '{"listen": "0.0.0.0:8080"}');
  writeFileSync(join(cwd, 'empty.har'), '{"log":{"version":"1.2","creator":{"name":"t","version":"1"},"entries":[]}}');
  assert.equal(oauthtap(['ca', '--ca-dir', caFolder], { cwd }).status, 0);
  assert.equal(oauthtap(['check', 'empty.har'], { cwd }).status, 0);
  refuses(['proxy', '--ca-dir', caFolder], 2, ['--allow-remote'], { cwd });
});

test('ca shows path, fingerprint and guides, and exports the certificate alone', () => {
  const all = oauthtap(['ca', '--ca-dir', caFolder]).stdout;
  const pem = oauthtap(['ca', '--ca-dir', caFolder, '--format', 'pem']).stdout;
  const openssl = (args, input) => execFileSync('openssl', args, { input, encoding: 'utf8' });
  const fingerprint = openssl(['x509', '-noout', '-fingerprint', '-sha256'], pem).split('=')[1].trim();
  assert.ok(all.includes(`${caFolder}/ca.pem`));
  assert.ok(all.includes(fingerprint));
  assert.doesNotMatch(all, /\n\n\n/);
  for (const client of ['debian', 'fedora', 'macos', 'windows', 'firefox', 'curl', 'node', 'python', 'java', 'dotnet', 'postman', 'newman', 'docker']) {
    assert.ok(all.includes(`(${client})`), client);
    const one = oauthtap(['ca', client, '--ca-dir', caFolder]).stdout;
    assert.ok(one.includes(`(${client})`) && one.length < all.length / 3, client);
  }
  const der = spawnSync(binary, ['ca', '--ca-dir', caFolder, '--format', 'der']).stdout;
  assert.equal(openssl(['x509', '-inform', 'DER', '-noout', '-fingerprint', '-sha256'], der).split('=')[1].trim(), fingerprint);
  const p12 = spawnSync(binary, ['ca', '--ca-dir', caFolder, '--format=p12']).stdout;
  assert.match(openssl(['pkcs12', '-passin', 'pass:changeit', '-nokeys'], p12), /BEGIN CERTIFICATE/);
  for (const output of [pem, openssl(['pkcs12', '-passin', 'pass:changeit', '-nodes'], p12)]) assert.doesNotMatch(output, /PRIVATE KEY/);
});

test('a full disk under standard output is status 3', () => {
  for (const words of ['--help', '--version', 'rules', `ca --ca-dir ${caFolder}`, 'help man']) {
    const { status, stderr } = spawnSync('sh', ['-c', `exec "$0" ${words} > /dev/full`, binary], { encoding: 'utf8' });
    assert.equal(status, 3, words);
    assert.match(stderr, /^oauthtap: cannot write to standard output/);
  }
});

test('a verdict that cannot be written is status 3, of a run unless its command failed', async () => {
  const cwd = folder();
  const run = (words) => spawnSync('sh', ['-c', words, 'sh', binary, caFolder], { cwd, encoding: 'utf8' });
  assert.equal(run('exec "$1" run --ca-dir "$2" -- true 2> /dev/full').status, 3);
  assert.equal(run('exec "$1" run --ca-dir "$2" -- false 2> /dev/full').status, 1);
  assert.equal(run('exec "$1" run --ca-dir "$2" -- true').status, 0);
  const proxy = start(['-c', 'exec "$@" > /dev/full', 'sh', binary, ...proxyWords, '--findings', 'full.jsonl'], { command: 'sh' });
  await waitFor('the proxy', () => existsSync(join(proxy.cwd, 'full.jsonl')));
  assert.deepEqual(await proxy.stop(), { code: 3, signal: null });
  assert.match(proxy.stderr, /^oauthtap: cannot write to standard output: no space left on device \(the findings log has all records\)$/im);
});

// ---- bad days ----

test('what the machine refuses is status 3, with the remedy', async () => {
  const cwd = folder();
  const taken = net.createServer();
  await new Promise((resolve) => taken.listen(0, '127.0.0.1', resolve));
  const { port } = taken.address();
  refuses(['proxy', '--listen', `127.0.0.1:${port}`, '--ca-dir', join(cwd, 'unmade')], 3, [`127.0.0.1:${port}`, 'address already in use', '--listen']);
  taken.close();
  assert.ok(!existsSync(join(cwd, 'unmade')));
  refuses([...proxyWords, '--findings', join(cwd, 'no', 'such', 'log')], 3, ['no/such/log', 'no such file or folder', '--findings']);
  refuses([...proxyWords, '--findings', cwd], 3, [cwd, '--findings']);
  refuses([...proxyWords, '--upstream-ca', join(cwd, 'none.pem')], 3, ['none.pem', 'no such file']);
  writeFileSync(join(cwd, 'not.pem'), 'no certificate');
  refuses([...proxyWords, '--upstream-ca', join(cwd, 'not.pem')], 3, ['not.pem'], { cwd });
  const log = join(cwd, 'oauthtap-findings.jsonl');
  assert.ok(!existsSync(log) || readFileSync(log, 'utf8') === '', 'a run that did not start has no summary');
});

test('a folder or file of the CA that others can read or exchange is refused, with the command that mends it', () => {
  const open = join(folder(), 'ca');
  assert.equal(oauthtap(['ca', '--ca-dir', open]).status, 0);
  const mend = (stderr) => execFileSync('sh', ['-c', /type: (chmod .*)\n/.exec(stderr)[1]]);
  for (const [name, mode] of [['ca-key.pem', 0o644], ['ca-key.pem', 0o640], ['fingerprint.key', 0o604], ['.', 0o777], ['.', 0o770], ['ca.pem', 0o664]]) {
    chmodSync(join(open, name), mode);
    const words = ['proxy', '--listen', '127.0.0.1:0', '--ca-dir', open];
    refuses(words, 3, [open, 'chmod']);
    mend(oauthtap(words).stderr);
    assert.equal(oauthtap(['ca', '--ca-dir', open]).status, 0, `${name} is mended`);
  }
});

test('a folder of the CA that cannot be read is status 3', () => {
  const open = mkdtempSync(join(tmpdir(), 'oauthtap-e2e-open-')); // root reads everything: then somebody else runs a copy
  try {
    chmodSync(open, 0o755);
    copyFileSync(binary, join(open, 'oauthtap'));
    chmodSync(join(open, 'oauthtap'), 0o755);
    mkdirSync(join(open, 'ca'), { mode: 0 });
    const { status, stderr } = spawnSync(join(open, 'oauthtap'), ['proxy', '--listen', '127.0.0.1:0', '--ca-dir', join(open, 'ca')],
      { cwd: '/', encoding: 'utf8', timeout: 30000, ...(process.getuid() === 0 ? { uid: 65534, gid: 65534 } : {}) });
    assert.equal(status, 3, stderr);
    assert.match(stderr, /^oauthtap: [^\n]*\/ca: permission denied[^\n]*--ca-dir[^\n]*\n$/);
  } finally {
    rmSync(open, { recursive: true, force: true });
  }
});

test('a CA folder that is a file, or holds rubbish, is status 3', () => {
  const cwd = folder();
  writeFileSync(join(cwd, 'file'), '');
  refuses(['proxy', '--listen', '127.0.0.1:0', '--ca-dir', join(cwd, 'file')], 3, ['file', '--ca-dir']);
  mkdirSync(join(cwd, 'rubbish'), { mode: 0o700 });
  for (const name of ['ca.pem', 'ca-key.pem', 'fingerprint.key']) writeFileSync(join(cwd, 'rubbish', name), 'rubbish', { mode: 0o600 });
  refuses(['ca', '--ca-dir', join(cwd, 'rubbish')], 3, ['rubbish']);
});

test('--fail-on decides the exit status', async () => {
  const provider = await startScripted(lean);
  for (const [path, options, expected] of [['/refused', [], 1], ['/refused', ['--fail-on', 'never'], 0], ['/refused', ['--disable', 'token/*'], 0], ['/refused', ['--severity', 'token/error-response=info'], 0],
    ['/token', [], 0], ['/token', ['--severity', 'token/missing-refresh-token=error'], 1], ['/token', ['--severity', 'token/missing-refresh-token=warning', '--fail-on', 'warning'], 1],
    ['/token', ['--severity', 'token/missing-refresh-token=info', '--fail-on', 'warning'], 0], ['/token', ['--severity', 'token/missing-refresh-token=info', '--fail-on', 'info'], 1]]) {
    const proxy = await startProxy(...options);
    await askToken(provider.url + path, proxy);
    const { code } = await proxy.stop();
    assert.equal(code, expected, `${path} ${options.join(' ')}: ${JSON.stringify(proxy.findings().map(({ rule, severity }) => [rule, severity]))}`);
  }
  await provider.stop();
});

const records = (text) => text.split('\n').slice(0, -1).map((line) => JSON.parse(line));

test('--format json prints records and nothing else; people read standard error', async () => {
  const provider = await startScripted(lean);
  const json = await startProxy('--format', 'json');
  await askToken(`${provider.url}/refused`, json);
  const { records: logged } = await json.stop();
  assert.deepEqual(records(json.stdout), logged);
  assert.match(json.stderr, /listens on/);
  assert.ok(json.stdout.endsWith('\n'));

  for (const more of [['--format', 'json'], []]) {
    const run = start([...proxyWords, '--findings', '-', '--upstream-ca', originCaFile, ...more]);
    const proxy = { port: await run.port(), ca: readFileSync(join(caFolder, 'ca.pem')) };
    await askToken(`${provider.url}/refused`, proxy);
    assert.equal((await run.stop()).code, 1);
    const printed = records(run.stdout);
    assertValidRecords(printed);
    assert.deepEqual([printed[0].type, printed.at(-1).type], ['finding', 'summary']);
    assert.match(run.stderr, more.length ? /^oauthtap listens on [^\n]+\n\s*$/ : /ERROR/);
  }
  await provider.stop();
});

test('--quiet is a line a finding, --verbose has evidence and references', async () => {
  const provider = await startScripted(lean);
  const shown = {};
  for (const option of ['--quiet', '--verbose', '']) {
    const proxy = await startProxy(...(option ? [option] : []));
    await askToken(`${provider.url}/refused`, proxy);
    await proxy.stop();
    shown[option] = proxy.stdout;
    assert.doesNotMatch(proxy.stdout, /\n\n\n/, 'no doubled blank lines');
    assert.doesNotMatch(proxy.stdout, /\x1b/, 'no escape codes where there is no terminal');
    assert.doesNotMatch(proxy.stdout, / \n/, 'no space at the end of a line');
  }
  assert.equal(shown['--quiet'].split('\n').filter((line) => /ERROR/.test(line)).length, 1);
  assert.doesNotMatch(shown['--quiet'], /https:\/\/localhost/);
  assert.match(shown['--verbose'], /rfc-editor\.org/);
  assert.doesNotMatch(shown[''], /rfc-editor\.org/);
  assert.match(shown[''], /ERROR {2}.*token\/error-response\n {2}\d\d:\d\d:\d\d {2}POST https:\/\/localhost:\d+\/refused → 400\n/);
  await provider.stop();
});

// util-linux's script gives the program a terminal; its size comes from stty inside it.
function inTerminal(columns, environment, then = '', more = '') {
  const words = [...proxyWords, '--upstream-ca', originCaFile, '--findings', 'log.jsonl'].map((word) => `'${word}'`).join(' ');
  return start(['-qfec', `stty rows 40 cols ${columns}; ${then} exec '${binary}' ${words}${more}`, '/dev/null'],
    { command: 'script', stdio: ['pipe', 'pipe', 'pipe'], env: { ...process.env, TERM: 'xterm', NO_COLOR: '', ...environment } });
}

test('a terminal gets colours, unless NO_COLOR or a dumb terminal says otherwise, and Ctrl-C ends the run', async () => {
  const provider = await startScripted(lean);
  for (const [columns, environment, hasColor] of [[80, {}, true], [120, {}, true], [80, { NO_COLOR: '1' }, false], [80, { TERM: 'dumb' }, false]]) {
    const run = inTerminal(columns, environment);
    const proxy = { port: await run.port(), ca: readFileSync(join(caFolder, 'ca.pem')) };
    await askToken(`${provider.url}/refused`, proxy);
    run.child.stdin.write('\x03');
    await within(20000, 'the end after Ctrl-C', run.ended);
    assert.equal(/\x1b\[31m/.test(run.stdout), hasColor, `${columns} ${JSON.stringify(environment)}`);
    const plain = run.stdout.replace(/\x1b\[\d+m/g, '');
    assert.doesNotMatch(plain, /\x1b/);
    assert.match(plain, /1 error/);
    assert.doesNotMatch(plain.replaceAll('\r', ''), /\n\n\n/, 'no doubled blank lines');
    for (const line of plain.split('\r\n')) assert.ok(line.length <= columns || /https:\/\//.test(line), `${columns}: ${line}`);
    if (hasColor) assert.ok(run.stdout.lastIndexOf('\x1b[0m') >= run.stdout.lastIndexOf('\x1b[3'), 'the last colour is taken back');
  }
  await provider.stop();
});

// ---- the end of a run ----

// A server that answers only when told, and says when it was asked.
async function startHesitant() {
  const waiting = [];
  const server = http.createServer((request, response) => { waiting.push(response); });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${server.address().port}`, waiting, stop: () => { server.closeAllConnections(); server.close(); } };
}

async function waitFor(what, look) {
  return within(20000, what, (async () => { while (!(await look())) await new Promise((resolve) => { setTimeout(resolve, 5); }); })());
}

test('SIGTERM: what is in flight is answered, then the summary is printed and the log is complete', async () => {
  const server = await startHesitant();
  const proxy = await startProxy();
  const answer = exchange(`${server.url}/slow`, { proxy });
  await waitFor('the request', () => server.waiting.length === 1);
  proxy.child.kill('SIGTERM');
  await waitFor('the listener to close', () => proxy.hasRefused || void net.connect(proxy.port, '127.0.0.1').on('connect', function close() { this.destroy(); }).on('error', () => { proxy.hasRefused = true; }));
  server.waiting[0].end('late, but whole');
  assert.equal((await answer).text, 'late, but whole');
  const { code, signal } = await within(20000, 'the end', proxy.ended);
  assert.deepEqual([code, signal], [0, null]);
  assert.equal(proxy.records.at(-1).type, 'summary');
  assert.equal(proxy.records.at(-1).exchanges, 1);
  assert.match(proxy.stdout, /1 exchange/);
  server.stop();
});

test('a closed terminal ends the proxy in order: the summary is in the log, and the status is that of SIGTERM', async () => {
  const cwd = folder();
  // The proxy leads the session of a pseudo-terminal, whose other side goes away once it listens.
  const script = 'import os, pty, sys\npid, fd = pty.fork()\nif pid == 0: os.execv(sys.argv[1], sys.argv[1:])\nseen = b""\nwhile b"listens on" not in seen: seen += os.read(fd, 4096)\nos.close(fd)\nprint(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))';
  const { status, stdout, stderr } = spawnSync('python3', ['-c', script, binary, ...proxyWords], { cwd, encoding: 'utf8', timeout: 30000 });
  assert.deepEqual([status, stdout], [0, '0\n'], stderr);
  assert.equal(JSON.parse(readFileSync(join(cwd, 'oauthtap-findings.jsonl'), 'utf8').trimEnd().split('\n').at(-1)).type, 'summary');
});

test('under nohup a closed terminal ends nothing', async () => {
  const run = start(['-c', 'trap "" HUP; exec "$@"', 'sh', binary, ...proxyWords], { command: 'sh' });
  const port = await run.port();
  run.child.kill('SIGHUP');
  assert.equal((await raw(port, 'GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')).includes('HTTP/1.1 4'), true, 'it still answers');
  assert.deepEqual(await run.stop(), { code: 0, signal: null });
});

test('SIGHUP, however often, ends the proxy with its summary', async () => {
  const proxy = await startProxy();
  for (let i = 0; i < 3; i++) proxy.child.kill('SIGHUP');
  assert.deepEqual(await within(20000, 'the end', proxy.ended), { code: 0, signal: null });
  assert.equal(proxy.records.at(-1).type, 'summary');
});

for (const [first, second] of [['SIGINT', 'SIGINT'], ['SIGTERM', 'SIGINT'], ['SIGINT', 'SIGTERM']]) {
  test(`${second} after ${first} ends at once, with the log complete`, async () => {
    const server = await startHesitant();
    const proxy = await startProxy();
    const answer = exchange(`${server.url}/never`, { proxy }).catch(() => 'cut');
    await waitFor('the request', () => server.waiting.length === 1);
    const from = Date.now();
    proxy.child.kill(first);
    await waitFor('the listener to close', () => proxy.hasRefused || void net.connect(proxy.port, '127.0.0.1').on('connect', function close() { this.destroy(); }).on('error', () => { proxy.hasRefused = true; }));
    proxy.child.kill(second);
    const { code, signal } = await within(20000, 'the end', proxy.ended);
    assert.ok(Date.now() - from < 4500, 'it did not wait for the five seconds');
    assert.deepEqual([code === 0 || code === 1, signal], [true, null]);
    assert.equal(proxy.records.at(-1).type, 'summary');
    await answer;
    server.stop();
  });
}

test('kill -9 leaves whole lines, and the next run goes on with a new one', async () => {
  const provider = await startScripted(lean);
  const log = join(folder(), 'log.jsonl');
  const words = [...proxyWords, '--upstream-ca', originCaFile, '--findings', log];
  const ca = () => readFileSync(join(caFolder, 'ca.pem'));
  const first = start(words);
  const proxy = { port: await first.port(), ca: ca() };
  await exchange(`${provider.url}/token?client_secret=in-the-url-0123456789`, { method: 'POST', headers: formType, body: Buffer.from('grant_type=client_credentials&client_id=a-client'), proxy });
  await waitFor('a record', () => readFileSync(log, 'utf8').includes('\n'));
  assert.equal((await first.stop('SIGKILL')).signal, 'SIGKILL');
  const left = readFileSync(log, 'utf8');
  assertValidRecords(records(left.slice(0, left.lastIndexOf('\n') + 1)));
  writeFileSync(log, '{"type":"finding","sch', { flag: 'a' });
  const next = start(words);
  await next.port();
  assert.equal((await next.stop()).code, 0);
  const lines = readFileSync(log, 'utf8').split('\n');
  assert.ok(lines.includes('{"type":"finding","sch'));
  assert.equal(JSON.parse(lines.at(-2)).type, 'summary');
  await provider.stop();
});

test('a full disk is told once, traffic goes on, and the status is 3', async () => {
  const provider = await startScripted(lean);
  const run = start([...proxyWords, '--upstream-ca', originCaFile, '--findings', '/dev/full']);
  const proxy = { port: await run.port(), ca: readFileSync(join(caFolder, 'ca.pem')) };
  for (let i = 0; i < 3; i++) assert.equal((await askToken(`${provider.url}/refused`, proxy)).status, 400);
  assert.equal((await run.stop()).code, 3);
  assert.equal(run.stderr.match(/cannot write to \/dev\/full/g).length, 1);
  assert.match(run.stdout, /token\/error-response/, 'the terminal has them');
  await provider.stop();
});

test('an output that nobody reads stalls neither traffic nor the end', async () => {
  const provider = await startScripted(lean);
  const run = start([...proxyWords, '--upstream-ca', originCaFile, '--verbose', '--findings', 'log.jsonl'], { stdio: ['ignore', 'pipe', 'pipe'] });
  const proxy = { port: await run.port(), ca: readFileSync(join(caFolder, 'ca.pem')) };
  run.child.stdout.pause();
  const filler = 'x'.repeat(900);
  for (let i = 0; i < 120; i++) assert.equal((await exchange(`${provider.url}/token?client_secret=s3cret-0123456789&n=${i}&${filler}`, { method: 'POST', headers: formType, body: Buffer.from(`grant_type=client_credentials&client_id=client-${i}`), proxy })).status, 200);
  run.child.kill('SIGTERM');
  const exit = new Promise((resolve) => run.child.on('exit', (code) => resolve(code)));
  assert.ok([0, 1].includes(await within(20000, 'the end though nobody reads', exit)));
  assert.equal(records(readFileSync(join(run.cwd, 'log.jsonl'), 'utf8')).at(-1).type, 'summary');
  run.child.stdout.resume();
  await provider.stop();
});

test('control characters from the wire reach neither terminal nor log', async () => {
  const evil = '\x1b[31m\u009b2J\u202e\u2066\u200b\r\nERROR forged\x07';
  const provider = await startScripted({ ...lean, '/refused': () => [400, { error: `invalid_client${evil}`, error_description: `no such client ${evil}`, error_uri: `https://as.test/${evil}` }] });
  const server = await startPlainServer((socket) => socket.once('data', () => socket.end(Buffer.from(`HTTP/1.1 401 \x1b[31mNo\r\nWWW-Authenticate: Bearer error="invalid_token\x1b[2J", error_description="\u202e\x9b"\r\nContent-Length: 0\r\n\r\n`, 'latin1'))));
  for (const options of [[], ['--verbose'], ['--format', 'json'], ['--quiet']]) {
    const proxy = await startProxy(...options);
    await exchange(`${provider.url}/refused`, { method: 'POST', headers: formType, body: Buffer.from(`grant_type=authorization_code&code=c0de-0123456789&client_id=${encodeURIComponent(`a-client${evil}`)}&scope=${encodeURIComponent(evil)}`), proxy });
    await exchange(`${provider.url}/refused?x=${encodeURIComponent(evil)}&client_secret=s3cret-0123456789`, { method: 'POST', headers: formType, body: Buffer.from('grant_type=client_credentials&client_id=b'), proxy });
    for (const line of [`GET http://127.0.0.1:${server.port}/\x1b[31m HTTP/1.1`, `GET http://127.0.0.1:${server.port}/a?\xc2\x9b\xe2\x80\xae HTTP/1.1`, `GET http://127.0.0.1:${server.port}/ HTTP/1.1\r\nAuthorization: Bearer \x1b[31m\x9b`, `G\x1bT / HTTP/1.1`]) {
      await raw(proxy.port, Buffer.from(`${line}\r\nHost: 127.0.0.1:${server.port}\r\nConnection: close\r\n\r\n`, 'latin1'));
    }
    await proxy.stop();
    assert.ok(proxy.findings().length > 0);
    for (const [name, text] of proxy.outputs()) {
      assert.doesNotMatch(text, /[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufffd]/, `${name} ${options.join(' ')}`);
      assert.doesNotMatch(text, /^ERROR forged/m);
    }
  }
  await server.stop();
  await provider.stop();
});

test('docs/findings.md: its examples are valid records that name every member', () => {
  const text = readFileSync(join(repository, 'docs/findings.md'), 'utf8');
  const examples = [...text.matchAll(/```json\n(.*)\n```/g)].map(([, line]) => JSON.parse(line));
  assert.deepEqual(examples.map(({ type }) => type), ['finding', 'step', 'summary']);
  assertValidRecords(examples);
  const schema = JSON.parse(readFileSync(join(repository, 'docs/findings.schema.json'), 'utf8'));
  for (const { type } of examples) for (const member of Object.keys(schema.$defs[type].properties)) assert.ok(text.includes(`\`${member}\``), `${type}: ${member}`);
});

test('a terminal that is stopped before the greeting does not keep the proxy from its work', async () => {
  const provider = await startScripted(lean);
  const free = net.createServer();
  await new Promise((resolve) => { free.listen(0, '127.0.0.1', resolve); });
  const { port } = free.address();
  await new Promise((resolve) => { free.close(resolve); });
  const run = inTerminal(80, {}, `echo "pid=$$"; read line; set -- --listen 127.0.0.1:${port};`, ' "$@"');
  const [, pid] = await run.until('the shell', () => /pid=(\d+)/.exec(run.stdout));
  run.child.stdin.write('\x13\n');
  await waitFor('the proxy', () => new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1', () => { socket.destroy(); resolve(true); });
    socket.on('error', () => resolve(false));
  }));
  await waitFor('the authority', () => existsSync(join(caFolder, 'ca.pem')));
  assert.equal((await askToken(`${provider.url}/refused`, { port, ca: readFileSync(join(caFolder, 'ca.pem')) })).status, 400);
  process.kill(Number(pid), 'SIGTERM');
  await within(20000, 'the end', run.ended);
  assert.equal(records(readFileSync(join(run.cwd, 'log.jsonl'), 'utf8')).at(-1).type, 'summary');
  await provider.stop();
});

test('a terminal stopped with Ctrl-S holds neither traffic nor the end up', async () => {
  const provider = await startScripted(lean);
  const run = inTerminal(80, {}, 'echo "pid=$$";');
  const proxy = { port: await run.port(), ca: readFileSync(join(caFolder, 'ca.pem')) };
  run.child.stdin.write('\x13');
  for (let i = 0; i < 5; i++) assert.equal((await askToken(`${provider.url}/refused`, proxy, `&n=${i}`)).status, 400);
  process.kill(Number(/pid=(\d+)/.exec(run.stdout)[1]), 'SIGTERM');
  await waitFor('the summary in the log', () => records(readFileSync(join(run.cwd, 'log.jsonl'), 'utf8')).at(-1)?.type === 'summary');
  await within(20000, 'the end', run.ended);
  await provider.stop();
});
