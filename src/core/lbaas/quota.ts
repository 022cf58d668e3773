import type { ResourceKind } from '../../model/load-balancer.ts';

/** How much of each kind a project may have; -1: any number. */
export type Limits = Readonly<Record<ResourceKind, number>>;

/** What holds for a project: its own quota where it has one, else the configuration's. */
export function limitsOf(own: Readonly<Record<ResourceKind, number | null>>, defaults: Limits): Limits {
  return Object.fromEntries(
    Object.entries(defaults).map(([kind, limit]) => [kind, own[kind as ResourceKind] ?? limit]),
  ) as unknown as Limits;
}

/** How many of each kind there are. */
export function countKinds(rows: readonly { kind: ResourceKind }[]): Partial<Record<ResourceKind, number>> {
  const counts: Partial<Record<ResourceKind, number>> = {};
  for (const { kind } of rows) counts[kind] = (counts[kind] ?? 0) + 1;
  return counts;
}

/** The first kind of which `more` would be more than allowed; null when all is well. */
export function quotaExceeded(
  limits: Limits,
  existing: Readonly<Record<ResourceKind, number>>,
  more: Readonly<Partial<Record<ResourceKind, number>>>,
): ResourceKind | null {
  for (const [name, count] of Object.entries(more)) {
    const kind = name as ResourceKind;
    if (count > 0 && limits[kind] >= 0 && existing[kind] + count > limits[kind]) return kind;
  }
  return null;
}
