import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pLimit from 'p-limit';
import { filesOfUserData, type GuestFile, writeGuestFiles } from './guest-files.ts';
import { type GuestProcess, startGuestProcess } from './guest-process.ts';
import { unpackImage } from './image-archive.ts';
import { createReaper } from './reaper.ts';
import {
  endLeftovers,
  type GuestRecord,
  readConsoleTail,
  readJson,
  recordProcess,
  type ServerFolder,
  serverFolder,
} from './server-folder.ts';

export { UnusableImageError } from './image-archive.ts';

/** A network card of a server, as Neutron has its port. */
export interface GuestPort {
  id: string;
  networkId: string;
  macAddress: string;
  mtu: number;
  addresses: readonly GuestAddress[];
}

export interface GuestAddress {
  address: string;
  prefixLength: number;
  /** Of its subnet; null for none. */
  gateway: string | null;
}

/** What a server is built from. */
export interface GuestSpec {
  serverId: string;
  hostname: string;
  memoryMiB: number;
  /** In the order in which they were asked for. */
  ports: readonly GuestPort[];
  /** Of SSH: by the name of the key pair. */
  publicKeys: Readonly<Record<string, string>>;
  /** The image's data. Read once, while building. */
  imageFile: string;
  /** Files of the configuration drive. */
  files: readonly GuestFile[];
  /** cloud-init user data, as text. */
  userData: string | null;
}

/**
 * Runs the servers of the embedded cloud. Calls for one server must not overlap; the caller queues them.
 */
export interface Hypervisor {
  /** Which addresses its servers can have: those of the loopback network alone, or all. */
  readonly addresses: 'loopback' | 'any';
  /**
   * Unpacks the image, writes the files and starts the server. Resolves once the process has outlived its first moment.
   * Whatever was left of an earlier server of this ID is overwritten.
   * @throws UnusableImageError for a bad image, GuestEndedError when the process ends at once.
   */
  build(spec: GuestSpec): Promise<void>;
  /** Starts a server that was built before, from its own folder. @throws GuestEndedError */
  start(serverId: string): Promise<void>;
  /** Ends it, gently and then not; what it has written stays. A server that does not run is success. */
  stop(serverId: string): Promise<void>;
  /** Starts a server that runs anew. @throws GuestEndedError */
  reboot(serverId: string): Promise<void>;
  /** Gives a server one more network card. */
  plug(serverId: string, port: GuestPort): Promise<void>;
  /** Takes a network card away. One that it has not is success. */
  unplug(serverId: string, portId: string): Promise<void>;
  /** Ends the process and removes the folder. A server that is not there is success. */
  destroy(serverId: string): Promise<void>;
  isRunning(serverId: string): boolean;
  /** Calls back when a server that ran ends by itself. */
  onEnded(listener: (serverId: string) => void): void;
  /** The last lines that the server printed; null for all that is kept. */
  consoleOutput(serverId: string, lines: number | null): Promise<string>;
  /** Ends every server. Their folders stay, and `start` runs them again. */
  close(): Promise<void>;
}

/** The server's process ended in its first moment. The message is a clause: "ended at once with exit status 1". */
export class GuestEndedError extends Error {}

/** Images unpacked at the same time: it is disk and processor work, more at once would only make each slower. */
const maxConcurrentUnpackings = 2;

/**
 * The hypervisor of `kiln dev`: each server is a local process that runs what is in its image.
 * @param options.stateDirectory servers live in its folder `servers`.
 * @param options.firstMomentMilliseconds how long a new process is watched before the server counts as running.
 * @param options.graceMilliseconds between asking a process to end and killing it.
 */
