import { type TSchema, Type } from 'typebox';
import { alpnProtocols, largestInteger, urlPathLength } from '../../../core/lbaas/limits.ts';

/**
 * The kinds of fields that Octavia's API has (octavia/api/common/types.py and wsme's types). What a kind accepts and what
 * it makes of it is decided by the reader of request bodies (read-body.ts) from `type`, `format` and the limits here; the
 * same schemas become the OpenAPI document.
 */

export const text = (maxLength = 255) => Type.String({ maxLength });
export const pattern = (expression: string, limits: { minLength?: number; maxLength?: number } = {}) =>
  Type.String({ pattern: expression, ...limits });
export const uuid = () => Type.String({ format: 'uuid' });
export const address = () => Type.String({ format: 'ip' });
export const cidr = () => Type.String({ format: 'cidr' });
/** Of a certificate or the like in the key manager. */
export const secretReference = () => Type.String({ format: 'secret-reference', maxLength: 255 });
export const url = () => Type.String({ format: 'http-url', maxLength: 255 });
export const urlPath = () => Type.String({ format: 'url-path', maxLength: urlPathLength });
export const alpnProtocol = () =>
  Type.Unsafe<(typeof alpnProtocols)[number]>({ type: 'string', enum: [...alpnProtocols], format: 'alpn-protocol' });
export const dateTime = () => Type.String({ format: 'date-time' });
export const flag = () => Type.Boolean();
export const integer = (limits: { minimum?: number; maximum?: number } = {}) =>
  Type.Integer({ maximum: largestInteger, ...limits });

/** With a fraction. */
export const number = (limits: { minimum: number; maximum: number }) => Type.Number(limits);

export function choice<const Values extends readonly string[]>(values: Values) {
  return Type.Unsafe<Values[number]>({ type: 'string', enum: [...values] });
}

export function numberChoice<const Values extends readonly number[]>(values: Values) {
  return Type.Unsafe<Values[number]>({ type: 'number', enum: [...values] });
}

export const list = <Item extends TSchema>(item: Item) => Type.Array(item);
export const tags = () => list(text());

export const nullable = <Schema extends TSchema>(schema: Schema) => Type.Union([schema, Type.Null()]);

/** A field that a request may leave out; null is taken everywhere, as wsme does. */
export const optional = <Schema extends TSchema>(schema: Schema) => Type.Optional(nullable(schema));

/** Of what something is to be made in: it has to be named, and null names nothing that is there. */
export const parent = () => nullable(Type.String({ format: 'uuid', minLength: 1 }));

export const idOnly = () => Type.Object({ id: Type.String() });
export const status = () => Type.String();
export const links = () => list(Type.Object({ href: Type.String(), rel: Type.String() }));

/** An object that takes no other fields. */
export const closed = <Fields extends Parameters<typeof Type.Object>[0]>(fields: Fields) =>
  Type.Object(fields, { additionalProperties: false });

/**
 * A request's body: one object under the resource's key.
 * @param argument what Octavia's own code calls the body; its messages about unknown fields begin with it.
 */
export function body<Key extends string, Schema extends TSchema>(argument: string, key: Key, schema: Schema) {
  const fields = { [key]: schema } as Record<Key, Schema>;
  return Type.Object(fields, { additionalProperties: false, title: argument });
}

/** An answer with one object. */
export const one = <Key extends string, Schema extends TSchema>(key: Key, schema: Schema) =>
  Type.Object({ [key]: schema } as Record<Key, Schema>);

/** What all seven kinds below a load balancer, and it itself, answer with. */
export const common = () => ({
  id: Type.String(),
  provisioning_status: status(),
  operating_status: status(),
  admin_state_up: flag(),
  project_id: Type.String(),
  created_at: dateTime(),
  updated_at: nullable(dateTime()),
  tags: list(Type.String()),
  tenant_id: Type.String(),
});
