import type { FastifyRequest } from 'fastify';
import { notFound } from '../../../core/api/refusals.ts';
import { type ErrorCode, KilnError } from '../../../model/errors.ts';
import type { FlavorKind, Flavors } from '../../../ports/flavor-store.ts';
import { demand } from '../access.ts';
import { flavorAction, flavorAppearances } from '../flavor-catalog.ts';
import type { ApiParts } from '../parts.ts';
import { callerOf } from './reads.ts';

export type ByKey = { Params: { key: string } };

export function demandAction(
  { policy }: ApiParts,
  request: FastifyRequest,
  kind: FlavorKind,
  verb: Parameters<typeof flavorAction>[1],
): void {
  const caller = callerOf(request);
  demand(policy, flavorAction(kind, verb), caller, caller.projectId);
}

export async function findFlavor<Kind extends FlavorKind>(
  { flavors }: ApiParts,
  kind: Kind,
  key: string,
): Promise<Flavors[Kind]> {
  const found = await flavors.get(kind, key);
  if (!found) throw notFound(flavorAppearances[kind].title, key);
  return found;
}

/** The store's refusals in Octavia's words. */
export async function translated<T>(
  action: Promise<T>,
  words: Partial<Record<ErrorCode, () => KilnError>>,
): Promise<T> {
  try {
    return await action;
  } catch (error) {
    const translate = error instanceof KilnError ? words[error.code] : undefined;
    throw translate ? translate() : error;
  }
}
