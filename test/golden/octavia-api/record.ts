/**
 * Records what Octavia's own API (Debian: python3-octavia) answers: `sh scripts/node24.sh test/golden/octavia-api/record.ts [FILE...]`
 * writes one file of JSON lines a subject, here all unless some are named. A line is in its file before the next request is made: a run
 * that is cut goes on where it ended. To record a subject anew, delete its file first. test/contract/api-octavia-recorded.test.ts
 * makes the same requests to Kiln.
 */
import { join } from 'node:path';
import { openApiHarness, ownProject } from '../../kit/api.ts';
import { type Given, runner } from '../../kit/api-comparison.ts';
import { fieldCases } from '../../kit/field-cases.ts';
import { type ApiCase, startOctaviaApi } from '../../kit/octavia-api.ts';
import {
  addRecord,
  mendRecords,
  type Recorded,
  readRecords,
  recorded,
  recordKey,
  recordedRead,
  recordedWords,
  unknownToOctavia11,
  valuesOf,
} from '../../kit/octavia-recordings.ts';
import { reads, recording } from './reads.ts';
import { requests } from './requests.ts';
import { given, setup, subjects } from './subjects.ts';

const files =
  process.argv.length > 2 ? process.argv.slice(2) : [...Object.keys(subjects), 'requests', ...Object.keys(reads)];
const { app } = openApiHarness();
await app.ready();
const document = app.openApi();
const octavia = runner(startOctaviaApi(), ownProject, given);
await octavia.prepare(setup);

for (const name of files.filter((file) => !reads[file] && file !== 'requests')) {
  const subject = subjects[name];
  if (!subject)
    throw new Error(`${name}: not one of ${['requests', ...Object.keys({ ...subjects, ...reads })].join(', ')}`);
  const usual = valuesOf((await octavia.run({ ...subject, path: `/v2.0/lbaas${subject.path}` })).answer);
  await record(name, fieldCases(document, subject, unknownToOctavia11), (one, answer) => recorded(one, answer, usual));
}

if (files.includes('requests')) await record('requests', requests, recordedWords);
const lists = files.filter((file) => reads[file]);
if (lists.length > 0) await octavia.prepare(recording);
for (const name of lists) await record(name, reads[name] ?? [], recordedRead);

await octavia.close();
await app.close();
process.exit(0);

async function record<Case extends ApiCase & { about: string }>(
  name: string,
  cases: readonly Case[],
  kept: (one: Case, answer: Given) => Recorded,
): Promise<void> {
  const file = join(import.meta.dirname, `${name}.jsonl`);
  mendRecords(file);
  const done = new Set(readRecords(file).map(recordKey));
  const left = cases.filter((one) => !done.has(recordKey(one)));
  console.log(`${name}: ${left.length} of ${cases.length}`);
  for (const one of left) addRecord(file, kept(one, await octavia.run(one)));
}
