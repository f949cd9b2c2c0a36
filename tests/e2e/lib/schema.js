// schema.js - every record of every log is held against docs/findings.schema.json.
import { readFileSync } from 'node:fs';
import Ajv from 'ajv';
import Ajv2020 from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';

let validate;

function compile() {
  const schema = JSON.parse(readFileSync(new URL('../../../docs/findings.schema.json', import.meta.url), 'utf8'));
  const Validator = /2020-12/.test(schema.$schema ?? '') ? Ajv2020.default ?? Ajv2020 : Ajv.default ?? Ajv;
  const ajv = new Validator({ allErrors: true, strict: false });
  (addFormats.default ?? addFormats)(ajv);
  return ajv.compile(schema);
}

export function assertValidRecords(records) {
  validate ??= compile();
  for (const record of records) {
    if (!validate(record)) throw new Error(`not as the schema says: ${JSON.stringify(record)}\n${validate.errors.map(({ instancePath, message }) => `${instancePath} ${message}`).join('\n')}`);
  }
}
