// run.test.js - `oauthtap run`: the command keeps its output, its terminal, its signals and its status; every client goes through the proxy by
// the environment alone; nothing is left behind.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, utimesSync, writeFileSync } from 'node:fs';
import https from 'node:https';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { client as realClient, startProvider } from './lib/provider.js';
import { binary } from './lib/proxy.js';
import { finish, killAll, start } from './lib/run.js';
import { accessToken, bearerOnly, client, refreshToken, serve, tokens } from './lib/scenario.js';
import { goodCertificate, scratch } from './lib/scratch.js';

const here = (name) => fileURLToPath(new URL(name, import.meta.url));
const onTerminal = ['/usr/bin/python3', here('clients/terminal.py')];
const has = (program, ...args) => spawnSync(program, args, { stdio: 'ignore' }).status === 0;

after(killAll);

// ---- what is called wrongly ----

function refuses(command, status, words, options = []) {
  const folder = mkdtempSync(join(scratch, 'refused-'));
  const told = spawnSync(binary, ['run', ...options, ...command], { cwd: folder, encoding: 'utf8', env: { ...process.env, XDG_CONFIG_HOME: folder, TMPDIR: folder } });
  assert.equal(told.status, status, told.stderr);
  assert.match(told.stderr, /^oauthtap: [^\n]+\n$/);
  for (const word of words) assert.ok(told.stderr.includes(word), `"${word}" is not in: ${told.stderr}`);
  assert.equal(told.stdout, '');
  return readdirSync(folder);
}

test('a command that cannot be run is told as shells tell it, and nothing is made for it', () => {
  const plain = join(scratch, 'no-program');
  writeFileSync(plain, 'text\n', { mode: 0o644 });
  assert.deepEqual(refuses(['--', 'no-such-command-anywhere'], 127, ['no-such-command-anywhere', 'command not found', 'PATH']), []);
  assert.deepEqual(refuses(['--', './not-here'], 127, ['./not-here', 'no such file']), []);
  assert.deepEqual(refuses(['--', ''], 127, ['cannot run ""']), []);
  assert.deepEqual(refuses(['--', plain], 126, [plain, 'chmod +x']), []);
  assert.deepEqual(refuses(['--', scratch], 126, ['it is a folder']), []);
  assert.deepEqual(refuses([], 2, ['nothing to run', 'oauthtap run -- newman']), []);
  assert.deepEqual(refuses(['--findings', '-', '--', 'true'], 2, ['--findings -', "the command's", '--format json']), []);
  assert.deepEqual(refuses(['--report', 'junit=-', '--', 'true'], 2, ['--report', "the command's"]), []);
  assert.deepEqual(refuses(['--qiet', '--', 'true'], 2, ['did you mean --quiet?']), []);
});

test('a command that turns out not to run leaves an error, and neither verdict nor files', async () => {
  const script = join(scratch, 'bad-interpreter');
  writeFileSync(script, '#!/nowhere/at/all\n', { mode: 0o755 });
  const run = await finish([], [script]);
  assert.equal(run.status, 127);
  assert.match(run.stderr, /^oauthtap: cannot run [^\n]*bad-interpreter: the interpreter [^\n]+\n$/);
  assert.deepEqual(run.records, []);
});

// ---- output and status ----

test("standard output is the command's own, byte for byte, in every format", async () => {
  const noise = join(scratch, 'noise');
  const bytes = Buffer.from(Array.from({ length: 100000 }, (_, i) => (i * 7 + (i >> 8)) & 255));
  writeFileSync(noise, bytes);
  for (const options of [[], ['--quiet'], ['--verbose'], ['--format', 'json']]) {
    const run = await finish(options, ['cat', noise]);
    assert.equal(run.status, 0);
    assert.ok(run.bytes.equals(bytes), `${options}`);
    if (options[1] === 'json') assert.deepEqual(run.stderr.split('\n').filter(Boolean).map((line) => JSON.parse(line).type), ['summary']);
    else assert.match(run.stderr, /no request came|no-traffic|Verdict|0 exchanges/i);
  }
});

