import { type DecodedHeartbeat, decodeHeartbeat } from '../core/heartbeat/decode.ts';
import { heartbeatKeyInForce } from '../core/heartbeat/message.ts';
import { toKilnError } from '../model/errors.ts';
import type { Clock } from '../ports/clock.ts';
import type { Datagrams } from '../ports/datagrams.ts';
import type { AmphoraDirectory, HealthStore } from '../ports/health-store.ts';
import type { LoadBalancerStore } from '../ports/load-balancer-store.ts';
import type { Log } from '../ports/log.ts';
import { createDroppedPackets } from './dropped-packets.ts';
import { createHealthEvaluator } from './health-evaluator.ts';
import { createInbox, type Reception, type Waiting } from './inbox.ts';

export interface HealthManagerDeps {
  datagrams: Datagrams;
  directory: AmphoraDirectory;
  loadBalancers: Pick<LoadBalancerStore, 'tree'>;
  health: Pick<HealthStore, 'record'>;
  clock: Clock;
  log: Log;
  /** Asked for each packet: a new key counts at once. */
  settings: () => HealthManagerSettings;
}

export interface HealthManagerSettings {
  /** [health_manager] heartbeat_key. */
  heartbeatKey: string | null;
  /** [kiln] previous_heartbeat_keys: still accepted, until every agent has the new one. */
  previousHeartbeatKeys: readonly string[];
  /** [health_manager] heartbeat_interval. */
  heartbeatIntervalSeconds: number;
  /** How many agents send to in turn: [health_manager] controller_ip_port_list. */
  controllers: number;
}

/** Counted since the start. */
export interface HealthManagerStats {
  packets: number;
  /** By why. */
  dropped: Readonly<Record<string, number>>;
  /** Heartbeats whose place a newer one took before they were recorded; nothing of their traffic is lost. */
  coalesced: number;
  /** Heartbeats that were not believed until the next one came. */
  held: number;
  /** Packets that were signed with a key of before. */
  underPreviousKey: number;
  /** Heartbeats of amphorae that are not recorded here. */
  unknownAmphorae: number;
  /** Times that an amphora began to tell of a wrong number of listeners. */
  wrongListenerCounts: number;
  /** Load balancers read because they, or what was said of them, had changed. */
  treesRead: number;
  recorded: number;
  batches: number;
  failedBatches: number;
  /** Operating statuses written. */
  statusChanges: number;
  /** Packets and heartbeats that wait at this moment, or are just being recorded. */
  waiting: number;
}

interface Packet {
  bytes: Uint8Array;
  fromAddress: string;
  receivedAt: Date;
}

export interface HealthManager {
  /** Resolves when heartbeats come in; CONFIGURATION_INVALID when the address can't be had. */
  start(): Promise<{ address: string; port: number }>;
  /** Takes no more, and resolves when what has come is recorded, or can't be. */
  stop(): Promise<void>;
  stats(): HealthManagerStats;
  /** False while what comes in can't be recorded, or the recording of it does not end. */
  isRecording(): boolean;
}

/** Heartbeats of one transaction. The socket waits while they are judged and, by the embedded database, written. */
const LARGEST_BATCH = 1_000;
/** So long the first heartbeat waits for others to come along: a transaction costs the same for one and for many. */
const GATHER_MS = 200;
/**
 * Packets are read together, too: reading one takes twice as long when the processor has done something else since the last.
 * No more of them than this wait for it, nor more bytes: anybody can send some.
 */
const MOST_UNREAD = 256;
const MOST_UNREAD_BYTES = 1024 * 1024;
const PAUSE_AFTER_FAILURE_MS = 1_000;
/** A batch that takes longer waits for the database, as for a lock: who was heard of meanwhile looks silent. */
const LONGEST_RECORDING_MS = 5_000;
/** More amphorae than this wait only when the database has been away for long. */
const LARGEST_INBOX = 100_000;
/** How much longer than their interval heartbeats may take before an agent counts as silent. */
const PATIENCE = 1.2;

