import { spawn } from 'node:child_process';
import { KilnError } from '../../model/errors.ts';

export interface ToolOptions {
  signal: AbortSignal;
  /** Replaces the environment but for PATH. */
  environment?: Readonly<Record<string, string>>;
  /** Text for the tool's standard input. */
  input?: string;
  /** Each piece of output as it comes, of either stream. */
  onOutput?: (text: string) => void;
}

/** Tools of system administrators are not in everybody's PATH. */
export const toolPath = '/usr/sbin:/usr/bin:/sbin:/bin';
const keptCharacters = 2000;

/**
 * Runs one program of Debian's to its end, in a process group of its own, so that ctrl-C reaches it once and by us.
 * @returns its standard output. IMAGE_BUILD_FAILED with its last words when it fails, CANCELLED when `signal` was aborted.
 */
export async function runTool(command: string, arguments_: readonly string[], options: ToolOptions): Promise<string> {
  const { signal } = options;
  if (signal.aborted) throw interrupted();
  const child = spawn(command, arguments_, {
    detached: true,
    stdio: [options.input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    env: { PATH: toolPath, LC_ALL: 'C.UTF-8', TZ: 'UTC', ...options.environment },
  });
  let output = '';
  let last = '';
  for (const [stream, isResult] of [
    [child.stdout, true],
    [child.stderr, false],
  ] as const) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      if (isResult) output += text;
      last = (last + text).slice(-keptCharacters);
      options.onOutput?.(text);
    });
  }
  // A tool that ends before it has read everything says so by its status.
  child.stdin?.on('error', () => undefined).end(options.input);

  // Asked, not killed: mmdebstrap has mounts and a folder to remove.
  const end = (): void => endGroup(child.pid);
  signal.addEventListener('abort', end, { once: true });
  try {
    const status = await new Promise<string | null>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code, killedBy) => resolve(code === 0 ? null : (killedBy ?? `status ${code}`)));
    });
    if (signal.aborted) throw interrupted();
    if (status !== null) throw failed(command, status, last);
    return output;
  } catch (error) {
    if (error instanceof KilnError) throw error;
    throw failed(command, (error as Error).message, last);
  } finally {
    signal.removeEventListener('abort', end);
  }
}

function endGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGTERM');
  } catch {
    // It has ended.
  }
}

function failed(command: string, status: string, output: string): KilnError {
  const lines = output.trim().split('\n').slice(-8).join('\n');
  const full = /No space left on device|ENOSPC/.test(output);
  return new KilnError('IMAGE_BUILD_FAILED', `${command} ended with ${status}${lines ? `:\n${lines}` : ''}`, {
    ...(full && { advice: 'A disk is full: /var/tmp, the cache folder and the folder of --output need room.' }),
  });
}

export function interrupted(): KilnError {
  return new KilnError('CANCELLED', 'the build was interrupted; nothing of it is left but the cache of packages');
}
