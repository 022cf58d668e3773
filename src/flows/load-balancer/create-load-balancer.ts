import { lost, succeeded } from '../../core/operations/settlement.ts';
import { defineFlow } from '../engine/flow.ts';
import { onNewAmphora } from '../lib/patient-agent.ts';
import { type BuiltAmphora, builtAmphora } from '../lib/targets.ts';
import {
  type CertificatesUploaded,
  reloadListeners,
  uploadCertificates,
  uploadHaproxyConfiguration,
} from '../steps/configure-listeners.ts';
import { type LoadBalancerInput, markActive, markErrorOnRevert } from '../steps/mark-error-on-revert.ts';
import { plugMemberNetworks } from '../steps/plug-member-networks.ts';
import { plugVip } from '../steps/plug-vip.ts';
import { markAmphoraAllocated } from '../steps/record-amphora.ts';
import { resolveAmphora } from '../steps/resolve-amphora.ts';
import { updateVipSecurityGroup } from '../steps/vip-security-group.ts';
import { createVrrpPort, plugVipPort } from '../steps/vrrp-port.ts';
import { buildAmphora } from './build-amphora.ts';
import type { LoadBalancerDeps } from './deps.ts';

type Built = LoadBalancerInput & BuiltAmphora;
const inAmphora = { targetsOf: builtAmphora, subjectOf: null, mayBeLeftOut: () => false };

/** A load balancer with everything in it, from its VIP (which the API has taken) to traffic. SINGLE topology. */
export const createLoadBalancer = defineFlow('create-load-balancer')
  .takes<LoadBalancerDeps, LoadBalancerInput>()
  .step(markErrorOnRevert((_records, tree) => lost(tree)))
  .step(resolveAmphora)
  .use(buildAmphora)
  .step(updateVipSecurityGroup)
  .step(createVrrpPort)
  .step(plugVipPort)
  .step(onNewAmphora(plugVip))
  .step(onNewAmphora(plugMemberNetworks<Built>(builtAmphora)))
  .step(onNewAmphora(uploadCertificates<Built>(inAmphora)))
  .step(onNewAmphora(uploadHaproxyConfiguration<Built & CertificatesUploaded>(inAmphora)))
  .step(onNewAmphora(reloadListeners<Built & CertificatesUploaded>(inAmphora)))
  .step(markAmphoraAllocated)
  .step(markActive(succeeded))
  .build();
