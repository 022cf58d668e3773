import type { SilenceSurvey, SilentAmphoraReport } from '../model/silence.ts';
import type { SilenceMoment } from '../ports/silence-store.ts';
import type { State } from './state.ts';
import type { RuntimeContext } from './wire.ts';

/** What `kiln status`, `kiln health` and the metrics tell of silence: from the database, whichever process looks. */
export interface SilenceView {
  survey(): Promise<SilenceSurvey>;
  list(limit: number): Promise<SilentAmphoraReport[]>;
  /** @returns whether the circuit breaker was open. */
  resume(): Promise<boolean>;
}

export function silenceView(
  { silences }: Pick<State, 'silences'>,
  { clock, current }: Omit<RuntimeContext, 'log'>,
): SilenceView {
  const moment = (): SilenceMoment => {
    const now = clock.now();
    const timeoutMs = current().health_manager.heartbeat_timeout * 1000;
    return { now: now.toISOString(), silentBefore: new Date(now.getTime() - timeoutMs).toISOString() };
  };
  return {
    async survey() {
      const now = moment();
      return await silences.survey(now, now.silentBefore);
    },
    list: (limit) => silences.list(moment(), limit),
    resume: () => silences.resume(clock.now().toISOString()),
  };
}
