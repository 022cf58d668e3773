/** `vip_subnet_id` as `vipSubnetId`. */
type CamelName<Name> = Name extends `${infer Head}_${infer Rest}` ? `${Head}${Capitalize<CamelName<Rest>>}` : Name;
export type Camel<T> = T extends readonly (infer Item)[]
  ? Camel<Item>[]
  : T extends object
    ? { [Key in keyof T as CamelName<Key>]: Key extends 'insert_headers' ? T[Key] : Camel<T[Key]> }
    : T;

/** A request's fields under the names that the core uses; names of HTTP headers stay. */
export function camel<T>(value: T): Camel<T> {
  return convert(value) as Camel<T>;
}

function convert(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(convert);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [
      key.replaceAll(/_([a-z])/g, (_whole, letter: string) => letter.toUpperCase()),
      key === 'insert_headers' ? inner : convert(inner),
    ]),
  );
}
