import { execFile } from 'node:child_process';
import { accessSync, constants } from 'node:fs';

/** HAProxy is not there, or can't be run. The message says what to do. */
export class HaproxyMissingError extends Error {}

/** [haproxy_amphora] haproxy_cmd, or the HAProxy on the search path where nothing is at that place. */
export function haproxyProgram(haproxyCmd: string): string {
  try {
    accessSync(haproxyCmd, constants.X_OK);
    return haproxyCmd;
  } catch {
    return 'haproxy';
  }
}

/**
 * Has HAProxy check configurations, as if they were one file.
 * @param options.peerName its own name among peers; null where a configuration says it.
 * @returns what it said when they will not do; null when they will. @throws HaproxyMissingError
 */
export async function checkConfiguration(
  haproxyCmd: string,
  options: { files: readonly string[]; peerName: string | null; workingDirectory: string },
): Promise<string | null> {
  const named = options.files.flatMap((file) => ['-f', file]);
  return await new Promise<string | null>((resolve, reject) => {
    execFile(
      haproxyProgram(haproxyCmd),
      ['-c', ...(options.peerName === null ? [] : ['-L', options.peerName]), ...named],
      { cwd: options.workingDirectory, timeout: 60_000, killSignal: 'SIGKILL', maxBuffer: 4 * 1024 * 1024 },
      (error, stdout, stderr) => {
        if (!error) resolve(null);
        else if (isNotThere(error)) reject(missing(haproxyCmd, error.message));
        else resolve(`${stdout}${stderr}` || error.message);
      },
    );
  });
}

/** The error for what spawning HAProxy failed with. */
export function missing(haproxyCmd: string, why: string): HaproxyMissingError {
  return new HaproxyMissingError(
    `HAProxy can't be run as ${haproxyCmd} (${why}). Install it (on Debian: apt-get install haproxy), or name it in ` +
      '[haproxy_amphora] haproxy_cmd.',
  );
}

function isNotThere(error: { code?: unknown }): boolean {
  return error.code === 'ENOENT' || error.code === 'EACCES';
}
