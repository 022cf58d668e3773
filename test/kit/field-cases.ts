import type { OpenApiDocument } from '../../src/api/v2/openapi/document.ts';
import type { ApiCase } from './octavia-api.ts';
import { operationsOf, resolved } from './openapi.ts';

// biome-ignore lint/suspicious/noExplicitAny: schemas and bodies are read as whatever they are.
type Node = any;

/** A request that both APIs take, and the fields of it that are not to be varied. */
export interface GoodRequest {
  method: 'POST' | 'PUT';
  /** Below `/v2/lbaas`, as the OpenAPI document has it. */
  route: string;
  /** With `$name` where an ID is to stand. */
  path: string;
  body: Readonly<Record<string, unknown>>;
  /** What nested fields, by their names, are to be varied from; the others are varied as a whole only. */
  nested?: Readonly<Record<string, unknown>>;
}

export interface FieldCase extends ApiCase {
  /** The way to the field, with dots. */
  about: string;
}

/**
 * One request for each value that a field of a good request may be given, one field at a time, and one with a field that
 * nobody knows.
 * @param without fields that are left as they are.
 */
export function fieldCases(
  document: OpenApiDocument,
  { method, route, path, body, nested = {} }: GoodRequest,
  without: readonly string[],
): FieldCase[] {
  const found = operationsOf(document).find((one) => one.method === method && one.path === `/v2/lbaas${route}`);
  const schema = resolved(document, found?.operation.requestBody?.content['application/json'].schema);
  const [key = ''] = Object.keys(schema.properties);
  const cases: FieldCase[] = [];
  vary(plain(schema.properties[key]), body[key], key, (value) => ({ [key]: value }));
  return cases;

  function add(about: string, whole: unknown): void {
    cases.push({ method, path: `/v2.0/lbaas${path}`, body: whole, about });
  }

  function plain(node: Node): Node {
    const one = resolved(document, node);
    return one.anyOf ? resolved(document, one.anyOf[0]) : one;
  }

  /** @param put makes a whole body around a value of this schema. */
  function vary(one: Node, base: unknown, field: string, put: (value: unknown) => unknown): void {
    if (one.type === 'array') {
      const [first] = base as unknown[];
      vary(plain(one.items), first, `${field}[]`, (value) => put([value]));
      return;
    }
    const given = base as Record<string, unknown>;
    add(`${field}.bogus`, put({ ...given, bogus: 1 }));
    for (const [name, property] of Object.entries(one.properties as Record<string, Node>)) {
      if (without.includes(name)) continue;
      const inner = plain(property);
      const place = `${field}.${name}`;
      const set = (value: unknown) => put({ ...given, [name]: value });
      const { [name]: left, ...others } = given;
      if (left !== undefined) add(place, put(others));
      for (const value of valuesFor(inner, plain)) add(place, set(value));
      if (Object.hasOwn(nested, name)) vary(inner, nested[name], place, set);
    }
  }
}

/** Nothing in all its forms, other types, and what stands on both sides of each limit. */
function valuesFor(one: Node, plain: (node: Node) => Node): unknown[] {
  const values: unknown[] = [null, '', 0, true, [], {}, ...ofType(one, plain)];
  const seen = new Set<string>();
  return values.filter((value) => {
    const text = JSON.stringify(value);
    return !seen.has(text) && seen.add(text);
  });
}

function ofType(one: Node, plain: (node: Node) => Node): unknown[] {
  if (one.enum) return ['x', one.enum.at(-1), String(one.enum[0]).toLowerCase(), String(one.enum[0])];
  switch (one.type) {
    case 'integer':
      return ['x', 1.5, '7', 1e300, ...around(one.minimum), ...around(one.maximum)];
    case 'boolean':
      return [false, 2, 'True', 'no'];
    case 'array':
      return ['a,b', ...ofItems(plain(one.items))];
    case 'object':
      return ['x', [{}], { x: 'y' }];
    default:
      return [...(byFormat[one.format ?? ''] ?? ['a\tb\u0000', '🔥ä']), ...lengths(one)];
  }
}

function ofItems(items: Node): unknown[] {
  if (items.type === 'object') return [[null], [''], [{ bogus: 1 }]];
  const [first] = items.enum ?? byFormat[items.format] ?? ['🔥'];
  return [[null], [''], [0], [{}], [[]], [first], [first, first], ...lengths(items).map((value) => [value])];
}

const around = (limit: number | undefined) => (limit === undefined ? [] : [limit - 1, limit, limit + 1]);

function lengths({ maxLength, format }: Node): unknown[] {
  if (maxLength === undefined) return [];
  const text = (length: number) => (format === 'url-path' ? '/' : '').padEnd(length, 'a');
  return [text(maxLength), text(maxLength + 1)];
}

const byFormat: Readonly<Record<string, readonly unknown[]>> = {
  uuid: ['00000000-0000-4000-8000-000000000BAD', '00000000000040008000000000000bad', 'not-a-uuid'],
  ip: ['300.1.1.1', '10.0.0.7 ', '010.0.0.7', '2001:DB8::1', 'fe80::1%eth0', '::ffff:10.0.0.9', 'localhost', '10.7'],
  cidr: ['10.1.2.3/8', '10.0.0.0/33', '10.0.0.1', 'x/8', '2001:db8::/32'],
  'http-url': ['http://a.example', 'ftp://a.example', 'http://', 'http://a b', '//a.example', 'http://a.example/%zz'],
  'url-path': ['/a', 'a', '//a', '/a b', '/a?b=c', '/%zz', '/ä', '/a#b'],
};
