import { nameServer } from '../../core/amphora/server-name.ts';
import { stableId } from '../../core/operations/stable-id.ts';
import type { BootTimings } from '../../model/amphora.ts';
import { KilnError } from '../../model/errors.ts';
import type { ImageChoice } from '../../model/image.ts';
import type { JsonObject } from '../../model/operation.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Step, StepRun } from '../engine/flow.ts';
import type { PairRole, PairState } from '../lib/pair.ts';
import { treeOf } from '../lib/tree-of.ts';
import { waitSignal } from '../lib/wait-signal.ts';
import type { LoadBalancerDeps } from '../load-balancer/deps.ts';
import type { LoadBalancerInput, ResizeInput } from './mark-error-on-revert.ts';
import type { ServerGroup } from './server-group.ts';

/** Every choice about an amphora, made once and kept in the journal: later steps only carry it out. */
export type AmphoraChoices = {
  amphoraId: string;
  serverName: string;
  imageId: string;
  imageChoice: ImageChoice;
  computeFlavorId: string;
  topology: string;
  computeZone: string | null;
  managementNetworkId: string | null;
  /** What the parts of the build took so far; absent in journals of Kiln 0.2 and before. */
  timings?: BootTimings;
  /** Of one of a pair; absent for one that serves alone. */
  role?: PairRole;
  serverGroupId?: string | null;
  /** Of a probe: whether the server of one that fails by its host stays for now. */
  keepsServer?: boolean;
};

/** `image`: a repair boots what the load balancer is assigned. `imageId`: a release names the one image that it is about. */
type ResolveInput = LoadBalancerInput & Partial<ResizeInput> & { image?: string; imageId?: string };

/**
 * Image, flavor, zone, names, once there is a place among the amphorae that may be built at a time. The image is chosen anew
 * for each operation, and not before its turn has come: the tag may have moved. A repair boots what the load balancer is assigned:
 * docs/decisions/0028-fleet.md.
 */
export const resolveAmphora: Step<LoadBalancerDeps, ResolveInput, AmphoraChoices> = {
  name: 'resolve-amphora',
  isRepeatable: true,
  async do(deps, input, run) {
    const { nameFor, ...choices } = await choose(deps, input, run, ['amphora']);
    return { ...choices, ...nameFor('amphora') };
  },
  undo: async (deps, _state, run) => deps.builds.release(run.operationId),
};

/**
 * As above, once for all amphorae of a pair that are built: one image, one flavor, one zone.
 * @param rolesOf which of the two.
 */
export function resolveAmphorae<State extends LoadBalancerInput & JsonObject>(
  rolesOf: (deps: LoadBalancerDeps, state: State) => Promise<readonly PairRole[]>,
): Step<LoadBalancerDeps, State & ServerGroup, PairState<AmphoraChoices>> {
  return {
    name: 'resolve-amphorae',
    isRepeatable: true,
    async do(deps, state, run) {
      const roles = await rolesOf(deps, state);
      const nameOf = (role: PairRole) => `amphora ${role}`;
      const { nameFor, ...choices } = await choose(deps, state, run, roles.map(nameOf));
      const { serverGroupId } = state;
      return Object.fromEntries(
        roles.map((role) => [role, { ...choices, ...nameFor(nameOf(role)), role, serverGroupId }]),
      );
    },
    undo: async (deps, _state, run) => deps.builds.release(run.operationId),
  };
}

/**
 * `flavorId`: of a resize; else the load balancer's own flavor counts.
 * @param names of what is built, within the operation.
 */
async function choose(
  deps: LoadBalancerDeps,
  { loadBalancerId, flavorId, image, imageId }: ResolveInput,
  run: StepRun,
  names: readonly string[],
) {
  const startedMs = deps.clock.monotonicMs();
  const idOf = (name: string) => stableId(run.operationId, name);
  await deps.builds.acquire(run.operationId, names.map(idOf), waitSignal(run), run.beforeWaiting);
  const settings = deps.settings();
  const { loadBalancer: found } = await treeOf(deps, loadBalancerId);
  const [capabilities, zone] = await Promise.all([
    deps.flavors.flavorCapabilities(flavorId === undefined ? found.flavorId : flavorId),
    deps.flavors.zoneCapabilities(found.availabilityZone),
  ]);
  const computeFlavorId = capabilities.compute_flavor || settings.flavorId;
  const assigned = image === 'assigned' ? await assignedImage(deps, loadBalancerId, computeFlavorId, run) : null;
  const released = imageId === undefined ? null : await releasedImage(deps, imageId, computeFlavorId);
  const choice = released ?? assigned ?? (await chooseImageFor(deps, capabilities.amp_image_tag, computeFlavorId));
  return {
    nameFor(name: string) {
      const amphoraId = idOf(name);
      const fields = { operation: run.operationId, amphora: amphoraId };
      deps.log.info(fields, `amphora ${amphoraId} will boot image ${choice.imageId} (${choice.rule})`);
      return { amphoraId, serverName: nameServer(amphoraId, settings.randomNameLength, deps.randomInteger) };
    },
    imageId: choice.imageId,
    imageChoice: choice,
    computeFlavorId,
    topology: found.topology,
    computeZone: zone?.compute_zone ?? null,
    managementNetworkId: zone?.management_network ?? null,
    timings: { chooseMs: elapsedMs(deps.clock, startedMs) },
  };
}

/** @param startedMs of the monotonic clock. */
export const elapsedMs = (clock: Pick<Clock, 'monotonicMs'>, startedMs: number): number =>
  Math.round(clock.monotonicMs() - startedMs);

/** Null where the load balancer is assigned none, or one that can not be booted any more: then the tag decides. */
async function assignedImage(
  { amphorae, resolver, log }: LoadBalancerDeps,
  loadBalancerId: string,
  flavorId: string,
  run: { note(message: string): void },
): Promise<ImageChoice | null> {
  const imageId = await amphorae.assignedImageId(loadBalancerId);
  if (imageId === null) return null;
  const found = await resolver.resolveAssigned(imageId, { flavorId });
  if ('choice' in found) return found.choice;
  const message = `image ${imageId}, which the load balancer is assigned, ${found.refused}: the tag decides`;
  log.warn({ loadBalancer: loadBalancerId, image: imageId }, message);
  run.note(message);
  return null;
}

/**
 * The image that a release is about: that one or none.
 * @throws IMAGE_NOT_FOUND when it can't be booted any more.
 */
export async function releasedImage(
  { resolver }: Pick<LoadBalancerDeps, 'resolver'>,
  imageId: string,
  flavorId: string,
): Promise<ImageChoice> {
  const found = await resolver.resolveAssigned(imageId, { flavorId });
  if ('choice' in found) return { ...found.choice, rule: 'released' };
  throw new KilnError('IMAGE_NOT_FOUND', `image ${imageId}, which is being released, ${found.refused}`, {
    advice: 'Fix the image, or end the release: `kiln release show` says which one.',
    retryable: false,
  });
}

/** `amp_image_id`, else the flavor's tag, else the configuration's: see core/amphora/choose-image.ts. */
export async function chooseImageFor(
  deps: Pick<LoadBalancerDeps, 'resolver'>,
  flavorTag: string | undefined,
  computeFlavorId: string,
): Promise<ImageChoice> {
  const tag = flavorTag ? ({ value: flavorTag, source: 'flavor' } as const) : null;
  return await deps.resolver.resolve({ tag, flavorId: computeFlavorId });
}
