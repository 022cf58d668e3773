/**
 * `npm run docs:generate`: writes the documents that are made from code. With `--check` it writes nothing, names those
 * that are stale, and exits with status 1 if there are any.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { renderErrors } from './docs/errors.ts';
import { renderFlows } from './docs/flows.ts';
import { renderMetrics } from './docs/metrics.ts';
import { renderOpenApi } from './docs/openapi.ts';
import { renderOptions } from './docs/options.ts';

/** Every generated document: where it is kept, relative to the root of the project, and what makes its text. */
export const documents: readonly { file: string; render: () => string }[] = [
  { file: 'docs/generated/options.md', render: renderOptions },
  { file: 'docs/generated/errors.md', render: renderErrors },
  { file: 'docs/generated/flows.md', render: renderFlows },
  { file: 'docs/generated/metrics.md', render: renderMetrics },
  { file: 'openapi/kiln-v2.json', render: renderOpenApi },
];

const root = join(import.meta.dirname, '..');

/** True when the file holds what its source would make of it now. */
export function isFresh({ file, render }: (typeof documents)[number]): boolean {
  try {
    return readFileSync(join(root, file), 'utf8') === render();
  } catch {
    return false;
  }
}

if (import.meta.main) {
  const stale = documents.filter((document) => !isFresh(document));
  if (process.argv.includes('--check')) {
    for (const { file } of stale) console.error(`${file} is stale; run: npm run docs:generate`);
    process.exitCode = stale.length > 0 ? 1 : 0;
  } else {
    for (const { file, render } of stale) {
      mkdirSync(dirname(join(root, file)), { recursive: true });
      writeFileSync(join(root, file), render());
      console.log(`wrote ${file}`);
    }
  }
}
