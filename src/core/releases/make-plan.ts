import type { ProbePlace, ReleasePolicy } from '../../model/release.ts';
import type {
  FleetMember,
  PlanInput,
  PlannedSkip,
  PlannedTarget,
  PlannedWave,
  ReleasePlan,
} from '../../model/release-plan.ts';
import { roomForMoveMs, spanInWindows } from './maintenance-window.ts';
import { digestOf } from './plan-digest.ts';
import { windowLimits } from './window.ts';

/** Where no failover has reported how long one takes. */
const USUAL_MOVE_SECONDS = 60;
const EXAMPLES = 3;

interface Candidate {
  member: FleetMember;
  fromImageId: string;
}

/** What a release of this image would do: who moves when, who does not and why, how long it may take. */
export function makePlan(input: PlanInput): ReleasePlan {
  const { tag, image, taggedImageIds, policy, members, hashes } = input;
  const skips = new Map<string, FleetMember[]>();
  const candidates: Candidate[] = [];
  for (const member of members) {
    const reason = whyNot(member, input);
    const fromImageId = member.imageIds.find((id) => id !== image.id);
    if (reason !== null || fromImageId === undefined) {
      const why = reason ?? 'runs the image already';
      skips.set(why, [...(skips.get(why) ?? []), member]);
    } else candidates.push({ member, fromImageId });
  }

  const waveOf = wavesOf(candidates.length, policy);
  const positions = new Map<number, number>();
  const targets = inOrder(candidates).map(({ member, fromImageId }, index): PlannedTarget => {
    const wave = waveOf(index);
    const position = positions.get(wave) ?? 0;
    positions.set(wave, position + 1);
    const { loadBalancerId, topology } = member;
    return { loadBalancerId, wave, position, topology, fromImageId, fromHash: hashes.get(fromImageId) ?? null };
  });
  const expectedMoveSeconds = input.moveSeconds ?? USUAL_MOVE_SECONDS;
  const probeSeconds = targets.length > 0 ? expectedMoveSeconds : 0;
  const waves = wavesIn(targets, input, expectedMoveSeconds, probeSeconds);
  const baseline = { taggedImageIds: [...taggedImageIds].sort() };
  const probes = placesOf(candidates);
  const workSeconds = waves.reduce((sum, { seconds }) => sum + seconds, probeSeconds);
  const neededMs = roomForMoveMs({ expectedMoveSeconds, policy });
  const spanMs = spanInWindows(policy.windows, input.nowMs, neededMs, workSeconds * 1000);
  return {
    digest: digestOf({ tag, image, baseline, policy, probes, targets }),
    tag,
    image,
    baseline,
    policy,
    probes,
    waves,
    skipped: [...skips].map(([reason, all]) => skipOf(reason, all)),
    targets,
    sameImageIds: [...hashes].flatMap(([id, hash]) =>
      hash !== null && hash === image.hash && id !== image.id ? [id] : [],
    ),
    expectedMoveSeconds,
    expectedSeconds: spanMs === null ? workSeconds : Math.ceil(spanMs / 1000),
  };
}

/** Why a load balancer is left out; null: it is not. */
function whyNot(member: FleetMember, { image, hashes }: PlanInput): string | null {
  const { provisioningStatus, imageIds, amphorae } = member;
  if (provisioningStatus === 'PENDING_DELETE') return 'is being deleted';
  if (provisioningStatus === 'PENDING_CREATE') return 'is being made, and takes what the tag gives';
  if (provisioningStatus === 'ERROR') return 'is in ERROR: fail it over first';
  if (amphorae === 0) return 'has no amphora that serves';
  if (imageIds.length === 0) return 'runs an image that is not known: there would be no way back';
  const isSame = (id: string) => id === image.id || (image.hash !== null && hashes.get(id) === image.hash);
  return imageIds.every(isSame) ? 'runs the image already' : null;
}

function skipOf(reason: string, members: readonly FleetMember[]): PlannedSkip {
  const ids = members.map(({ loadBalancerId }) => loadBalancerId).sort();
  return { reason, loadBalancers: members.length, examples: ids.slice(0, EXAMPLES) };
}

/** First those from which most is learnt and that are well: ACTIVE, ONLINE, with traffic. */
function inOrder(candidates: readonly Candidate[]): Candidate[] {
  const rank = ({ member }: Candidate) =>
    (member.provisioningStatus === 'ACTIVE' ? 0 : 4) +
    (member.operatingStatus === 'ONLINE' ? 0 : 2) +
    (member.hasTraffic ? 0 : 1);
  return candidates.toSorted(
    (one, other) => rank(one) - rank(other) || byText(one.member.loadBalancerId, other.member.loadBalancerId),
  );
}

/** Which wave the nth load balancer is in; waves that would be empty have no number. */
function wavesOf(count: number, { canary, wavePercents }: ReleasePolicy): (index: number) => number {
  const ends = [Math.min(canary, count)];
  for (const percent of wavePercents) {
    const end = percent === 100 ? count : Math.ceil((count * percent) / 100);
    if (end > (ends.at(-1) ?? 0)) ends.push(end);
  }
  return (index) => {
    const wave = ends.findIndex((end) => index < end);
    return canary === 0 ? wave - 1 : wave;
  };
}

function wavesIn(
  targets: readonly PlannedTarget[],
  { policy, bakesLastWave, measuresAhead }: PlanInput,
  moveSeconds: number,
  probeSeconds: number,
): PlannedWave[] {
  const { beforeSeconds, settleSeconds, watchSeconds, maxParallel, canaryBakeSeconds, waveBakeSeconds } = policy;
  const waves = new Map<number, PlannedTarget[]>();
  for (const target of targets) waves.set(target.wave, [...(waves.get(target.wave) ?? []), target]);
  const measureSeconds = measuresAhead ? 0 : beforeSeconds;
  const lookSeconds = settleSeconds + watchSeconds;
  // How long the wave that is next has been measured when the one before it, or the probe, is done.
  let measuredSeconds = probeSeconds;
  return [...waves].map(([wave, of]) => {
    const pairs = of.filter(({ topology }) => topology === 'ACTIVE_STANDBY').length;
    const moves = of.length + pairs;
    const isLast = wave === Math.max(...waves.keys());
    const bake = isLast && !bakesLastWave ? 0 : wave === 0 ? canaryBakeSeconds : waveBakeSeconds;
    const toMeasure = measuresAhead ? Math.max(0, beforeSeconds - measuredSeconds) : 0;
    measuredSeconds = bake;
    // Moves under way are limited, and so is what is being measured, or has moved and is not judged.
    const { unproven } = windowLimits(policy);
    const unprovenSeconds = moves * (moveSeconds + lookSeconds) + of.length * measureSeconds;
    const moving =
      wave === 0
        ? unprovenSeconds
        : Math.max((moves * moveSeconds) / maxParallel, unprovenSeconds / unproven) + lookSeconds + measureSeconds;
    return { wave, loadBalancers: of.length, pairs, seconds: Math.ceil(toMeasure + moving) + bake };
  });
}

function placesOf(candidates: readonly Candidate[]): ProbePlace[] {
  const places = new Map(
    candidates.map(({ member: { place } }) => [JSON.stringify([place.flavorId, place.zone]), place]),
  );
  return [...places].sort(([one], [other]) => byText(one, other)).map(([, place]) => place);
}

function byText(one: unknown, other: unknown): number {
  const [a, b] = [String(one), String(other)];
  return a < b ? -1 : a > b ? 1 : 0;
}