test('standard input and error are its own, too, and the verdict comes after its last word', async () => {
  const run = start([], ['sh', '-c', 'read line; echo "got $line"; echo "an error" >&2'], { stdio: ['pipe', 'pipe', 'pipe'] });
  run.child.stdin.end('a line\n');
  await run.end();
  assert.equal(run.stdout, 'got a line\n');
  assert.match(run.stderr, /^an error\n\nVerdict: /);
});

test("the command's own status is the run's, unless it is 0", async () => {
  assert.equal((await finish([], ['sh', '-c', 'exit 37'])).status, 37);
  assert.equal((await finish([], ['sh', '-c', 'kill -TERM $$'])).status, 143);
  assert.equal((await finish([], ['sh', '-c', 'kill -KILL $$'])).status, 137);
  assert.equal((await finish([], ['true'])).status, 0);
});

test('what the command inherits is what we did: limits, signals, descriptors', async () => {
  const script = 'ulimit -Sc; ulimit -Sn; grep -E "^Sig(Blk|Ign)" /proc/self/status; ls /proc/self/fd';
  const limit = (inner) => ['sh', '-c', `ulimit -Sn 256; exec "$@"`, 'sh', ...inner];
  const direct = execFileSync(...((words) => [words[0], words.slice(1)])(limit(['sh', '-c', script])), { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  const run = await finish([], ['sh', '-c', script], { wrap: limit([]) });
  assert.equal(run.stdout, direct);
});

test('a stream that is closed stays closed for the command, and nothing of ours takes its place', async () => {
  const closing = ['sh', '-c', 'exec "$@" <&- >&-', 'sh'];
  const run = await finish([], ['sh', '-c', 'for i in 0 1; do [ -e /proc/self/fd/$i ] && echo "$i is open" >&2; done; exit 6'], { wrap: closing });
  assert.equal(run.status, 6);
  assert.match(run.stderr, /^\nVerdict/);
  const silent = await finish([], ['sh', '-c', 'exit 6'], { wrap: ['sh', '-c', 'exec "$@" >&- 2>&-', 'sh'] });
  assert.equal(silent.status, 6);
  assert.equal(silent.records.at(-1).type, 'summary');
});

// ---- the environment ----

const settingsOf = (run) => Object.fromEntries(run.stdout.split('\0').filter(Boolean).map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]));

test('sets the variables that clients read, and clears those that lead past the proxy', async () => {
  const run = await finish([], ['env', '-0'], { env: { NO_PROXY: '*', no_proxy: 'localhost', NPM_CONFIG_NOPROXY: 'x', KEPT: 'as it was' } });
  const settings = settingsOf(run);
  const url = settings.HTTPS_PROXY;
  assert.match(url, /^http:\/\/127\.0\.0\.1:\d+$/);
  for (const name of ['HTTP_PROXY', 'http_proxy', 'https_proxy', 'ALL_PROXY', 'all_proxy', 'npm_config_proxy', 'npm_config_https_proxy']) assert.equal(settings[name], url, name);
  for (const name of ['NO_PROXY', 'no_proxy', 'NPM_CONFIG_NOPROXY']) assert.equal(settings[name], undefined, name);
  const roots = settings.SSL_CERT_FILE;
  for (const name of ['npm_config_cafile', 'CURL_CA_BUNDLE', 'REQUESTS_CA_BUNDLE', 'AWS_CA_BUNDLE', 'GIT_SSL_CAINFO', 'CARGO_HTTP_CAINFO', 'PERL_LWP_SSL_CA_FILE']) assert.equal(settings[name], roots, name);
  for (const name of ['NODE_EXTRA_CA_CERTS', 'DENO_CERT']) assert.equal(settings[name], run.caFile, name);
  assert.equal(settings.NODE_USE_ENV_PROXY, '1');
  assert.equal(settings.KEPT, 'as it was');
  assert.ok(settings.JAVA_TOOL_OPTIONS.includes(`-Dhttps.proxyPort=${new URL(url).port} `));
  assert.equal(settings.PIP_CERT, undefined, 'only where it was set');
});

