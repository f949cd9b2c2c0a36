// bench.mjs - microseconds of processor time (user + system, all threads and helpers; never wall time) that a proxy spends per keep-alive HTTPS request
// of 1 kB at 16 connections and per new tunnel, on one nginx origin. Rounds are interleaved A B B A; what is printed is the median of the ratios.
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync, mkdirSync, chmodSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import tls from 'node:tls';

const CONNECTIONS = 16;
const REQUESTS = Number(process.env.BENCH_REQUESTS ?? 20000);
const TUNNELS = Number(process.env.BENCH_TUNNELS ?? 1000);
const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 3);

const folder = mkdtempSync(join(tmpdir(), 'oauthtap-bench-'));
chmodSync(folder, 0o777);
const children = [];
const cleanUp = () => { for (const child of children) child.kill('SIGTERM'); rmSync(folder, { recursive: true, force: true }); };
process.on('exit', cleanUp);
process.on('SIGINT', () => process.exit(130));

const openssl = (...args) => execFileSync('openssl', args, { cwd: folder, stdio: 'ignore' });
const path = (name) => join(folder, name);
const freePort = () => new Promise((resolve) => { const server = net.createServer().listen(0, '127.0.0.1', () => { const { port } = server.address(); server.close(() => resolve(port)); }); });

function certificates() {
  const ec = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  openssl('req', '-x509', ...ec, '-days', '2', '-subj', '/CN=bench CA', '-keyout', 'ca-key.pem', '-out', 'ca.pem', '-addext', 'keyUsage=critical,keyCertSign,cRLSign');
  openssl('req', '-new', ...ec, '-subj', '/CN=localhost', '-keyout', 'key.pem', '-out', 'leaf.csr');
  writeFileSync(path('leaf.ext'), 'subjectAltName=DNS:localhost,IP:127.0.0.1\n');
  openssl('x509', '-req', '-in', 'leaf.csr', '-CA', 'ca.pem', '-CAkey', 'ca-key.pem', '-CAcreateserial', '-days', '2', '-extfile', 'leaf.ext', '-out', 'cert.pem');
  writeFileSync(path('both.pem'), readFileSync(path('cert.pem'), 'utf8') + readFileSync(path('key.pem'), 'utf8'));
  writeFileSync(path('ca-both.pem'), readFileSync(path('ca.pem'), 'utf8') + readFileSync(path('ca-key.pem'), 'utf8'));
  for (const name of ['both.pem', 'ca-both.pem', 'ca-key.pem', 'key.pem']) chmodSync(path(name), 0o644);
}

async function start(program, args, port, options = {}) {
  const child = spawn(program, args, { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'], ...options });
  children.push(child);
  let said = '';
  child.stderr.on('data', (text) => { said = (said + text).slice(-4000); });
  for (let tries = 0; tries < 200; tries++) {
    if (child.exitCode !== null) throw new Error(`${program} ended: ${said}`);
    const isUp = await new Promise((resolve) => { const probe = net.connect(port, '127.0.0.1', () => { probe.destroy(); resolve(true); }); probe.on('error', () => resolve(false)); });
    if (isUp) return child.pid;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`${program} does not listen: ${said}`);
}

async function startOrigin(port) {
  writeFileSync(path('nginx.conf'), `daemon off; worker_processes 1; pid ${path('nginx.pid')}; error_log stderr error;
events { worker_connections 4096; }
http { access_log off; keepalive_requests 100000000; keepalive_timeout 600; client_body_temp_path ${path('t1')}; proxy_temp_path ${path('t2')}; fastcgi_temp_path ${path('t3')}; uwsgi_temp_path ${path('t4')}; scgi_temp_path ${path('t5')};
  server { listen 127.0.0.1:${port} ssl; ssl_certificate ${path('cert.pem')}; ssl_certificate_key ${path('key.pem')};
    location / { default_type application/json; return 200 '${JSON.stringify({ padding: 'x'.repeat(1008) })}'; } } }`);
  await start('nginx', ['-c', path('nginx.conf'), '-p', folder], port);
}

const proxies = {
  async oauthtap(port) {
    const pid = await start(process.env.OAUTHTAP, ['proxy', '--listen', `127.0.0.1:${port}`, '--ca-dir', path('tap-ca'), '--findings', path('findings.jsonl'), '--upstream-ca', path('ca.pem'), '--ui', 'off', '--quiet'], port);
    return { pid, port, isConnect: true, ca: readFileSync(path('tap-ca/ca.pem')) };
  },
  async haproxy(port, origin) {
    writeFileSync(path('haproxy.cfg'), `global
  nbthread 1
defaults
  mode http
  timeout connect 10s
  timeout client 120s
  timeout server 120s
  http-reuse never
frontend in
  bind 127.0.0.1:${port} ssl crt ${path('both.pem')}
  default_backend out
backend out
  server nginx 127.0.0.1:${origin} ssl verify required ca-file ${path('ca.pem')} sni str(localhost)
`);
    return { pid: await start('haproxy', ['-db', '-f', path('haproxy.cfg')], port), port, isConnect: false, ca: readFileSync(path('ca.pem')) };
  },
  async squid(port) {
    execFileSync('/usr/lib/squid/security_file_certgen', ['-c', '-s', path('squid-certs'), '-M', '4MB'], { stdio: 'ignore' });
    if (process.getuid() === 0) execFileSync('chown', ['-R', 'proxy:proxy', path('squid-certs')]);
    writeFileSync(path('squid.conf'), `http_port 127.0.0.1:${port} ssl-bump cert=${path('ca-both.pem')} generate-host-certificates=on dynamic_cert_mem_cache_size=4MB
sslcrtd_program /usr/lib/squid/security_file_certgen -s ${path('squid-certs')} -M 4MB
sslcrtd_children 1
tls_outgoing_options cafile=${path('ca.pem')}
ssl_bump bump all
http_access allow all
cache deny all
access_log none
cache_log /dev/null
pid_filename none
client_persistent_connections on
server_persistent_connections on
shutdown_lifetime 0 seconds
visible_hostname bench
`);
    return { pid: await start('squid', ['-N', '-f', path('squid.conf')], port), port, isConnect: true, ca: readFileSync(path('ca.pem')) };
  },
};

// All processes below and including pid: clock ticks of 10 ms, user and system, of their own and of children that have ended.
function cpuMicroseconds(root) {
  const processes = new Map();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const stat = readFileSync(`/proc/${name}/stat`, 'utf8');
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ').map(Number);
      processes.set(Number(name), { parent: fields[1], ticks: fields[11] + fields[12] + fields[13] + fields[14] });
    } catch { /* it ended meanwhile */ }
  }
  const belongs = (pid) => pid === root || (processes.has(pid) && processes.get(pid).parent > 1 && belongs(processes.get(pid).parent));
  let ticks = 0;
  for (const [pid, { ticks: own }] of processes) if (belongs(pid)) ticks += own;
  return ticks * 10000;
}

