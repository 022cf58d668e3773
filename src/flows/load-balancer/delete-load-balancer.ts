import { lost } from '../../core/operations/settlement.ts';
import { defineFlow } from '../engine/flow.ts';
import { deleteLbRows, type LoadBalancerInput, markErrorOnRevert } from '../steps/mark-error-on-revert.ts';
import { deallocateVip } from '../steps/release-vip.ts';
import { deleteAmphorae } from '../steps/remove-amphorae.ts';
import { deleteServerGroup } from '../steps/server-group.ts';
import type { LoadBalancerDeps } from './deps.ts';

/** Everything of a load balancer, in Nova, Neutron and the store. What is half deleted can be deleted again. */
export const deleteLoadBalancer = defineFlow('delete-load-balancer')
  .takes<LoadBalancerDeps, LoadBalancerInput>()
  .step(markErrorOnRevert((_records, tree) => lost(tree)))
  .step(deleteAmphorae)
  .step(deleteServerGroup)
  .step(deallocateVip)
  .step(deleteLbRows)
  .build();
