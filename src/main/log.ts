import { join } from 'node:path';
import pino from 'pino';
import type { Configuration } from '../config/options/index.ts';
import type { Log } from '../ports/log.ts';

/** Fields whose value never reaches a log, wherever they stand. */
const secrets = ['password', 'token', 'secret', 'passphrase', 'heartbeatKey', 'privateKeyPem', 'x-auth-token'];

/** JSON lines on standard error, or in `[DEFAULT] log_file`. A file is opened to append, so that it can be rotated. */
export function createLog(options: { level: 'debug' | 'info'; file: string | null }): Log {
  const destination = options.file
    ? pino.destination({ dest: options.file, append: true, mkdir: true, sync: false })
    : pino.destination({ dest: 2, sync: true });
  return pino(
    {
      level: options.level,
      base: { pid: process.pid },
      timestamp: pino.stdTimeFunctions.isoTime,
      redact: { paths: secrets.flatMap((name) => [`["${name}"]`, `*["${name}"]`]), censor: '***' },
      formatters: { level: (label) => ({ level: label }) },
    },
    destination,
  );
}

/**
 * For commands that end: warnings as lines for people. What goes wrong is not logged: the command itself tells it, once,
 * with what to do.
 */
export function createRemarkLog(write: (text: string) => void): Log {
  const nothing = () => {};
  return { debug: nothing, info: nothing, error: nothing, warn: (_fields, message) => write(`warning: ${message}\n`) };
}

export function logFileOf({ DEFAULT: options }: Configuration): string | null {
  return options.log_file ? join(options.log_dir ?? '', options.log_file) : null;
}
