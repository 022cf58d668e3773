import { createHash } from 'node:crypto';
import type { ReleasePlan } from '../../model/release-plan.ts';

type Digested = Pick<ReleasePlan, 'tag' | 'image' | 'baseline' | 'policy' | 'probes' | 'targets'>;

/** What a plan's digest is made of, in its order: each part has letters of its own, so that two digests tell what differs. */
const parts: readonly { name: string; of(plan: Digested): unknown }[] = [
  { name: 'the image', of: ({ tag, image }) => [tag, image] },
  { name: 'which images carry the tag', of: ({ baseline }) => baseline.taggedImageIds },
  { name: 'the policy', of: ({ policy }) => policy },
  {
    name: 'the load balancers that would be moved, or what they run',
    of: ({ targets, probes }) => [
      probes,
      targets.map(({ loadBalancerId, fromImageId }) => `${loadBalancerId} ${fromImageId}`).sort(),
    ],
  },
];

const LETTERS = 8;

/** Of all that makes a difference to a release. */
export function digestOf(plan: Digested): string {
  return parts.map(({ of }) => hashOf(of(plan)).slice(0, LETTERS)).join('-');
}

/** The form of a digest. */
export const digestPattern = `^[0-9a-f]{${LETTERS}}(-[0-9a-f]{${LETTERS}}){${parts.length - 1}}$`;

/** What is different, in words; empty: nothing. */
export function differences(digest: string, other: string): string[] {
  const [ours, theirs] = [digest.split('-'), other.split('-')];
  return parts.flatMap(({ name }, index) => (ours[index] === theirs[index] ? [] : [name]));
}

function hashOf(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('hex');
}
