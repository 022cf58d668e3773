import { createSocket, type Socket } from 'node:dgram';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createTurn } from '../../../lib/in-turn.ts';
import { type AgentFiles, nullIfAbsent, writeWhole } from '../../files.ts';
import type { Vrrp } from '../../host.ts';
import type { Logger } from '../../logger.ts';
import { parseVrrpConfiguration, type VrrpConfiguration } from './configuration.ts';
import { beginElection, type Election, onAdvertisement, onDue, onHealth, type Step } from './election.ts';
import { decodeVrrpPacket, encodeVrrpPacket } from './packet.ts';

/** VRRP is IP protocol 112, which is for root alone: between amphorae that are processes it goes as UDP to this port. */
const vrrpPort = 1112;
/** How long one that steps down waits for its successor: one that is shut down has two seconds, for its requests as well. */
const successionMs = 700;
const pollMs = 20;

/** The VIPs of a pair, and where they stand while another amphora holds them. */
export interface StandBy {
  vips: readonly string[];
  ownIp: string;
}

/**
 * The election that keepalived holds in a virtual machine, without its privileges. `close` steps down, and waits a moment for the
 * other one to take over.
 * @param options.holdVips called whenever VIPs come (null) or go; calls do not overlap.
 * @param options.isHealthy whether what has to serve does.
 */
export function createVrrp(options: {
  files: AgentFiles;
  logger: Logger;
  holdVips: (standBy: StandBy | null) => Promise<void>;
  isHealthy: () => Promise<boolean>;
}): Vrrp & { isFit(): Promise<boolean> } {
  const { files, logger } = options;
  const configurationFile = join(files.base, 'vrrp', 'octavia-keepalived.conf');
  const shouldRun = join(files.base, 'vrrp', 'should-run');
  let running: RunningInstance | null = null;
  const inTurn = createTurn();

  const faultOf = (text: string): string | null => {
    try {
      parseVrrpConfiguration(text);
      return null;
    } catch (thrown) {
      return (thrown as Error).message;
    }
  };

  /** A reload keeps the state, as keepalived does: whoever holds the VIPs goes on holding them. */
  async function run(): Promise<string | null> {
    const text = await readFile(configurationFile, 'utf8').catch(nullIfAbsent);
    if (text === null) return 'there is no configuration of keepalived: nothing was uploaded';
    const before = running?.election() ?? null;
    await running?.end();
    running = await startInstance(parseVrrpConfiguration(text), before, options);
    await writeWhole(shouldRun, '');
    return null;
  }

  async function stop(): Promise<void> {
    await rm(shouldRun, { force: true });
    await running?.stepDown({ letGo: true });
    running = null;
  }

  return {
    upload: (configuration) =>
      inTurn(async () => {
        const fault = faultOf(configuration);
        if (fault === null) await writeWhole(configurationFile, configuration);
        return fault;
      }),
    act: (action) =>
      inTurn(async () => {
        if (action === 'stop') await stop();
        else if (action === 'reload' && !running) return 'keepalived does not run';
        else return await run();
        return null;
      }),
    resume: () =>
      inTurn(async () => {
        if ((await readFile(shouldRun).catch(nullIfAbsent)) === null) return;
        const fault = await run();
        if (fault !== null) logger('error', 'VRRP should run and does not start', { fault });
      }),
    close: () =>
      inTurn(async () => {
        await running?.stepDown({ letGo: false });
        running = null;
      }),
    isFit: async () => running !== null || (await readFile(configurationFile).catch(nullIfAbsent)) === null,
  };
}

interface RunningInstance {
  election(): Election;
  /** Ends without a word: the next one goes on. */
  end(): Promise<void>;
  /** Tells the others, and waits until one of them has taken over; then lets go of the VIPs, but where HAProxy ends anyway. */
  stepDown(options: { letGo: boolean }): Promise<void>;
}

