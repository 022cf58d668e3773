/** The contents page: which operation, on a load balancer or on an amphora, is carried out by which flow. */
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

export const loadBalancerFlows: readonly Flow<LoadBalancerDeps>[] = [
  createLoadBalancer,
  createPair,
  reconfigure('update-load-balancer', 'update', 'loadbalancer'),
  deleteLoadBalancer,
  failoverLoadBalancer,
  failoverAmphora,
  failoverPair,
  failoverAmphoraOfPair,
  resizeLoadBalancer,
  bootAmphora,
  resizePair,
  releaseAmphora,
  releaseAmphoraOfPair,
  probeImage,
  configureAmphora,
  pushAmphoraConfiguration,
  deleteAmphora,
  rotateAmphoraCertificate,
  reconfigure('create-listener', 'create', 'listener'),
  reconfigure('update-listener', 'update', 'listener'),
  reconfigure('delete-listener', 'delete', 'listener'),
  reconfigure('create-pool', 'create', 'pool'),
  reconfigure('update-pool', 'update', 'pool'),
  reconfigure('delete-pool', 'delete', 'pool'),
  reconfigure('create-member', 'create', 'member'),
  reconfigure('update-member', 'update', 'member'),
  reconfigure('delete-member', 'delete', 'member'),
  reconfigure('update-members', 'replace', 'pool'),
  reconfigure('create-health-monitor', 'create', 'healthmonitor'),
  reconfigure('update-health-monitor', 'update', 'healthmonitor'),
  reconfigure('delete-health-monitor', 'delete', 'healthmonitor'),
  reconfigure('create-l7-policy', 'create', 'l7policy'),
  reconfigure('update-l7-policy', 'update', 'l7policy'),
  reconfigure('delete-l7-policy', 'delete', 'l7policy'),
  reconfigure('create-l7-rule', 'create', 'l7rule'),
  reconfigure('update-l7-rule', 'update', 'l7rule'),
  reconfigure('delete-l7-rule', 'delete', 'l7rule'),
];
