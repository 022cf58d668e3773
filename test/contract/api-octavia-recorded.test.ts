/**
 * The requests of test/golden/octavia-api, made to Kiln: the same status as Octavia's, where they are refused the same words, else
 * the same values. What is meant to differ stands in `differences.ts` there, with the reason; `record.ts` records.
 */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { reasonFor } from '../golden/octavia-api/differences.ts';
import { reads, recording } from '../golden/octavia-api/reads.ts';
import { requests } from '../golden/octavia-api/requests.ts';
import { given, setup, subjects } from '../golden/octavia-api/subjects.ts';
import { ownProject } from '../kit/api.ts';
import { runner, startKilnApi } from '../kit/api-comparison.ts';
import {
  type Recorded,
  readRecords,
  recorded,
  recordedRead,
  recordedWords,
  valuesOf,
} from '../kit/octavia-recordings.ts';

const recordsOf = (name: string) => readRecords(join(import.meta.dirname, `../golden/octavia-api/${name}.jsonl`));

/** Hundreds of requests each. */
const patient = { timeout: 600_000 };

describe('each field of what is written', () => {
  let kiln: ReturnType<typeof runner>;
  beforeAll(async () => {
    kiln = runner(await startKilnApi(), ownProject, given);
    await kiln.prepare(setup);
  });
  afterAll(() => kiln.close());

  it.each(Object.entries(subjects))('%s', patient, async (name, subject) => {
    const { method } = subject;
    const path = `/v2.0/lbaas${subject.path}`;
    const usual = valuesOf((await kiln.run({ ...subject, path })).answer);
    const answers: [Recorded, Recorded][] = [];
    for (const theirs of recordsOf(name)) {
      answers.push([theirs, recorded(theirs, await kiln.run({ method, path, body: theirs.body }), usual)]);
    }
    expect(answers.length).toBeGreaterThan(20);
    expect(differencesOf(answers)).toEqual([]);
  });
});

it('each request as a whole', patient, async () => {
  const kiln = runner(await startKilnApi(), ownProject, given);
  await kiln.prepare(setup);
  const answers: [Recorded, Recorded][] = [];
  for (const theirs of recordsOf('requests')) {
    const one = requests.find(({ about }) => about === theirs.about);
    if (one) answers.push([theirs, recordedWords(one, await kiln.run(one))]);
  }
  await kiln.close();
  expect(differencesOf(answers)).toEqual([]);
  expect(answers.length).toBe(requests.length);
});

describe('each list', () => {
  let kiln: ReturnType<typeof runner>;
  beforeAll(async () => {
    kiln = runner(await startKilnApi(), ownProject, given);
    await kiln.prepare([...setup, ...recording]);
  });
  afterAll(() => kiln.close());

  it.each(Object.entries(reads))('%s', patient, async (name, cases) => {
    const answers: [Recorded, Recorded][] = [];
    for (const theirs of recordsOf(name)) {
      const one = cases.find(({ about }) => about === theirs.about);
      if (one) answers.push([theirs, recordedRead(one, await kiln.run(one))]);
    }
    expect(differencesOf(answers)).toEqual([]);
    expect(answers.length).toBe(cases.length);
  });
});

function differencesOf(answers: readonly [Recorded, Recorded][]): string[] {
  return answers
    .filter(
      ([theirs, ours]) => JSON.stringify(ours) !== JSON.stringify(theirs) && reasonFor(theirs, ours) === undefined,
    )
    .map(([theirs, ours]) => `${asked(theirs)} Octavia: ${answered(theirs)} Kiln: ${answered(ours)}`);
}

const asked = ({ about, body }: Recorded) => (body === undefined ? about : JSON.stringify(body));
const answered = ({ status, words, values }: Recorded) => `${status} ${words ?? JSON.stringify(values)}`;