/** Receives heartbeats and keeps operating statuses and statistics from them. */
export function createHealthManager(deps: HealthManagerDeps): HealthManager {
  const { datagrams, health, clock, log, settings } = deps;
  const monotonicMs = () => clock.monotonicMs();
  const counts = {
    packets: 0,
    coalesced: 0,
    held: 0,
    underPreviousKey: 0,
    unknownAmphorae: 0,
    wrongListenerCounts: 0,
    treesRead: 0,
    recorded: 0,
    batches: 0,
    failedBatches: 0,
    statusChanges: 0,
  };
  const stopping = new AbortController();
  const dropped = createDroppedPackets(log, monotonicMs);
  const evaluator = createHealthEvaluator({ ...deps, monotonicMs, yieldToEventLoop: () => pause(0) }, counts);
  const inbox = createInbox({
    monotonicMs,
    patienceMs: () => {
      const { heartbeatIntervalSeconds, controllers } = settings();
      return heartbeatIntervalSeconds * 1000 * Math.max(1, controllers) * PATIENCE;
    },
    largestSize: LARGEST_INBOX,
  });
  let working: Promise<void> | null = null;
  let databaseFailed = false;
  let underWay = 0;
  /** When the transaction that is under way began. */
  let recordingSinceMs: number | null = null;
  let unread: Packet[] = [];
  let unreadBytes = 0;

  function receive(bytes: Uint8Array, fromAddress: string): void {
    counts.packets++;
    unread.push({ bytes, fromAddress, receivedAt: clock.now() });
    unreadBytes += bytes.byteLength;
    if (unread.length >= MOST_UNREAD || unreadBytes >= MOST_UNREAD_BYTES) readPackets();
    startWork();
  }

  function readPackets(): void {
    const packets = unread;
    unread = [];
    unreadBytes = 0;
    for (const packet of packets) read(packet);
  }

  function read({ bytes, fromAddress, receivedAt }: Packet): void {
    const decoded = decode(bytes);
    if (!decoded.ok) {
      dropped.note(decoded.fault, decoded.detail, fromAddress);
      return;
    }
    const reception = inbox.put(decoded.heartbeat, receivedAt);
    if (reception === 'replayed' || reception === 'full') {
      dropped.note(reception, receptionDetails[reception], fromAddress);
    } else if (reception !== 'queued') {
      counts[reception]++;
    }
  }

  function decode(bytes: Uint8Array): DecodedHeartbeat {
    const { heartbeatKey, previousHeartbeatKeys } = settings();
    const decoded = decodeHeartbeat(bytes, heartbeatKeyInForce(heartbeatKey));
    if (decoded.ok || decoded.fault !== 'signature') return decoded;
    for (const key of previousHeartbeatKeys) {
      const underPrevious = decodeHeartbeat(bytes, key);
      if (!underPrevious.ok && underPrevious.fault === 'signature') continue;
      counts.underPreviousKey++;
      return underPrevious;
    }
    return decoded;
  }

  function startWork(): void {
    working ??= work()
      .catch((error: Error) => log.error({ reason: error.message }, 'the recording of heartbeats broke off'))
      .finally(() => {
        working = null;
      });
  }

  /** Until nothing waits. */
  async function work(): Promise<void> {
    while (unread.length + inbox.size() > 0) {
      if (inbox.size() < LARGEST_BATCH) await pause(GATHER_MS);
      readPackets();
      const batch = inbox.take(LARGEST_BATCH);
      underWay = batch.length;
      const isDone = batch.length === 0 || (await recordBatch(batch));
      underWay = 0;
      if (isDone) continue;
      inbox.putBack(batch);
      if (stopping.signal.aborted) {
        log.error({ heartbeats: inbox.size() }, 'heartbeats are lost: they could not be recorded before the end');
        return;
      }
      await pause(PAUSE_AFTER_FAILURE_MS);
    }
  }

  /** No longer than until the stop. */
  async function pause(milliseconds: number): Promise<void> {
    if (stopping.signal.aborted) return;
    await clock.sleep(milliseconds, stopping.signal).catch((error) => {
      if (!stopping.signal.aborted) throw error;
    });
  }

  /** False when it may be tried again. */
  async function recordBatch(batch: readonly Waiting[]): Promise<boolean> {
    counts.batches++;
    recordingSinceMs = monotonicMs();
    try {
      await judgeAndRecord(batch);
      if (databaseFailed) log.info({}, 'heartbeats are recorded again');
      databaseFailed = false;
      return true;
    } catch (thrown) {
      counts.failedBatches++;
      const error = toKilnError(thrown);
      if (error.retryable) {
        if (!databaseFailed)
          log.error({ code: error.code, reason: error.message }, 'heartbeats cannot be recorded; trying on');
        databaseFailed = true;
        return false;
      }
      if (batch.length === 1) {
        log.error(
          { amphoraId: batch[0]?.heartbeat.amphoraId, code: error.code, reason: error.message },
          'a heartbeat is lost: it cannot be recorded',
        );
        return true;
      }
    } finally {
      recordingSinceMs = null;
    }
    // One of them is at fault; the others are not to suffer from it.
    for (const [n, one] of batch.entries()) {
      if (await recordBatch([one])) continue;
      inbox.putBack(batch.slice(n));
      return true;
    }
    return true;
  }

  async function judgeAndRecord(batch: readonly Waiting[]): Promise<void> {
    const judged = await evaluator.judge(batch);
    if (judged.length === 0) return;
    const records = judged.map(({ record }) => record);
    await health.record(records);
    evaluator.remember(judged);
    counts.recorded += records.length;
    counts.statusChanges += records.reduce((sum, { operatingStatuses }) => sum + operatingStatuses.length, 0);
  }

  return {
    async start() {
      const place = await datagrams.open({
        packet: receive,
        fault: (error) => log.error({ reason: error.message }, 'the socket for heartbeats fails'),
      });
      log.info(place, 'heartbeats are received');
      return place;
    },

    async stop() {
      await datagrams.close();
      stopping.abort(new Error('the health manager stops'));
      await working;
      dropped.flush();
    },

    isRecording: () =>
      !databaseFailed && (recordingSinceMs === null || monotonicMs() - recordingSinceMs < LONGEST_RECORDING_MS),

    stats: () => ({ ...counts, dropped: { ...dropped.counts }, waiting: unread.length + inbox.size() + underWay }),
  };
}

const receptionDetails: Record<Extract<Reception, 'replayed' | 'full'>, string> = {
  replayed: 'the heartbeat has been here before',
  full: 'too many amphorae wait for being recorded',
};
