export type JsonSchema = Readonly<Record<string, unknown>>;

export interface SharedSchemas {
  /** The schema with references in place of the larger objects in it. */
  refer(schema: JsonSchema): JsonSchema;
  /** What the references name. */
  schemas(): Readonly<Record<string, JsonSchema>>;
}

/** Objects with fewer fields are clearer where they stand. */
const smallest = 4;

/**
 * Objects that schemas have in common, each kept once, under the name of the field in which it first came. A pool alone
 * stands in answers to a dozen requests.
 */
export function sharedSchemas(): SharedSchemas {
  const names = new Map<string, string>();
  const kept: Record<string, JsonSchema> = {};

  function walk(value: unknown, field: string): unknown {
    if (Array.isArray(value)) return value.map((one) => walk(one, field));
    if (typeof value !== 'object' || value === null) return value;
    const schema = value as JsonSchema;
    const isObject = schema.type === 'object' && typeof schema.properties === 'object';
    const walked = Object.fromEntries(
      Object.entries(schema).map(([key, one]) => [
        key,
        key === 'properties' && isObject ? walkFields(one as JsonSchema) : walk(one, field),
      ]),
    );
    if (!isObject || Object.keys(schema.properties as object).length < smallest) return walked;
    return { $ref: `#/components/schemas/${keep(walked, field)}` };
  }

  function walkFields(properties: JsonSchema): JsonSchema {
    return Object.fromEntries(Object.entries(properties).map(([name, one]) => [name, walk(one, name)]));
  }

  function keep(schema: JsonSchema, field: string): string {
    const text = JSON.stringify(schema);
    const known = names.get(text);
    if (known) return known;
    const base = field.replaceAll(/(?:^|_)([a-z])/g, (_whole, letter: string) => letter.toUpperCase()) || 'Object';
    let name = base;
    for (let n = 2; Object.hasOwn(kept, name); n++) name = `${base}${n}`;
    names.set(text, name);
    kept[name] = schema;
    return name;
  }

  return {
    refer: (schema) => walk(schema, '') as JsonSchema,
    schemas: () => Object.fromEntries(Object.entries(kept).sort(([one], [other]) => (one < other ? -1 : 1))),
  };
}
