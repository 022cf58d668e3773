import type { LoadBalancerTree, OperatingStatus } from '../../model/load-balancer.ts';
import type { Heartbeat, PoolHeartbeat } from '../heartbeat/message.ts';

type Kind = 'loadbalancer' | 'listener' | 'pool' | 'member';

export interface StatusChange {
  kind: Kind;
  id: string;
  operatingStatus: OperatingStatus;
}

/** What a heartbeat says of its load balancer. */
export interface Judgement {
  /** Operating statuses that are others now. */
  changes: readonly StatusChange[];
  /** False when it tells of too few or too many listeners: then it is no sign that the amphora is well. */
  healthy: boolean;
  listenersExpected: number;
  /** Words of HAProxy that have no meaning here, with what they were said of: those keep the status that they have. */
  unknown: readonly { kind: Kind; id: string }[];
}

/**
 * Of an amphora that no load balancer says anything about, as that of a probe: nothing it tells of is other than well. One that
 * has nothing to tell of is well.
 */
export function isAllWell({ listeners, pools }: Heartbeat): boolean {
  const isUp = (status: string) => status === 'UP' || status === 'no check';
  return (
    [...listeners.values()].every(({ status }) => status === 'OPEN') &&
    pools.every(({ status, members }) => isUp(status) && [...members.values()].every(isUp))
  );
}

type Listener = LoadBalancerTree['listeners'][number];
type Pool = LoadBalancerTree['pools'][number];

/**
 * Judges as Octavia does (octavia/amphorae/drivers/health/heartbeat_udp.py, UpdateHealthDb._update_health and
 * _process_pool_status). Health monitors, policies and rules are not judged by heartbeats there either.
 *
 * - A load balancer that is down by its administrator is OFFLINE, else ONLINE; DEGRADED where a listener is FULL or a
 *   member is DOWN, or where the other amphora of a pair does not serve; ERROR where a pool is DOWN. A listener that is missing does not touch it.
 * - What nobody tells of is OFFLINE, be it new, disabled or not in use; a listener ERROR, if it ought to be there.
 */
export function deriveStatuses(
  tree: LoadBalancerTree,
  heartbeat: Heartbeat,
  { lacksPartner }: { lacksPartner: boolean } = { lacksPartner: false },
): Judgement {
  const { loadBalancer, listeners, pools } = tree;
  const changes: StatusChange[] = [];
  const unknown: { kind: Kind; id: string }[] = [];
  let worst: OperatingStatus = loadBalancer.adminStateUp ? 'ONLINE' : 'OFFLINE';

  const note = (kind: Kind, { id, operatingStatus: old }: { id: string; operatingStatus: OperatingStatus }) => ({
    /** @param status undefined: it keeps what it has. */
    becomes(status: OperatingStatus | undefined) {
      if (status !== undefined && status !== old) changes.push({ kind, id, operatingStatus: status });
    },
    isUnknown: () => void unknown.push({ kind, id }),
  });
  const degrade = () => {
    if (worst === 'ONLINE') worst = 'DEGRADED';
  };
  if (lacksPartner) degrade();

  for (const listener of listeners) {
    const reported = heartbeat.listeners.get(listener.id);
    const { becomes, isUnknown } = note('listener', listener);
    if (!reported) {
      becomes(listener.adminStateUp && loadBalancer.provisioningStatus === 'ACTIVE' ? 'ERROR' : 'OFFLINE');
    } else if (reported.status === 'OPEN') {
      becomes('ONLINE');
    } else if (reported.status === 'FULL') {
      becomes('DEGRADED');
      degrade();
    } else {
      isUnknown();
    }
  }

  const toldPools = poolsTold(tree, heartbeat);
  for (const pool of pools) {
    const reported = toldPools.get(pool.id);
    const { becomes, isUnknown } = note('pool', pool);
    if (!reported) {
      if (judgesMissingPools(tree, heartbeat)) becomes('OFFLINE');
      continue;
    }
    const isDown = reported.status === 'DOWN';
    let status: OperatingStatus | undefined = isDown ? 'ERROR' : reported.status === 'UP' ? 'ONLINE' : undefined;
    if (isDown) worst = 'ERROR';
    if (!status) isUnknown();

    for (const member of pool.members) {
      const said = reported.members.get(member.id);
      const noted = note('member', member);
      if (said === undefined) {
        // One without a monitor has a status that HAProxy never tells.
        noted.becomes(member.operatingStatus === 'NO_MONITOR' ? undefined : 'OFFLINE');
        continue;
      }
      const meaning = meaningOf(said);
      if (meaning === null) noted.isUnknown();
      else noted.becomes(meaning);
      if (meaning === 'ERROR' && status === 'ONLINE') {
        status = 'DEGRADED';
        degrade();
      }
    }
    becomes(status);
  }
  note('loadbalancer', loadBalancer).becomes(worst);

  const listenersExpected = expectedListeners(tree, heartbeat);
  return {
    changes,
    healthy: listenersExpected === heartbeat.listeners.size || !countsListeners(tree),
    listenersExpected,
    unknown,
  };
}

