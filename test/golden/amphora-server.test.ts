/**
 * Golden pairs: `amphora-server/NAME.input.json` (settings that differ from Octavia's defaults, and the amphora) and what
 * Kiln makes of it. After a change on purpose: `npx vitest run test/golden -u`, then read the difference.
 */
import { globSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { buildServerSpec, type ServerRequest, type ServerSettings } from '../../src/core/amphora/server-spec.ts';
import { defaultServerSettings } from '../kit/server-settings.ts';

const folder = join(import.meta.dirname, 'amphora-server');

type Changes<T> = { [K in keyof T]?: T[K] extends readonly unknown[] ? T[K] : Changes<T[K]> };

/** `base` with the values of `changes` in their places; lists are replaced whole. */
function merge<T extends object>(base: T, changes: Changes<T>): T {
  const merged = { ...base } as Record<string, unknown>;
  for (const [key, value] of Object.entries(changes)) {
    const plain = typeof value === 'object' && value !== null && !Array.isArray(value);
    merged[key] = plain ? merge(merged[key] as object, value) : value;
  }
  return merged as T;
}

const inputs = globSync('*.input.json', { cwd: folder }).sort();

it('has inputs', () => expect(inputs.length).toBeGreaterThan(2));

describe.each(inputs)('%s', (input) => {
  const name = basename(input, '.input.json');
  const { settings, request } = JSON.parse(readFileSync(join(folder, input), 'utf8')) as {
    settings: Changes<ServerSettings>;
    request: ServerRequest;
  };
  const spec = buildServerSpec(merge(defaultServerSettings, settings), request);

  it('gives the request to Nova', async () => {
    const { files, userData, ...rest } = spec;
    const shown = JSON.stringify({ ...rest, files: Object.keys(files) }, null, 2);
    await expect(`${shown}\n`).toMatchFileSnapshot(join(folder, `${name}.server.golden`));
    await expect(userData).toMatchFileSnapshot(join(folder, `${name}.user-data.golden`));
  });

  it('gives the files of the amphora', async () => {
    for (const [path, content] of Object.entries(spec.files)) {
      await expect(content).toMatchFileSnapshot(join(folder, `${name}.${basename(path)}.golden`));
    }
  });
});
