/** The contents page: which operation, on a load balancer or on an amphora, is carried out by which flow. */
import type { FlowName } from '../../model/flow-name.ts';
import type { JsonObject } from '../../model/operation.ts';
import type { Flow } from '../engine/flow.ts';
import { bootAmphora } from './boot-amphora.ts';
import { configureAmphora, pushAmphoraConfiguration } from './configure-amphora.ts';
import { createLoadBalancer } from './create-load-balancer.ts';
import { deleteAmphora } from './delete-amphora.ts';
import { deleteLoadBalancer } from './delete-load-balancer.ts';
import type { LoadBalancerDeps } from './deps.ts';
import { failoverAmphora, failoverLoadBalancer, releaseAmphora, resizeLoadBalancer } from './failover.ts';
import { createPair, failoverAmphoraOfPair, failoverPair, releaseAmphoraOfPair, resizePair } from './pair.ts';
import { probeImage } from './probe-image.ts';
import { reconfigure } from './reconfigure.ts';
import { rotateAmphoraCertificate } from './rotate-certificate.ts';

export type OperationFlow<Name extends FlowName = FlowName> = Flow<LoadBalancerDeps, JsonObject, JsonObject, Name>;

/** A flow that is missing, or stands under another's name, is an error of types. */
const byName: { readonly [Name in FlowName]: OperationFlow<Name> } = {
  'create-load-balancer': createLoadBalancer,
  'create-load-balancer-pair': createPair,
  'update-load-balancer': reconfigure('update-load-balancer', 'update', 'loadbalancer'),
  'delete-load-balancer': deleteLoadBalancer,
  'failover-load-balancer': failoverLoadBalancer,
  'failover-amphora': failoverAmphora,
  'failover-load-balancer-pair': failoverPair,
  'failover-amphora-of-pair': failoverAmphoraOfPair,
  'resize-load-balancer': resizeLoadBalancer,
  'boot-amphora': bootAmphora,
  'resize-load-balancer-pair': resizePair,
  'release-amphora': releaseAmphora,
  'release-amphora-of-pair': releaseAmphoraOfPair,
  'probe-image': probeImage,
  'configure-amphora': configureAmphora,
  'push-amphora-configuration': pushAmphoraConfiguration,
  'delete-amphora': deleteAmphora,
  'rotate-amphora-certificate': rotateAmphoraCertificate,
  'create-listener': reconfigure('create-listener', 'create', 'listener'),
  'update-listener': reconfigure('update-listener', 'update', 'listener'),
  'delete-listener': reconfigure('delete-listener', 'delete', 'listener'),
  'create-pool': reconfigure('create-pool', 'create', 'pool'),
  'update-pool': reconfigure('update-pool', 'update', 'pool'),
  'delete-pool': reconfigure('delete-pool', 'delete', 'pool'),
  'create-member': reconfigure('create-member', 'create', 'member'),
  'update-member': reconfigure('update-member', 'update', 'member'),
  'delete-member': reconfigure('delete-member', 'delete', 'member'),
  'update-members': reconfigure('update-members', 'replace', 'pool'),
  'create-health-monitor': reconfigure('create-health-monitor', 'create', 'healthmonitor'),
  'update-health-monitor': reconfigure('update-health-monitor', 'update', 'healthmonitor'),
  'delete-health-monitor': reconfigure('delete-health-monitor', 'delete', 'healthmonitor'),
  'create-l7-policy': reconfigure('create-l7-policy', 'create', 'l7policy'),
  'update-l7-policy': reconfigure('update-l7-policy', 'update', 'l7policy'),
  'delete-l7-policy': reconfigure('delete-l7-policy', 'delete', 'l7policy'),
  'create-l7-rule': reconfigure('create-l7-rule', 'create', 'l7rule'),
  'update-l7-rule': reconfigure('update-l7-rule', 'update', 'l7rule'),
  'delete-l7-rule': reconfigure('delete-l7-rule', 'delete', 'l7rule'),
};

export const loadBalancerFlows: readonly OperationFlow[] = Object.values(byName);