test('what was trusted before is trusted still: the files that variables name, and the options of Java', async () => {
  const file = (name) => { const path = join(scratch, name); writeFileSync(path, `${goodCertificate.cert}${name === 'with-key.pem' ? goodCertificate.key : ''}`); return path; };
  const run = await finish([], ['sh', '-c', 'cat "$SSL_CERT_FILE"; stat -c "%a %n" "$SSL_CERT_FILE" "$(dirname "$SSL_CERT_FILE")"; echo "$JAVA_TOOL_OPTIONS"; echo "$NODE_EXTRA_CA_CERTS $PIP_CERT $SSL_CERT_FILE"'],
    { env: { SSL_CERT_FILE: file('with-key.pem'), NODE_EXTRA_CA_CERTS: file('extra.pem'), PIP_CERT: '/nowhere.pem', JAVA_TOOL_OPTIONS: '-Dmine=1' } });
  const certificates = run.stdout.match(/-----BEGIN CERTIFICATE-----[^-]*/g);
  const inside = (pem) => certificates.filter((one) => one.replace(/\s/g, '') === /-----BEGIN CERTIFICATE-----[^-]*/.exec(pem)[0].replace(/\s/g, '')).length;
  assert.equal(inside(readFileSync(run.caFile, 'utf8')), 1, 'ours');
  assert.equal(inside(goodCertificate.cert.toString()), 1, 'theirs, once');
  if (existsSync('/etc/ssl/certs/ca-certificates.crt')) assert.ok(certificates.length > 50, 'and the roots of the system');
  assert.ok(!run.stdout.includes('PRIVATE KEY'), 'a key beside a certificate is not copied');
  assert.match(run.stdout, /^600 .*roots\.pem\n700 /m);
  assert.match(run.stdout, /^-Dmine=1 -Dhttp\.proxyHost=127\.0\.0\.1 /m);
  assert.match(run.stdout, /^(\S+roots\.pem) \1 \1$/m);
});

test('a variable that names a pipe does not keep the run waiting', async () => {
  const pipe = join(scratch, 'roots.fifo');
  execFileSync('mkfifo', [pipe]);
  const run = await finish(['--quiet'], ['sh', '-c', 'echo "$CURL_CA_BUNDLE"'], { env: { CURL_CA_BUNDLE: pipe } });
  assert.match(run.stdout, /roots\.pem\n$/);
});

test("wget's settings of a person are left alone", async () => {
  const run = await finish([], ['sh', '-c', 'echo "${WGETRC-unset}"'], { env: { WGETRC: '/home/somebody/wgetrc' } });
  assert.equal(run.stdout, '/home/somebody/wgetrc\n');
});

test('tells where a proxy of the environment is not used, without its password', async () => {
  const run = await finish([], ['true'], { env: { https_proxy: 'http://ada:hunter2@proxy.example:3128' } });
  assert.match(run.stderr, /^oauthtap: the proxy that https_proxy names is not used/);
  assert.ok(!run.stderr.includes('hunter2'));
});

// ---- clients ----

