import { defineFlow } from '../engine/flow.ts';
import {
  awaitHeartbeat,
  deleteProbe,
  markProbeOnRevert,
  type ProbeInput,
  resolveProbe,
  tryHaproxy,
} from '../steps/probe-amphora.ts';
import { buildAmphora } from './build-amphora.ts';
import type { LoadBalancerDeps } from './deps.ts';

/**
 * An amphora for nobody: it boots in the service project, its agent answers, a heartbeat comes, its HAProxy runs a
 * configuration and passes a request on, its keepalived runs one where pairs are made; then it is deleted. Undone: the image is not
 * fit for the fleet, or the cloud not for it.
 */
export const probeImage = defineFlow('probe-image')
  .takes<LoadBalancerDeps, ProbeInput>()
  .step(markProbeOnRevert)
  .step(resolveProbe)
  .use(buildAmphora)
  .step(awaitHeartbeat)
  .step(tryHaproxy)
  .commit()
  .step(deleteProbe)
  .build();
