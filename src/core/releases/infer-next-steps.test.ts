import { expect, test } from 'vitest';
import { aFleet } from '../../../test/kit/release-world/fleet.ts';
import { runRelease } from '../../../test/kit/release-world/run.ts';
import { ReleaseWorld } from '../../../test/kit/release-world/world.ts';
import { inferNextSteps } from './infer-next-steps.ts';

const startMs = Date.UTC(2026, 2, 20, 2);

function aWorld(...fleet: Parameters<typeof aFleet>): ReleaseWorld {
  return new ReleaseWorld({ ...aFleet(...fleet), seed: 1, startMs });
}

const many = (count: number) => Array.from({ length: count }, (_, index) => ({ isPair: index % 3 === 0 }));

test('a good image reaches every load balancer, and the tag is on it alone', () => {
  const world = aWorld(many(40));
  runRelease(world, { infer: inferNextSteps, isAttended: false });
  expect(world.progress.phase).toBe('completed');
  expect([...world.tagged]).toEqual(['image-new']);
  for (const { amphorae } of world.loadBalancers.values()) {
    expect(amphorae.every(({ imageId }) => imageId === 'image-new')).toBe(true);
  }
});
