import type { OctaviaPlanRequest } from '../../../../ports/octavia-releases.ts';
import type { OptionSpec } from '../../../command.ts';
import type { CliContext } from '../../../context.ts';
import { parseWhole } from '../../../options.ts';
import { type RequestOptions, requestOf } from '../request-options.ts';

/** What has a command act over an Octavia that runs already. */
export interface OctaviaOption {
  octavia?: boolean;
}

export const octaviaOption: OptionSpec = {
  flags: '--octavia',
  help: 'over the Octavia of this cloud, without Kiln: with clouds.yaml alone (--os-cloud)',
};

/** What operators of Octavia call it where octavia.conf is not at hand. */
const USUAL_TAG = 'amphora';
const USUAL_FILE = 'kiln-release.jsonl';
const USUAL_POLL_SECONDS = 5;

/** The tag that was typed, else the one that octavia.conf has, where it is at hand. */
export async function tagOrUsual(tag: string | undefined, context: CliContext): Promise<string> {
  return tag ?? (await context.settings()).imageTag ?? USUAL_TAG;
}

export async function octaviaRequestOf(options: RequestOptions, context: CliContext): Promise<OctaviaPlanRequest> {
  const { imageId, policy } = requestOf(options);
  return { imageId, policy, tag: await tagOrUsual(options.tag, context) };
}

export interface StateFileOption {
  stateFile?: string;
}

export const stateFileOption: OptionSpec = {
  flags: '--state-file <file>',
  help: `with --octavia: what is known of the release (default: ${USUAL_FILE})`,
};

export const stateFileOf = ({ stateFile = USUAL_FILE }: StateFileOption): string => stateFile;

export interface RunOptions extends StateFileOption {
  pollSeconds?: number;
}

export const runOptions: readonly OptionSpec[] = [
  stateFileOption,
  {
    flags: '--poll-seconds <number>',
    help: `with --octavia: it is asked every so many seconds what has ended (default: ${USUAL_POLL_SECONDS})`,
    parse: parseWhole('--poll-seconds', 1, 300),
  },
];

export const pollSecondsOf = ({ pollSeconds = USUAL_POLL_SECONDS }: RunOptions): number => pollSeconds;
