import type { OpenApiDocument } from '../../src/api/v2/openapi/document.ts';
import { resolved } from './openapi.ts';

// biome-ignore lint/suspicious/noExplicitAny: schemas and bodies are read as whatever they are.
type Node = any;

export interface MalformedBody {
  /** What is wrong with it. */
  why: string;
  /** What the refusal has to name; null where nothing has a name. */
  names: string | null;
  body: unknown;
}

const uuid = 'b5a1d6f0-0000-4000-8000-00000000ffff';
const valid: Readonly<Record<string, string>> = {
  uuid,
  ip: '192.0.2.77',
  cidr: '192.0.2.0/24',
  'http-url': 'https://example.org/',
  'url-path': '/health',
  'secret-reference': 'https://keys.example.org/v1/secrets/1',
};
const invalid: Readonly<Record<string, readonly unknown[]>> = {
  uuid: ['not-a-uuid', '', `${uuid}0`, 7],
  ip: ['300.1.1.1', 'fe80::1%eth0', '', 'localhost', 7],
  cidr: ['192.0.2.0/33', 'x/8', '192.0.2.0/8/8', {}],
  'http-url': ['ftp://example.org', 'https://a b', 'x', 'https://example.org/\r\nX: y'],
  'secret-reference': [7, {}, ['x'], true, 'ä'.repeat(256)],
  'url-path': ['health', '//evil', '/a b', '/a\n'],
};

/** Something that the schema takes. */
export function validValue(document: OpenApiDocument, schema: Node): Node {
  const one = resolved(document, schema);
  if (one.anyOf) return validValue(document, one.anyOf[0]);
  if (one.enum) return one.enum[0];
  switch (one.type) {
    case 'object':
      return Object.fromEntries(
        (one.required ?? []).map((key: string) => [key, validValue(document, one.properties[key])]),
      );
    case 'array':
      return [];
    case 'boolean':
      return true;
    case 'integer':
    case 'number':
      return Math.max(one.minimum ?? 1, 1);
    default:
      return one.format ? (valid[one.format] ?? 'x') : (one.examples?.[0] ?? 'x');
  }
}

/** Values that the schema does not take. */
function wrongValues(one: Node): readonly [why: string, value: unknown][] {
  const texts = (values: readonly unknown[]) =>
    values.map((value): [string, unknown] => [JSON.stringify(value), value]);
  if (one.enum) return texts(['NO_SUCH_THING', '', {}, [one.enum[0]]]);
  switch (one.type) {
    case 'object':
      return texts([[], 'text', 7, true]);
    case 'array':
      return texts(['text', {}, 7]);
    case 'boolean':
      return texts(['perhaps', {}, [], 1.5]);
    case 'integer':
      return [
        ...texts(['many', 1.5, {}, [], '1e3', 1e300]),
        ...(one.maximum === undefined ? [] : texts([one.maximum + 1])),
        ...(one.minimum === undefined ? [] : texts([one.minimum - 1])),
      ];
    case 'number':
      return texts(['many', {}, 1e300]);
    default:
      if (one.format) return texts(invalid[one.format] ?? []);
      return [
        ...texts([7, {}, ['x'], true]),
        ['half a surrogate pair', '\ud800'],
        ...(one.maxLength ? [['too long', 'ä'.repeat(one.maxLength + 1)] as [string, unknown]] : []),
        ...(one.pattern ? [['against the pattern', 'a b\r\nc;,\\ '] as [string, unknown]] : []),
      ];
  }
}

const deepest = 4;

/** Bodies that differ from a good one in one place. */
export function* malformedBodies(document: OpenApiDocument, schema: Node): Generator<MalformedBody> {
  const root = resolved(document, schema);
  const [key] = Object.keys(root.properties) as [string];
  const good = validValue(document, root);
  for (const body of [[], 'text', 7, true, {}, { [key]: null }, { [key]: good[key], more: 1 }, { colour: {} }]) {
    yield { why: `the body is ${JSON.stringify(body).slice(0, 40)}`, names: null, body };
  }
  yield { why: '__proto__', names: '__proto__', body: JSON.parse(`{"__proto__": {"x": 1}}`) };
  yield* inside(root, good, (value) => value, 0);

  /** @param put makes a whole body around a value of this schema. */
  function* inside(
    object: Node,
    base: Record<string, unknown>,
    put: (value: unknown) => unknown,
    depth: number,
  ): Generator<MalformedBody> {
    if (depth > 0) {
      yield { why: 'an unknown field', names: 'colour', body: put({ ...base, colour: 'red' }) };
      const polluting = JSON.parse(`{"__proto__": {"admin": true}}`) as Record<string, unknown>;
      yield { why: '__proto__ inside', names: '__proto__', body: put(Object.assign(polluting, base)) };
    }
    for (const name of object.required ?? []) {
      const { [name]: _left, ...rest } = base;
      yield { why: `${name} is missing`, names: depth > 0 ? name : null, body: put(rest) };
      yield { why: `${name} is null`, names: depth > 0 ? name : null, body: put({ ...base, [name]: null }) };
    }
    for (const [name, property] of Object.entries(object.properties as Record<string, Node>)) {
      const whole = resolved(document, property);
      const one = whole.anyOf ? resolved(document, whole.anyOf[0]) : whole;
      const set = (value: unknown) => put({ ...base, [name]: value });
      if (depth > 0) {
        for (const [why, value] of wrongValues(one)) {
          // An empty text unsets a reference, as null does.
          if (whole.anyOf && one.format === 'uuid' && value === '') continue;
          yield { why: `${name}: ${why}`, names: name, body: set(value) };
        }
      }
      if (depth >= deepest || one.patternProperties) continue;
      if (one.type === 'object') yield* inside(one, validValue(document, one), set, depth + 1);
      if (one.type !== 'array') continue;
      const item = resolved(document, one.items);
      if (item.type === 'object') {
        yield { why: `${name}: a number in the list`, names: name, body: set([7]) };
        yield* inside(item, validValue(document, item), (value) => set([value]), depth + 1);
      } else {
        for (const [why, value] of wrongValues(item))
          yield { why: `${name}: [${why}]`, names: name, body: set([value]) };
      }
    }
  }
}