describe('clients', () => {
  let server;
  let provider;
  let issued = 0;
  const fresh = () => tokens(++issued, { refresh_token: `${refreshToken}-${issued}` });
  const grant = ({ headers }) => (headers.authorization?.startsWith('Basic ') ? [200, fresh()] : [401, { error: 'invalid_client' }]);
  before(async () => {
    server = await serve({ '/token': grant, '/me': bearerOnly, '/thing': () => [200, { name: 'thing', 'dist-tags': { latest: '1.2.3' }, versions: { '1.2.3': { name: 'thing', version: '1.2.3' } } }] });
    provider = await startProvider();
  });
  after(() => Promise.all([server.stop(), provider.stop()]));

  const settings = () => ({ TOKEN_URL: `${server.url}/token`, API_URL: `${server.url}/me`, CLIENT_ID: client.id, CLIENT_SECRET: client.secret, CODE: `the-code-0123456789abcdef-${issued}` });
  const me = '{"name":"Ada"}\n{"name":"Ada"}\n';
  const python = (library, module = library) => ({ command: ['/usr/bin/python3', here('clients/walk_python.py'), library], needs: ['/usr/bin/python3', '-c', `import ${module}`] });
  const walks = {
    curl: { command: [here('clients/walk-curl.sh')], needs: ['curl', '--version'] },
    wget: { command: [here('clients/walk-wget.sh')], needs: ['wget', '--version'] },
    axios: { command: [process.execPath, here('clients/walk-node.mjs'), 'axios'] },
    undici: { command: [process.execPath, here('clients/walk-node.mjs'), 'undici'] },
    'requests (Python)': python('requests'),
    'httpx (Python)': python('httpx'),
    'authlib with requests': python('authlib', 'authlib, requests'),
    'authlib with httpx': python('authlib-httpx', 'authlib, httpx'),
    'HttpClient (Java)': { command: ['java', here('clients/Walk.java')], needs: ['javac', '-version'] },
    'a shell script that mixes them': { command: ['sh', '-c', `${here('clients/walk-curl.sh')} && export CODE=a-second-code-0123456789 && /usr/bin/python3 ${here('clients/walk_python.py')} requests && export CODE=a-third-code-0123456789 && ${process.execPath} ${here('clients/walk-node.mjs')} undici`], times: 3 },
  };

  for (const [name, { command, needs, times = 1 }] of Object.entries(walks)) {
    const skip = needs && !has(...needs) && `${needs[0] === '/usr/bin/python3' ? `the Python library (${needs[2]})` : needs[0]} is not installed`;
    test(`${name}: token, API, refresh and API are seen, and nothing is found`, { skip }, async () => {
      const run = await finish([], command, { env: settings() });
      assert.equal(run.status, 0, run.stderr);
      assert.equal(run.stdout, me.repeat(times));
      assert.deepEqual(run.rules.filter((rule) => !rule.startsWith('info')), []);
      assert.deepEqual(run.steps, { token: 'verified', api: 'verified', refresh: 'verified', 'api-after-refresh': 'verified', connector: 'not_seen' });
    });
  }

  // Node.js heeds the variables in fetch since 22.21 and 24.
  const [major, minor] = process.versions.node.split('.').map(Number);
  const heedsVariables = major >= 24 || (major === 22 && minor >= 21);
  test(`fetch of Node.js: goes through the proxy from version 24 on, and says why not before`, async () => {
    const direct = { NODE_TLS_REJECT_UNAUTHORIZED: '0', NODE_NO_WARNINGS: '1' }; // past the proxy it meets the server's own certificate
    const run = await finish([], [process.execPath, here('clients/walk-node.mjs'), 'fetch'], { env: { ...settings(), ...(heedsVariables ? {} : direct) } });
    assert.equal(run.stdout, me);
    assert.equal(run.steps['api-after-refresh'], heedsVariables ? 'verified' : 'not_seen');
    if (!heedsVariables) assert.match(run.stderr.replace(/\s+/g, ' '), /No request came: .*Node\.js does from version 24 on/);
  });

  // These walk with the real authorization server, whose tokens live three seconds: on a machine too slow for that they walk again.
  const real = {
    newman: () => {
      const file = join(scratch, 'run-environment.json');
      const values = Object.entries(realSettings()).map(([key, value]) => ({ key: key.toLowerCase(), value, enabled: true }));
      writeFileSync(file, JSON.stringify({ name: 'settings', values }));
      return [process.execPath, here('node_modules/newman/bin/newman.js'), 'run', here('clients/newman.json'), '-e', file, '--reporters', 'cli', '--color', 'off', '--timeout-request', '20000'];
    },
    'curl, with a sign-in': () => [here('clients/curl.sh')],
    'requests-oauthlib': () => ['/usr/bin/python3', here('clients/requests_oauthlib_client.py')],
  };
  const realSettings = () => ({ ISSUER: provider.issuer, AUTHORIZATION_URL: provider.authorizationUrl, TOKEN_URL: provider.tokenUrl, API_URL: provider.apiUrl,
    REDIRECT_URI: provider.redirectUri, CLIENT_ID: realClient.id, CLIENT_SECRET: realClient.secret, SCOPE: provider.scope });
  for (const [name, command] of Object.entries(real)) {
    test(`${name}: a real sign-in, refresh included, and nothing is found`, async () => {
      let run;
      for (let again = 0; again < 4; again++) {
        run = await finish([], command(), { env: { ...realSettings(), OAUTHLIB_RELAX_TOKEN_SCOPE: '1' } });
        if (provider.takeLateCalls() === 0) break;
      }
      assert.equal(run.status, 0, run.stdout + run.stderr);
      assert.deepEqual(run.rules.filter((rule) => !rule.startsWith('info')), []);
      for (const step of ['token', 'api', 'refresh', 'api-after-refresh']) assert.equal(run.steps[step], 'verified', step);
    });
  }

  test('npm asks its registry through the proxy', { skip: !has('npm', '--version') && 'npm is not installed' }, async () => {
    const run = await finish([], ['npm', 'view', 'thing', 'version', '--registry', `${server.url}/`, '--update-notifier=false'], { env: { NPM_CONFIG_CAFILE: '/nowhere' } });
    assert.equal(run.stdout.trim(), '1.2.3', run.stderr);
    assert.equal(run.records.at(-1).exchanges, 1);
  });

  test('git clones through the proxy', { skip: !has('git', '--version') && 'git is not installed' }, async (t) => {
    const source = mkdtempSync(join(scratch, 'git-'));
    const git = (...args) => execFileSync('git', ['-c', 'user.name=Ada', '-c', 'user.email=ada@example.test', ...args], { cwd: source, stdio: 'pipe' });
    git('init', '-q');
    writeFileSync(join(source, 'file'), 'what is in it\n');
    git('add', '.');
    git('commit', '-q', '-m', 'One');
    git('update-server-info');
    const files = https.createServer(goodCertificate, (request, response) => {
      const path = join(source, '.git', new URL(request.url, 'https://localhost').pathname.replace('/repository', ''));
      if (!existsSync(path)) { response.writeHead(404); return response.end(); }
      return response.end(readFileSync(path));
    });
    await new Promise((resolve) => { files.listen(0, '127.0.0.1', resolve); });
    t.after(() => files.close());
    const run = await finish([], ['sh', '-c', `git clone -q https://localhost:${files.address().port}/repository copy && cat copy/file`]);
    assert.equal(run.stdout, 'what is in it\n', run.stderr);
    assert.ok(run.records.at(-1).exchanges > 1);
  });

  test('findings make the status 1, unless the command failed by itself or --fail-on says otherwise', async (t) => {
    const faulty = await serve({ '/token': () => [200, tokens(1)], '/me': ({ headers }) => (headers.authorization === accessToken(1) ? [401, { error: 'invalid_token' }, { 'WWW-Authenticate': 'Bearer' }] : [200, {}]) });
    t.after(() => faulty.stop());
    const walk = (end) => ['sh', '-c', `curl -sS -u "$CLIENT_ID:$CLIENT_SECRET" -d grant_type=authorization_code -d code=the-code-0123456789abcdef -d redirect_uri=https://localhost/cb ${faulty.url}/token >/dev/null
      curl -sS -H "Authorization: ${accessToken(1)}" ${faulty.url}/me; ${end}`];
    const env = settings();
    const found = await finish([], walk('true'), { env });
    assert.equal(found.status, 1);
    assert.ok(found.rules.includes('error api/missing-bearer-prefix'), `${found.rules}`);
    assert.match(found.stderr, /ERROR {2}The access token is sent without the word Bearer/);
    assert.ok(!found.stderr.includes(accessToken(1)));
    const mixed = await finish([], ['sh', '-c', `echo before >&2; ${walk('true').at(-1)} >/dev/null; echo after >&2`], { env });
    assert.match(mixed.stderr, /^before\n[^]*[^\n]\n\nERROR /, 'a blank line before each block');
    assert.doesNotMatch(mixed.stderr, /\n\n\n/, 'and never two');
    assert.equal(found.stdout, '{"error":"invalid_token"}');
    assert.equal((await finish([], walk('exit 5'), { env })).status, 5);
    assert.equal((await finish(['--fail-on', 'never'], walk('true'), { env })).status, 0);
    const json = await finish(['--format', 'json'], walk('true'), { env });
    assert.equal(json.stdout, found.stdout);
    assert.deepEqual(json.stderr.split('\n').filter(Boolean).map((line) => JSON.parse(line)), json.records);
  });
});

