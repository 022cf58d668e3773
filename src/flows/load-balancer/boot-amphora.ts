import { choiceById } from '../../core/amphora/choose-image.ts';
import { type BootInput, firstStepOfBoot } from '../../core/amphora/plan-boot.ts';
import { KilnError, toKilnError } from '../../model/errors.ts';
import type { ImageChoice } from '../../model/image.ts';
import { defineFlow, type Step } from '../engine/flow.ts';
import { waitSignal } from '../lib/wait-signal.ts';
import { type AmphoraChoices, chooseImageFor, elapsedMs } from '../steps/resolve-amphora.ts';
import { buildAmphora } from './build-amphora.ts';
import type { LoadBalancerDeps } from './deps.ts';

/** Does nothing; the first step, and so undone last: the amphora stays on record in ERROR, with the reason. */
const markAmphoraErrorOnRevert: Step<LoadBalancerDeps, BootInput, Record<string, never>> = {
  name: firstStepOfBoot,
  do: async () => ({}),
  settleUndone: async (_records, { amphoraId }, { reason }) => ({ amphoraId, status: 'ERROR', reason }),
};

/** Which image, once there is a place among the amphorae that may be built at a time. */
const resolveAmphora: Step<LoadBalancerDeps, BootInput, Omit<AmphoraChoices, 'role' | 'serverGroupId'>> = {
  name: 'resolve-amphora',
  async do(deps, state, run) {
    const startedMs = deps.clock.monotonicMs();
    const { amphoraId, serverName, computeFlavorId } = state;
    await deps.builds.acquire(run.operationId, [amphoraId], waitSignal(run), run.beforeWaiting);
    const choice = await choose(deps, state);
    return {
      amphoraId,
      serverName,
      computeFlavorId,
      imageId: choice.imageId,
      imageChoice: choice,
      topology: deps.settings().topology,
      computeZone: null,
      managementNetworkId: null,
      timings: { chooseMs: elapsedMs(deps.clock, startedMs) },
    };
  },
  undo: async (deps, _state, run) => deps.builds.release(run.operationId),
};

/** What fails is not tried again: somebody waits for the answer, and may ask again. */
async function choose(
  deps: LoadBalancerDeps,
  { requestedImageId, flavorTag, computeFlavorId }: BootInput,
): Promise<ImageChoice> {
  if (requestedImageId !== null) return choiceById(requestedImageId, 'requested-id', deps.clock.now());
  try {
    return await chooseImageFor(deps, flavorTag ?? undefined, computeFlavorId);
  } catch (thrown) {
    const error = toKilnError(thrown);
    const { code, message, advice, details } = error;
    throw new KilnError(code, message, { advice, details, retryable: false, cause: error });
  }
}

/** The amphora is READY with the operation's end. */
const markAmphoraReady: Step<LoadBalancerDeps, BootInput, Record<string, never>> = {
  name: 'mark-amphora-ready',
  do: async () => ({}),
  settle: async (_records, { amphoraId }) => ({ amphoraId, status: 'READY', reason: null }),
};

/** `kiln amphora boot`: one amphora that serves nobody, from the image that the next one of a load balancer would get. */
export const bootAmphora = defineFlow('boot-amphora')
  .takes<LoadBalancerDeps, BootInput>()
  .step(markAmphoraErrorOnRevert)
  .step(resolveAmphora)
  .use(buildAmphora)
  .step(markAmphoraReady)
  .build();
