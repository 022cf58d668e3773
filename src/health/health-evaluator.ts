import { deriveStatuses, isAllWell, type Judgement } from '../core/health/derive-statuses.ts';
import { fingerprintOf } from '../core/health/fingerprint.ts';
import type { BackendCounters } from '../core/heartbeat/message.ts';
import { treeInEffect } from '../core/operations/in-effect.ts';
import { createTtlMap } from '../lib/ttl-map.ts';
import type { AmphoraStatus } from '../model/amphora.ts';
import type { LoadBalancerTree } from '../model/load-balancer.ts';
import type { AmphoraDirectory, HeartbeatRecord, KnownAmphora } from '../ports/health-store.ts';
import type { LoadBalancerStore } from '../ports/load-balancer-store.ts';
import type { Log } from '../ports/log.ts';
import type { Waiting } from './inbox.ts';

/** Makes records of heartbeats. */
export interface HealthEvaluator {
  /** Those of amphorae that nobody knows are left out. */
  judge(batch: readonly Waiting[]): Promise<Judged[]>;
  /** They are recorded: what was decided needs no deciding again. */
  remember(judged: readonly Judged[]): void;
}

export interface Judged {
  record: HeartbeatRecord;
  evaluation: Evaluation;
}

/** What came out for an amphora the last time. It holds until its load balancer, or what it says, is another. */
export interface Evaluation {
  loadBalancerId: string | null;
  revision: string | null;
  /** Null: it was not judged. */
  fingerprint: string | null;
  healthy: boolean;
  listenerIds: ReadonlySet<string>;
}

export interface JudgeCounts {
  unknownAmphorae: number;
  wrongListenerCounts: number;
  treesRead: number;
}

/** An amphora in any other status is just being made, or taken away: its load balancer is not to be judged by it. */
const judgedStatuses: readonly AmphoraStatus[] = ['ALLOCATED', 'READY'];

/** A tree takes several statements. The database has others to serve as well. */
const TREES_AT_ONCE = 4;
const FORGET_AFTER_MS = 3_600_000;
/** Between the arrival of a heartbeat and its verdict, on a busy host. */
const LONGEST_BEFORE_READ_MS = 5_000;

/**
 * Looks all senders up in one statement, and reads a load balancer only when it, or what its amphora says of it, has
 * changed since the last time; counters change always, and need no judging.
 */
