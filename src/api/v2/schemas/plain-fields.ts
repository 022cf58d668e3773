import { type TSchema, type TUnsafe, Type } from 'typebox';
import type { FieldBase } from '../../../model/resource-fields.ts';
import { answeredFields, type PlainAnswer, type PlainKind } from '../wire/answer.ts';
import { common, flag, list, nullable } from './fields.ts';

const schemas: Readonly<Record<FieldBase, () => TSchema>> = {
  string: () => Type.String(),
  number: () => Type.Integer(),
  decimal: () => Type.Number(),
  boolean: flag,
  json: () => list(Type.String()),
};

/** The schema of what `plainAnswer` gives, from the same declaration. */
export function plainFields<Kind extends PlainKind>(
  kind: Kind,
): { [Name in keyof PlainAnswer<Kind>]: TUnsafe<PlainAnswer<Kind>[Name]> } {
  const shared = common();
  const own = answeredFields(kind).flatMap(({ name, type }) => {
    const schema = schemas[type.replace('?', '') as FieldBase]();
    return Object.hasOwn(shared, name) ? [] : [[name, type.endsWith('?') ? nullable(schema) : schema] as const];
  });
  return { ...shared, ...Object.fromEntries(own) } as never;
}
