import type { OctaviaAmphora, OctaviaFlavor, OctaviaFlavorProfile, OctaviaLoadBalancer } from '../model/octavia.ts';
import { servedProviders } from '../model/provider.ts';
import type { FleetMember } from '../model/release-plan.ts';
import type { FleetSurvey } from '../ports/fleet-store.ts';
import type { OctaviaService } from '../ports/octavia.ts';

/** Providers whose load balancers are amphorae. */
const amphoraProviders: ReadonlySet<string> = new Set([...servedProviders, 'kiln']);

/** Everything that Octavia tells of its fleet, read once. */
export interface OctaviaFleet {
  loadBalancers: readonly OctaviaLoadBalancer[];
  amphoraeOf: ReadonlyMap<string, readonly OctaviaAmphora[]>;
  /** Flavor → its `amp_image_tag`; flavors without one are absent. */
  flavorTags: ReadonlyMap<string, string>;
  flavors: readonly OctaviaFlavor[];
  profiles: readonly OctaviaFlavorProfile[];
  /** Load balancers that no amphorae serve. */
  others: readonly OctaviaLoadBalancer[];
}

/** A request for each page of a thousand. */
export async function readFleet(octavia: OctaviaService, signal?: AbortSignal): Promise<OctaviaFleet> {
  const [all, amphorae, flavors, profiles] = await Promise.all([
    octavia.listLoadBalancers({}, signal),
    octavia.listAmphorae({}, signal),
    octavia.listFlavors(),
    octavia.listFlavorProfiles(),
  ]);
  const tags = new Map(profiles.map(({ id, data }) => [id, data.amp_image_tag]));
  const flavorTags = new Map<string, string>();
  for (const { id, profileId } of flavors) {
    const tag = tags.get(profileId);
    if (typeof tag === 'string' && tag !== '') flavorTags.set(id, tag);
  }
  const amphoraeOf = Map.groupBy(
    amphorae.filter(({ loadBalancerId }) => loadBalancerId !== null),
    ({ loadBalancerId }) => loadBalancerId as string,
  );
  const isAmphora = ({ provider }: OctaviaLoadBalancer) => amphoraProviders.has(provider);
  return {
    loadBalancers: all.filter(isAmphora),
    others: all.filter((one) => !isAmphora(one)),
    amphoraeOf,
    flavorTags,
    flavors,
    profiles,
  };
}

/** As Kiln's own database would group it. Octavia does not tell which amphorae are silent, nor assigns images. */
export function surveyOf({ loadBalancers, amphoraeOf, flavorTags }: OctaviaFleet): FleetSurvey {
  const running = new Map<string, FleetSurvey['amphorae'][number]>();
  const groups = new Map<string | null, FleetSurvey['loadBalancers'][number]>();
  for (const { id, flavorId } of loadBalancers) {
    const serving = (amphoraeOf.get(id) ?? []).filter(isServing);
    const images = new Set(serving.map(({ imageId }) => imageId));
    const isPair = serving.some(({ role }) => role === 'MASTER' || role === 'BACKUP');
    const group = groups.get(flavorId) ?? {
      assignedImageId: null,
      flavorId,
      loadBalancers: 0,
      pairs: 0,
      mixedPairs: 0,
    };
    groups.set(flavorId, {
      ...group,
      loadBalancers: group.loadBalancers + 1,
      pairs: group.pairs + Number(isPair),
      mixedPairs: group.mixedPairs + Number(isPair && images.size > 1),
    });
    const byImage = Map.groupBy(amphoraeOf.get(id) ?? [], ({ imageId }) => imageId);
    for (const [imageId, amphorae] of byImage) {
      const key = JSON.stringify([imageId, flavorId]);
      const known = running.get(key) ?? { imageId, flavorId, loadBalancers: 0, amphorae: 0, inError: 0, silent: 0 };
      running.set(key, {
        ...known,
        loadBalancers: known.loadBalancers + 1,
        amphorae: known.amphorae + amphorae.length,
        inError: known.inError + amphorae.filter(({ status }) => status === 'ERROR').length,
      });
    }
  }
  return { amphorae: [...running.values()], loadBalancers: [...groups.values()], flavorTags, images: new Map() };
}

/**
 * The load balancers for which this tag decides. `amp_image_tag` of octavia.conf is not known here: a tag that a flavor names
 * decides for the load balancers of such flavors, any other one for those whose flavor names none.
 */
export function membersOf(fleet: OctaviaFleet, tag: string): FleetMember[] {
  const { loadBalancers, amphoraeOf, flavorTags } = fleet;
  const isOfFlavors = [...flavorTags.values()].includes(tag);
  const effective = (flavorId: string | null) =>
    (flavorId === null ? undefined : flavorTags.get(flavorId)) ?? (isOfFlavors ? null : tag);
  return loadBalancers
    .filter(({ flavorId }) => effective(flavorId) === tag)
    .map((one) => {
      const serving = (amphoraeOf.get(one.id) ?? []).filter(isServing);
      return {
        loadBalancerId: one.id,
        name: one.name,
        topology: serving.some(({ role }) => role === 'MASTER' || role === 'BACKUP') ? 'ACTIVE_STANDBY' : 'SINGLE',
        provisioningStatus: one.provisioningStatus,
        operatingStatus: one.operatingStatus,
        place: { flavorId: one.flavorId, zone: one.zone },
        imageIds: serving.flatMap(({ imageId }) => (imageId === null ? [] : [imageId])),
        amphorae: serving.length,
        // Octavia tells that of one load balancer at a time: not asked for a whole fleet.
        hasTraffic: false,
      };
    });
}

export const isServing = ({ status }: OctaviaAmphora): boolean => status === 'ALLOCATED';
