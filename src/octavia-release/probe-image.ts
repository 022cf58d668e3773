import { KilnError, noneIfGone } from '../model/errors.ts';
import type { OctaviaLoadBalancer } from '../model/octavia.ts';
import type { OctaviaEvent, OctaviaProbe, OctaviaReleaseStart, OctaviaReleaseState } from '../model/octavia-release.ts';
import type { ReleaseDeps } from './deps.ts';
import { isServing } from './read-fleet.ts';

/** What a probe tells of each step before it is done. */
type Tell = (event: OctaviaEvent) => Promise<void>;

/** Octavia does not say why one went to ERROR: what fails twice is the image's fault, and not a host's or Nova's. */
const TRIES = 2;
/** A load balancer that a killed run has asked for may be made after its end: so long it is looked for. */
const LOOKUP_MS = 15_000;

/** A tag that only the image that is tried has. */
const probeTag = ({ releaseId }: OctaviaReleaseStart) => `kiln-probe-${releaseId.slice(0, 8)}`;

/**
 * Boots the image under Octavia itself, in a load balancer that nobody uses, and fails it over. What a killed run left is found by its
 * name and gone on with.
 * @param isUnwanted asked at each look: an operator does not want the release any more.
 * @returns why the image is rejected; null: it passed, or is unwanted.
 */
export async function probeImage(
  deps: ReleaseDeps,
  { start, askedProbe, passedProbes }: Pick<OctaviaReleaseState, 'start' | 'askedProbe' | 'passedProbes'>,
  tell: Tell,
  isUnwanted: () => Promise<boolean>,
  signal: AbortSignal,
): Promise<string | null> {
  for (const probe of start.probes) {
    if (passedProbes.includes(probe.name)) continue;
    for (let tries = 1; ; tries++) {
      const isAsked = tries === 1 && askedProbe === probe.name;
      const why = await runProbe(deps, start, { ...probe, isAsked }, tell, isUnwanted, signal);
      if (await isUnwanted()) return why;
      if (why === null) {
        await tell({ kind: 'probe', name: probe.name, step: 'passed', hasPassed: true });
        break;
      }
      if (tries === TRIES) return why;
      await tell({ kind: 'probe', name: probe.name, step: `${why}: tried once more` });
    }
  }
  return null;
}

