// scratch.js - a folder for one test file, removed when its process ends, and the certificates that its servers show.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export const scratch = mkdtempSync(join(tmpdir(), 'oauthtap-e2e-'));
process.on('exit', () => rmSync(scratch, { recursive: true, force: true }));

const openssl = (...args) => execFileSync('openssl', args, { cwd: scratch, stdio: ['ignore', 'pipe', 'pipe'] });

function makeAuthority(name) {
  openssl('req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2', '-subj', `/CN=${name}`,
    '-keyout', `${name}-key.pem`, '-out', `${name}.pem`, '-addext', 'keyUsage=critical,keyCertSign,cRLSign');
}

function makeLeaf(name, authority, names, days = '2') {
  writeFileSync(join(scratch, `${name}.ext`), `subjectAltName=${names}\nextendedKeyUsage=serverAuth\nbasicConstraints=CA:FALSE\n`);
  openssl('req', '-new', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-subj', `/CN=${name}`, '-keyout', `${name}-key.pem`, '-out', `${name}.csr`);
  openssl('x509', '-req', '-in', `${name}.csr`, '-CA', `${authority}.pem`, '-CAkey', `${authority}-key.pem`, '-CAcreateserial', '-days', days,
    '-extfile', `${name}.ext`, '-out', `${name}.pem`);
  return { cert: readFileSync(join(scratch, `${name}.pem`)), key: readFileSync(join(scratch, `${name}-key.pem`)) };
}

makeAuthority('origin-ca');
makeAuthority('stranger-ca');

export const originCaFile = join(scratch, 'origin-ca.pem');
export const originCa = readFileSync(originCaFile);
export const goodCertificate = makeLeaf('good', 'origin-ca', 'DNS:localhost,IP:127.0.0.1');
export const strangersCertificate = makeLeaf('stranger', 'stranger-ca', 'DNS:localhost,IP:127.0.0.1');
export const otherNamesCertificate = makeLeaf('other-name', 'origin-ca', 'DNS:elsewhere.test');
export const expiredCertificate = makeLeaf('expired', 'origin-ca', 'DNS:localhost,IP:127.0.0.1', '-1');
