import type { OpenApiDocument, OpenApiOperation } from '../../src/api/v2/openapi/document.ts';

// biome-ignore lint/suspicious/noExplicitAny: a document is read as whatever it is.
type Node = any;

/** What stands behind a reference into the document. */
export function resolved(document: OpenApiDocument, node: Node): Node {
  if (typeof node?.$ref !== 'string') return node;
  const found = (node.$ref as string)
    .slice(2)
    .split('/')
    .reduce((at: Node, key) => at?.[key], document as Node);
  if (found === undefined) throw new Error(`${node.$ref} leads nowhere`);
  return resolved(document, found);
}

/** Every operation with its path and method. */
export function operationsOf(
  document: OpenApiDocument,
): { path: string; method: string; operation: OpenApiOperation }[] {
  return Object.entries(document.paths).flatMap(([path, operations]) =>
    Object.entries(operations).map(([method, operation]) => ({ path, method: method.toUpperCase(), operation })),
  );
}

/** Where a value is not what its schema says; empty when it is. Fields that the schema doesn't name are faults. */
export function faultsOf(document: OpenApiDocument, schema: Node, value: unknown, place = '$'): string[] {
  const one = resolved(document, schema);
  if (one.anyOf) {
    const each = one.anyOf.map((choice: Node) => faultsOf(document, choice, value, place));
    return each.find((faults: string[]) => faults.length === 0) ?? each[0];
  }
  if (one.type === 'array') {
    if (!Array.isArray(value)) return [`${place} is no list`];
    return value.flatMap((item, index) => faultsOf(document, one.items, item, `${place}[${index}]`));
  }
  if (one.type === 'object') {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return [`${place} is no object`];
    const { properties = {}, required = [], patternProperties } = one;
    if (patternProperties) return [];
    const fields = value as Record<string, unknown>;
    return [
      ...required.filter((key: string) => !(key in fields)).map((key: string) => `${place}.${key} is missing`),
      ...Object.entries(fields).flatMap(([key, inner]) =>
        key in properties
          ? faultsOf(document, properties[key], inner, `${place}.${key}`)
          : [`${place}.${key} is unknown`],
      ),
    ];
  }
  const type = value === null ? 'null' : Number.isInteger(value) ? 'integer' : typeof value;
  return type === one.type || (type === 'integer' && one.type === 'number') ? [] : [`${place} is of type ${type}`];
}
