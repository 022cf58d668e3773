import { createAmphoraStore } from '../../src/adapters/storage/amphora-store.ts';
import { createFlavorStore } from '../../src/adapters/storage/flavor-store.ts';
import { createReleaseStore } from '../../src/adapters/storage/release-store.ts';
import { createTagHistory } from '../../src/adapters/storage/tag-history.ts';
import type { ApiDeps } from '../../src/api/v2/deps.ts';
import type { Amphora } from '../../src/model/amphora.ts';
import { createImageResolver } from '../../src/services/image-resolver.ts';
import { createReleasePlanner } from '../../src/services/release-planner.ts';
import { openStoredApiHarness, type StoredApiHarness, subnetId } from './api.ts';
import { anImage } from './builders.ts';
import { storedAmphora } from './contract/amphora-store.ts';
import { createFakeImages } from './fakes/fake-images.ts';
import { createFakeLog } from './fakes/fake-log.ts';
import { releasesOver } from './releases.ts';

const owner = 'service-project';
export const [oldImageId, newImageId] = [
  '11110000-0000-4000-8000-000000000001',
  '11110000-0000-4000-8000-000000000002',
] as const;

export interface ReleaseHarness extends StoredApiHarness {
  images: ReturnType<typeof createFakeImages>;
  /** The configuration's. */
  settings: { tag: string; imageId: string; flavorId: string };
  /** One that is ACTIVE, with an amphora. @returns its ID. */
  hasLoadBalancer(over?: Partial<Amphora>, fields?: object, headers?: Record<string, string>): Promise<string>;
}

/** The API over a real database and a Glance in memory with two images; the first one carries the tag. */
export async function openReleaseHarness(overrides: Partial<ApiDeps> = {}): Promise<ReleaseHarness> {
  const settings = { tag: 'amphora', imageId: '', flavorId: 'nova-1' };
  const images = createFakeImages();
  const hashed = (id: string, name: string, hashValue: string, tags: string[]) =>
    anImage({ id, name, owner, tags, hashAlgorithm: 'sha512', hashValue });
  images.put(hashed(oldImageId, 'amphora-1', 'h1', ['amphora']));
  images.put(hashed(newImageId, 'amphora-2', 'h2', []));
  let releases: ApiDeps['releases'] | null = null;
  const harness = await openStoredApiHarness(overrides, {
    around: (deps) => ({
      ...deps,
      releasableImages: () => resolver.releasable(),
      tagHistory: () => createTagHistory(harness.database, deps.clock).list(10),
      releases: new Proxy({} as ApiDeps['releases'], { get: (_target, name) => Reflect.get(releases ?? {}, name) }),
    }),
  });
  const { database, deps } = harness;
  const { clock } = deps;
  const resolver = createImageResolver({
    images,
    identity: { authenticatedAs: async () => ({ projectId: owner }) } as never,
    compute: {
      getFlavor: async (id) => ({ id, name: id, ramMiB: 2048, diskGiB: 10, vcpus: 1, extraSpecs: {} }) as never,
    },
    settings: () => ({ ampImageId: '', ampImageTag: settings.tag, ampImageOwnerId: '', ampImageTagPolicy: 'newest' }),
    clock,
    log: createFakeLog(),
  });
  const store = createReleaseStore(database, clock);
  const flavors = createFlavorStore(database, clock);
  const planner = createReleasePlanner({ releases: store, flavors, resolver, images, clock, settings: () => settings });
  releases = releasesOver(store, clock, { planner, resolver });
  return {
    ...harness,
    images,
    settings,
    async hasLoadBalancer(over = {}, fields = {}, headers = {}) {
      const body = { loadbalancer: { vip_subnet_id: subnetId, ...fields } };
      const { id } = (await harness.call('POST', '/lbaas/loadbalancers', body, headers)).body.loadbalancer;
      await harness.settleAll();
      const served = { loadBalancerId: id, status: 'ALLOCATED', imageId: oldImageId } as const;
      const amphora = storedAmphora(`a-${id}`.slice(0, 36), { ...served, ...over });
      await createAmphoraStore(database, clock).insert(amphora);
      return id;
    },
  };
}
