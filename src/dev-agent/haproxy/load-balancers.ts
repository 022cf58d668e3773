import { constants } from 'node:fs';
import { access, chmod, readdir, readFile, rename, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { peerName } from '../../core/haproxy/peers.ts';
import { type AgentFiles, nullIfAbsent, writeWhole } from '../files.ts';
import type { Logger } from '../logger.ts';
import { crtListsOf, localPreamble, toLocalConfiguration, toLocalCrtList } from './local-configuration.ts';
import { drainHaproxy, type HaproxyFiles, reloadHaproxy, runningMaster, startHaproxy, stopHaproxy } from './process.ts';
import { checkConfiguration } from './program.ts';

/** How often we look whether every HAProxy that should run does. */
const watchEveryMs = 1000;
/** The longest pause before one that does not start is tried again; the first is a look's, each next one twice as long. */
const longestPauseMs = 30_000;

/** What an action came to: null when it was done, else what HAProxy said. */
type Outcome = string | null;

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
  /** Starts what does not run. */
  reload(id: string): Promise<Outcome>;
  stop(id: string): Promise<void>;
  /** Stops and forgets it with its certificates. */
  remove(id: string): Promise<void>;
  isRunning(id: string): Promise<boolean>;
  /** Whether all that should run does. */
  allRun(): Promise<boolean>;
  /**
   * Where listeners are bound from now on instead of the addresses that configurations name; what runs follows. Other
   * addresses, and all of them where none are given, are bound as they are named.
   */
  bindElsewhere(elsewhere: ((address: string) => string) | null): Promise<void>;
  /** Of a running HAProxy; null when it does not run. */
  statsSocket(id: string): Promise<string | null>;
  /** Starts what ran when the last agent ended, and from then on whatever ends by itself. */
  resume(): Promise<void>;
  /** Ends every HAProxy when its requests are answered; `resume` of the next agent starts them again. */
  close(): Promise<void>;
}

