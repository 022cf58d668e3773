import { defineFlow } from '../engine/flow.ts';
import { createServer } from '../steps/create-server.ts';
import { waitForAgent, waitForServer } from '../steps/reach-amphora.ts';
import { markAmphoraBooting } from '../steps/record-amphora.ts';
import type { AmphoraChoices } from '../steps/resolve-amphora.ts';
import type { LoadBalancerDeps } from './deps.ts';

type BuildInput = { loadBalancerId: string | null } & AmphoraChoices;

/**
 * From the choices to an amphora whose agent answers. Whoever builds one, for a load balancer or for `kiln amphora boot`, does it with this:
 * by `use`, or in a branch.
 */
export const buildAmphora = defineFlow('build-amphora')
  .takes<LoadBalancerDeps, BuildInput>()
  .step(markAmphoraBooting)
  .step(createServer)
  .step(waitForServer)
  .step(waitForAgent)
  .build();