async function startInstance(
  own: VrrpConfiguration,
  before: Election | null,
  { logger, holdVips, isHealthy }: Parameters<typeof createVrrp>[0],
): Promise<RunningInstance> {
  const socket = await bind(own.ownIp);
  const now = () => performance.now();
  let election = before ?? beginElection(own, now());
  /** What `holdVips` was called with last; null when nothing yet. */
  let holding: boolean | null = null;
  let turn: Promise<unknown> = Promise.resolve();
  let timer: NodeJS.Timeout | undefined;
  let heardMaster = false;
  let ended = false;
  const check = createCheck(own, isHealthy, (healthy) => move(onHealth(election, own, healthy, now())));

  function advertise(priority: number): void {
    const packet = encodeVrrpPacket({ virtualRouterId: own.virtualRouterId, priority }, own.password);
    // Nobody may be there: that is what the others' silence is about.
    for (const peer of own.peerIps) socket.send(packet, vrrpPort, peer, () => undefined);
  }

  function place(): void {
    const holds = election.state === 'MASTER';
    if (holding === holds) return;
    holding = holds;
    const standBy = holds ? null : { vips: own.vips, ownIp: own.ownIp };
    turn = turn
      .then(() => holdVips(standBy))
      .catch((error: Error) => {
        logger('error', 'VIPs could not be moved', { holds, reason: error.message });
      });
  }

  function move({ election: next, advertise: priority }: Step): void {
    if (ended) return;
    if (next.state !== election.state)
      logger('info', `VRRP: ${election.state} becomes ${next.state}`, { vips: own.vips });
    election = next;
    if (priority !== null) advertise(priority);
    place();
    clearTimeout(timer);
    if (!Number.isFinite(election.dueAtMs)) return;
    timer = setTimeout(() => move(onDue(election, own, now())), Math.max(1, election.dueAtMs - now()));
  }

  socket.on('message', (packet, { address }) => {
    const heard = decodeVrrpPacket(packet, own.password);
    if (!heard || heard.virtualRouterId !== own.virtualRouterId || !own.peerIps.includes(address)) return;
    heardMaster ||= heard.priority > 0;
    move(onAdvertisement(election, own, { from: address, priority: heard.priority }, now()));
  });
  move({ election, advertise: null });

  async function end(): Promise<void> {
    ended = true;
    clearTimeout(timer);
    check.stop();
    await turn;
    await new Promise<void>((resolve) => socket.close(() => resolve()));
  }

  return {
    election: () => election,
    end,
    async stepDown({ letGo }) {
      const wasMaster = election.state === 'MASTER';
      // From now on it advertises nothing, whatever it hears.
      clearTimeout(timer);
      check.stop();
      election = { state: 'FAULT', dueAtMs: Infinity };
      heardMaster = false;
      if (wasMaster) {
        advertise(0);
        const deadline = now() + successionMs;
        while (own.peerIps.length > 0 && !heardMaster && now() < deadline) await sleep(pollMs);
        logger('info', 'VRRP: MASTER steps down', { successor: heardMaster });
      }
      if (letGo) place();
      await end();
    },
  };
}

/** Looks again and again; tells when so many results in a row say otherwise than before. */
function createCheck(
  { check }: VrrpConfiguration,
  isHealthy: () => Promise<boolean>,
  tell: (healthy: boolean) => void,
): { stop(): void } {
  let healthy = true;
  let inARow = 0;
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;
  const look = async () => {
    const found = await isHealthy().catch(() => false);
    inARow = found === healthy ? 0 : inARow + 1;
    if (inARow >= (found ? check.successCount : check.failCount)) {
      healthy = found;
      inARow = 0;
      if (!stopped) tell(healthy);
    }
  };
  const next = () => {
    if (stopped) return;
    timer = setTimeout(() => void look().finally(next), check.intervalMs);
    timer.unref();
  };
  next();
  return {
    stop() {
      stopped = true;
      clearTimeout(timer);
    },
  };
}

async function bind(address: string): Promise<Socket> {
  const socket = createSocket('udp4');
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject);
    socket.bind({ address, port: vrrpPort }, () => {
      socket.off('error', reject);
      resolve();
    });
  });
  socket.on('error', () => undefined);
  socket.unref();
  return socket;
}
