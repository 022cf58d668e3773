import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadBalancerFlows } from '../../src/flows/load-balancer/index.ts';
import { gistOf, readTape } from '../kit/journal-tape/tape.ts';
import { openTapeWorld, type TapeWorld } from '../kit/journal-tape/world.ts';

/**
 * Journals that former versions left at every step (recorded by scripts/record-journals.ts), each put into a database and a cloud that look
 * as they did then, are carried on by this version to the end that the version itself came to. What fails here needs a new version of
 * the flow, with the one before in `older` (docs/decisions/0032).
 */
const recorded = join(import.meta.dirname, '..', 'recorded', 'journals');
/** More than any tape has. */
const PORTS_MADE = 0x4000;

describe('journals of former versions go on to their ends', () => {
  let world: TapeWorld;
  beforeAll(async () => {
    world = await openTapeWorld({ portsMade: PORTS_MADE });
  });
  afterAll(() => world?.close());

  const versions = readdirSync(recorded);
  const tapes = versions.flatMap((version) => readdirSync(join(recorded, version)).map((name) => `${version}/${name}`));
  it.each(tapes)('%s', { timeout: 600_000 }, async (name) => {
    const points = readTape(join(recorded, name));
    const wrong: string[] = [];
    for (const { at, operationId, facts, end } of points) {
      world.write(facts);
      const outcome = await world.carryOut(operationId).catch((error: unknown) => String(error));
      const [was, wanted] = [gistOf(world.read(), operationId), gistOf(end, operationId)];
      const missing = wanted.filter((line) => !was.includes(line));
      const stray = was.filter((line) => !wanted.includes(line));
      if (missing.length > 0 || stray.length > 0 || was.length !== wanted.length) {
        wrong.push(`${at}: ${outcome}\n  missing: ${missing.join('; ')}\n  stray: ${stray.join('; ')}`);
      }
    }
    expect(wrong).toEqual([]);
    expect(points.length).toBeGreaterThan(10);
  });

  it.each(versions)('of %s there is one of every flow that it had', (version) => {
    const known = new Set<string>();
    for (const name of readdirSync(join(recorded, version))) {
      for (const { at } of readTape(join(recorded, version, name))) known.add(at.split(',')[0] ?? '');
    }
    const flows: string[] = loadBalancerFlows.map(({ name }) => name);
    // A flow that came later has none, and one that went must have been over before.
    expect([...known].filter((flow) => !flows.includes(flow))).toEqual([]);
    expect(known.size).toBeGreaterThanOrEqual(37);
  });
});
