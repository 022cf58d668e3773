import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { makeFolder } from '../adapters/process/make-folder.ts';
import type { DevOptions, DevReady } from '../cli/context.ts';
import { startCloud } from '../dev-cloud/cloud.ts';
import { aborted } from '../lib/aborted.ts';
import { KilnError } from '../model/errors.ts';
import type { Log } from '../ports/log.ts';

/** Serves the embedded cloud until the signal is aborted. Nothing of it runs afterwards; its state stays. */
export async function dev(deps: {
  devOptions: DevOptions;
  onReady: (ready: DevReady) => void;
  environment: Readonly<Record<string, string | undefined>>;
  signal: AbortSignal;
  log: Log;
}): Promise<void> {
  const { devOptions, environment, signal, log } = deps;
  const stateDirectory = resolve(devOptions.stateFolder ?? defaultFolder(environment));
  try {
    makeFolder(stateDirectory);
  } catch (error) {
    throw new KilnError('STATE_UNUSABLE', `cannot make the state folder: ${(error as Error).message}`, {
      advice: 'Give another folder with --state-dir.',
      cause: error,
    });
  }
  const cloud = await startCloud({
    stateDirectory,
    ...(devOptions.port === null ? {} : { port: devOptions.port }),
  });
  try {
    for (const notice of cloud.notices) log.warn({}, notice);
    deps.onReady({
      cloudName: 'kiln-dev',
      cloudsFile: cloud.cloudsFile,
      configurationFile: cloud.configurationFile,
      stateFolder: cloud.stateDirectory,
      endpoints: Object.fromEntries(
        ['identity', 'image', 'compute', 'network'].map((service) => [service, `${cloud.url}/${service}`]),
      ),
    });
    await aborted(signal);
  } finally {
    await cloud.close();
  }
}

function defaultFolder(environment: Readonly<Record<string, string | undefined>>): string {
  return join(environment.XDG_STATE_HOME || join(environment.HOME ?? homedir(), '.local', 'state'), 'kiln-dev');
}
