// proxy.js - starts the binary under test (environment OAUTHTAP), and reads what it wrote. Each proxy has a CA folder and a findings log of its own.
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { assertValidRecords } from './schema.js';
import { originCaFile, scratch } from './scratch.js';

export const binary = process.env.OAUTHTAP;
export const isSanitized = process.env.OAUTHTAP_SANITIZED === '1';
if (!binary) throw new Error('set OAUTHTAP to the path of the binary');

const running = new Set();
process.on('exit', () => running.forEach((child) => child.kill('SIGKILL')));

export async function within(milliseconds, what, promise) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: nothing after ${milliseconds} ms`)), milliseconds);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

// What a run and the check of its recording must have in common: everything but ids, times and the order in which findings left.
const essence = (records) => records.filter(({ type }) => type === 'finding')
  .map(({ rule, severity, step, message, remedy, client_id: client, file, evidence, occurrences }) => JSON.stringify({ rule, severity, step, message, remedy, client, file, evidence, occurrences })).sort();
const judging = ['--client-id', '--client-secret-file', '--token-url', '--refresh-url', '--connector', '--authorization-url', '--redirect-uri', '--scope', '--api-base', '--profile', '--disable', '--severity'];

export class Proxy {
  stdout = '';
  stderr = '';

  constructor(args) {
    this.recording = args.includes('--har') ? args[args.indexOf('--har') + 1] : undefined;
    this.judging = args.flatMap((arg, i) => (judging.includes(arg) ? [arg, args[i + 1]] : []));
    this.folder = mkdtempSync(join(scratch, 'proxy-'));
    this.findingsFile = join(this.folder, 'findings.jsonl');
    this.caFolder = join(this.folder, 'ca');
    this.child = spawn(binary, ['proxy', '--listen', '127.0.0.1:0', '--ca-dir', this.caFolder, '--findings', this.findingsFile,
      '--upstream-ca', originCaFile, '--ui', 'off', ...args], { cwd: this.folder, stdio: ['ignore', 'pipe', 'pipe'] });
    running.add(this.child);
    this.ended = new Promise((resolve) => this.child.on('close', (code, signal) => {
      running.delete(this.child);
      resolve({ code, signal });
    }));
    this.listening = new Promise((resolve, reject) => {
      const look = () => {
        const found = /listens on (http:\/\/127\.0\.0\.1:(\d+))/.exec(this.stdout + this.stderr);
        if (found) resolve(found);
      };
      this.child.stdout.setEncoding('utf8').on('data', (text) => { this.stdout += text; look(); });
      this.child.stderr.setEncoding('utf8').on('data', (text) => { this.stderr += text; look(); });
      this.child.on('error', reject);
      this.ended.then(({ code, signal }) => reject(new Error(`the proxy ended (${code ?? signal}): ${this.stderr}${this.stdout}`)));
    });
    this.listening.catch(() => {});
  }

  async ready() {
    const [, url, port] = await within(20000, 'the proxy to listen', this.listening);
    this.url = url;
    this.port = Number(port);
    this.caFile = join(this.caFolder, 'ca.pem');
    this.ca = readFileSync(this.caFile);
    return this;
  }

  get records() {
    if (!existsSync(this.findingsFile)) return [];
    return readFileSync(this.findingsFile, 'utf8').split('\n').filter((line) => line !== '').map((line) => JSON.parse(line));
  }

  findings(...severities) {
    return this.records.filter((record) => record.type === 'finding' && (severities.length === 0 || severities.includes(record.severity)));
  }

  // What a user could read of this run: terminal and every file it wrote, but the keys of the CA.
  outputs() {
    const files = readdirSync(this.folder, { recursive: true }).map((name) => join(this.folder, name)).filter((name) => name.endsWith('.jsonl'));
    return [['standard output', this.stdout], ['standard error', this.stderr], ...files.map((name) => [name, readFileSync(name, 'utf8')])];
  }

  // Ends the run as a person would, and checks what must hold for every run: an exit status that means something, a valid and complete log.
  async stop() {
    this.child.kill('SIGTERM');
    const { code, signal } = await within(20000, 'the proxy to end after SIGTERM', this.ended);
    if (signal !== null || ![0, 1].includes(code)) throw new Error(`the proxy ended with ${signal ?? code}:\n${this.stderr}`);
    const { records } = this;
    assertValidRecords(records);
    if (records.at(-1)?.type !== 'summary') throw new Error(`the log does not end with a summary:\n${JSON.stringify(records.slice(-3))}`);
    if (this.recording) assert.deepEqual(essence(await this.check()), essence(records), 'the recording gives what the traffic gave');
    return { code, records };
  }

  // The records of `oauthtap check` of the recording, judged as the proxy judged.
  async check() {
    const args = ['check', '--format', 'json', '--ca-dir', this.caFolder, ...this.judging, this.recording];
    const { stdout, stderr } = await new Promise((resolve) => execFile(binary, args, { cwd: this.folder, maxBuffer: 1e9 }, (_, out, err) => resolve({ stdout: out, stderr: err })));
    assert.equal(stderr, '');
    return stdout.split('\n').filter(Boolean).map((line) => JSON.parse(line));
  }
}

export const startProxy = (...args) => new Proxy(args).ready();
// startRecorded - with --har; when the proxy is stopped, check must find in the recording what was found live.
let recordings = 0;
export const startRecorded = (...args) => startProxy(...args, '--har', join(scratch, `recorded-${++recordings}.har`));
