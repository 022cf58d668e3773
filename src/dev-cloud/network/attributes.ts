import { isIP } from 'node:net';
import { invalidInput } from './fault.ts';
import type { Attributes } from './resource.ts';

/** Reads one attribute of a body with its default, or refuses it with Neutron's words (neutron_lib/api/validators). */

export function string(attributes: Attributes, key: string, byDefault = '', maxLength = 255): string {
  const value = attributes[key] ?? byDefault;
  if (typeof value !== 'string') throw invalid(key, `'${String(value)}' is not a valid string`);
  if (value.length > maxLength) throw invalid(key, `'${value}' exceeds maximum length of ${maxLength}`);
  return value;
}

export function boolean(attributes: Attributes, key: string, byDefault: boolean): boolean {
  const value = attributes[key] ?? byDefault;
  if (typeof value === 'boolean') return value;
  const text = String(value).toLowerCase();
  if (['true', '1'].includes(text)) return true;
  if (['false', '0'].includes(text)) return false;
  throw invalid(key, `'${text}' cannot be converted to boolean`);
}

/** Null where it is null or missing. Numbers come as numbers or as text. */
export function integer(attributes: Attributes, key: string, minimum: number, maximum: number): number | null {
  const value = attributes[key] ?? null;
  if (value === null) return null;
  const number = Number(value);
  if (!Number.isInteger(number)) throw invalid(key, `'${String(value)}' is not an integer`);
  if (number < minimum || number > maximum) throw invalid(key, `Invalid value for port ${number}`);
  return number;
}

export function list<Item>(attributes: Attributes, key: string): Item[] {
  const value = attributes[key] ?? [];
  if (!Array.isArray(value)) throw invalid(key, `'${String(value)}' is not a list`);
  return value as Item[];
}

/** Of either version. */
export function ipAddress(value: unknown, key: string): string {
  if (typeof value !== 'string' || isIP(value) === 0)
    throw invalid(key, `'${String(value)}' is not a valid IP address`);
  return value;
}

export function oneOf<Value extends string>(
  attributes: Attributes,
  key: string,
  allowed: readonly Value[],
  byDefault?: Value,
): Value {
  const value = attributes[key] ?? byDefault;
  if (!(allowed as readonly unknown[]).includes(value)) {
    throw invalid(key, `'${String(value)}' is not in ${JSON.stringify(allowed)}`);
  }
  return value as Value;
}

function invalid(key: string, reason: string) {
  return invalidInput(`Invalid input for ${key}. Reason: ${reason}`);
}
