import { badRequest, type ComputeFault } from './fault.ts';
import { pythonText } from './python-text.ts';

/** Checks on request bodies, refused in the words of Nova's JSON schemas (nova/api/validation/validators.py). */
export type Body = Record<string, unknown>;

export function invalid(path: string, value: unknown, reason: string): ComputeFault {
  return badRequest(`Invalid input for field/attribute ${path}. Value: ${valueText(value)}. ${reason}`);
}

/** A value by itself is printed bare, inside another one with quotes. */
function valueText(value: unknown): string {
  return typeof value === 'string' ? value : pythonText(value);
}

/** The one object of a body, such as `server`, with nothing but what is allowed beside it. */
export function envelope(body: unknown, name: string, beside: readonly string[] = []): Body {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) throw badRequest('Malformed request body');
  const unexpected = Object.keys(body).filter((key) => key !== name && !beside.includes(key));
  if (!(name in body)) throw badRequest(`'${name}' is a required property`);
  if (unexpected.length > 0) throw badRequest(additional(unexpected));
  return object((body as Body)[name], name);
}

export function object(value: unknown, path: string): Body {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Body;
  throw invalid(path, value, `${pythonText(value)} is not of type 'object'`);
}

/** Refuses a missing key first, as Nova's validator happens to do, then keys that are not allowed. */
export function checkKeys(value: Body, path: string, required: readonly string[], optional: readonly string[]): void {
  const missing = required.find((key) => !(key in value));
  if (missing) throw invalid(path, value, `'${missing}' is a required property`);
  const unexpected = Object.keys(value).filter((key) => !required.includes(key) && !optional.includes(key));
  if (unexpected.length > 0) throw invalid(path, value, additional(unexpected));
}

function additional(keys: readonly string[]): string {
  const were = keys.length === 1 ? 'was' : 'were';
  return `Additional properties are not allowed (${keys.map(pythonText).join(', ')} ${were} unexpected)`;
}

export function string(value: unknown, path: string, minLength = 0, maxLength = Number.POSITIVE_INFINITY): string {
  if (typeof value !== 'string') throw invalid(path, value, `${pythonText(value)} is not of type 'string'`);
  if (value.length < minLength) throw invalid(path, value, `${pythonText(value)} is too short`);
  if (value.length > maxLength) throw invalid(path, value, `${pythonText(value)} is too long`);
  return value;
}

/** A name may not begin or end with blanks. */
export function name(value: unknown, path: string): string {
  const text = string(value, path, 1, 255);
  if (text.trim() !== text)
    throw invalid(path, value, `${pythonText(value)} does not match '^(?![\\\\s]).*(?<![\\\\s])$'`);
  return text;
}

export function optional<Value>(value: unknown, read: (value: unknown) => Value): Value | null {
  return value === undefined || value === null ? null : read(value);
}

export function list(value: unknown, path: string): unknown[] {
  if (!Array.isArray(value)) throw invalid(path, value, `${pythonText(value)} is not of type 'array'`);
  return value;
}

const uuidPattern = /^[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}$/i;

export function isUuid(text: string): boolean {
  return uuidPattern.test(text);
}

export function uuid(value: unknown, path: string): string {
  if (typeof value === 'string' && isUuid(value)) return value;
  throw invalid(path, value, `${pythonText(value)} is not a 'uuid'`);
}

export function oneOf<Value extends string>(value: unknown, path: string, allowed: readonly Value[]): Value {
  if ((allowed as readonly unknown[]).includes(value)) return value as Value;
  throw invalid(path, value, `${pythonText(value)} is not one of ${pythonText(allowed)}`);
}

/** Whole numbers come as numbers or as text. */
export function integer(value: unknown, path: string, minimum: number): number {
  const number = typeof value === 'string' && /^-?\d+$/.test(value) ? Number(value) : value;
  if (typeof number !== 'number' || !Number.isInteger(number)) {
    throw invalid(path, value, `${pythonText(value)} does not match '^[0-9]*$'`);
  }
  if (number < minimum) throw invalid(path, value, `${pythonText(number)} is less than the minimum of ${minimum}`);
  return number;
}

/** Python's spellings of truth that Nova takes. */
export function boolean(value: unknown, path: string): boolean {
  const text = String(value).toLowerCase();
  if (['true', '1', 'on', 'yes'].includes(text)) return true;
  if (['false', '0', 'off', 'no'].includes(text)) return false;
  throw invalid(
    path,
    value,
    `${pythonText(value)} is not one of [True, 'True', 'TRUE', 'true', '1', 'ON', 'On', 'on']`,
  );
}
