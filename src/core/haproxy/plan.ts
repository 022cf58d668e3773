import {
  type HealthMonitor,
  isPendingDelete,
  type L7Rule,
  type Listener,
  type ListenerProtocol,
  type LoadBalancerTree,
  type Member,
  type Pool,
  type ProvisioningStatus,
} from '../../model/load-balancer.ts';
import type { HaproxySettings } from './settings.ts';

export type PlannedPool = LoadBalancerTree['pools'][number];
export type Policy = LoadBalancerTree['listeners'][number]['l7Policies'][number];
export type Mode = 'http' | 'tcp';

/** A listener that HAProxy serves, with everything looked up: who is left out of the file is left out here. */
export interface PlannedListener {
  listener: Listener;
  mode: Mode;
  connectionLimit: number;
  /** Has its TLS ended here, or may have (PROMETHEUS). */
  mayEndTls: boolean;
  /** In order of position, each with at least one rule. */
  policies: readonly PlannedPolicy[];
  defaultPool: PlannedPool | null;
  /** A backend each: the default pool and those that policies name. */
  pools: readonly PlannedPool[];
}

export interface PlannedPolicy {
  policy: Policy;
  rules: readonly L7Rule[];
  /** Of REDIRECT_TO_POOL; null when that pool is disabled or on its way out. */
  redirectPool: PlannedPool | null;
}

const modes: Record<ListenerProtocol, Mode | null> = {
  HTTP: 'http',
  TERMINATED_HTTPS: 'http',
  PROMETHEUS: 'http',
  HTTPS: 'tcp',
  TCP: 'tcp',
  // Not HAProxy's: keepalived serves these.
  UDP: null,
  SCTP: null,
};

const isLive = (resource: { adminStateUp: boolean; provisioningStatus: ProvisioningStatus }) =>
  resource.adminStateUp && !isPendingDelete(resource);

/** Listeners of `tree` that belong into an HAProxy configuration, enabled or not; with none, the agent keeps no file. */
export function haproxyListeners(tree: LoadBalancerTree): LoadBalancerTree['listeners'] {
  return tree.listeners.filter((listener) => modes[listener.protocol] !== null && !isPendingDelete(listener));
}

/** What HAProxy serves for `tree`: nothing for a disabled load balancer. */
export function planListeners(
  tree: LoadBalancerTree,
  settings: Pick<HaproxySettings, 'defaultConnectionLimit'>,
): PlannedListener[] {
  if (!tree.loadBalancer.adminStateUp) return [];
  const livePools = new Map(tree.pools.filter(isLive).map((pool) => [pool.id, pool]));
  const poolOf = (id: string | null) => livePools.get(id ?? '') ?? null;

  return haproxyListeners(tree)
    .filter((listener) => listener.adminStateUp)
    .map((listener) => {
      const policies = listener.l7Policies
        .filter(isLive)
        .map((policy) => {
          return { policy, rules: policy.rules.filter(isLive), redirectPool: poolOf(policy.redirectPoolId) };
        })
        .filter(({ rules }) => rules.length > 0)
        .sort((one, other) => one.policy.position - other.policy.position);
      const defaultPool = poolOf(listener.defaultPoolId);
      const pools = [defaultPool, ...policies.map(({ redirectPool }) => redirectPool)].filter((pool) => pool !== null);
      return {
        listener,
        mode: modes[listener.protocol] ?? 'tcp',
        connectionLimit: listener.connectionLimit > 0 ? listener.connectionLimit : settings.defaultConnectionLimit,
        mayEndTls: listener.protocol === 'TERMINATED_HTTPS' || listener.protocol === 'PROMETHEUS',
        policies,
        defaultPool,
        pools: [...new Set(pools)],
      };
    });
}

/** The members that stand in the file, disabled ones too: these keep their name in the heartbeats. */
export function configuredMembers(members: readonly Member[]): Member[] {
  return members.filter((member) => !isPendingDelete(member));
}

/** The monitor that HAProxy carries out; those for UDP and SCTP are keepalived's. */
export function monitorOf(pool: PlannedPool): HealthMonitor | null {
  const monitor = pool.healthMonitor;
  if (!monitor || !isLive(monitor) || monitor.type === 'UDP-CONNECT' || monitor.type === 'SCTP') return null;
  return monitor;
}

/** HTTP or TCP between HAProxy and the members; PROXY carries whatever the listener does. */
export function modeOf(pool: Pool, listenerMode: Mode): Mode {
  if (pool.protocol === 'PROXY' || pool.protocol === 'PROXYV2') return listenerMode;
  return pool.protocol === 'HTTP' ? 'http' : 'tcp';
}
