/**
 * Golden files of the HAProxy configuration: `NAME.cfg` is what the case NAME of cases.ts is rendered to, and the real
 * HAProxy accepts it, called as Octavia's agent calls it. After a change on purpose: `npx vitest run test/golden -u`,
 * then read the difference.
 */
import { globSync } from 'node:fs';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { renderHaproxyConfiguration } from '../../../src/core/haproxy/render.ts';
import { cases } from './cases.ts';
import { asTheAgentStoresIt, type ConfigurationChecker, createChecker, hasHaproxy } from './check.ts';

const renderCase = ({ tree, files, settings }: (typeof cases)[string]) =>
  renderHaproxyConfiguration(tree, files, settings);

let checker: ConfigurationChecker;
beforeAll(async () => {
  if (hasHaproxy) checker = await createChecker();
});
afterAll(() => checker?.close());

it('has a golden file for each case and no other', () => {
  const golden = globSync('*.cfg', { cwd: import.meta.dirname }).map((file) => basename(file, '.cfg'));
  expect(Object.keys(cases).length).toBeGreaterThan(40);
  expect(golden.sort()).toEqual(Object.keys(cases).sort());
});

describe.each(Object.entries(cases))('%s', (name, made) => {
  const text = renderCase(made);

  it('is the golden file', async () => {
    await expect(text).toMatchFileSnapshot(join(import.meta.dirname, `${name}.cfg`));
  });

  it("passes through Octavia's agent as it is", () => expect(asTheAgentStoresIt(text)).toBe(text));

  it.skipIf(!hasHaproxy)('is accepted by HAProxy (skipped without it)', () => {
    expect(checker.check(text)).toEqual({ status: 0, alerts: [] });
  });
});
