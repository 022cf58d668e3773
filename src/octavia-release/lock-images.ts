import { KilnError, noneIfGone } from '../model/errors.ts';
import type { OctaviaReleaseStart } from '../model/octavia-release.ts';
import type { ReleaseDeps } from './deps.ts';

/** For as long, two who write at the same moment may not see each other. */
const SETTLE_MS = 2_000;

const imagesOf = ({ image, formerImageIds }: OctaviaReleaseStart) => [image.id, ...formerImageIds];

/**
 * Marks the image and those that it replaces, so that releases from another machine see it. Idempotent.
 * @throws RESOURCE_CONFLICT: another release has one of them; the marks that were made are taken off again.
 */
export async function lockImages(
  { marks, clock }: ReleaseDeps,
  start: OctaviaReleaseStart,
  signal: AbortSignal,
): Promise<void> {
  const ids = imagesOf(start);
  const readAll = () => Promise.all(ids.map(async (id) => ({ id, mark: await marks.read(id) })));
  const assertOwn = async (allowNone: boolean) => {
    const taken = (await readAll()).find(({ mark }) => mark !== start.releaseId && !(allowNone && mark === null));
    if (!taken) return;
    await unlockImages({ marks }, start);
    throw new KilnError('RESOURCE_CONFLICT', `release ${taken.mark ?? 'unknown'} is at image ${taken.id}`, {
      advice: `Where that one is over for good: \`openstack image unset --property kiln_release ${taken.id}\`.`,
    });
  };
  await assertOwn(true);
  for (const id of ids) await marks.write(id, start.releaseId);
  await clock.sleep(SETTLE_MS, signal);
  await assertOwn(false);
}

/** Takes off the marks that are this release's. Idempotent. */
export async function unlockImages({ marks }: Pick<ReleaseDeps, 'marks'>, start: OctaviaReleaseStart): Promise<void> {
  for (const id of imagesOf(start)) {
    const mark = await marks.read(id).catch(noneIfGone);
    if (mark === start.releaseId) await marks.remove(id);
  }
}
