import type { SnakeCase } from '../../../lib/snake-case.ts';
import { snakeCase } from '../../../lib/snake-case.ts';
import type { Resources } from '../../../model/load-balancer.ts';
import { type FieldType, resourceFields } from '../../../model/resource-fields.ts';
import { wireTime } from './common.ts';

/**
 * Kinds whose answers follow from the declaration of their fields: the name in snake case, and the value as it is. What their
 * parents or children are is said beside it, in Octavia's words.
 */
export type PlainKind = 'member' | 'healthmonitor' | 'l7policy' | 'l7rule';

/** What a resource belongs to: no field of its answer. */
type Parent = 'poolId' | 'listenerId' | 'l7PolicyId';
type Answered<Kind extends PlainKind> = Exclude<keyof Resources[Kind] & string, Parent>;
type Value<T> = T extends readonly (infer Item)[] ? Item[] : T;

export type PlainAnswer<Kind extends PlainKind> = {
  [Field in Answered<Kind> as SnakeCase<Field>]: Value<Resources[Kind][Field & keyof Resources[Kind]]>;
} & { tenant_id: string };

const parents: readonly string[] = ['poolId', 'listenerId', 'l7PolicyId'] satisfies Parent[];
const times = ['createdAt', 'updatedAt'];

/** The fields of an answer: what of the model they are, and their names. */
export const answeredFields = (kind: PlainKind): { field: string; name: string; type: FieldType }[] =>
  Object.entries(resourceFields[kind])
    .filter(([field]) => !parents.includes(field))
    .map(([field, type]) => ({ field, name: snakeCase(field), type }));

const byKind = {
  member: answeredFields('member'),
  healthmonitor: answeredFields('healthmonitor'),
  l7policy: answeredFields('l7policy'),
  l7rule: answeredFields('l7rule'),
} as const;

export function plainAnswer<Kind extends PlainKind>(kind: Kind, resource: Resources[Kind]): PlainAnswer<Kind> {
  const values = resource as unknown as Readonly<Record<string, unknown>>;
  const answer: Record<string, unknown> = {};
  for (const { field, name } of byKind[kind]) answer[name] = printed(field, values[field]);
  answer.tenant_id = resource.projectId;
  return answer as PlainAnswer<Kind>;
}

function printed(field: string, value: unknown): unknown {
  if (Array.isArray(value)) return [...value];
  return times.includes(field) && typeof value === 'string' ? wireTime(value) : value;
}
