/** `kiln`: the command line's root. Everything a process has (arguments, environment, signals, terminal) is read here. */
import { constants } from 'node:os';
import { createSystemClock } from '../adapters/clock/system-clock.ts';
import type { CliEnvironment, OutputStream } from '../cli/context.ts';
import { runCli } from '../cli/run.ts';
import { readBuildInfo } from './build-info.ts';

function outputStream(stream: NodeJS.WriteStream): OutputStream {
  const isTTY = stream.isTTY === true;
  return {
    isTTY,
    columns: isTTY ? stream.columns : null,
    colour: isTTY && !process.env.NO_COLOR,
    write: (text) => {
      stream.write(text);
    },
  };
}

/** Ctrl-C and SIGTERM ask to stop; a second one is obeyed at once. */
function stopSignal(): AbortSignal {
  const control = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.on(name, () => {
      if (control.signal.aborted) process.exit(128 + constants.signals[name]);
      control.abort(new Error(`stopped by ${name}`));
    });
  }
  return control.signal;
}

/** Where both what is asked and what is answered are on a terminal. */
async function confirm(question: string): Promise<boolean> {
  const { createInterface } = await import('node:readline/promises');
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return /^y(es)?$/i.test((await lines.question(`${question} [y/N] `)).trim());
  } finally {
    lines.close();
  }
}

// A reader that has enough (`kiln image list | head`) is no fault.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit(0);
});

const environment: CliEnvironment = {
  terminal: { stdout: outputStream(process.stdout), stderr: outputStream(process.stderr) },
  clock: createSystemClock(),
  signal: stopSignal(),
  build: readBuildInfo(),
  confirm: process.stdin.isTTY && process.stderr.isTTY ? confirm : null,
};
process.exitCode = await runCli(process.argv.slice(2), environment, async (options) => {
  // Loaded only now: help, the version and a misspelt command need none of it.
  const { createCliContext } = await import('./cli-context.ts');
  return createCliContext(options, environment, process.env);
});