export function createHealthEvaluator(
  parts: {
    directory: AmphoraDirectory;
    loadBalancers: Pick<LoadBalancerStore, 'tree'>;
    log: Log;
    monotonicMs: () => number;
    /** Lets others have their turn: an embedded database answers without ever giving way. */
    yieldToEventLoop: () => Promise<void>;
  },
  counts: JudgeCounts,
): HealthEvaluator {
  const { directory, loadBalancers, log, monotonicMs, yieldToEventLoop } = parts;
  const evaluations = createTtlMap<Evaluation>(monotonicMs, FORGET_AFTER_MS);
  const unknownSenders = createTtlMap<true>(monotonicMs, FORGET_AFTER_MS);

  function reportUnknownAmphora(amphoraId: string): void {
    counts.unknownAmphorae++;
    if (unknownSenders.get(amphoraId)) return;
    unknownSenders.set(amphoraId, true);
    log.warn(
      { amphoraId: amphoraId.slice(0, 64) },
      'heartbeat of an amphora that is not recorded here; it may have been deleted a moment ago',
    );
  }

  /** Trees of those whose last verdict does not hold any more, each read once. */
  async function readTrees(ids: ReadonlySet<string>): Promise<ReadonlyMap<string, LoadBalancerTree | null>> {
    const trees = new Map<string, LoadBalancerTree | null>();
    const left = [...ids];
    counts.treesRead += left.length;
    const reader = async () => {
      for (let id = left.pop(); id !== undefined; id = left.pop()) {
        const tree = await loadBalancers.tree(id);
        trees.set(id, tree && treeInEffect(tree));
        await yieldToEventLoop();
      }
    };
    await Promise.all(Array.from({ length: TREES_AT_ONCE }, reader));
    return trees;
  }

  function explain(amphoraId: string, tree: LoadBalancerTree | null, judgement: Judgement, found: number): void {
    const loadBalancerId = tree?.loadBalancer.id ?? null;
    const before = evaluations.get(amphoraId);
    if (!judgement.healthy && (!before || before.healthy || before.fingerprint === null)) {
      counts.wrongListenerCounts++;
      log.warn(
        { amphoraId, loadBalancerId, found, expected: judgement.listenersExpected },
        'heartbeat tells of another number of listeners than the load balancer has; it is no sign of health',
      );
    }
    if (judgement.unknown.length > 0) {
      log.warn(
        { amphoraId, loadBalancerId, of: judgement.unknown },
        'heartbeat has words for a status that Kiln does not know',
      );
    }
    if (judgement.changes.length > 0) {
      log.debug({ amphoraId, loadBalancerId, changes: judgement.changes }, 'operating statuses change');
    }
  }

  function judgeAnew(waiting: Waiting, known: KnownAmphora, tree: LoadBalancerTree | null, fingerprint: string) {
    const { heartbeat } = waiting;
    const { amphoraId } = heartbeat;
    const judges = judgedStatuses.includes(known.status);
    const isNobodys = known.loadBalancerId === null;
    const healthy = isNobodys ? isAllWell(heartbeat) : heartbeat.listeners.size === 0;
    const judgement: Judgement = tree
      ? deriveStatuses(tree, heartbeat, known)
      : { changes: [], healthy, listenersExpected: 0, unknown: [] };
    if (judges && !isNobodys) explain(amphoraId, tree, judgement, heartbeat.listeners.size);
    const isVerdict = judges && !(tree && isOlderThanItsChange(waiting.receivedAt, tree));
    const evaluation: Evaluation = {
      loadBalancerId: known.loadBalancerId,
      revision: known.revision,
      fingerprint: isVerdict ? fingerprint : null,
      healthy: judges && judgement.healthy,
      listenerIds: new Set(tree?.listeners.map(({ id }) => id)),
    };
    return { evaluation, changes: isVerdict ? judgement.changes : [] };
  }

  return {
    async judge(batch) {
      const known = await directory.find(batch.map(({ heartbeat }) => heartbeat.amphoraId));
      const open: { waiting: Waiting; amphora: KnownAmphora; fingerprint: string }[] = [];
      const judged: Judged[] = [];
      for (const waiting of batch) {
        const { amphoraId } = waiting.heartbeat;
        const amphora = known.get(amphoraId);
        if (!amphora || amphora.status === 'DELETED') {
          reportUnknownAmphora(amphoraId);
          continue;
        }
        const fingerprint = fingerprintOf(waiting.heartbeat);
        const evaluation = evaluations.get(amphoraId);
        if (evaluation && holds(evaluation, amphora, fingerprint)) judged.push(judgedAs(waiting, evaluation, []));
        else open.push({ waiting, amphora, fingerprint });
      }
      const ids = open.flatMap(({ amphora }) => (amphora.loadBalancerId === null ? [] : [amphora.loadBalancerId]));
      const trees = await readTrees(new Set(ids));
      for (const { waiting, amphora, fingerprint } of open) {
        const tree = amphora.loadBalancerId === null ? null : (trees.get(amphora.loadBalancerId) ?? null);
        const { evaluation, changes } = judgeAnew(waiting, amphora, tree, fingerprint);
        judged.push(judgedAs(waiting, evaluation, changes));
      }
      return judged;
    },

    // Where statuses were written the revision is another now, and the next heartbeat is judged by what is there then.
    remember(judged) {
      for (const { record, evaluation } of judged) evaluations.set(record.amphoraId, evaluation);
    },
  };
}

function holds(evaluation: Evaluation, amphora: KnownAmphora, fingerprint: string): boolean {
  return (
    evaluation.loadBalancerId === amphora.loadBalancerId &&
    evaluation.revision === amphora.revision &&
    evaluation.fingerprint === (judgedStatuses.includes(amphora.status) ? fingerprint : null)
  );
}

/**
 * Heartbeats are read some time after they came. One that came before the load balancer's last change says how it was then: a listener
 * that has just been made would be ERROR until the next one. Where the other controller's clock runs further ahead, it counts.
 */
function isOlderThanItsChange(receivedAt: Date, { loadBalancer }: LoadBalancerTree): boolean {
  if (loadBalancer.updatedAt === null) return false;
  const aheadMs = Date.parse(loadBalancer.updatedAt) - receivedAt.getTime();
  return aheadMs > 0 && aheadMs <= LONGEST_BEFORE_READ_MS;
}

/** Traffic is counted for listeners that the load balancer has, and no others: who has the key is not to be trusted more. */
function judgedAs(waiting: Waiting, evaluation: Evaluation, changes: Judgement['changes']): Judged {
  const { heartbeat, traffic, receivedAt, beats, restarts } = waiting;
  const { healthy, listenerIds } = evaluation;
  return {
    evaluation,
    record: {
      amphoraId: heartbeat.amphoraId,
      receivedAt: healthy ? receivedAt.toISOString() : null,
      beats,
      restarts,
      statistics: [...traffic.counters]
        .filter(([listenerId]) => listenerIds.has(listenerId))
        .map(([listenerId, { backend, ...counters }]) => ({
          listenerId,
          ...counters,
          ...(backend && { failures: failuresOf(backend) }),
        })),
      countersAreDeltas: traffic.areDeltas,
      operatingStatuses: changes,
    },
  };
}

/** One that fails may be counted by more than one of them. */
function failuresOf({ serverErrors, connectErrors, responseErrors, retries }: BackendCounters): number {
  return Math.max(serverErrors, connectErrors + responseErrors, retries);
}
