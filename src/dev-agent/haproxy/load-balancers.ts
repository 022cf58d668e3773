import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { growingPauseMs } from '../../lib/growing-pause.ts';
import { createTurns } from '../../lib/in-turn.ts';
import { type AgentFiles, nullIfAbsent, writeWhole } from '../files.ts';
import type { HaproxyRunner, Outcome } from '../host.ts';
import type { Logger } from '../logger.ts';
import { answeringWorker, awaitWorker, killHaproxy, reloadHaproxy, runningMaster, unkillable } from './process.ts';

/** How often we look whether every HAProxy that should run does. */
const watchEveryMs = 1000;
/** Before one that does not start is tried again. */
const pauses = { firstMs: 2 * watchEveryMs, longestMs: 30_000 };

/** Less than controllers give the agent for its whole answer (src/health/second-witness.ts). */
const answerWithinMs = 2000;

/** Beside what was uploaded: HAProxy was started, and not stopped since. */
export const shouldRunFile = 'should-run';

/**
 * The load balancers of this amphora, each with a HAProxy of its own. What was uploaded and what should run is in files,
 * so an agent that is started anew goes on where the last one was. Calls for one load balancer queue up.
 * Every call but the reading ones may throw HaproxyMissingError.
 */
export interface LoadBalancers {
  ids(): Promise<string[]>;
  /** What was uploaded, byte for byte; null when nothing was. */
  configuration(id: string): Promise<string | null>;
  /** Checks a configuration and keeps it if it will do. What runs does not change. */
  upload(id: string, configuration: string): Promise<Outcome>;
  start(id: string): Promise<Outcome>;
  /** Starts what does not run, and starts anew what hangs. */
  reload(id: string): Promise<Outcome>;
  stop(id: string): Promise<void>;
  /** Stops and forgets it with its certificates. */
  remove(id: string): Promise<void>;
  /** Whether there is a process of it; it may hang. */
  isRunning(id: string): Promise<boolean>;
  /** Whether it runs and answers at its socket within two seconds. */
  isAnswering(id: string): Promise<boolean>;
  /** Whether all that should run answers. */
  allAnswer(): Promise<boolean>;
  /** Has every HAProxy that runs read its files again. */
  reloadRunning(): Promise<void>;
  /** Of a running HAProxy; null when it does not run. */
  statsSocket(id: string): Promise<string | null>;
  /** Starts what ran when the last agent ended, and from then on whatever ends by itself. */
  resume(): Promise<void>;
  /** The agent ends; `resume` of the next one goes on with every HAProxy, however the host leaves them. */
  close(): Promise<void>;
}

