import { type Draft, isHeld } from './draft.ts';
import { isSame } from './holds.ts';

/**
 * Puts the tag on the wanted images and on no other: first adds, and takes off only what Glance shows beside them, so that it
 * is on one at any instant.
 * @returns whether it is there.
 */
function moveTag(draft: Draft, wanted: readonly string[], why: string): boolean {
  const tagged = draft.window.taggedImageIds;
  if (tagged === null || wanted.length === 0) return wanted.length === 0;
  if (isHeld(draft, 'TAG_MOVED')) return false;
  const isRefused = isHeld(draft, 'TAG_REFUSED');
  const missing = wanted.filter((id) => !tagged.includes(id));
  const extra = tagged.filter((id) => !wanted.includes(id));
  if (isRefused) return missing.length + extra.length === 0;
  for (const imageId of missing) draft.steps.push({ kind: 'tagAdd', imageId, reason: why });
  if (missing.length > 0) return false;
  for (const imageId of extra) draft.steps.push({ kind: 'tagRemove', imageId, reason: why });
  return extra.length === 0;
}

/** @returns whether the tag is on the new image alone. */
export function tagNew(draft: Draft): boolean {
  return moveTag(draft, [draft.spec.image.id], 'the canary is well: new load balancers get the image');
}

/**
 * Images that had the tag before the release and can have it again: not the one that is released, which may have had it too. Who takes
 * that one back wants nobody else to get it.
 */
export function formerTagged({ window, spec }: Pick<Draft, 'window' | 'spec'>): string[] {
  const isUsable = (id: string) => !window.unusableFormerImageIds?.includes(id);
  return spec.baseline.taggedImageIds.filter((id) => id !== spec.image.id && isUsable(id));
}

/** @returns whether the tag is where it was, as far as those images still are, or where an operator has left it. */
export function tagFormer(draft: Draft): boolean {
  const { window, progress } = draft;
  const { taggedImageIds: accepted } = progress.accepted;
  if (accepted && window.taggedImageIds && isSame(accepted, window.taggedImageIds)) return true;
  return moveTag(draft, formerTagged(draft), 'the release is rolled back');
}

/**
 * Ends a move of the tag that has begun: on to the new image if something was taken off an old one already, else back. Of what had the tag
 * when it was planned nothing is taken off for that.
 */
export function tagWhole(draft: Draft): boolean {
  const { window, spec, progress } = draft;
  const tagged = window.taggedImageIds ?? [];
  const { taggedImageIds: planned } = spec.baseline;
  const isWhole = planned.every((id) => id === spec.image.id || tagged.includes(id));
  if (!isWhole) return tagNew(draft);
  return progress.phase === 'tagging' && planned.includes(spec.image.id) ? true : tagFormer(draft);
}

/** What is to be known of the tag at the end of a release whose image is rejected; null: new load balancers don't get it. */
export function tagLeft({ window, spec }: Draft): string | null {
  const isGiven = window.taggedImageIds?.includes(spec.image.id);
  if (!isGiven && window.image?.hasTag) {
    return `image ${spec.image.id} can't be booted, and has the tag ${spec.tag} still: take it off before the image can be booted again`;
  }
  if (!isGiven) return null;
  return `the tag ${spec.tag} is on image ${spec.image.id}: new load balancers may get it until you move the tag (\`kiln image tag ID ${spec.tag} --move\`)`;
}
