import { createSystemClock } from '../src/adapters/clock/system-clock.ts';
import { createAmphoraOperations } from '../src/flows/index.ts';
import { imageSettings } from '../src/main/settings/amphora-settings.ts';
import { createImageResolver } from '../src/services/image-resolver.ts';
import { createFakeDeps } from '../test/kit/fakes/fake-amphora-deps.ts';
import type { BenchCloud } from './bench-cloud.ts';
import { countRequests } from './count-requests.ts';
import { type Figure, milliseconds } from './report.ts';

/**
 * Boots at once: Keystone and Glance over HTTP, from a start without token or connection; Nova, the agent, the
 * certificates and the store in memory, so that what is counted is the image choice.
 */
export async function benchBoots(cloud: BenchCloud): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const boots of [1, 100, 1000]) {
    const openstack = cloud.connect();
    const { deps, log, compute } = createFakeDeps();
    const settings = imageSettings(cloud.configuration);
    const { images, identity } = openstack;
    const clock = createSystemClock();
    const resolver = createImageResolver({ images, identity, compute, clock, log, settings: () => settings });
    const operations = createAmphoraOperations({ ...deps, resolver, clock });
    const startMs = performance.now();
    const { requests } = await countRequests(() =>
      Promise.all(Array.from({ length: boots }, () => operations.boot({ imageId: null }, () => {}))),
    );
    const spentMs = performance.now() - startMs;
    await openstack.close();
    figures.push({
      what: `${boots} boots at once: requests to Keystone / Glance`,
      value: `${requests.identity ?? 0} / ${requests.image ?? 0} (all booted within ${milliseconds(spentMs)})`,
    });
  }
  return figures;
}
