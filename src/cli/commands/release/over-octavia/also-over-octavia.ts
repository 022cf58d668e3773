import { KilnError } from '../../../../model/errors.ts';
import type { Command, Invocation, OptionSpec, Outcome } from '../../../command.ts';
import { type OctaviaOption, octaviaOption } from './options.ts';

/** What a command does with --octavia. */
export interface OverOctavia<Options = never> {
  /** Those that count with --octavia alone. */
  options: readonly OptionSpec[];
  example: string;
  run(invocation: Invocation<Options>): Promise<Outcome | null>;
}

/** The same command, which with --octavia acts over an Octavia that runs already. */
export function alsoOverOctavia(command: Command<never>, over: OverOctavia<never>): Command<never> {
  return {
    ...command,
    options: [...(command.options ?? []), octaviaOption, ...over.options],
    examples: [...command.examples, over.example],
    run(invocation) {
      const options: OctaviaOption & Record<string, unknown> = invocation.options;
      if (options.octavia) return over.run(invocation);
      const stray = over.options.find(({ flags }) => options[keyOf(flags)] !== undefined);
      if (stray) throw new KilnError('USAGE', `${stray.flags.split(' ')[0]} counts with --octavia alone`);
      return command.run(invocation);
    },
  };
}

/** As commander names it: "--poll-seconds <number>" is `pollSeconds`. */
function keyOf(flags: string): string {
  const name = /--([a-z-]+)/.exec(flags)?.[1] ?? '';
  return name.replace(/-([a-z])/g, (_all, letter: string) => letter.toUpperCase());
}
