import { createHash } from 'node:crypto';
import type { HealthMonitor, Listener, LoadBalancerTree, Member } from '../../model/load-balancer.ts';
import type { VrrpInstance } from '../keepalived/vrrp/settings.ts';
import {
  plainHealthMonitor,
  plainL7Policy,
  plainL7Rule,
  plainListener,
  plainLoadBalancer,
  plainMember,
  plainPool,
} from '../lbaas/plain-resources.ts';
import { vrrpOf } from '../lbaas/vrrp.ts';
import { stableId } from '../operations/stable-id.ts';

/** Ports that HAProxy may listen at, and connect to, where SELinux guards it. */
const ENTRANCE = 8080;
const EXIT = 8008;
const CHECKED_EVERY_SECONDS = 1;

/**
 * A load balancer that nobody has, and that needs no network: HAProxy is its own member. The exit answers 403 to whoever comes;
 * the entrance takes requests, and passes them on to the exit; and the exit's pool watches the entrance. So its member is UP if
 * a request goes in, through, and back, and heartbeats tell.
 */
export function probeTree(loadBalancerId: string, createdAt: string): LoadBalancerTree {
  const address = addressOf(loadBalancerId);
  const resource = (purpose: string) => ({
    id: stableId(loadBalancerId, purpose),
    projectId: '',
    name: 'kiln-probe',
    adminStateUp: true,
    provisioningStatus: 'ACTIVE' as const,
    operatingStatus: 'ONLINE' as const,
    tags: [],
    createdAt,
    updatedAt: createdAt,
  });
  const idOf = (purpose: string) => resource(purpose).id;

  const listener = (name: string, protocolPort: number, pool: string): Listener => ({
    ...plainListener(resource(name), loadBalancerId),
    protocolPort,
    defaultPoolId: idOf(pool),
    insertHeaders: { 'X-Forwarded-For': 'true' },
  });
  const pool = (name: string) => plainPool(resource(name), loadBalancerId);
  const member = (of: string, protocolPort: number): Member => ({
    ...plainMember(resource(`member of ${of}`), idOf(of)),
    address,
    protocolPort,
  });
  const monitor: HealthMonitor = {
    ...plainHealthMonitor(resource('health monitor'), idOf('watching')),
    delay: CHECKED_EVERY_SECONDS,
    timeout: CHECKED_EVERY_SECONDS,
    maxRetries: 1,
    maxRetriesDown: 1,
    expectedCodes: '403',
  };
  const refusal = plainL7Policy(resource('policy'), idOf('exit'));
  const anything = plainL7Rule(resource('rule'), refusal.id);
  return {
    loadBalancer: {
      ...plainLoadBalancer({ ...resource('load balancer'), id: loadBalancerId }),
      vip: { address, networkId: '', subnetId: null, portId: null, octaviaOwned: true },
    },
    listeners: [
      { ...listener('entrance', ENTRANCE, 'passing on'), l7Policies: [] },
      { ...listener('exit', EXIT, 'watching'), l7Policies: [{ ...refusal, rules: [anything] }] },
    ],
    pools: [
      { ...pool('passing on'), members: [member('passing on', EXIT)], healthMonitor: null },
      { ...pool('watching'), members: [member('watching', ENTRANCE)], healthMonitor: monitor },
    ],
  };
}

/**
 * What keepalived of that load balancer is given: everything that one of a pair has, but for the interface of a VIP, which no amphora
 * has before a VIP's port is plugged. So keepalived runs, checks HAProxy, and waits: no address comes up, and nothing is sent.
 */
export function probeVrrp(loadBalancerId: string): VrrpInstance {
  const own = addressOf(loadBalancerId);
  const { vrrp_id, vrrp_priority, vrrp_interface } = vrrpOf('MASTER');
  return {
    loadBalancerId,
    interfaceName: vrrp_interface ?? '',
    isInterfaceAbsent: true,
    virtualRouterId: vrrp_id ?? 0,
    priority: vrrp_priority ?? 0,
    vrrpIp: own,
    peerIps: [besideOf(own, 64)],
    vip: { address: besideOf(own, 128), subnetCidr: `${besideOf(own, 128)}/32`, gateway: null, hostRoutes: [] },
    additionalVips: [],
  };
}

/** Another loopback address, at which nobody listens. */
function besideOf(address: string, by: number): string {
  const [, second = '', ...rest] = address.split('.');
  return ['127', Number(second) + by, ...rest].join('.');
}

/** Of the loopback network, which an amphora always has; each its own, for amphorae that are processes on one machine. */
function addressOf(loadBalancerId: string): string {
  const [a = 0, b = 0, c = 0] = createHash('sha256').update(loadBalancerId).digest();
  return `127.${1 + (a % 62)}.${b}.${1 + (c % 254)}`;
}