// ---- signals and terminals ----

test('SIGTERM, SIGHUP and the others are passed on, each time', async () => {
  const run = start([], ['sh', '-c', 'n=0; trap "echo got TERM; n=\\$((n+1))" TERM; trap "echo got HUP" HUP; trap "echo got USR1" USR1; trap "echo got INT" INT; echo ready; while [ $n -lt 2 ]; do sleep 0.02; done; exit 9']);
  await run.says('ready\n');
  for (const [signal, times] of [['HUP', 1], ['USR1', 1], ['INT', 1], ['TERM', 1], ['TERM', 2]]) {
    run.child.kill(`SIG${signal}`);
    await run.says(`${`got ${signal}\n`.repeat(times)}`);
  }
  await run.end();
  assert.equal(run.status, 9);
  assert.match(run.stderr, /Verdict/);
  assert.deepEqual(run.processes(), []);
});

test('a command that dies of a signal that was passed on ends the run with 128 and the signal', async () => {
  const run = start([], ['sh', '-c', 'echo ready; exec sleep 100']);
  await run.says('ready\n');
  run.child.kill('SIGTERM');
  await run.end();
  assert.equal(run.status, 143);
  assert.match(run.stderr, /Verdict/);
  assert.deepEqual(run.processes(), []);
});

test('a stopped command hears SIGTERM, too', async () => {
  const run = start([], ['sh', '-c', 'echo "ready $$"; exec sleep 100']);
  await run.says('ready');
  const pid = Number(/ready (\d+)/.exec(run.stdout)[1]);
  process.kill(pid, 'SIGSTOP');
  while (!/^State:\s+T/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))) await new Promise((resolve) => { setTimeout(resolve, 5); });
  run.child.kill('SIGTERM');
  await run.end();
  assert.equal(run.status, 143);
  assert.deepEqual(run.processes(), []);
});