export async function createHypervisor(options: {
  stateDirectory: string;
  firstMomentMilliseconds?: number;
  graceMilliseconds?: number;
}): Promise<Hypervisor> {
  const { stateDirectory, firstMomentMilliseconds = 200, graceMilliseconds = 2_000 } = options;
  const serversDirectory = join(stateDirectory, 'servers');
  // Servers' private keys lie in there.
  await mkdir(serversDirectory, { recursive: true, mode: 0o700 });
  await endLeftovers(serversDirectory);

  const reaper = createReaper();
  const unpacking = pLimit(maxConcurrentUnpackings);
  const running = new Map<string, GuestProcess>();
  const listeners: ((serverId: string) => void)[] = [];
  const stopping = new Set<string>();
  const beingStarted = new Set<Promise<void>>();
  let closing = false;

  async function run(serverId: string, folder: ServerFolder, record: GuestRecord): Promise<void> {
    const started = startAndWatch(serverId, folder, record);
    beingStarted.add(started);
    await started.finally(() => beingStarted.delete(started));
  }

  async function startAndWatch(serverId: string, folder: ServerFolder, record: GuestRecord): Promise<void> {
    if (closing) throw new GuestEndedError('was not started: the cloud is stopping');
    const guest = await startGuestProcess({
      arguments: guestArguments(folder, record),
      workingDirectory: folder.root,
      consoleFile: folder.consoleFile,
      onStarted: reaper.watch,
    });
    running.set(serverId, guest);
    let firstMomentPassed = false;
    const ended = guest.ended.then((end) => {
      reaper.forget(guest.pid);
      running.delete(serverId);
      if (firstMomentPassed && !stopping.has(serverId)) for (const listener of listeners) listener(serverId);
      return end;
    });
    await recordProcess(folder, guest.pid);
    const watched = new AbortController();
    const moment = sleep(firstMomentMilliseconds, null, { signal: watched.signal }).catch(() => null);
    const end = await Promise.race([ended, moment]);
    watched.abort();
    if (end !== null) throw new GuestEndedError(`ended at once with ${end}`);
    firstMomentPassed = true;
  }

  async function stop(serverId: string): Promise<void> {
    stopping.add(serverId);
    try {
      await running.get(serverId)?.stop(graceMilliseconds);
    } finally {
      stopping.delete(serverId);
    }
  }

  async function start(serverId: string): Promise<void> {
    if (running.has(serverId)) return;
    const folder = serverFolder(serversDirectory, serverId);
    const record = await readJson<GuestRecord>(folder.guestFile);
    if (!record) throw new GuestEndedError(`has lost its files in ${folder.path}`);
    await run(serverId, folder, record);
  }

  return {
    addresses: 'loopback',
    build: async (spec) => {
      const folder = serverFolder(serversDirectory, spec.serverId);
      await rm(folder.path, { recursive: true, force: true });
      const { entry } = await unpacking(() => unpackImage(spec.imageFile, folder.root));
      const { userData } = spec;
      if (userData !== null) {
        const kept = { path: '/var/lib/cloud/user-data', contents: Buffer.from(userData), mode: 0o600 };
        await writeGuestFiles(folder.root, [kept, ...filesOfUserData(userData)]);
      }
      await writeGuestFiles(folder.root, spec.files);
      const record: GuestRecord = { entry, bindHost: loopbackAddress(spec.ports) };
      await writeFile(folder.guestFile, JSON.stringify(record));
      await run(spec.serverId, folder, record);
    },
    start,
    stop,
    reboot: async (serverId) => {
      await stop(serverId);
      await start(serverId);
    },
    // The program does not notice: all loopback addresses are its own anyway.
    plug: async () => {},
    unplug: async () => {},
    destroy: async (serverId) => {
      await stop(serverId);
      await rm(serverFolder(serversDirectory, serverId).path, { recursive: true, force: true, maxRetries: 3 });
    },
    isRunning: (serverId) => running.has(serverId),
    onEnded: (listener) => void listeners.push(listener),
    consoleOutput: (serverId, lines) => readConsoleTail(serverFolder(serversDirectory, serverId), lines),
    close: async () => {
      closing = true;
      await Promise.allSettled(beingStarted);
      await Promise.all([...running.keys()].map(stop));
      await reaper.close();
    },
  };
}

/** Of its own, which the server listens on; null for a server without one. */
function loopbackAddress(ports: readonly GuestPort[]): string | null {
  const addresses = ports.flatMap((port) => port.addresses.map(({ address }) => address));
  return addresses.find((address) => address.startsWith('127.')) ?? null;
}

/** What every image's program is started with. */
function guestArguments(folder: ServerFolder, record: GuestRecord): string[] {
  return [
    join(folder.root, record.entry),
    ...['--root', folder.root],
    ...['--config-file', join(folder.root, 'etc/octavia/amphora-agent.conf')],
    ...(record.bindHost === null ? [] : ['--bind-host', record.bindHost]),
  ];
}
