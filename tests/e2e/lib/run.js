// run.js - `oauthtap run` under test: what it prints, what it logs, and that it leaves neither a process nor a temporary file behind.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { binary, within } from './proxy.js';
import { assertValidRecords } from './schema.js';
import { originCaFile, scratch } from './scratch.js';

const caFolder = join(scratch, 'run-ca');
const running = new Set();
export const killAll = () => running.forEach((child) => child.kill('SIGKILL'));
process.on('exit', killAll);

// The environment of the tests, without what a person's machine may have set of the variables in question.
const plain = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/proxy|_CA_|CERT|CAINFO|CACERTS|JAVA_TOOL|WGETRC|^NODE_/i.test(name)));

// Processes whose environment names this run's temporary folder.
function processesOf(folder) {
  return readdirSync('/proc').filter((name) => /^\d+$/.test(name)).filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/environ`, 'latin1').includes(`\0TMPDIR=${folder}\0`);
    } catch {
      return false; // ended, or not ours
    }
  });
}

// start - options of run, the command, and what spawn takes. wrap: a command line to put before it.
export function start(options, command, { wrap = [], env = {}, ...more } = {}) {
  const folder = mkdtempSync(join(scratch, 'run-'));
  const temporary = join(folder, 'tmp');
  mkdirSync(temporary);
  const findingsFile = join(folder, 'findings.jsonl');
  const words = [...wrap, binary, 'run', '--ca-dir', caFolder, '--upstream-ca', originCaFile, '--findings', findingsFile, ...options, '--', ...command];
  const child = spawn(words[0], words.slice(1), { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'], ...more, env: { ...plain, TMPDIR: temporary, HOME: folder, ...env } });
  const run = { child, folder, temporary, caFile: join(caFolder, 'ca.pem'), stdout: '', stderr: '' };
  const bytes = [];
  running.add(child);
  child.stdout?.on('data', (piece) => { bytes.push(piece); run.stdout = Buffer.concat(bytes).toString(); });
  child.stderr?.setEncoding('utf8').on('data', (text) => { run.stderr += text; });
  run.ended = new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => { running.delete(child); resolve({ code, signal }); });
  });
  run.until = (what, look) => within(20000, what, (async () => {
    while (!look()) await new Promise((resolve) => { setTimeout(resolve, 10); });
  })()).catch((error) => { throw new Error(`${error.message} in: ${run.stdout}${run.stderr}`); });
  run.says = (what) => run.until(JSON.stringify(what), () => run.stdout.includes(what) || run.stderr.includes(what));
  run.processes = () => processesOf(temporary);
  run.end = async () => {
    const { code, signal } = await within(60000, 'the end of the run', run.ended);
    assert.equal(signal, null, `ended by itself: ${run.stderr}`);
    run.records = existsSync(findingsFile) ? readFileSync(findingsFile, 'utf8').split('\n').filter(Boolean).map((line) => JSON.parse(line)) : [];
    assertValidRecords(run.records);
    run.status = code;
    run.bytes = Buffer.concat(bytes);
    run.steps = run.records.at(-1)?.steps;
    run.rules = run.records.filter(({ type }) => type === 'finding').map(({ severity, rule }) => `${severity} ${rule}`);
    assert.deepEqual(readdirSync(temporary), [], 'no temporary file is left');
    return run;
  };
  return run;
}

// A run to its end, with nothing left of it.
export async function finish(options, command, more) {
  const run = start(options, command, more);
  await run.end();
  assert.deepEqual(run.processes(), [], 'no process is left');
  return run;
}
