import type { TSchema } from 'typebox';
import { invalidField, invalidOption, invalidRequest } from '../../core/lbaas/api-errors.ts';
import { clip, pythonText } from '../../core/lbaas/python-text.ts';
import { formats } from './formats.ts';

/**
 * Reads the body of a request by its schema, as Octavia's wsme does, and says what is wrong in wsme's words.
 *
 * Why not Ajv: wsme turns "80" into 80 and "true" into true, and Debian's own client counts on it (it sends the numbers
 * of `healthmonitor create` as text); it takes null for every field, and "" unsets a reference as null does; it looks for unknown fields first, and its
 * sentences are what clients print and tests match. Unlike wsme this reader answers 400 to what Octavia answers with 500
 * (no object where one is due, null for a field that must be there, numbers that no database column holds).
 *
 * Whether the object under the body's key is there at all is left to `bodyOf`: a route looks first whether what the path
 * names is there. Null stands for one that is missing; a text or number in its place, as Kiln's own bodies have, has to be there.
 *
 * @param schema made with `body` of schemas/fields.ts.
 * @throws KilnError REQUEST_INVALID.
 */
export function readBody(schema: TSchema, json: unknown): unknown {
  const argument = textOf(schema, 'title') ?? 'body';
  // No body at all comes as null.
  if (json === undefined || json === null) throw invalidRequest(`Missing argument: "${argument}"`);
  return readObject(schema, json, { field: argument, path: argument }, { mayMiss: true });
}

/** Where a value stands: its own name for most messages, the way to it for unknown fields. */
interface Place {
  field: string;
  path: string;
  /** That the value is of: messages show it whole. */
  list?: unknown[];
}

function read(schema: TSchema, value: unknown, place: Place): unknown {
  const options = arrayOf(schema, 'anyOf');
  if (options) {
    // Only `nullable` makes unions.
    const one = options[0] as TSchema;
    if (value === null || (value === '' && isReference(one))) return null;
    return read(one, value, place);
  }
  if (value === null) throw invalidOption('None', place.field);
  switch (textOf(schema, 'type')) {
    case 'object':
      return readObject(schema, value, place);
    case 'array':
      return readList(schema, value, place);
    case 'boolean':
      return readFlag(value, place);
    case 'integer':
      return readInteger(schema, value, place);
    case 'number':
      return readNumber(schema, value, place);
    default:
      return readText(schema, value, place);
  }
}

function readObject(schema: TSchema, value: unknown, place: Place, { mayMiss = false } = {}): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw refused(place, value, 'Value should be an object');
  }
  const given = value as Record<string, unknown>;
  const patterned = member(schema, 'patternProperties') as Record<string, TSchema> | undefined;
  if (patterned) return readDictionary(Object.values(patterned)[0] as TSchema, given, place);

  const properties = member(schema, 'properties') as Record<string, TSchema>;
  const unknown = Object.keys(given).filter((key) => !Object.hasOwn(properties, key));
  if (unknown.length > 0) {
    const attributes = unknown.length > 1 ? 'attributes' : 'attribute';
    throw invalidRequest(`Unknown ${attributes} for argument ${place.path}: ${unknown.map(clip).join(', ')}`);
  }
  const required = new Set(arrayOf(schema, 'required') ?? []);
  const result: Record<string, unknown> = {};
  for (const [key, property] of Object.entries(properties)) {
    const isObject = textOf(property, 'type') === 'object' || arrayOf(property, 'anyOf') !== null;
    if (mayMiss && isObject && (given[key] === undefined || given[key] === null)) result[key] = null;
    else if (Object.hasOwn(given, key)) {
      result[key] = read(property, given[key], { field: key, path: `${place.path}.${key}` });
    } else if (required.has(key)) {
      throw invalidField(key, 'None', 'Mandatory field missing.');
    }
  }
  return result;
}

const refused = ({ field, list }: Place, value: unknown, why: string) =>
  invalidField(field, pythonText(list ?? value), why);

/** Null values are left out: wsme keeps them, but nothing can be done with them. */
function readDictionary(schema: TSchema, given: Record<string, unknown>, place: Place): Record<string, unknown> {
  const entries = Object.entries(given).filter(([, value]) => value !== null);
  return Object.fromEntries(
    entries.map(([key, value]) => [
      readText({ maxLength: 255 } as TSchema, key, place),
      readText(schema, scalarText(value), place),
    ]),
  );
}

function scalarText(value: unknown): unknown {
  return typeof value === 'boolean' ? (value ? 'True' : 'False') : value;
}

function readList(schema: TSchema, value: unknown, place: Place): unknown[] {
  if (!Array.isArray(value)) throw refused(place, value, `Value not a valid list: ${pythonText(value)}`);
  const items = member(schema, 'items') as TSchema;
  return value.map((item) => read(items, item, { ...place, list: value }));
}

