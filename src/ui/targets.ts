import type { Get } from './api.ts';
import type { Release, Target } from './wire.ts';

/** So many load balancers are drawn one by one; of more, the waves say how it goes. */
const MOST = 10_000;
const PAGE = 1000;
/** What is read may be older than the count of events by as much: two looks. */
const LOOKS_AFTER = 2;

/** The load balancers of a release; the same list again while nothing has happened to it. */
export function createTargets(): (get: Get, release: Release) => Promise<Target[]> {
  let known: Target[] = [];
  let events = -1;
  let looks = 0;
  return async (get, release) => {
    if (release.load_balancers > MOST) return [];
    looks = release.events === events ? looks - 1 : LOOKS_AFTER;
    events = release.events;
    if (looks >= 0) known = await readAll(get, release.id);
    return known;
  };
}

async function readAll(get: Get, id: string): Promise<Target[]> {
  const all: Target[] = [];
  for (let marker = ''; ; ) {
    const path = `v2/kiln/releases/${encodeURIComponent(id)}/targets?limit=${PAGE}${marker && `&marker=${marker}`}`;
    const { targets } = await get<{ targets: Target[] }>(path);
    all.push(...targets);
    const last = targets.at(-1);
    if (!last || targets.length < PAGE) return all;
    marker = `${last.wave}.${last.position}`;
  }
}
