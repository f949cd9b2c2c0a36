// reports.js - whether reports are what their readers take: SARIF by its JSON schema, JUnit XML by an XSD.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import Ajv04 from 'ajv-draft-04';

const require = createRequire(import.meta.url);
let validate;

// The SARIF log, parsed, once it has been found valid. The schema is the standard's (2.1.0), carried by Microsoft's package.
export function assertSarif(text) {
  validate ??= new (Ajv04.default ?? Ajv04)({ allErrors: true, strict: false, validateFormats: false, unicodeRegExp: false }).compile(require('@microsoft/jest-sarif/lib/schemas/sarif-2.1.0-rtm.5.json'));
  const log = JSON.parse(text);
  assert.ok(validate(log), JSON.stringify(validate.errors, null, 1));
  assertCodeScanning(log);
  return log;
}

// What code scanning of GitHub asks for beyond the schema.
function assertCodeScanning({ runs }) {
  assert.equal(runs.length, 1, 'one run for each tool');
  const [{ tool: { driver }, results }] = runs;
  for (const rule of driver.rules) {
    assert.ok(rule.shortDescription.text && rule.fullDescription.text && rule.help.text, `${rule.id} lacks a description`);
    assert.match(rule.helpUri ?? 'https://', /^https:\/\//);
  }
  for (const result of results) {
    assert.equal(driver.rules[result.ruleIndex].id, result.ruleId);
    assert.match(result.partialFingerprints.primaryLocationLineHash, /^[0-9a-f]{32}$/);
    const [{ physicalLocation }] = result.locations;
    assert.ok(physicalLocation.artifactLocation.uri);
    assert.ok(physicalLocation.region.startLine >= 1);
  }
  assert.equal(new Set(results.map(({ partialFingerprints }) => partialFingerprints['oauthtapIdentity/v1'])).size, results.length, 'one result an identity');
}

// { tests, failures, skipped, cases: [{ classname, name, outcome }] }, once the XML has been found valid.
export function assertJunit(text) {
  const schema = fileURLToPath(new URL('junit.xsd', import.meta.url));
  const { status, stderr } = spawnSync('xmllint', ['--noout', '--schema', schema, '-'], { input: text, encoding: 'utf8' });
  assert.equal(status, 0, `xmllint: ${stderr}`);
  const cases = [...text.matchAll(/<testcase classname="([^"]*)" name="([^"]*)" time="[^"]*">\s*<(failure|skipped|system-out)/g)]
    .map(([, classname, name, outcome]) => ({ classname, name, outcome: outcome === 'system-out' ? 'passed' : outcome }));
  const count = (outcome) => cases.filter((one) => one.outcome === outcome).length;
  const [, tests, failures] = text.match(/<testsuites name="oauthtap" tests="(\d+)" failures="(\d+)"/);
  assert.equal(cases.length, Number(tests));
  assert.equal(count('failure'), Number(failures));
  return { tests: cases.length, failures: count('failure'), skipped: count('skipped'), cases };
}
