import { keepAnswer } from '../lib/keep-answer.ts';
import type { Clock } from '../ports/clock.ts';
import type { Releases } from '../ports/releases.ts';

/**
 * However many look at releases, the database is asked once in so long. Who has started a release here, or has spoken to one, sees at
 * once what came of it.
 */
export function shareReleaseReads(releases: Releases, clock: Clock, keepMs: number): Releases {
  let epoch = 0;
  function shared<Asked extends unknown[], Answer>(read: (...asked: Asked) => Promise<Answer>) {
    const kept = keepAnswer<{ epoch: number; asked: Asked }, Answer>(({ asked }) => read(...asked), {
      keyOf: (question) => JSON.stringify(question),
      keepMs,
      nowMs: () => clock.monotonicMs(),
    });
    return (...asked: Asked) => kept({ epoch, asked });
  }
  function changing<Asked extends unknown[], Answer>(change: (...asked: Asked) => Promise<Answer>) {
    return (...asked: Asked) =>
      change(...asked).finally(() => {
        epoch++;
      });
  }
  return {
    ...releases,
    list: shared(releases.list),
    get: shared(releases.get),
    startOf: shared(releases.startOf),
    targets: shared(releases.targets),
    events: shared(releases.events),
    start: changing(releases.start),
    instruct: changing(releases.instruct),
  };
}