/**
 * HAProxy's words for a server (and keepalived's, which the agent translates). On the way between two states it says both
 * how many checks it has and how many it needs: "UP 1/3" is still up.
 * @returns undefined: nobody knows at the moment; null: not a word of theirs.
 */
function meaningOf(said: string): OperatingStatus | undefined | null {
  if (said.startsWith('UP')) return 'ONLINE';
  if (said.startsWith('DOWN')) return 'ERROR';
  if (said === 'DRAIN') return 'DRAINING';
  if (said === 'MAINT') return 'OFFLINE';
  if (said === 'no check') return 'NO_MONITOR';
  // keepalived starts anew and has not checked yet.
  if (said === 'RESTARTING') return undefined;
  return null;
}

/**
 * By ID, what is reported of each pool. Of a pool that several listeners use, the newest formats are read as Python reads a
 * dictionary: the last one counts. In the older ones listeners are asked in turn, and the first that knows it counts.
 */
function poolsTold(tree: LoadBalancerTree, heartbeat: Heartbeat): ReadonlyMap<string, PoolHeartbeat> {
  if (heartbeat.version >= 2) return new Map(heartbeat.pools.map((pool) => [pool.poolId, pool]));
  const reported = new Map<string, PoolHeartbeat>();
  for (const { id } of tree.listeners) {
    for (const pool of heartbeat.pools) {
      if (pool.listenerId === id && !reported.has(pool.poolId)) reported.set(pool.poolId, pool);
    }
  }
  return reported;
}

/** In the older formats pools stand in their listeners: where none of those is reported, nothing is known of pools. */
function judgesMissingPools({ listeners }: LoadBalancerTree, heartbeat: Heartbeat): boolean {
  return heartbeat.version >= 2 || listeners.some(({ id }) => heartbeat.listeners.has(id));
}

/** While a change is under way, or the load balancer is down by its administrator, any number will do. */
function countsListeners({ loadBalancer }: LoadBalancerTree): boolean {
  return loadBalancer.adminStateUp && !loadBalancer.provisioningStatus.startsWith('PENDING');
}

/** Listeners that are down by their administrator are not in an amphora's configuration. */
function expectedListeners({ listeners, pools }: LoadBalancerTree, heartbeat: Heartbeat): number {
  // Agents of the first format (before Octavia 4) tell nothing of a UDP listener that has nowhere to send to.
  const isSilent = (listener: Listener) =>
    heartbeat.version === 0 &&
    listener.protocol === 'UDP' &&
    !hasEnabledMember(pools.find(({ id }) => id === listener.defaultPoolId));
  // Octavia takes silent ones off even when they are disabled, and then expects one too few; that is not followed.
  return listeners.filter((listener) => listener.adminStateUp && !isSilent(listener)).length;
}

function hasEnabledMember(pool: Pool | undefined): boolean {
  return pool?.members.some(({ adminStateUp }) => adminStateUp) ?? false;
}