async function runProbe(
  deps: ReleaseDeps,
  start: OctaviaReleaseStart,
  probe: OctaviaProbe & { isAsked: boolean },
  tell: Tell,
  isUnwanted: () => Promise<boolean>,
  signal: AbortSignal,
): Promise<string | null> {
  const { octavia, images, clock, pollMs } = deps;
  const { image, policy } = start;
  const { name, provider, subnetId, zone } = probe;
  const step = (text: string, loadBalancer?: 'asked' | 'settled') =>
    tell({ kind: 'probe', name, step: text, ...(loadBalancer && { loadBalancer }) });
  const tag = probeTag(start);

  /** @returns why it is not well within the time; null: it is, or nobody wants it any more. */
  async function waitUntilServing(
    id: string,
    what: string,
    formerAmphorae: ReadonlySet<string>,
    { isTested }: { isTested: boolean },
  ): Promise<string | null> {
    const deadlineMs = clock.monotonicMs() + policy.probeSeconds * 1000;
    for (;;) {
      // By a lost answer there may be two of this name.
      const found = (await octavia.listLoadBalancers({ name }, signal)).find((one) => one.id === id);
      if (!found) return `the load balancer of the probe is gone ${what}`;
      const { provisioningStatus, operatingStatus } = found;
      if (provisioningStatus === 'ERROR') return `the load balancer of the probe is in ERROR ${what}`;
      if (provisioningStatus === 'ACTIVE') {
        const serving = (await octavia.listAmphorae({ loadBalancerId: id }, signal)).filter(isServing);
        const other = serving.find(({ imageId }) => imageId !== image.id);
        if (other) {
          return `Octavia booted image ${other.imageId ?? 'unknown'} for the tag ${tag} and not ${image.id}: it does not look for tags of flavors, or not for images of project ${image.ownerId}`;
        }
        const isNew = serving.length > 0 && serving.every((one) => !formerAmphorae.has(one.id));
        if (isNew && operatingStatus === 'ONLINE' && (!isTested || (await servesListener(id)))) return null;
      }
      if (clock.monotonicMs() > deadlineMs) {
        return `the load balancer of the probe is ${provisioningStatus} and ${operatingStatus} ${policy.probeSeconds} s ${what}: it has to be ACTIVE, and ONLINE with its listener`;
      }
      if (await isUnwanted()) return null;
      await clock.sleep(pollMs, signal);
    }
  }

  /**
   * A load balancer is ONLINE from its first moment, whatever it serves; its listener is once heartbeats tell of it. Octavia's worker at
   * times leaves the listener of a new one unconfigured, and never that of one that is failed over.
   */
  async function servesListener(id: string): Promise<boolean> {
    const listeners = Object.values((await octavia.getStatusTree(id)).listeners);
    return listeners.length > 0 && listeners.every((status) => status === 'ONLINE');
  }

  /** What a run that was killed, or whose answer was lost, has asked for may not be there yet. */
  async function findMade(): Promise<OctaviaLoadBalancer | null> {
    const deadlineMs = clock.monotonicMs() + (probe.isAsked ? LOOKUP_MS : 0);
    for (;;) {
      const [found] = await octavia.listLoadBalancers({ name }, signal);
      if (found || clock.monotonicMs() >= deadlineMs) return found ?? null;
      await clock.sleep(pollMs, signal);
    }
  }

  async function run(): Promise<string | null> {
    await step(`tag ${tag} on the image`);
    await images.addTag(image.id, tag);
    await step('flavor profile');
    const data = { ...probe.flavorData, amp_image_tag: tag };
    const profile =
      (await octavia.listFlavorProfiles()).find((one) => one.name === name) ??
      (await octavia.createFlavorProfile({ name, provider, data }));
    await step('flavor');
    const flavor =
      (await octavia.listFlavors()).find((one) => one.name === name) ??
      (await octavia.createFlavor({ name, profileId: profile.id }));
    const made = await findMade();
    await step('load balancer with a listener and a member', 'asked');
    const { id } = made ?? (await octavia.createLoadBalancer({ name, subnetId, provider, zone, flavorId: flavor.id }));
    const early = await waitUntilServing(id, 'after it was made', new Set(), { isTested: false });
    if (early !== null || (await isUnwanted())) return early;
    const before = new Set((await octavia.listAmphorae({ loadBalancerId: id }, signal)).map((one) => one.id));
    await step('its failover', 'settled');
    await octavia.failoverLoadBalancer(id);
    return await waitUntilServing(id, 'after its failover', before, { isTested: true });
  }

  const why = await run().catch((error: unknown) => {
    // What Octavia refuses is said; what it can't say now is asked again, and what was made stays until then.
    if (error instanceof KilnError && !error.retryable && error.code !== 'CANCELLED')
      return `a probe is refused: ${error.message}`;
    throw error;
  });
  await removeProbe(deps, start, probe, step, signal);
  return why;
}

async function removeProbe(
  { octavia, images, clock, pollMs }: ReleaseDeps,
  start: OctaviaReleaseStart,
  { name }: OctaviaProbe,
  step: (text: string, loadBalancer?: 'settled') => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  await step('removed', 'settled');
  const deadlineMs = clock.monotonicMs() + start.policy.probeSeconds * 1000;
  for (;;) {
    const [found] = await octavia.listLoadBalancers({ name }, signal);
    if (!found) break;
    const isBusy = found.provisioningStatus.startsWith('PENDING');
    if (!isBusy) await octavia.deleteLoadBalancer(found.id);
    if (clock.monotonicMs() > deadlineMs) {
      throw new KilnError(
        'OPERATION_LOST',
        `load balancer ${found.id} (${name}) is ${found.provisioningStatus} and can't be deleted`,
        {
          advice: "Look at Octavia's workers; delete it, then `kiln release resume --octavia`, which removes the rest.",
        },
      );
    }
    await clock.sleep(pollMs, signal);
  }
  for (const { id } of (await octavia.listFlavors()).filter((one) => one.name === name)) await octavia.deleteFlavor(id);
  for (const { id } of (await octavia.listFlavorProfiles()).filter((one) => one.name === name)) {
    await octavia.deleteFlavorProfile(id);
  }
  await images.removeTag(start.image.id, probeTag(start)).catch(noneIfGone);
}
