import { type Outcome, rebuilt, resized } from '../../core/operations/settlement.ts';
import type { FlowName } from '../../model/flow-name.ts';
import type { LoadBalancerTree } from '../../model/load-balancer.ts';
import { defineFlow } from '../engine/flow.ts';
import { onNewAmphora } from '../lib/patient-agent.ts';
import { type BuiltAmphora, builtAmphora } from '../lib/targets.ts';
import {
  type CertificatesUploaded,
  reloadListeners,
  uploadCertificates,
  uploadHaproxyConfiguration,
} from '../steps/configure-listeners.ts';
import {
  failedFailover,
  type LoadBalancerInput,
  markActive,
  markErrorOnRevert,
  type ResizeInput,
} from '../steps/mark-error-on-revert.ts';
import { plugOtherNetworks, plugVipNetwork } from '../steps/plug-member-networks.ts';
import { plugVipLast } from '../steps/plug-vip.ts';
import { markAmphoraAllocated } from '../steps/record-amphora.ts';
import { deleteOldAmphorae, unplugVipOfOldAmphorae } from '../steps/remove-amphorae.ts';
import { resolveAmphora } from '../steps/resolve-amphora.ts';
import { updateVipSecurityGroup } from '../steps/vip-security-group.ts';
import { createVrrpPort, plugVipPort } from '../steps/vrrp-port.ts';
import { buildAmphora } from './build-amphora.ts';
import type { LoadBalancerDeps } from './deps.ts';

type Built = LoadBalancerInput & BuiltAmphora;
/** The flavor of a resize alone. */
export type FailoverInput = LoadBalancerInput & Partial<ResizeInput>;

export const outcomeOf = (tree: LoadBalancerTree, { flavorId }: FailoverInput): Outcome =>
  flavorId === undefined ? rebuilt(tree) : resized(tree, flavorId);
const inAmphora = { targetsOf: builtAmphora, subjectOf: null, mayBeLeftOut: () => true };

/**
 * Make before break: a new amphora, its image chosen anew, is built, configured and answering before the old one loses
 * the VIP. If it can't be built the old one goes on serving, and the reason is on show. SINGLE topology: the load
 * balancer's one amphora is the one that fails over, whichever of the two was asked for.
 */
const failover = <Name extends FlowName>(name: Name) =>
  defineFlow(name)
    .takes<LoadBalancerDeps, FailoverInput>()
    .step(markErrorOnRevert(failedFailover))
    .step(resolveAmphora)
    .use(buildAmphora)
    .step(updateVipSecurityGroup)
    .step(createVrrpPort)
    .step(plugVipPort)
    .step(onNewAmphora(plugOtherNetworks<Built>(builtAmphora)))
    .step(onNewAmphora(uploadCertificates<Built>(inAmphora)))
    .step(onNewAmphora(uploadHaproxyConfiguration<Built & CertificatesUploaded>(inAmphora)))
    .step(onNewAmphora(plugVipLast))
    .step(onNewAmphora(plugVipNetwork<Built>(builtAmphora)))
    .step(onNewAmphora(reloadListeners<Built & CertificatesUploaded>(inAmphora)))
    .commit()
    .step(unplugVipOfOldAmphorae)
    .step(markAmphoraAllocated)
    .step(deleteOldAmphorae)
    .step(markActive<FailoverInput & Built & CertificatesUploaded>(outcomeOf))
    .build();

export const failoverLoadBalancer = failover('failover-load-balancer');
export const failoverAmphora = failover('failover-amphora');
/** Until it is done the load balancer's row has the old flavor: whatever undoes or aborts it has nothing to give back. */
export const resizeLoadBalancer = failover('resize-load-balancer');
/** To the one image that its input names. A name of its own: a worker of before would take the tag. */
export const releaseAmphora = failover('release-amphora');