function open({ port, isConnect, ca }, origin) {
  return new Promise((resolve, reject) => {
    const lower = net.connect({ port, host: '127.0.0.1', noDelay: true });
    const secure = () => { const socket = tls.connect({ socket: lower, servername: 'localhost', ca, ALPNProtocols: ['http/1.1'] }, () => resolve(socket)); socket.on('error', reject); };
    lower.on('error', reject);
    if (!isConnect) return lower.once('connect', secure);
    lower.write(`CONNECT localhost:${origin} HTTP/1.1\r\nHost: localhost:${origin}\r\n\r\n`);
    return lower.once('data', (head) => (String(head).startsWith('HTTP/1.1 200') ? secure() : reject(new Error(String(head)))));
  });
}

function ask(socket, origin) {
  return new Promise((resolve, reject) => {
    let seen = '';
    const onData = (piece) => {
      seen += piece.toString('latin1');
      if (!seen.endsWith('"}')) return;
      socket.off('data', onData);
      if (seen.startsWith('HTTP/1.1 200')) resolve(); else reject(new Error(seen.slice(0, 200)));
    };
    socket.on('data', onData);
    socket.write(`GET /me HTTP/1.1\r\nHost: localhost:${origin}\r\nUser-Agent: bench\r\nAccept: application/json\r\nAuthorization: Bearer bench-token-0123456789abcdef\r\n\r\n`);
  });
}

async function requests(proxy, origin, total) {
  const sockets = await Promise.all(Array.from({ length: CONNECTIONS }, () => open(proxy, origin)));
  await Promise.all(sockets.map((socket) => ask(socket, origin)));
  const before = cpuMicroseconds(proxy.pid);
  await Promise.all(sockets.map(async (socket) => { for (let i = 0; i < total / CONNECTIONS; i++) await ask(socket, origin); }));
  const spent = cpuMicroseconds(proxy.pid) - before;
  sockets.forEach((socket) => socket.destroy());
  return spent / total;
}

async function tunnels(proxy, origin, total) {
  const before = cpuMicroseconds(proxy.pid);
  await Promise.all(Array.from({ length: CONNECTIONS }, async () => {
    for (let i = 0; i < total / CONNECTIONS; i++) { const socket = await open(proxy, origin); await ask(socket, origin); socket.destroy(); }
  }));
  return (cpuMicroseconds(proxy.pid) - before) / total;
}

const median = (values) => values.slice().sort((a, b) => a - b)[Math.floor(values.length / 2)];
const wanted = { requests: { haproxy: 1.4, squid: 0.5 }, tunnels: { haproxy: 1.3, squid: 0.4 } };

certificates();
mkdirSync(path('tap-ca'), { mode: 0o700 });
const origin = await freePort();
await startOrigin(origin);
const started = {};
for (const name of Object.keys(proxies)) started[name] = await proxies[name](await freePort(), origin);

for (const [what, measure, total] of [['requests', requests, REQUESTS], ['tunnels', tunnels, TUNNELS]]) {
  for (const proxy of Object.values(started)) await measure(proxy, origin, Math.max(CONNECTIONS, total / 10)); // warm
  for (const peer of ['haproxy', 'squid']) {
    const ratios = [], ours = [], theirs = [];
    for (let round = 0; round < ROUNDS; round++) {
      const [a, b, c, d] = [await measure(started.oauthtap, origin, total), await measure(started[peer], origin, total), await measure(started[peer], origin, total), await measure(started.oauthtap, origin, total)];
      ours.push(a, d); theirs.push(b, c); ratios.push((a + d) / (b + c));
    }
    console.log(`${what.padEnd(8)} oauthtap ${median(ours).toFixed(1)} µs, ${peer} ${median(theirs).toFixed(1)} µs: ratio ${median(ratios).toFixed(2)} (wanted: at most ${wanted[what][peer]}; rounds ${ratios.map((r) => r.toFixed(2)).join(' ')})`);
  }
}
process.exit(0);
