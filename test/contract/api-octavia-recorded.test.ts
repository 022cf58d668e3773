/**
 * The requests of test/golden/octavia-api, made to Kiln: the same status as Octavia's, where they are refused the same words, else
 * the same values. What is meant to differ stands in `differences.ts` there, with the reason; `record.ts` records.
 */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { reasonFor } from '../golden/octavia-api/differences.ts';
import { given, setup, subjects } from '../golden/octavia-api/subjects.ts';
import { ownProject } from '../kit/api.ts';
import { runner, startKilnApi } from '../kit/api-comparison.ts';
import { type Recorded, readRecords, recorded, valuesOf } from '../kit/octavia-recordings.ts';

let kiln: ReturnType<typeof runner>;
beforeAll(async () => {
  kiln = runner(await startKilnApi(), ownProject, given);
  await kiln.prepare(setup);
});
afterAll(() => kiln.close());

const recordsOf = (name: string) => readRecords(join(import.meta.dirname, `../golden/octavia-api/${name}.jsonl`));
const done = Object.entries(subjects).filter(([name]) => recordsOf(name).length > 0);

describe.each(done)('%s', (name, subject) => {
  const records = recordsOf(name);
  const path = `/v2.0/lbaas${subject.path}`;

  it('is answered as Octavia answers it', async () => {
    const usual = valuesOf((await kiln.run({ ...subject, path })).answer);
    const different: string[] = [];
    for (const theirs of records) {
      const ours = recorded(theirs, await kiln.run({ method: subject.method, path, body: theirs.body }), usual);
      if (JSON.stringify(ours) === JSON.stringify(theirs) || reasonFor(theirs, ours) !== undefined) continue;
      different.push(`${JSON.stringify(theirs.body)} Octavia: ${answerOf(theirs)} Kiln: ${answerOf(ours)}`);
    }
    expect(different).toEqual([]);
  });
});

const answerOf = ({ status, words, values }: Recorded) => `${status} ${words ?? JSON.stringify(values)}`;
