import { KilnError } from '../../model/errors.ts';
import {
  defaultReleasePolicy,
  type MaintenanceWindow,
  type PolicyChoice,
  type ReleasePolicy,
} from '../../model/release.ts';
import { parseCron } from './cron.ts';

/** Least and largest values, for the API's schema and for the command line. */
export const policyLimits = {
  canary: [0, 1000],
  maxParallel: [1, 100],
  beforeSeconds: [0, 3600],
  settleSeconds: [0, 3600],
  watchSeconds: [1, 86_400],
  canaryBakeSeconds: [0, 604_800],
  waveBakeSeconds: [0, 604_800],
  canaryMaxFailures: [0, 1000],
  maxFailures: [0, 10_000],
  maxUnwellPercent: [0, 100],
  tries: [1, 10],
  probeSeconds: [10, 3600],
  mixedSeconds: [60, 86_400],
} as const satisfies Partial<Record<keyof ReleasePolicy, readonly [least: number, largest: number]>>;

const MOST_WAVES = 20;
const MOST_WINDOWS = 20;
const LONGEST_WINDOW_MINUTES = 7 * 24 * 60;

/**
 * The policy that is meant by a choice.
 * @throws REQUEST_INVALID that names the field, its value and what is allowed. Single numbers and words have been checked by
 * whoever read them.
 */
export function makePolicy(choice: PolicyChoice, isAgain: boolean): ReleasePolicy {
  const policy: ReleasePolicy = { ...defaultReleasePolicy, ...choice, isAgain };
  checkWavePercents('wave_percents', policy.wavePercents);
  checkWindows('windows', policy.windows);
  const last = policy.wavePercents.length - 1;
  for (const wave of policy.gatesAfterWaves) {
    if (Number.isInteger(wave) && wave >= 0 && wave <= last) continue;
    refuse(
      'gates_after_waves',
      wave,
      `allowed are waves from 0 (the canary) to ${last}: behind the last one nothing waits`,
    );
  }
  const gatesAfterWaves = [...new Set(policy.gatesAfterWaves)].sort((one, other) => one - other);
  return { ...policy, gatesAfterWaves };
}

/** @param field what the operator calls it. @throws REQUEST_INVALID */
export function checkWavePercents(field: string, percents: readonly number[]): void {
  const isRising = percents.every((percent, index) => percent > (percents[index - 1] ?? 0));
  if (percents.length <= MOST_WAVES && isRising && percents.at(-1) === 100) return;
  refuse(
    field,
    percents.join(','),
    `allowed are at most ${MOST_WAVES} percentages, each larger than the one before, the last one 100, such as 1,5,25,100`,
  );
}

/** @param field what the operator calls it. @throws REQUEST_INVALID */
export function checkWindows(field: string, windows: readonly MaintenanceWindow[]): void {
  if (windows.length > MOST_WINDOWS) refuse(field, `${windows.length} windows`, `allowed are ${MOST_WINDOWS} at most`);
  for (const { cron, zone, durationMinutes } of windows) {
    try {
      parseCron(cron);
    } catch (error) {
      if (!(error instanceof KilnError)) throw error;
      throw new KilnError('REQUEST_INVALID', `${field}: ${error.message}`, { advice: error.advice });
    }
    if (!isZone(zone))
      refuse(`${field}: zone`, zone, "allowed are the names of the IANA's database, such as Europe/Berlin or UTC");
    const isLength =
      Number.isInteger(durationMinutes) && durationMinutes >= 1 && durationMinutes <= LONGEST_WINDOW_MINUTES;
    if (!isLength)
      refuse(`${field}: duration`, durationMinutes, `allowed are whole minutes from 1 to ${LONGEST_WINDOW_MINUTES}`);
  }
}

function isZone(zone: string): boolean {
  try {
    return new Intl.DateTimeFormat('en-US', { timeZone: zone }) !== null && zone !== '';
  } catch {
    return false;
  }
}

function refuse(field: string, value: string | number, allowed: string): never {
  throw new KilnError('REQUEST_INVALID', `${field} is "${value}"; ${allowed}`);
}