export function createLoadBalancers(options: {
  files: AgentFiles;
  haproxyCmd: string;
  amphoraId: string;
  logger: Logger;
  /** What `close` gives requests under way; shorter than what a hypervisor waits for a server that it shuts down. */
  drainMs?: number;
}): LoadBalancers {
  const { files, haproxyCmd, logger, drainMs = 1000 } = options;
  const peer = peerName(options.amphoraId);
  const oneByOne = createQueues();
  const preamble = join(files.base, 'haproxy-local.cfg');
  const uploaded = (id: string) => join(files.folderOf(id), 'haproxy.cfg');
  const shouldRun = (id: string) => join(files.folderOf(id), 'should-run');
  const filesOf = (id: string, local = 'haproxy.local.cfg'): HaproxyFiles => ({
    workingDirectory: files.base,
    configurations: [preamble, join(files.folderOf(id), local)],
    pidFile: join(files.folderOf(id), `${id}.pid`),
    logFile: join(files.folderOf(id), 'haproxy.log'),
    statsSocket: join(files.base, `${id}.sock`),
    serversState: join(files.folderOf(id), 'servers-state'),
  });
  const failing = new Map<string, { pauseMs: number; notBefore: number }>();
  let boundTo = (address: string) => address;
  let watching: NodeJS.Timeout | undefined;
  let closed = false;

  const configuration = (id: string) => readFile(uploaded(id), 'utf8').catch(nullIfAbsent);

  async function ids(): Promise<string[]> {
    const names = (await readdir(files.base).catch(nullIfAbsent)) ?? [];
    const known = await Promise.all(names.map(async (name) => ((await configuration(name)) === null ? [] : [name])));
    return known.flat().sort();
  }

  /** Writes what HAProxy is to read, of the files as they are now, and has it checked. */
  async function prepare(id: string, text: string, local: string): Promise<Outcome> {
    const folder = files.folderOf(id);
    const localCrtList = (path: string) => join(folder, `local-${basename(path)}`);
    await writeWhole(preamble, localPreamble);
    const noPing = await writePingWrapper(files.base, text);
    if (noPing !== null) return noPing;
    for (const path of crtListsOf(text)) {
      const list = await readFile(files.here(path), 'utf8').catch(nullIfAbsent);
      if (list !== null) await writeWhole(localCrtList(path), toLocalCrtList(list, files.here));
    }
    const paths = { here: files.here, localCrtList, statsSocket: `${id}.sock`, boundTo };
    await writeWhole(join(folder, local), toLocalConfiguration(text, paths));
    return await checkConfiguration(haproxyCmd, {
      files: filesOf(id, local).configurations,
      peerName: peer,
      workingDirectory: files.base,
    });
  }

  async function start(id: string): Promise<Outcome> {
    if (await runningMaster(filesOf(id))) return null;
    const text = (await configuration(id)) ?? '';
    const fault = (await prepare(id, text, 'haproxy.local.cfg')) ?? (await startHaproxy(haproxyCmd, filesOf(id), peer));
    if (fault === null) await writeWhole(shouldRun(id), '');
    return fault;
  }

  async function reload(id: string): Promise<Outcome> {
    const master = await runningMaster(filesOf(id));
    if (!master) return await start(id);
    const text = (await configuration(id)) ?? '';
    return (await prepare(id, text, 'haproxy.local.cfg')) ?? (await reloadHaproxy(master, filesOf(id)));
  }

  async function end(id: string): Promise<void> {
    const master = await runningMaster(filesOf(id));
    if (master) await stopHaproxy(master, filesOf(id));
  }

  async function drain(id: string): Promise<void> {
    const master = await runningMaster(filesOf(id));
    if (master) await drainHaproxy(master, filesOf(id), drainMs);
  }

  async function startIfItShouldRun(id: string): Promise<void> {
    const wanted = (await readFile(shouldRun(id), 'utf8').catch(nullIfAbsent)) !== null;
    if (closed || !wanted || (await runningMaster(filesOf(id)))) {
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
    const pauseMs = Math.min((before?.pauseMs ?? watchEveryMs) * 2, longestPauseMs);
    failing.set(id, { pauseMs, notBefore: performance.now() + pauseMs });
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
        const fault = await prepare(id, text, 'haproxy.local.cfg.new');
        if (fault !== null) return fault;
        await rename(join(files.folderOf(id), 'haproxy.local.cfg.new'), join(files.folderOf(id), 'haproxy.local.cfg'));
        await writeWhole(uploaded(id), text);
        return null;
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
    async allRun() {
      for (const id of await ids()) {
        const wanted = (await readFile(shouldRun(id), 'utf8').catch(nullIfAbsent)) !== null;
        if (wanted && (await runningMaster(filesOf(id))) === null) return false;
      }
      return true;
    },
    async bindElsewhere(elsewhere) {
      boundTo = elsewhere ?? ((address) => address);
      for (const id of await ids()) {
        const fault = await oneByOne(id, async () => ((await runningMaster(filesOf(id))) ? await reload(id) : null));
        if (fault !== null) throw new Error(fault);
      }
    },
    isRunning: async (id) => (await runningMaster(filesOf(id))) !== null,
    statsSocket: async (id) => ((await runningMaster(filesOf(id))) === null ? null : filesOf(id).statsSocket),
    async resume() {
      await startWhatShouldRun();
      watch();
    },
    async close() {
      closed = true;
      clearTimeout(watching);
      await Promise.all((await ids()).map((id) => oneByOne(id, () => drain(id))));
    },
  };
}

/** Where ping may be: HAProxy starts its checks without a PATH. */
const pings = ['/usr/bin/ping', '/bin/ping', '/usr/sbin/ping', '/sbin/ping'];

/** What Octavia's images have for health checks by ping. HAProxy hands over: PROXY_ADDR PROXY_PORT SERVER_ADDR SERVER_PORT. */
const pingWrapper = (ping: string) => `#!/bin/sh
exec ${ping} -q -n -c 1 -w 1 "$3" >/dev/null 2>&1
`;

/** @returns why no member would ever be found up. */
async function writePingWrapper(base: string, text: string): Promise<Outcome> {
  if (!/^\s*external-check\s+command\s/m.test(text)) return null;
  const usable = await Promise.all(
    pings.map((ping) =>
      access(ping, constants.X_OK).then(
        () => true,
        () => false,
      ),
    ),
  );
  const ping = pings.find((_path, index) => usable[index]);
  if (!ping) {
    return `health monitors of type PING need the program ping, in ${pings.join(', ')}: install it (Debian: iputils-ping)`;
  }
  const file = join(base, 'ping-wrapper.sh');
  const wrapper = pingWrapper(ping);
  if ((await readFile(file, 'utf8').catch(nullIfAbsent)) === wrapper) return null;
  await writeWhole(file, wrapper);
  await chmod(file, 0o700);
  return null;
}

/** Runs what belongs to one name in the order it was asked for; other names go on beside it. */
function createQueues(): <Result>(name: string, action: () => Promise<Result>) => Promise<Result> {
  const lasts = new Map<string, Promise<unknown>>();
  return (name, action) => {
    const mine = (lasts.get(name) ?? Promise.resolve()).then(action, action);
    const settled = mine.catch(() => undefined);
    lasts.set(name, settled);
    void settled.then(() => {
      if (lasts.get(name) === settled) lasts.delete(name);
    });
    return mine;
  };
}
