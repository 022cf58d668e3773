import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { freePort } from '../../kit/free-port.ts';
import { type KilnProcess, startKiln } from '../../kit/kiln-process.ts';
import { type DerivedConfiguration, writeConfiguration } from './derived-configuration.ts';
import { createLoadBalancerApi, type LoadBalancerApi } from './load-balancer-api.ts';
import type { Patience } from './until.ts';

/** One Kiln: the processes that share a configuration and a state. */
export interface KilnSet {
  /** One for each process that serves the API. */
  apis: readonly [LoadBalancerApi, ...LoadBalancerApi[]];
  /** Those that build. */
  workers: readonly KilnProcess[];
  /** For `kiln` commands on the same state: arguments and environment. */
  command: { arguments: string[]; environment: NodeJS.ProcessEnv };
  /** Who runs, and on what: equal at two times only if no process ended and no file changed between them. */
  fingerprint(): string;
  /** Other options of [controller_worker], then SIGHUP; resolves when they are in force. */
  reconfigure(changes: Readonly<Record<string, string>>): Promise<void>;
  /** Waits for a line of a log that matches, said since the last `reconfigure` or yet to come. */
  said(pattern: RegExp): Promise<string>;
  stop(): Promise<void>;
}

export interface KilnSettings {
  derived: DerivedConfiguration;
  user: { token(): Promise<string> };
  patience: Patience;
  /** A ctrl-C in the terminal does not reach its processes. */
  ownGroup: boolean;
}

/** Two APIs and two workers where database and broker are named, else one process that is everything. */
export async function startKilnSet({ derived, user, patience, ownGroup }: KilnSettings): Promise<KilnSet> {
  const { files, arguments: options, environment } = writeConfiguration(derived);
  const several = derived.databaseUrl !== '' && derived.transportUrl !== '';
  const roles = several ? ['api', 'api', 'worker', 'worker'] : ['all'];
  const processes = await Promise.all(
    roles.map(async (role) => {
      const roleOptions = role === 'all' ? [] : ['--role', role];
      const port = { OS_API_SETTINGS__BIND_PORT: String(await freePort()) };
      const process = startKiln(['serve', ...roleOptions, ...options], { ...environment, ...port }, { ownGroup });
      return { role, process };
    }),
  );
  const stop = async () => {
    await Promise.all(processes.map(({ process }) => process.stop()));
  };
  let since = processes.map(() => 0);
  try {
    await Promise.all(processes.map(({ process }) => process.line(/"serving"/)));
    const serving = processes.filter(({ role }) => role !== 'worker');
    const urls = await Promise.all(
      serving.map(async ({ process }) => JSON.parse(await process.line(/the load-balancer API listens/)).url as string),
    );
    const [first, ...others] = urls.map((url) => createLoadBalancerApi(url, user, patience));
    if (!first) throw new Error('no process serves the API');
    return {
      apis: [first, ...others],
      workers: processes.filter(({ role }) => role !== 'api').map(({ process }) => process),
      command: { arguments: options, environment },
      fingerprint: () => fingerprintOf(processes, files),
      async reconfigure(changes) {
        since = processes.map(({ process }) => process.lines.length);
        writeConfiguration(derived, changes);
        const read = processes.map(({ process }) => process.next(/configuration (read again|refused)/));
        for (const { process } of processes) process.child.kill('SIGHUP');
        const refused = (await Promise.all(read)).find((line) => line.includes('configuration refused'));
        if (refused) throw new Error(refused);
      },
      said: (pattern) =>
        Promise.race([
          Promise.any(processes.map(({ process }, index) => process.since(since[index] ?? 0, pattern))),
          rejectAfter(30_000, `Kiln to log ${pattern}`),
        ]),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

function fingerprintOf(processes: readonly { process: KilnProcess }[], files: readonly string[]): string {
  const pids = processes.map(({ process: { child } }) =>
    child.exitCode === null && child.signalCode === null ? `pid ${child.pid}` : `pid ${child.pid} ended`,
  );
  const hashes = files.map((file) => createHash('sha256').update(readFileSync(file)).digest('hex'));
  return [...pids, ...hashes].join('\n');
}

function rejectAfter(ms: number, what: string): Promise<never> {
  return new Promise((_resolve, reject) => {
    setTimeout(() => reject(new Error(`waited ${ms / 1000} s for ${what}`)), ms).unref();
  });
}
