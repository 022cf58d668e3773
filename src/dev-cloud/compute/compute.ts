import type { FastifyRequest } from 'fastify';
import type { CloudContext, CloudUser } from '../context.ts';
import type { NetworkFacade } from '../network/index.ts';
import type { Lifecycle } from './lifecycle.ts';
import type { ComputeTables } from './rows.ts';

/** Who calls, and in which microversion (its minor part). */
export interface Call {
  user: CloudUser;
  minor: number;
}

/** What the routes of Nova share. */
export interface Compute {
  context: CloudContext;
  tables: ComputeTables;
  network: NetworkFacade;
  lifecycle: Lifecycle;
  /** @throws ComputeFault 401 */
  callOf(request: FastifyRequest): Call;
  /** Root of Nova's endpoint, without version and trailing slash. */
  baseUrl(): string;
}

/** The links that Nova gives everything: with the version, and without it for good. */
export function selfLinks(compute: Pick<Compute, 'baseUrl'>, collection: string, id: string) {
  return [{ rel: 'self', href: `${compute.baseUrl()}/v2.1/${collection}/${id}` }, bookmark(compute, collection, id)];
}

export function bookmark(compute: Pick<Compute, 'baseUrl'>, collection: string, id: string) {
  return { rel: 'bookmark', href: `${compute.baseUrl()}/${collection}/${id}` };
}
