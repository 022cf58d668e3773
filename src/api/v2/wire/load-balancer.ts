import type { Static } from 'typebox';
import type { LoadBalancer, LoadBalancerTree } from '../../../model/load-balancer.ts';
import type { OperationReason } from '../../../model/operation.ts';
import type { RelatedIds } from '../../../ports/load-balancer-store.ts';
import type { loadBalancerFullView, loadBalancerStatusAnswer, loadBalancerView } from '../schemas/load-balancer.ts';
import { ids, vnicType, wireTime, wireTimeOrNull } from './common.ts';
import { listenerToFullWire } from './listener.ts';
import { poolToFullWire } from './pool.ts';

export function loadBalancerToWire(loadBalancer: LoadBalancer, related: RelatedIds): Static<typeof loadBalancerView> {
  return {
    ...head(loadBalancer),
    listeners: ids(related.listenerIds),
    pools: ids(related.poolIds),
    ...tail(loadBalancer),
  };
}

export const reasonToWire = ({ code, message, advice }: OperationReason) => ({ code, message, advice });

/** With everything in it, as a creation answers. */
export function treeToWire(tree: LoadBalancerTree): Static<typeof loadBalancerFullView> {
  return {
    listeners: tree.listeners.map(listenerToFullWire),
    pools: tree.pools.map((pool) =>
      poolToFullWire(
        pool,
        listenersOf(tree, pool.id).map(({ id }) => id),
      ),
    ),
    ...head(tree.loadBalancer),
    ...tail(tree.loadBalancer),
  };
}

/** `GET …/status`: the tree with nothing but names and statuses. */
export function treeToStatus(tree: LoadBalancerTree): Static<typeof loadBalancerStatusAnswer> {
  const { loadBalancer, listeners } = tree;
  const poolStatus = (pool: LoadBalancerTree['pools'][number]) => ({
    id: pool.id,
    name: pool.name,
    provisioning_status: pool.provisioningStatus,
    operating_status: pool.operatingStatus,
    ...(pool.healthMonitor && {
      health_monitor: {
        id: pool.healthMonitor.id,
        name: pool.healthMonitor.name,
        type: pool.healthMonitor.type,
        provisioning_status: pool.healthMonitor.provisioningStatus,
        operating_status: pool.healthMonitor.operatingStatus,
      },
    }),
    members: pool.members.map((member) => ({
      id: member.id,
      name: member.name,
      operating_status: member.operatingStatus,
      provisioning_status: member.provisioningStatus,
      address: member.address,
      protocol_port: member.protocolPort,
    })),
  });
  return {
    statuses: {
      loadbalancer: {
        id: loadBalancer.id,
        name: loadBalancer.name,
        operating_status: loadBalancer.operatingStatus,
        provisioning_status: loadBalancer.provisioningStatus,
        listeners: listeners.map((listener) => ({
          id: listener.id,
          name: listener.name,
          operating_status: listener.operatingStatus,
          provisioning_status: listener.provisioningStatus,
          pools: poolsOf(tree, listener).map(poolStatus),
        })),
      },
    },
  };
}

type TreeListener = LoadBalancerTree['listeners'][number];

/** A listener uses its default pool and those that a policy of it sends to that is on and has a rule, in this order. */
const usedPoolIds = ({ defaultPoolId, l7Policies }: TreeListener) => {
  const sending = l7Policies.filter(({ adminStateUp, rules }) => adminStateUp && rules.length > 0);
  return [...new Set([defaultPoolId, ...sending.map(({ redirectPoolId }) => redirectPoolId)])];
};

const listenersOf = (tree: LoadBalancerTree, poolId: string) =>
  tree.listeners.filter((listener) => usedPoolIds(listener).includes(poolId));

const poolsOf = (tree: LoadBalancerTree, listener: TreeListener) =>
  usedPoolIds(listener).flatMap((poolId) => tree.pools.filter(({ id }) => id === poolId));

const head = (loadBalancer: LoadBalancer) => ({
  id: loadBalancer.id,
  name: loadBalancer.name,
  description: loadBalancer.description,
  provisioning_status: loadBalancer.provisioningStatus,
  operating_status: loadBalancer.operatingStatus,
  admin_state_up: loadBalancer.adminStateUp,
  project_id: loadBalancer.projectId,
  created_at: wireTime(loadBalancer.createdAt),
  updated_at: wireTimeOrNull(loadBalancer.updatedAt),
  vip_address: loadBalancer.vip.address,
  vip_port_id: loadBalancer.vip.portId,
  vip_subnet_id: loadBalancer.vip.subnetId,
  vip_network_id: loadBalancer.vip.networkId,
  vip_sg_ids: [...loadBalancer.vipSgIds],
  additional_vips: loadBalancer.additionalVips.map((vip) => ({
    subnet_id: vip.subnetId,
    ip_address: vip.address,
    port_id: vip.portId,
  })),
});

const tail = (loadBalancer: LoadBalancer) => ({
  provider: loadBalancer.provider,
  flavor_id: loadBalancer.flavorId,
  vip_qos_policy_id: loadBalancer.vipQosPolicyId,
  tags: [...loadBalancer.tags],
  availability_zone: loadBalancer.availabilityZone,
  vip_vnic_type: vnicType,
  tenant_id: loadBalancer.projectId,
});
