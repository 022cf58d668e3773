import { defineFlow } from '../engine/flow.ts';
import { createServer } from '../steps/create-server.ts';
import type { LoadBalancerInput } from '../steps/mark-error-on-revert.ts';
import { waitForAmphora, waitForServer } from '../steps/reach-amphora.ts';
import { recordAmphora } from '../steps/record-amphora.ts';
import type { AmphoraChoices } from '../steps/resolve-amphora.ts';
import type { LoadBalancerDeps } from './deps.ts';

/** From the choices to an amphora whose agent answers. Whoever builds one does it with this: by `use`, or in a branch. */
export const buildAmphora = defineFlow<LoadBalancerDeps, LoadBalancerInput & AmphoraChoices>('build-amphora')
  .step(recordAmphora)
  .step(createServer)
  .step(waitForServer)
  .step(waitForAmphora)
  .build();