test('a run that is killed takes its command along, and the next one clears up after it', async () => {
  const run = start([], ['sh', '-c', 'echo ready; exec sleep 100']);
  await run.says('ready\n');
  run.child.kill('SIGKILL');
  await run.ended;
  while (run.processes().length) await new Promise((resolve) => { setTimeout(resolve, 10); });
  const [left] = readdirSync(run.temporary);
  assert.match(left, /^oauthtap-run-/);
  const live = start([], ['sh', '-c', 'echo ready; read line'], { env: { TMPDIR: run.temporary }, stdio: ['pipe', 'pipe', 'pipe'] });
  await live.says('ready\n');
  const long = new Date(Date.now() - 3600e3);
  for (const name of readdirSync(run.temporary)) utimesSync(join(run.temporary, name), long, long);
  mkdirSync(join(run.temporary, 'oauthtap-run-of-others')); // young: it may be in the making
  await finish([], ['true'], { env: { TMPDIR: run.temporary } });
  const names = readdirSync(run.temporary);
  assert.ok(!names.includes(left), 'what was left is cleared away');
  assert.equal(names.length, 2, 'what is in use or young is not');
  live.child.stdin.end('\n');
  await live.end();
  assert.deepEqual(readdirSync(run.temporary), ['oauthtap-run-of-others']);
});