export function createLoadBalancers(options: {
  files: AgentFiles;
  runner: HaproxyRunner;
  logger: Logger;
  /** One that listens at its socket and does not answer for so long is not reloaded, but started anew: its connections are lost. */
  hangsAfterMs?: number;
}): LoadBalancers {
  const { files, runner, logger, hangsAfterMs = 10_000 } = options;
  const oneByOne = createTurns();
  const uploaded = (id: string) => join(files.folderOf(id), 'haproxy.cfg');
  const shouldRun = (id: string) => join(files.folderOf(id), shouldRunFile);
  const masterOf = (id: string) => runningMaster(runner.files(id));
  const failing = new Map<string, { tries: number; notBefore: number }>();
  let watching: NodeJS.Timeout | undefined;
  let closed = false;

  const configuration = (id: string) => readFile(uploaded(id), 'utf8').catch(nullIfAbsent);

  async function ids(): Promise<string[]> {
    const names = (await readdir(files.base).catch(nullIfAbsent)) ?? [];
    const known = await Promise.all(names.map(async (name) => ((await configuration(name)) === null ? [] : [name])));
    return known.flat().sort();
  }

  /** Of the files as they are now: certificates may be others since the upload. */
  const prepare = async (id: string) => await runner.prepare(id, (await configuration(id)) ?? '');

  async function start(id: string): Promise<Outcome> {
    if (await masterOf(id)) return null;
    const fault = (await prepare(id)) ?? (await runner.start(id));
    if (fault === null) await writeWhole(shouldRun(id), '');
    return fault;
  }

  async function reload(id: string): Promise<Outcome> {
    if (!(await masterOf(id))) return await start(id);
    const fault = await prepare(id);
    if (fault !== null) return fault;
    const { worker, hangs } = await awaitWorker(runner.files(id), hangsAfterMs);
    if (hangs) {
      logger('error', 'HAProxy hangs: it is killed and started anew', { loadBalancerId: id });
      return (await killHaproxy(runner.files(id))) ? await runner.start(id) : unkillable;
    }
    // It may have ended meanwhile.
    const master = await masterOf(id);
    return master ? await reloadHaproxy(master, worker, runner.files(id)) : await start(id);
  }

  async function isAnswering(id: string, limitMs?: number): Promise<boolean> {
    return (await masterOf(id)) !== null && (await answeringWorker(runner.files(id), limitMs)) !== null;
  }

  async function end(id: string): Promise<void> {
    const master = await masterOf(id);
    if (master) await runner.stop(id, master);
  }

  async function startIfItShouldRun(id: string): Promise<void> {
    const wanted = (await readFile(shouldRun(id), 'utf8').catch(nullIfAbsent)) !== null;
    if (closed || !wanted || (await masterOf(id))) {
      failing.delete(id);
      return;
    }
    const before = failing.get(id);
    if (before && performance.now() < before.notBefore) return;
    const fault = await start(id).catch((error: Error) => error.message);
    if (fault === null) {
      failing.delete(id);
      logger('info', 'HAProxy started, as it should run', { loadBalancerId: id });
      return;
    }
    const tries = (before?.tries ?? 0) + 1;
    failing.set(id, { tries, notBefore: performance.now() + growingPauseMs(tries, pauses) });
    logger('error', 'HAProxy should run and does not start', { loadBalancerId: id, fault });
  }

  async function startWhatShouldRun(): Promise<void> {
    for (const id of await ids()) await oneByOne(id, () => startIfItShouldRun(id));
  }

  function watch(): void {
    if (closed) return;
    watching = setTimeout(() => {
      void startWhatShouldRun()
        .catch((error: Error) => logger('error', 'watching HAProxy failed', { error: error.message }))
        .finally(watch);
    }, watchEveryMs);
    watching.unref();
  }

  return {
    ids,
    configuration,
    upload: (id, text) =>
      oneByOne(id, async () => {
        const fault = await runner.prepare(id, text);
        if (fault === null) await writeWhole(uploaded(id), text);
        return fault;
      }),
    start: (id) => oneByOne(id, () => start(id)),
    reload: (id) => oneByOne(id, () => reload(id)),
    stop: (id) =>
      oneByOne(id, async () => {
        await rm(shouldRun(id), { force: true });
        await end(id);
      }),
    remove: (id) =>
      oneByOne(id, async () => {
        await rm(shouldRun(id), { force: true });
        await end(id);
        await rm(files.certificatesOf(id), { recursive: true, force: true });
        await rm(files.folderOf(id), { recursive: true, force: true });
      }),
    async allAnswer() {
      for (const id of await ids()) {
        const wanted = (await readFile(shouldRun(id), 'utf8').catch(nullIfAbsent)) !== null;
        if (wanted && !(await isAnswering(id))) return false;
      }
      return true;
    },
    async reloadRunning() {
      for (const id of await ids()) {
        const fault = await oneByOne(id, async () => ((await masterOf(id)) ? await reload(id) : null));
        if (fault !== null) throw new Error(fault);
      }
    },
    isRunning: async (id) => (await masterOf(id)) !== null,
    isAnswering: (id) => isAnswering(id, answerWithinMs),
    statsSocket: async (id) => ((await masterOf(id)) === null ? null : runner.files(id).statsSocket),
    async resume() {
      await startWhatShouldRun();
      watch();
    },
    async close() {
      closed = true;
      clearTimeout(watching);
      const leave = async (id: string) => {
        const master = await masterOf(id);
        if (master) await runner.leave(id, master);
      };
      await Promise.all((await ids()).map((id) => oneByOne(id, () => leave(id))));
    },
  };
}
