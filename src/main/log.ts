import { join } from 'node:path';
import pino, { type DestinationStream } from 'pino';
import type { Configuration } from '../config/options/index.ts';
import type { Log } from '../ports/log.ts';

/** Fields whose value never reaches a log, at the top or one below. */
const secrets = [
  'password',
  'token',
  'secret',
  'passphrase',
  'heartbeatKey',
  'previousHeartbeatKeys',
  'privateKeyPem',
  'authorization',
  'x-auth-token',
  'x-subject-token',
  'X-Auth-Token',
  'X-Subject-Token',
];
/** pino's number of this level. */
const WARNING = 40;

/** Causes of causes: further down there is nothing more to learn. */
const DEEPEST_CAUSE = 5;

/**
 * What a log has of an error: words, stack and code, and those of its causes. No other property: drivers hang statements
 * with their values on errors, Node.js a URL with its password.
 */
function loggedError(thrown: unknown, depth = 0): unknown {
  if (!(thrown instanceof Error))
    return typeof thrown === 'object' ? { message: 'what was thrown is no error' } : thrown;
  const { name, message, stack, code, cause } = thrown as Error & { code?: unknown };
  const causes = cause !== undefined && depth < DEEPEST_CAUSE ? { cause: loggedError(cause, depth + 1) } : {};
  const said = thrown instanceof AggregateError ? thrown.errors.map((one: unknown) => loggedError(one, depth + 1)) : [];
  return {
    type: name,
    message,
    ...(typeof code === 'string' || typeof code === 'number' ? { code } : {}),
    stack,
    ...causes,
    ...(said.length > 0 ? { errors: said } : {}),
  };
}

/** Of each log of this process. */
const flushes: (() => void)[] = [];

/**
 * Lines of one turn of the event loop are written together, at its end; a warning at once, with those before it. Only a process that
 * is killed in the middle of a turn loses lines, of this turn.
 */
function inTurns(file: ReturnType<typeof pino.destination>): DestinationStream {
  let lines = '';
  const flush = () => {
    const due = lines;
    lines = '';
    if (due !== '') file.write(due);
  };
  if (flushes.push(flush) === 1) {
    process.once('exit', () => {
      for (const each of flushes) each();
    });
  }
  const turns = {
    // Asks pino for the level of each line.
    [Symbol.for('pino.metadata')]: true,
    lastLevel: 0,
    write(line: string) {
      if (lines === '') setImmediate(flush);
      lines += line;
      if (turns.lastLevel >= WARNING) flush();
    },
  };
  return turns;
}

/** The log of a process that runs on while its configuration changes. */
export interface ProcessLog extends Log {
  setDebug(debug: boolean): void;
  /** Opens the log file anew, as logrotate needs it. */
  reopen(): void;
}

/** JSON lines on standard error, or in `[DEFAULT] log_file`. */
export function createLog(options: { debug: boolean; file: string | null }): ProcessLog {
  const file = pino.destination(
    options.file ? { dest: options.file, append: true, mkdir: true, sync: true } : { dest: 2, sync: true },
  );
  const levelOf = (debug: boolean) => (debug ? 'debug' : 'info');
  const log = pino(
    {
      level: levelOf(options.debug),
      base: { pid: process.pid },
      timestamp: pino.stdTimeFunctions.isoTime,
      redact: { paths: secrets.flatMap((name) => [`["${name}"]`, `*["${name}"]`]), censor: '***' },
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: (thrown: unknown) => loggedError(thrown) },
    },
    inTurns(file),
  );
  return Object.assign(log, {
    setDebug: (debug: boolean) => {
      log.level = levelOf(debug);
    },
    reopen: () => {
      if (options.file) file.reopen();
    },
  });
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
