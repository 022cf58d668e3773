import { defaultReleasePolicy, type ReleasePolicy, type ReleaseSpec, type Target } from '../../../src/model/release.ts';
import { aTarget } from '../releases.ts';
import type { HealthFate, MoveFate, WorldLoadBalancer } from './world.ts';

export const newImageId = 'image-new';

/** What a load balancer of a test is like. */
export interface Member {
  isPair?: boolean;
  fromImageId?: string;
  fromHash?: string;
  provisioningStatus?: string;
  health?: HealthFate;
  fates?: readonly MoveFate[];
}

export interface Fleet {
  spec: ReleaseSpec;
  targets: Target[];
  loadBalancers: Map<string, WorldLoadBalancer>;
}

/**
 * A release to these load balancers: the first ones are the canary, the others come in waves of about the policy's shares.
 * @param taggedImageIds what carries the tag when it is planned.
 */
export function aFleet(
  members: readonly Member[],
  over: Partial<ReleasePolicy> = {},
  taggedImageIds: readonly string[] = ['image-old'],
): Fleet {
  const policy = { ...defaultReleasePolicy, ...over };
  const targets: Target[] = [];
  const loadBalancers = new Map<string, WorldLoadBalancer>();
  const ends = [policy.canary, ...policy.wavePercents.map((percent) => (members.length * percent) / 100)];
  let wave = 0;
  for (const [position, member] of members.entries()) {
    // A wave that would be empty is none.
    if (position >= policy.canary && wave === 0) wave = 1;
    else if (wave > 0 && position >= (ends[wave] ?? members.length) && position > policy.canary) wave++;
    const { isPair = false, fromImageId = 'image-old', fromHash = 'hash-old' } = member;
    const { provisioningStatus = 'ACTIVE', health = 'pass', fates = [] } = member;
    const loadBalancerId = `lb-${position}`;
    const roles = isPair ? (['MASTER', 'BACKUP'] as const) : (['STANDALONE'] as const);
    const amphorae = roles.map((role) => ({
      id: `${loadBalancerId}-${role}`,
      role,
      imageId: fromImageId,
      isServing: true,
    }));
    loadBalancers.set(loadBalancerId, { provisioningStatus, amphorae, health, fates: [...fates] });
    const topology = isPair ? 'ACTIVE_STANDBY' : 'SINGLE';
    targets.push(aTarget('release', loadBalancerId, { wave, position, topology, fromImageId, fromHash }));
  }
  const spec: ReleaseSpec = {
    id: 'release',
    tag: 'amphora',
    image: { id: newImageId, name: 'new', hashAlgo: 'sha512', hash: 'hash-new', ownerId: 'owner' },
    baseline: { taggedImageIds },
    policy,
    probes: [
      { flavorId: null, zone: null },
      { flavorId: 'large', zone: 'az2' },
    ],
    targets: members.length,
    lastWave: wave,
    sameImageIds: [],
    expectedMoveSeconds: 60,
    planDigest: 'digest',
  };
  return { spec, targets, loadBalancers };
}
