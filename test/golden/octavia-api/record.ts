/**
 * Records what Octavia's own API (Debian: python3-octavia) answers: `sh scripts/node24.sh test/golden/octavia-api/record.ts [FILE...]`
 * writes one file of JSON lines a subject, here all unless some are named. A line is in its file before the next request is made: a run
 * that is cut goes on where it ended. To record a subject anew, delete its file first. test/contract/api-octavia-recorded.test.ts
 * makes the same requests to Kiln.
 */
import { join } from 'node:path';
import { openApiHarness, ownProject } from '../../kit/api.ts';
import { runner } from '../../kit/api-comparison.ts';
import { fieldCases } from '../../kit/field-cases.ts';
import { startOctaviaApi } from '../../kit/octavia-api.ts';
import {
  addRecord,
  mendRecords,
  readRecords,
  recorded,
  recordKey,
  unknownToOctavia11,
  valuesOf,
} from '../../kit/octavia-recordings.ts';
import { given, setup, subjects } from './subjects.ts';

const names = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(subjects);
const { app } = openApiHarness();
await app.ready();
const document = app.openApi();
const octavia = runner(startOctaviaApi(), ownProject, given);
await octavia.prepare(setup);

for (const name of names) {
  const subject = subjects[name];
  if (!subject) throw new Error(`${name}: not one of ${Object.keys(subjects).join(', ')}`);
  const file = join(import.meta.dirname, `${name}.jsonl`);
  mendRecords(file);
  const done = new Set(readRecords(file).map(recordKey));
  const cases = fieldCases(document, subject, unknownToOctavia11);
  const left = cases.filter((one) => !done.has(recordKey(one)));
  console.log(`${name}: ${left.length} of ${cases.length}`);
  if (left.length === 0) continue;
  const usual = valuesOf((await octavia.run({ ...subject, path: `/v2.0/lbaas${subject.path}` })).answer);
  for (const one of left) addRecord(file, recorded(one, await octavia.run(one), usual));
}
await octavia.close();
await app.close();
process.exit(0);