function readFlag(value: unknown, place: Place): boolean {
  if (typeof value === 'boolean') return value;
  if (typeof value === 'number' && Number.isInteger(value)) return value !== 0;
  if (typeof value === 'string') {
    // wsme/utils and wsme/rest/json: these words and no others.
    if (['true', 't', 'yes', 'y', 'on', '1'].includes(value)) return true;
    if (['false', 'f', 'no', 'n', 'off', '0'].includes(value)) return false;
  }
  throw refused(place, value, `Value not an unambiguous boolean: ${pythonText(value)}`);
}

function readInteger(schema: TSchema, value: unknown, place: Place): number {
  const number = typeof value === 'string' && /^\s*[+-]?\d{1,15}\s*$/.test(value) ? Number(value) : value;
  if (typeof number !== 'number' || !Number.isInteger(number)) {
    throw refused(place, value, 'Value should be an integer');
  }
  checkBounds(schema, number, value, place);
  return number;
}

function checkBounds(schema: TSchema, number: number, value: unknown, place: Place): void {
  const minimum = numberOf(schema, 'minimum');
  if (minimum !== null && number < minimum) {
    throw refused(place, value, `Value should be greater or equal to ${minimum}`);
  }
  const maximum = numberOf(schema, 'maximum');
  if (maximum !== null && number > maximum) {
    throw refused(place, value, `Value should be lower or equal to ${maximum}`);
  }
}

function readNumber(schema: TSchema, value: unknown, place: Place): number {
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  const allowed = arrayOf(schema, 'enum') as number[] | null;
  if (allowed === null) {
    if (typeof number !== 'number' || !Number.isFinite(number)) throw refused(place, value, 'Value should be a number');
    checkBounds(schema, number, value, place);
    return number;
  }
  if (typeof number !== 'number' || !allowed.includes(number)) {
    throw refused(place, value, `Value should be one of: ${listOf(allowed)}`);
  }
  return number;
}

/** All with a fraction where one has one: `1.0, 1.1`. */
function listOf(numbers: readonly number[]): string {
  const digits = numbers.every(Number.isInteger) ? 0 : 1;
  return numbers.map((one) => one.toFixed(digits)).join(', ');
}

function readText(schema: TSchema, value: unknown, place: Place): string {
  const name = textOf(schema, 'format');
  const format = name ? formats[name] : undefined;
  const allowed = arrayOf(schema, 'enum') as string[] | null;
  if (allowed) {
    if (typeof value === 'string' && allowed.includes(value)) return value;
    const refusal = format?.refusal ?? `Value should be one of: ${allowed.join(', ')}`;
    throw refused(place, value, refusal);
  }
  if (format) {
    const result = typeof value === 'string' ? format.read(value) : null;
    if (result === null) throw refused(place, value, format.refusal);
    checkLength(schema, result, place);
    return result;
  }
  // A lone surrogate is no text: no database takes it.
  if (typeof value !== 'string' || !value.isWellFormed()) {
    throw refused(place, value, 'Value should be string');
  }
  checkLength(schema, value, place);
  const expression = textOf(schema, 'pattern');
  if (expression !== null && !new RegExp(expression, 'u').test(value)) {
    throw refused(place, value, `Value should match the pattern ${expression}`);
  }
  return value;
}

function checkLength(schema: TSchema, value: string, place: Place): void {
  const minimum = numberOf(schema, 'minLength');
  if (minimum !== null && value.length < minimum) {
    throw refused(place, value, `Value should have a minimum character requirement of ${minimum}`);
  }
  const maximum = numberOf(schema, 'maxLength');
  // Characters, not UTF-16 units; counted only where the difference matters.
  if (maximum !== null && value.length > maximum && [...value].length > maximum) {
    throw refused(place, value, `Value should have a maximum character requirement of ${maximum}`);
  }
}

/** One that may be unset: what has a least length has to be named. */
const isReference = (schema: TSchema) =>
  ['uuid', 'secret-reference'].includes(textOf(schema, 'format') ?? '') && numberOf(schema, 'minLength') === null;

const member = (schema: TSchema, key: string): unknown => (schema as Record<string, unknown>)[key];

function textOf(schema: TSchema, key: string): string | null {
  const value = member(schema, key);
  return typeof value === 'string' ? value : null;
}

function numberOf(schema: TSchema, key: string): number | null {
  const value = member(schema, key);
  return typeof value === 'number' ? value : null;
}

function arrayOf(schema: TSchema, key: string): unknown[] | null {
  const value = member(schema, key);
  return Array.isArray(value) ? value : null;
}