test('Ctrl-C in a terminal ends both, with the verdict', async () => {
  const run = start([], ['sh', '-c', 'echo ready; exec sleep 100'], { wrap: onTerminal, stdio: ['pipe', 'pipe', 'pipe'] });
  await run.says('ready');
  run.child.stdin.write('\x03');
  await run.says('Verdict');
  await run.end();
  assert.equal(run.status, 130);
  assert.deepEqual(run.processes(), []);
});

test('a terminal that closes ends both', async () => {
  const run = start([], ['sh', '-c', 'echo "ready $$"; exec sleep 100'], { wrap: onTerminal, stdio: ['pipe', 'pipe', 'pipe'] });
  await run.says('ready');
  run.child.kill('SIGKILL'); // the terminal's program
  await run.until('both to end', () => run.processes().length === 0);
  assert.deepEqual(readdirSync(run.temporary), []);
  const records = readFileSync(join(run.folder, 'findings.jsonl'), 'utf8').trim().split('\n').map((line) => JSON.parse(line));
  assert.equal(records.at(-1).type, 'summary');
});

test('Ctrl-C while the proxy starts ends the run, and the command is not started', async () => {
  // The signal waits for the program: it is blocked until then, as it is while the proxy starts.
  const early = ['/usr/bin/python3', '-c', 'import os, signal, sys; signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT]); os.kill(os.getpid(), signal.SIGINT); os.execv(sys.argv[1], sys.argv[1:])'];
  const run = await finish([], ['echo', 'started'], { wrap: early });
  assert.equal(run.status, 130);
  assert.equal(run.stdout, '');
  assert.match(run.stderr, /echo was not started: a signal came first \(Interrupt\)/);
});

test('a command that makes something of Ctrl-C goes on, and the run with it', async () => {
  const run = start([], ['sh', '-c', 'trap "echo caught" INT; echo ready; while :; do read line && [ "$line" = end ] && exit 4; done'], { wrap: onTerminal, stdio: ['pipe', 'pipe', 'pipe'] });
  await run.says('ready');
  run.child.stdin.write('\x03');
  await run.says('caught');
  assert.ok(!run.stdout.includes('Verdict'));
  run.child.stdin.write('end\n');
  await run.end();
  assert.equal(run.status, 4);
  assert.match(run.stdout, /caught[^]*Verdict/);
});

test('the terminal is the command\'s: it is asked, sized and coloured as without us', async () => {
  const run = start([], ['sh', '-c', 'tty -s && echo "a terminal"; test -t 0 -a -t 1 -a -t 2 && echo "three times"; [ "$(ps -o tpgid= -p $$)" -eq "$(ps -o pgid= -p $$)" ] && echo "in the foreground"'],
    { wrap: onTerminal, stdio: ['pipe', 'pipe', 'pipe'] });
  await run.end();
  assert.match(run.stdout, /a terminal\r\nthree times\r\nin the foreground\r\n/);
});

test('Ctrl-Z stops both and fg goes on with both', async () => {
  const words = ['-c', 'PS1="shell> " exec bash --norc --noprofile --noediting -i'];
  const run = start([], ['true'], { wrap: [...onTerminal, 'bash', ...words, 'bash'], stdio: ['pipe', 'pipe', 'pipe'] });
  const prompt = (times) => run.until(`prompt ${times}`, () => run.stdout.split('shell> ').length > times);
  await prompt(1);
  run.child.stdin.write(`${binary} run --ca-dir ${join(run.folder, 'ca')} -- sh -c 'echo started; read line; echo "read $line"; exit 3'\n`);
  await run.says('started\r\n');
  run.child.stdin.write('\x1a');
  await run.says('Stopped');
  await prompt(2);
  run.child.stdin.write('echo "the shell has the terminal"\n');
  await prompt(3);
  assert.match(run.stdout, /\nthe shell has the terminal\r/);
  run.child.stdin.write('fg\n');
  run.child.stdin.write('words\n');
  await run.says('read words');
  await prompt(4);
  run.child.stdin.write('echo "status $?"; exit 0\n');
  await run.says('status 3');
  await run.end();
  assert.deepEqual(run.processes(), []);
});

