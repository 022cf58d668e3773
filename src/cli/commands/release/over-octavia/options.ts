import type { OptionSpec } from '../../../command.ts';
import type { CliContext } from '../../../context.ts';

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

/** The tag that was typed, else the one that octavia.conf has, where it is at hand. */
export async function tagOrUsual(tag: string | undefined, context: CliContext): Promise<string> {
  return tag ?? (await context.settings()).imageTag ?? USUAL_TAG;
}
