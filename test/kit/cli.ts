/** Drives `runCli` without a process: streams that remember, a clock that never waits, and a context out of parts. */
import type { CliContext, CliSettings, ConfigurationView, GlobalOptions } from '../../src/cli/context.ts';
import { runCli } from '../../src/cli/run.ts';
import type { Clock } from '../../src/ports/clock.ts';

/** Everything is read at this time. */
export const cliNow = new Date('2026-03-01T12:00:00Z');

export interface CliRun {
  exitCode: number;
  stdout: string;
  stderr: string;
  /** What stdout holds, parsed; fails when it is not exactly one JSON document. */
  json(): unknown;
  /** What the context was made with; null when it was not made. */
  global: GlobalOptions | null;
  closed: boolean;
}

export interface CliRunOptions {
  /** A terminal of this width; absent: a pipe. */
  columns?: number;
  colour?: boolean;
  signal?: AbortSignal;
  /** What a person answers; absent: nobody is there. */
  confirm?: (question: string) => Promise<boolean>;
}

/** Sleeping takes no time: whatever is done in memory ends before a sleep does, however short. */
export function createHastyClock(): Clock {
  let monotonicMs = 0;
  return {
    now: () => cliNow,
    monotonicMs: () => monotonicMs,
    async sleep(milliseconds, signal) {
      signal?.throwIfAborted();
      await new Promise((resolve) => setImmediate(resolve));
      signal?.throwIfAborted();
      monotonicMs += milliseconds;
    },
  };
}

/** Runs a command line, given as it is typed (no quotes) or as an array, on a context of which only some parts are there. */
export async function driveCli(
  typed: string | readonly string[],
  parts: Partial<CliContext> = {},
  options: CliRunOptions = {},
): Promise<CliRun> {
  const run: CliRun = {
    exitCode: -1,
    stdout: '',
    stderr: '',
    global: null,
    closed: false,
    json: () => JSON.parse(run.stdout) as unknown,
  };
  const append = (stream: 'stdout' | 'stderr', text: string): void => {
    run[stream] += text;
  };
  const looks = {
    isTTY: options.columns !== undefined,
    columns: options.columns ?? null,
    colour: options.colour ?? false,
  };
  run.exitCode = await runCli(
    typeof typed === 'string' ? typed.split(' ').filter(Boolean) : typed,
    {
      terminal: {
        stdout: { ...looks, write: (text) => append('stdout', text) },
        // Never a terminal: what is drawn over and over depends on timing and has tests of its own.
        stderr: { isTTY: false, columns: null, colour: false, write: (text) => append('stderr', text) },
      },
      clock: createHastyClock(),
      signal: options.signal ?? new AbortController().signal,
      confirm: options.confirm ?? null,
      build: { version: '0.1.0-test', commit: null, builtAt: null },
    },
    (global) => {
      run.global = global;
      return {
        ...absentDeps,
        ...parts,
        close: async () => {
          run.closed = true;
          await parts.close?.();
        },
      };
    },
  );
  return run;
}

/** A part that the test did not foresee to be used. */
function absent(part: string): () => Promise<never> {
  return () => Promise.reject(new Error(`the test has no ${part}`));
}

const absentDeps: CliContext = {
  controller: absent('controller'),
  ui: absent('ui'),
  images: absent('images'),
  resolver: absent('resolver'),
  compute: absent('compute'),
  network: absent('network'),
  identity: absent('identity'),
  amphorae: absent('amphorae'),
  secrets: absent('secrets'),
  secretUsers: absent('load balancers'),
  settings: absent('settings'),
  configuration: absent('configuration'),
  inspectCertificate: absent('certificates'),
  buildImage: absent('image builder'),
  buildVmImage: absent('builder of virtual machine images'),
  status: absent('status'),
  serve: absent('controller'),
  journal: absent('journal'),
  housekeeping: absent('housekeeping'),
  knownFlows: async () => new Map(),
  abortOperation: absent('operations to abort'),
  resizeLoadBalancer: absent('load balancers to resize'),
  silence: absent('silence'),
  fleet: absent('fleet'),
  releases: absent('releases'),
  octaviaReleases: absent('Octavia'),
  operator: () => 'alice@desk',
  knownImages: async () => null,
  tagHistory: async () => [],
  databaseStatus: absent('database'),
  upgradeDatabase: absent('database'),
  dev: absent('embedded cloud'),
  close: async () => undefined,
};

export function makeSettings(overrides: Partial<CliSettings> = {}): CliSettings {
  return {
    imageTag: 'amphora',
    imageId: null,
    imageOwnerId: null,
    imageTagPolicy: 'newest',
    imageMaxAgeDays: 90,
    flavorId: '65',
    bootNetworkIds: ['net-mgmt'],
    securityGroupIds: ['sg-amphora'],
    keyName: null,
    availabilityZone: null,
    agentPort: 9443,
    ...overrides,
  };
}

export function makeConfiguration(overrides: Partial<ConfigurationView> = {}): ConfigurationView {
  return {
    files: ['/etc/octavia/octavia.conf'],
    rows: [],
    faults: [],
    unknown: [],
    unused: [],
    deprecated: [],
    cautions: [],
    ...overrides,
  };
}
