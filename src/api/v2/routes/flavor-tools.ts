import type { FastifyRequest } from 'fastify';
import { notFound } from '../../../core/lbaas/api-errors.ts';
import type { FlavorKind, Flavors } from '../../../ports/flavor-store.ts';
import type { ApiDeps } from '../deps.ts';
import { flavorAction, flavorRepresentations } from '../flavor-catalog.ts';
import { authorizeCaller } from './reads.ts';

export type ByKey = { Params: { key: string } };

export function authorizeAction(
  { policy }: ApiDeps,
  request: FastifyRequest,
  kind: FlavorKind,
  verb: Parameters<typeof flavorAction>[1],
): void {
  authorizeCaller(policy, flavorAction(kind, verb), request);
}

export async function findFlavor<Kind extends FlavorKind>(
  { flavors }: ApiDeps,
  kind: Kind,
  key: string,
): Promise<Flavors[Kind]> {
  const found = await flavors.get(kind, key);
  if (!found) throw notFound(flavorRepresentations[kind].title, key);
  return found;
}
