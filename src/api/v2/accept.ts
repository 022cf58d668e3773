interface MediaRange {
  type: string;
  quality: number;
}

const token = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";
const parameter = `\\s*;\\s*${token}(?:=(?:${token}|"(?:[^"\\\\]|\\\\.)*"))?`;
const mediaRange = new RegExp(`^(${token}/${token})((?:${parameter})*)$`);
const weight = /;\s*q=([^;\s]*)/i;
const isWeight = /^(?:0(?:\.\d{0,3})?|1(?:\.0{0,3})?)$/;

/**
 * How much a client wants each type, by its `Accept` (RFC 9110, 12.5.1).
 * @returns null where it says nothing: no header, an empty one, or one that is none, which webob takes for no header.
 */
function rangesOf(accept: string | undefined): MediaRange[] | null {
  if (accept === undefined) return null;
  const parts = accept
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
  if (parts.length === 0) return null;
  const ranges: MediaRange[] = [];
  for (const part of parts) {
    const [, type, parameters] = mediaRange.exec(part) ?? [];
    const quality = weight.exec(parameters ?? '')?.[1] ?? '1';
    if (type === undefined || !isWeight.test(quality) || /^\*\/[^*]/.test(type)) return null;
    ranges.push({ type: type.toLowerCase(), quality: Number(quality) });
  }
  return ranges;
}

/** The range that says most of the type decides. */
function qualityOf(ranges: readonly MediaRange[], offer: string): number {
  for (const wanted of [offer, `${offer.split('/')[0]}/*`, '*/*']) {
    const found = ranges.filter(({ type }) => type === wanted);
    if (found.length > 0) return Math.max(...found.map(({ quality }) => quality));
  }
  return 0;
}

/** Whether an answer of that type may be sent. */
export function accepts(accept: string | undefined, offer: string): boolean {
  const ranges = rangesOf(accept);
  return ranges === null || qualityOf(ranges, offer) > 0;
}

/** What is wanted most of what is offered, the earlier one first; null when nothing of it is wanted. */
export function preferred<Type extends string>(accept: string | undefined, offers: readonly Type[]): Type | null {
  const ranges = rangesOf(accept);
  if (ranges === null) return offers[0] ?? null;
  const judged = offers.map((offer) => ({ offer, quality: qualityOf(ranges, offer) }));
  const best = Math.max(...judged.map(({ quality }) => quality));
  return judged.find(({ quality }) => quality === best && quality > 0)?.offer ?? null;
}
