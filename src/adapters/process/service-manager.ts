import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Clock } from '../../ports/clock.ts';
import type { Log } from '../../ports/log.ts';

/** What runs this process as a service, and wants to know how it does (sd_notify(3)). Nothing here ever rejects. */
export interface ServiceManager {
  /** The process does what it is there for. */
  ready(): Promise<void>;
  /** It has begun to end. */
  stopping(): Promise<void>;
  /** Shown by `systemctl status`. */
  status(text: string): Promise<void>;
  /** Reports that the event loop turns, as often as the unit's WatchdogSec wants, until the signal is aborted. */
  keepAlive(signal: AbortSignal): Promise<void>;
}

/** From Debian's package systemd: Node.js has no datagram sockets of the family AF_UNIX, which the protocol is spoken over. */
const PROGRAM = 'systemd-notify';
const LIMIT_MS = 10_000;
/** Signs of life within WatchdogSec: two may be late. */
const SIGNS_IN_LIMIT = 3;

type Environment = Readonly<Record<string, string | undefined>>;

/** @param environment has NOTIFY_SOCKET and WATCHDOG_USEC where a service manager listens; without them nothing is reported. */
export function createServiceManager(
  environment: Environment,
  { clock, log, pid }: { clock: Clock; log: Log; pid: number },
): ServiceManager {
  const { NOTIFY_SOCKET: socket, WATCHDOG_USEC: watchdogMicroseconds, WATCHDOG_PID: watched } = environment;
  const run = promisify(execFile);

  async function report(...assignments: string[]): Promise<void> {
    if (!socket) return;
    try {
      await run(PROGRAM, assignments, {
        env: environment as NodeJS.ProcessEnv,
        timeout: LIMIT_MS,
        killSignal: 'SIGKILL',
      });
    } catch (err) {
      log.warn({ err, notify: assignments }, `the service manager could not be notified by ${PROGRAM}`);
    }
  }

  return {
    ready: () => report('READY=1', 'STATUS=serving'),
    stopping: () => report('STOPPING=1', 'STATUS=stopping'),
    status: (text) => report(`STATUS=${text}`),
    async keepAlive(signal) {
      const limitMs = Number(watchdogMicroseconds) / 1000;
      if (!socket || !(limitMs > 0) || (watched && Number(watched) !== pid)) return;
      while (!signal.aborted) {
        await report('WATCHDOG=1');
        await clock.sleep(limitMs / SIGNS_IN_LIMIT, signal).catch(() => {});
      }
    },
  };
}
