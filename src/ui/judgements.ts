import { sendForLines } from './api.ts';
import type { Judgement, Release, ReleaseEvent } from './wire.ts';

/** So many events are looked through for judgements: of a large release the newest. */
const MOST = 1000;

interface Known {
  upTo: number;
  judgements: Judgement[];
}

/** What was judged of a release so far; asked for again only when something has happened to it. */
export function createJudgements(): (release: Release) => Promise<Judgement[]> {
  let known: Known = { upTo: 0, judgements: [] };
  return async ({ id, events }) => {
    if (events <= known.upTo) return known.judgements;
    const after = Math.max(known.upTo, events - MOST);
    const path = `v2/kiln/releases/${encodeURIComponent(id)}/events?limit=${MOST}&after=${after}`;
    const found = await sendForLines<ReleaseEvent>(path);
    const judged = found.flatMap(({ at, kind, data }) =>
      kind === 'judge' && data.comparison ? [{ ...data.comparison, at }] : [],
    );
    // Of one moment there is one.
    const all = new Map([...known.judgements, ...judged].map((one) => [one.at, one]));
    known = { upTo: found.at(-1)?.n ?? known.upTo, judgements: [...all.values()] };
    return known.judgements;
  };
}
