import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Configuration } from '../config/options/index.ts';
import { KilnError } from '../model/errors.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** Longest path of a Unix socket that Linux takes (unix(7): 108 bytes with the closing zero). */
const LONGEST_SOCKET_PATH_BYTES = 107;

/** Where Kiln keeps what it must not forget. */
export interface StatePaths {
  folder: string;
  /** As SQLAlchemy writes it. */
  database: string;
  controlSocket: string;
}

/** @throws CONFIGURATION_INVALID when the control socket's path is longer than Linux allows. */
export function statePaths({ kiln, database }: Configuration, environment: Environment, isRoot: boolean): StatePaths {
  const folder = resolve(kiln.state_path ?? defaultFolder(environment, isRoot));
  const controlSocket = kiln.control_socket ?? join(folder, 'kiln.sock');
  if (Buffer.byteLength(controlSocket) > LONGEST_SOCKET_PATH_BYTES) {
    throw new KilnError(
      'CONFIGURATION_INVALID',
      `[kiln] control_socket: ${controlSocket} has ${Buffer.byteLength(controlSocket)} bytes; Linux allows ${LONGEST_SOCKET_PATH_BYTES}`,
      { advice: 'Set [kiln] control_socket to a shorter path.' },
    );
  }
  return { folder, controlSocket, database: database.connection ?? `sqlite:///${join(folder, 'kiln.sqlite')}` };
}

function defaultFolder(environment: Environment, isRoot: boolean): string {
  if (isRoot) return '/var/lib/kiln';
  return join(environment.XDG_STATE_HOME || join(environment.HOME ?? homedir(), '.local', 'state'), 'kiln');
}
