import { appendFileSync, writeFileSync } from 'node:fs';
import type { LoadBalancerDeps } from '../../../src/flows/load-balancer/deps.ts';
import type { JournalEntry } from '../../../src/model/operation.ts';
import type { Journal } from '../../../src/ports/journal.ts';
import { differenceOf, type Facts } from './facts.ts';
import type { TapeLine } from './tape.ts';
import { openTapeWorld, type TapeWorld } from './world.ts';

/** A world in which operations are carried out, and what it looks like on the way is written down. */
export interface Recorder {
  world: TapeWorld;
  /**
   * Carries the newest operation out, with a point before each line of its journal is written: what the line tells has been done.
   * @param options.every of so many points one is kept.
   * @param options.deps in which something is wrong: kept are the points after the flow has turned around.
   */
  record(options?: { every?: number; deps?: LoadBalancerDeps; operationId?: string }): Promise<string>;
  close(): Promise<void>;
}

export async function openRecorder(file: string): Promise<Recorder> {
  const world = await openTapeWorld();
  let before: Facts = new Map();
  writeFileSync(file, '');

  function write(kind: TapeLine['kind'], operationId: string, at: string): void {
    const now = world.read();
    const line: TapeLine = { kind, at, operationId, ...differenceOf(before, now) };
    appendFileSync(file, `${JSON.stringify(line)}\n`);
    before = now;
  }

  return {
    world,
    async record({ every = 1, deps, operationId } = {}) {
      const id = operationId ?? (await world.newest());
      const flow = (await world.journal.get(id))?.operation.flow ?? '';
      let count = 0;
      let isTurned = false;
      const seen = (entries: readonly JournalEntry[]) => {
        const [entry] = entries;
        const isWanted = deps === undefined || isTurned;
        if (entries.some(({ kind }) => kind === 'failed')) isTurned = true;
        if (!isWanted || count++ % every > 0) return;
        write('point', id, `${flow}, before ${entry ? `${entry.kind} ${entry.step}` : 'its end'}`);
      };
      const { journal } = world;
      const watched: Journal = {
        ...journal,
        async record(operation, fence, ...entries) {
          seen(entries);
          await journal.record(operation, fence, ...entries);
        },
        async finish(operation, fence, end, leaves) {
          seen([]);
          await journal.finish(operation, fence, end, leaves);
        },
      };
      write('begin', id, flow);
      const end = await world.carryOut(id, { journal: watched, ...(deps && { deps }) });
      write('end', id, `${flow}: ${end}`);
      return end;
    },
    close: () => world.close(),
  };
}
