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

/** @returns whether the tag is where it was, as far as those images still are, or where an operator has left it. */
export function tagFormer(draft: Draft): boolean {
  const { window, spec, progress } = draft;
  const { taggedImageIds: accepted } = progress.accepted;
  if (accepted && window.taggedImageIds && isSame(accepted, window.taggedImageIds)) return true;
  const wanted = spec.baseline.taggedImageIds.filter((id) => !window.unusableFormerImageIds?.includes(id));
  return moveTag(draft, wanted, 'the release is rolled back');
}

/** Ends a move of the tag that has begun: on to the new image if something was taken off an old one already, else back. */
export function tagWhole(draft: Draft): boolean {
  const { window, spec } = draft;
  const tagged = window.taggedImageIds ?? [];
  const isWhole = spec.baseline.taggedImageIds.every((id) => tagged.includes(id));
  return isWhole ? tagFormer(draft) : tagNew(draft);
}
