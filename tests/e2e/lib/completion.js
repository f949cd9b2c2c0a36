// completion.js - asks real shells what they would offer behind a line, as a person does with the Tab key.
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { binary, within } from './proxy.js';
import { scratch } from './scratch.js';

const folder = mkdtempSync(join(scratch, 'completion-'));
export const has = (shell) => spawnSync(shell, ['--version'], { stdio: 'ignore' }).status === 0;
const script = (shell, name) => {
  const path = join(folder, name);
  writeFileSync(path, execFileSync(binary, ['completion', shell]));
  return path;
};
const lines = (text) => [...new Set(text.split('\n').filter(Boolean))].sort();

// bash: what the function registered for oauthtap answers, with readline's splitting of words.
export function bash(line, { cwd = folder } = {}) {
  const ask = `source "$0"; COMP_LINE=$1 COMP_POINT=\${#1}; IFS=$' \\t\\n=:' read -ra COMP_WORDS <<<"$1"
    [[ $1 == *[[:blank:]=:] ]] && COMP_WORDS+=(""); COMP_CWORD=$((\${#COMP_WORDS[@]} - 1))
    _oauthtap oauthtap "\${COMP_WORDS[-1]}"; printf '%s\\n' "\${COMPREPLY[@]}"`;
  return lines(execFileSync('bash', ['--norc', '-c', ask, script('bash', 'oauthtap.bash'), line], { cwd, encoding: 'utf8' }));
}

// tab - what stands on bash's line once Tab was pressed behind it, for each line.
export async function tab(all, { cwd = folder } = {}) {
  const file = script('bash', 'oauthtap.bash');
  const terminal = spawn('/usr/bin/python3', [fileURLToPath(new URL('../clients/terminal.py', import.meta.url)), 'bash', '--norc', '--noprofile', '-i'],
    { cwd, stdio: ['pipe', 'pipe', 'inherit'], env: { PATH: process.env.PATH, HOME: folder, TERM: 'dumb', PS1: 'ready> ', HISTFILE: '' } });
  let screen = '';
  terminal.stdout.setEncoding('utf8').on('data', (text) => { screen += text; });
  const says = (what) => within(20000, `${what} in ${screen}`, (async () => { while (!what.test(screen)) await new Promise((resolve) => { setTimeout(resolve, 5); }); })());
  try {
    await says(/ready> /);
    terminal.stdin.write(`oauthtap() { printf '<%s>' "$@"; echo " done-$number-"; }; source ${file}; number=0\r`);
    await says(/number=0[^]*ready> /);
    const answers = [];
    for (const [i, line] of all.entries()) {
      terminal.stdin.write(`number=${i}; ${line}\t\r`);
      await says(new RegExp(`done-${i}-`));
      answers.push([...screen.split(` done-${i}-`)[0].split('\n').at(-1).matchAll(/<([^<>]*)>/g)].map(([, word]) => word).join(' '));
    }
    return answers;
  } finally {
    terminal.stdin.write('exit\r');
    terminal.kill('SIGKILL');
  }
}

export function fish(line, { cwd = folder } = {}) {
  const said = execFileSync('fish', ['--no-config', '-c', 'source $argv[1]; complete -C $argv[2]', script('fish', 'oauthtap.fish'), line],
    { cwd, encoding: 'utf8', env: { ...process.env, HOME: folder, XDG_CONFIG_HOME: folder, XDG_DATA_HOME: folder } });
  return lines(said.split('\n').map((one) => one.split('\t')[0]).join('\n'));
}

// zsh: in a terminal. Its compadd is asked for what it would add: -O puts the matches that are left into an array.
const spy = `compadd() {
  local -a matches; builtin compadd -O matches "$@"; builtin compadd "$@"
  local match; for match in $matches; do print -r -- "$match" >>$OFFERED; done
}`;

export async function zsh(all, { cwd = folder } = {}) {
  script('zsh', '_oauthtap');
  const offered = join(folder, 'offered');
  writeFileSync(join(folder, 'setup.zsh'), `PROMPT='ready> '\nfpath=(${folder} $fpath)\nautoload -Uz compinit\ncompinit -u -D\nLISTMAX=10000\nbindkey '^I' list-choices\n${spy}\n`);
  const terminal = spawn('/usr/bin/python3', [fileURLToPath(new URL('../clients/terminal.py', import.meta.url)), 'zsh', '-f', '-i'],
    { cwd, stdio: ['pipe', 'pipe', 'inherit'], env: { PATH: process.env.PATH, HOME: folder, TERM: 'dumb', OFFERED: offered } });
  let screen = '';
  terminal.stdout.setEncoding('utf8').on('data', (text) => { screen += text; });
  const says = (what) => within(20000, `${what} in ${screen}`, (async () => { while (!what.test(screen)) await new Promise((resolve) => { setTimeout(resolve, 5); }); })());
  try {
    await says(/[%#] /);
    terminal.stdin.write(`source ${folder}/setup.zsh\r`);
    await says(/^ready> /m);
    const answers = [];
    for (const [i, line] of all.entries()) {
      writeFileSync(offered, '');
      terminal.stdin.write(`${line}\t\x15print done-$((${i}))-; \r`);
      await says(new RegExp(`^done-${i}-`, 'm'));
      answers.push(lines(execFileSync('cat', [offered], { encoding: 'utf8' })));
    }
    return answers;
  } finally {
    terminal.stdin.write('exit\r');
    terminal.kill('SIGKILL');
  }
}
