import { KilnError, toKilnError } from '../model/errors.ts';
import type { Outcome } from './command.ts';
import { commands } from './commands/index.ts';
import type { CliEnvironment, MakeContext } from './context.ts';
import { printable } from './format/printable.ts';
import { errorDocument, renderError } from './output/errors.ts';
import { createProgress, silentProgress } from './output/progress.ts';
import { createView } from './output/view.ts';
import { type Parsed, parseCommandLine } from './program.ts';

/**
 * Runs one command of `kiln`.
 * @param argv what was typed after `kiln`.
 * @returns the exit status; all is printed. Throws nothing.
 */
export async function runCli(
  argv: readonly string[],
  environment: CliEnvironment,
  makeContext: MakeContext,
): Promise<number> {
  const { terminal, clock } = environment;
  // Needed before the command line could be read: an error in it has to come out in the form that was asked for.
  const beforeDashes = argv.includes('--') ? argv.slice(0, argv.indexOf('--')) : argv;
  let json = beforeDashes.includes('--json');
  let debug = beforeDashes.includes('--debug');

  try {
    const parsed = parseCommandLine(commands, argv, environment);
    if (parsed === null) return 0;
    ({ json, debug } = parsed.global);
    const outcome = await runCommand(parsed, environment, makeContext);
    if (outcome === null) return 0;
    if (!outcome.isSaid) terminal.stdout.write(print(outcome, parsed, environment));
    return outcome.exitCode ?? 0;
  } catch (thrown) {
    const error = describe(thrown, environment.signal);
    if (json) terminal.stdout.write(`${JSON.stringify(errorDocument(error), null, 2)}\n`);
    else terminal.stderr.write(renderError(error, createView(terminal.stderr, clock.now()), debug));
    return error.exitCode;
  }
}

async function runCommand(
  parsed: Parsed,
  environment: CliEnvironment,
  makeContext: MakeContext,
): Promise<Outcome | null> {
  const { terminal, clock, build, signal } = environment;
  const { command, global } = parsed;
  const context = await makeContext(global);
  try {
    return await command.run({
      arguments: parsed.arguments,
      options: parsed.options as never,
      context,
      clock,
      build,
      signal,
      progress: global.quiet ? silentProgress : createProgress(terminal.stderr, clock),
      confirm: global.json || global.quiet ? null : environment.confirm,
      remark: (text) => {
        if (!global.quiet) terminal.stderr.write(`${printable(text)}\n`);
      },
      stdout: terminal.stdout,
      json: global.json,
      quiet: global.quiet,
    });
  } finally {
    await context.close();
  }
}

function print(outcome: Outcome, { global }: Parsed, { terminal, clock }: CliEnvironment): string {
  if (global.json) return `${JSON.stringify(outcome.document, null, 2)}\n`;
  if (global.quiet) return outcome.ids.map((id) => `${printable(id)}\n`).join('');
  const text = outcome.render(createView(terminal.stdout, clock.now()));
  return text === '' ? '' : `${text}\n`;
}

/** What is thrown after ctrl-C is the interruption, whatever the thing that was interrupted calls it. */
function describe(thrown: unknown, signal: AbortSignal): KilnError {
  if (signal.aborted && !(thrown instanceof KilnError)) {
    return new KilnError('CANCELLED', 'interrupted', { cause: thrown });
  }
  return toKilnError(thrown);
}
