import { createSystemClock } from '../src/adapters/clock/system-clock.ts';
import { imageSettings } from '../src/main/settings/amphora-settings.ts';
import { createImageResolver } from '../src/services/image-resolver.ts';
import { openBoots } from '../test/kit/boots.ts';
import { createFakeCompute } from '../test/kit/fakes/fake-compute.ts';
import { createFakeLog } from '../test/kit/fakes/fake-log.ts';
import type { BenchCloud } from './bench-cloud.ts';
import { countRequests } from './count-requests.ts';
import { type Figure, milliseconds } from './report.ts';

/**
 * Boots at once: Keystone and Glance over HTTP, from a start without token or connection; Nova, the agent and the
 * certificates in memory, rows and journal in SQLite. What is counted is the image choice.
 */
export async function benchBoots(cloud: BenchCloud): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const boots of [1, 100, 1000]) {
    const openstack = cloud.connect();
    const compute = createFakeCompute();
    const log = createFakeLog();
    const settings = imageSettings(cloud.configuration);
    const { images, identity } = openstack;
    const clock = createSystemClock();
    const resolver = createImageResolver({ images, identity, compute, clock, log, settings: () => settings });
    const { operations, close } = await openBoots({ resolver });
    const startMs = performance.now();
    const { requests } = await countRequests(() =>
      Promise.all(Array.from({ length: boots }, () => operations.boot({ imageId: null }, () => {}))),
    );
    const spentMs = performance.now() - startMs;
    await close();
    await openstack.close();
    figures.push({
      what: `${boots} boots at once: requests to Keystone / Glance`,
      value: `${requests.identity ?? 0} / ${requests.image ?? 0} (all booted within ${milliseconds(spentMs)})`,
    });
  }
  return figures;
}
