import { KilnError } from '../../../model/errors.ts';
import { endedPhases } from '../../../model/release.ts';
import type { StoredRelease } from '../../../ports/release-store.ts';
import type { Releases } from '../../../ports/releases.ts';
import type { ArgumentSpec } from '../../command.ts';

export const releaseArgument: ArgumentSpec = {
  name: 'ID',
  help: 'the release (default: the one that has not ended)',
  isOptional: true,
};

const LOOK_AT = 100;

export const hasEnded = ({ progress }: StoredRelease) => endedPhases.includes(progress.phase);

/**
 * The release that is meant: the one named, else the one that has not ended, else the newest.
 * @param orNewest false: one that has ended is not meant.
 * @throws USAGE, RESOURCE_NOT_FOUND
 */
export async function findRelease(
  releases: Releases,
  id: string | undefined,
  { orNewest }: { orNewest: boolean },
): Promise<StoredRelease> {
  if (id !== undefined) return await releases.get(id);
  const known = await releases.list(LOOK_AT, null);
  const active = known.filter((release) => !hasEnded(release));
  const [found] = active.length > 0 || !orNewest ? active : known;
  if (active.length > 1) {
    const names = active.map(({ spec }) => `${spec.id} (tag ${spec.tag})`).join(', ');
    throw new KilnError('USAGE', `${active.length} releases have not ended: ${names}`, { advice: 'Name one of them.' });
  }
  if (found) return found;
  throw new KilnError('RESOURCE_NOT_FOUND', orNewest ? 'there is no release' : 'no release is under way', {
    advice: orNewest
      ? '`kiln release plan` shows what one would do, `kiln release start` begins it.'
      : '`kiln release list` shows those that have ended.',
  });
}
