/**
 * Records journals of this version at every step of every flow, for later versions to carry on (test/integration/recorded-journals.test.ts):
 * `sh scripts/node24.sh scripts/record-journals.ts`, once before a release. Writes test/recorded/journals/VERSION; commit it, and leave
 * those of former versions as they are.
 */
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { openRecorder } from '../test/kit/journal-tape/recorder.ts';
import { scenarios } from '../test/kit/journal-tape/scenarios.ts';

const root = join(import.meta.dirname, '..');
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
const folder = join(root, 'test', 'recorded', 'journals', version);

mkdirSync(folder, { recursive: true });
for (const [name, scenario] of Object.entries(scenarios)) {
  const file = join(folder, `${name.replaceAll(' ', '-')}.jsonl`);
  const recorder = await openRecorder(file);
  try {
    await scenario(recorder);
  } finally {
    await recorder.close();
  }
  console.log(`wrote ${file}`);
}