// ---- the end ----

test('what is in flight when the command ends is awaited, and judged', async (t) => {
  let answer;
  const slow = https.createServer(goodCertificate, (request, response) => { answer = () => response.end('{"name":"Ada"}'); });
  await new Promise((resolve) => { slow.listen(0, '127.0.0.1', resolve); });
  t.after(() => slow.close());
  const out = join(scratch, 'late-answer');
  const run = start([], ['sh', '-c', `curl -sS -o ${out} https://localhost:${slow.address().port}/slow & sleep 0.1; read line`], { stdio: ['pipe', 'pipe', 'pipe'] });
  while (!answer) await new Promise((resolve) => { setTimeout(resolve, 10); });
  run.child.stdin.end('\n');
  setTimeout(answer, 300);
  await run.end();
  assert.equal(run.status, 0, run.stderr);
  assert.equal(readFileSync(out, 'utf8'), '{"name":"Ada"}');
  assert.equal(run.records.at(-1).exchanges, 1);
});

test('what is never answered does not keep the run: five seconds, or a second signal', async (t) => {
  let arrived;
  const silent = https.createServer(goodCertificate, () => { arrived(); });
  await new Promise((resolve) => { silent.listen(0, '127.0.0.1', resolve); });
  t.after(() => { silent.closeAllConnections(); silent.close(); });
  for (const signal of [null, 'SIGTERM']) {
    const request = new Promise((resolve) => { arrived = resolve; });
    const run = start([], ['sh', '-c', `curl -sS -o /dev/null https://localhost:${silent.address().port}/silent 2>/dev/null & read line; echo over`], { stdio: ['pipe', 'pipe', 'pipe'] });
    await request;
    run.child.stdin.end('\n');
    await run.says('over\n');
    await run.until('the temporary files to go', () => readdirSync(run.temporary).length === 0);
    if (signal) run.child.kill(signal);
    await run.end();
    assert.equal(run.status, 0, run.stderr);
    assert.match(run.stderr, /Verdict/);
  }
});

test('what lives on after the command does not keep the run', async () => {
  const run = start([], ['sh', '-c', 'sleep 300 >/dev/null 2>&1 </dev/null & echo $!']);
  await run.end();
  assert.equal(run.status, 0);
  const pid = Number(run.stdout);
  assert.deepEqual(run.processes(), [String(pid)], 'it is left alone: it is not ours');
  process.kill(pid, 'SIGKILL');
});

test('--listen is where the proxy listens; a port that is taken is told, and nothing is run', async () => {
  const taken = https.createServer();
  await new Promise((resolve) => { taken.listen(0, '127.0.0.1', resolve); });
  const { port } = taken.address();
  const refused = await finish(['--listen', `127.0.0.1:${port}`], ['echo', 'ran']);
  assert.equal(refused.status, 3);
  assert.equal(refused.stdout, '');
  assert.ok(refused.stderr.includes(String(port)));
  await new Promise((resolve) => { taken.close(resolve); });
  const run = await finish(['--listen', `127.0.0.1:${port}`], ['sh', '-c', 'echo "$HTTPS_PROXY"']);
  assert.equal(run.stdout, `http://127.0.0.1:${port}\n`);
  const open = await finish(['--listen', '0.0.0.0:0', '--allow-remote'], ['sh', '-c', 'echo "$HTTPS_PROXY"']);
  assert.match(open.stdout, /^http:\/\/127\.0\.0\.1:\d+\n$/); // an address to connect to
});
