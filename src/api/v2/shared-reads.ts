import type { FastifyRequest } from 'fastify';
import { keepAnswer } from '../../lib/keep-answer.ts';
import type { AmphoraRegister, AmphoraStore } from '../../ports/amphora-store.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Journal } from '../../ports/journal.ts';
import type { LoadBalancerStore } from '../../ports/load-balancer-store.ts';
import type { OverviewStore } from '../../ports/overview-store.ts';
import type { TrafficSamples } from '../../ports/traffic-samples.ts';

/** What is read for what stands on a web page. */
export interface Reads {
  store: Pick<LoadBalancerStore, 'get' | 'list' | 'tree'>;
  amphorae: Pick<AmphoraRegister & AmphoraStore, 'get' | 'listPage'>;
  overview: Pick<OverviewStore, 'operations' | 'lastHeardOf'>;
  journal: Pick<Journal, 'get'>;
  trafficSamples: Pick<TrafficSamples, 'list'>;
}

export type ReadsOf = (request: FastifyRequest) => Reads;

/** As old as what is shared may be. */
const KEEP_S = 5;
/** Of each kind of question. */
const MOST_KEPT = 500;
/** Longer lists are of programs, not of pages. */
const MOST_ROWS = 250;

/**
 * However many pages look at the same, the database is asked once in so long. What is shared are rows for equal questions to the
 * database; whether the caller may see them is decided for each request, after that.
 *
 * @returns chooses by `Cache-Control` (RFC 9111): `max-age` of at least five seconds takes what another request has read, `no-cache`
 * reads anew for others as well; any other request reads for itself alone.
 */
export function createReads(deps: Reads & { clock: Clock }): ReadsOf {
  const [shared, renewed] = shareReads(deps, deps.clock);
  return ({ headers }) => {
    const wanted = headers['cache-control'] ?? '';
    const [, maxAge] = /(?:^|,)\s*max-age=(\d{1,9})\s*(?:,|$)/i.exec(wanted) ?? [];
    if (/(?:^|,)\s*no-cache\s*(?:,|$)/i.test(wanted)) return renewed;
    return maxAge !== undefined && Number(maxAge) >= KEEP_S ? shared : deps;
  };
}

type Method = (...asked: unknown[]) => Promise<unknown>;
type Wrap = (read: Method) => { shared: Method; renewed: Method };

function shareReads(reads: Reads, clock: Clock): [shared: Reads, renewed: Reads] {
  const wrap: Wrap = (read) => {
    const kept = keepAnswer<unknown[], unknown>((asked) => read(...asked), {
      keyOf: (asked) => JSON.stringify(asked),
      keepMs: KEEP_S * 1000,
      nowMs: () => clock.monotonicMs(),
      most: MOST_KEPT,
      isKept: (answer) => !Array.isArray(answer) || answer.length <= MOST_ROWS,
    });
    return { shared: (...asked) => kept(asked), renewed: (...asked) => kept(asked, true) };
  };
  const store = both(reads.store, ['get', 'list', 'tree'], wrap);
  const amphorae = both(reads.amphorae, ['get', 'listPage'], wrap);
  const overview = both(reads.overview, ['operations', 'lastHeardOf'], wrap);
  const journal = both(reads.journal, ['get'], wrap);
  const trafficSamples = both(reads.trafficSamples, ['list'], wrap);
  const of = (which: 'shared' | 'renewed'): Reads => ({
    store: store[which],
    amphorae: amphorae[which],
    overview: overview[which],
    journal: journal[which],
    trafficSamples: trafficSamples[which],
  });
  return [of('shared'), of('renewed')];
}

function both<Store extends object, Name extends keyof Store & string>(
  store: Store,
  names: readonly Name[],
  wrap: Wrap,
): { shared: Pick<Store, Name>; renewed: Pick<Store, Name> } {
  const methods = names.map((name) => {
    const read = (...asked: unknown[]) => Reflect.apply(store[name] as Method, store, asked);
    return [name, wrap(read)] as const;
  });
  const of = (which: 'shared' | 'renewed') =>
    Object.fromEntries(methods.map(([name, wrapped]) => [name, wrapped[which]])) as unknown as Pick<Store, Name>;
  return { shared: of('shared'), renewed: of('renewed') };
}
