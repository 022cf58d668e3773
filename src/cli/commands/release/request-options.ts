import { checkWavePercents, checkWindows, policyLimits } from '../../../core/releases/policy.ts';
import { KilnError } from '../../../model/errors.ts';
import { defaultReleasePolicy, type MaintenanceWindow, type PolicyChoice } from '../../../model/release.ts';
import type { PlanRequest } from '../../../ports/releases.ts';
import type { OptionSpec } from '../../command.ts';
import { parseChoice, parseTag, parseWhole } from '../../options.ts';

/** What `release plan` and `release start` are about. The names of a policy's fields are those that the API has. */
export type RequestOptions = Omit<PolicyChoice, 'windows' | 'gatesAfterWaves'> & {
  image?: string;
  tag?: string;
  again?: boolean;
  window?: MaintenanceWindow[];
  gateAfterWave?: number[];
};

type Whole = keyof typeof policyLimits;

/** Flag → field, and what it is; the numbers of a policy. */
const wholes: readonly [flag: string, field: Whole, help: string][] = [
  ['--canary', 'canary', 'load balancers that move first, one at a time'],
  ['--max-parallel', 'maxParallel', 'moves at once'],
  ['--before-seconds', 'beforeSeconds', 'a wave is measured for so long before its first move'],
  ['--settle-seconds', 'settleSeconds', 'after a move, nothing is measured for so long'],
  ['--watch-seconds', 'watchSeconds', 'then it is measured for so long, and judged'],
  ['--canary-bake-seconds', 'canaryBakeSeconds', 'pause behind the canary'],
  ['--wave-bake-seconds', 'waveBakeSeconds', 'pause behind each wave'],
  ['--canary-max-failures', 'canaryMaxFailures', 'more failures stop the canary'],
  ['--max-failures', 'maxFailures', 'more failures stop the waves'],
  ['--max-unwell-percent', 'maxUnwellPercent', 'more of the fleet silent or in ERROR, and no move starts'],
  ['--tries', 'tries', 'tries for each load balancer'],
  ['--probe-seconds', 'probeSeconds', 'how long a probe may take'],
  ['--mixed-seconds', 'mixedSeconds', 'how long a pair may run two images'],
];

const onFailure = ['rollback', 'pause'] as const;
const byDefault = (value: unknown) => `(default: ${String(value)})`;

export const requestOptions: readonly OptionSpec[] = [
  { flags: '--image <id>', help: 'the image (default: the one that the tag gives now)' },
  { flags: '--tag <tag>', help: 'the tag (default: amp_image_tag)', parse: parseTag },
  { flags: '--again', help: 'also an image whose content was rejected before' },
  {
    flags: '--wave-percents <list>',
    help: `how far it is after each wave ${byDefault(defaultReleasePolicy.wavePercents.join(','))}`,
    parse: parsePercents,
  },
  ...wholes.map(([flag, field, help]): OptionSpec => {
    const [minimum, maximum] = policyLimits[field];
    const usual = defaultReleasePolicy[field] ?? '1 percent, from 2 to 10';
    return {
      flags: `${flag} <number>`,
      help: `${help} ${byDefault(usual)}`,
      parse: parseWhole(flag, minimum, maximum),
    };
  }),
  {
    flags: '--on-canary-failure <what>',
    help: `rollback or pause ${byDefault(defaultReleasePolicy.onCanaryFailure)}`,
    parse: parseChoice('--on-canary-failure', onFailure),
  },
  {
    flags: '--on-failure <what>',
    help: `in later waves: rollback or pause ${byDefault(defaultReleasePolicy.onFailure)}`,
    parse: parseChoice('--on-failure', onFailure),
  },
  {
    flags: '--window <window>',
    help: 'moves start only in it: "MINUTE HOUR DAY MONTH WEEKDAY ZONE MINUTES", as in crontab(5); may be repeated',
    repeatable: true,
    parse: parseWindow,
  },
  {
    flags: '--gate-after-wave <number>',
    help: 'waits for `kiln release resume` behind this wave; 0 is the canary; may be repeated',
    repeatable: true,
    parse: parseWhole('--gate-after-wave', 0, 20),
  },
];

export function requestOf(options: RequestOptions): PlanRequest {
  const { image: imageId = null, tag = null, again: isAgain = false, window, gateAfterWave, ...others } = options;
  const fields = Object.keys(defaultReleasePolicy);
  const chosen = Object.entries(others).filter(([field]) => fields.includes(field));
  return {
    imageId,
    tag,
    isAgain,
    policy: {
      ...Object.fromEntries(chosen),
      ...(window && { windows: window }),
      ...(gateAfterWave && { gatesAfterWaves: gateAfterWave }),
    },
  };
}

function parsePercents(text: string): number[] {
  const percents = text.split(',').map((part) => (/^\d+(\.\d+)?$/.test(part.trim()) ? Number(part) : Number.NaN));
  if (percents.some(Number.isNaN)) {
    throw new KilnError(
      'USAGE',
      `--wave-percents is "${text}"; allowed are numbers with commas between, such as 1,5,25,100`,
    );
  }
  checkWavePercents('--wave-percents', percents);
  return percents;
}

function parseWindow(text: string): MaintenanceWindow {
  const parts = text.trim().split(/\s+/u);
  const [zone = '', minutes = ''] = parts.slice(5);
  if (parts.length !== 7 || !/^\d{1,6}$/.test(minutes)) {
    throw new KilnError(
      'USAGE',
      `--window is "${text}"; allowed are the five fields of crontab(5), a time zone and a number of minutes`,
      { advice: 'Such as --window "0 22 * * 1-5 Europe/Berlin 240": four hours from 22:00 on, Monday to Friday.' },
    );
  }
  const window = { cron: parts.slice(0, 5).join(' '), zone, durationMinutes: Number(minutes) };
  checkWindows('--window', [window]);
  return window;
}
