/**
 * How an option is declared. Each builder gives an `Option<T>`; the type of the loaded configuration is inferred from
 * the declarations, so that an option is named, typed and explained in one place.
 */
import { isIP } from 'node:net';
import { strip } from './oslo-parser.ts';

/** Outcome of reading a value: the value, or why it is none. */
export type Parsed<T> = { readonly value: T } | { readonly fault: string };
type Parse<T> = (text: string) => Parsed<T>;

export interface Option<T> {
  /** Name of the type for people: "integer", "list". */
  readonly type: string;
  readonly default: T;
  /** What it does, in a sentence or two. */
  readonly help: string;
  readonly unit: string | null;
  /** Which values are allowed, in words that can follow "allowed:". */
  readonly allowed: string;
  /** Older names under which the value is still read: [section, option]. */
  readonly deprecatedNames: readonly (readonly [section: string, option: string])[];
  /** Why the option itself is on its way out, and what to use instead; null when it is not. */
  readonly deprecated: string | null;
  /** Never shown. */
  readonly secret: boolean;
  /** Takes effect when the files are read again (SIGHUP); else after a restart. */
  readonly mutable: boolean;
  /** Environment variable that gives the default, as Octavia has it for [certificates]. */
  readonly defaultVariable: string | null;
  /** Why the option is taken and nothing obeys it; null: it is obeyed. */
  readonly withoutEffect: string | null;
  /** Why the default is another than Octavia's; null: it is not, or Octavia has no such option. */
  readonly octaviaDefault: OctaviaDefault | null;
  readonly parse: Parse<T>;
  /** What to say of a value that is allowed but does otherwise than one would expect; null: nothing. */
  remark(value: T): string | null;
}

/** A default of Octavia from which Kiln's departs. */
export interface OctaviaDefault {
  /** As octavia.conf would have it. */
  readonly value: string;
  readonly reason: string;
}

/** What a builder is given beside the default. */
interface Specification<D> {
  default: D;
  help: string;
  unit?: string;
  deprecatedNames?: readonly (readonly [section: string, option: string])[];
  deprecated?: string;
  secret?: true;
  mutable?: true;
  defaultVariable?: string;
  withoutEffect?: string;
  octaviaDefault?: OctaviaDefault;
}

interface Remarked<T> {
  remark?: (value: T) => string | null;
}

/** `T | null` where null is the default ("not set"), else `T`. */
type Value<T, D> = null extends D ? T | null : T;

function declare<T, D extends T | null>(
  type: string,
  allowed: string,
  specification: Specification<D> & Remarked<Value<T, D>>,
  parse: Parse<T>,
): Option<Value<T, D>> {
  const { unit = null, deprecatedNames = [], deprecated = null, secret = false, mutable = false } = specification;
  return {
    type,
    allowed,
    default: specification.default as Value<T, D>,
    help: specification.help,
    unit,
    deprecatedNames,
    deprecated,
    secret,
    mutable,
    defaultVariable: specification.defaultVariable ?? null,
    withoutEffect: specification.withoutEffect ?? null,
    octaviaDefault: specification.octaviaDefault ?? null,
    parse: parse as Parse<Value<T, D>>,
    remark: (value) => specification.remark?.(value) ?? null,
  };
}

/** An empty value of an option whose default is null means "not set"; of one that has a default, an empty string. */
export function string<D extends string | null>(
  specification: Specification<D> & Remarked<Value<string, D>> & { pattern?: { regex: RegExp; description: string } },
): Option<Value<string, D>> {
  const { pattern } = specification;
  return declare<string, D>('string', pattern?.description ?? 'any text', specification, (text) => {
    if (text === '' && specification.default === null) return unset();
    return !pattern || pattern.regex.test(text) ? { value: text } : { fault: `must be ${pattern.description}` };
  });
}

/** One of a few words, compared exactly as oslo.config does. */
export function choice<const C extends string, D extends C | null>(
  choices: readonly C[],
  specification: Specification<D> & Remarked<Value<C, D>>,
): Option<Value<C, D>> {
  return declare<C, D>('choice', choices.join(', '), specification, (text) => {
    const found = choices.find((word) => word === text);
    if (found !== undefined) return { value: found };
    return text === '' && specification.default === null ? unset() : { fault: `must be one of: ${choices.join(', ')}` };
  });
}

/** true, 1, on, yes and false, 0, off, no, in any case. */
export function boolean<D extends boolean | null>(
  specification: Specification<D> & Remarked<Value<boolean, D>>,
): Option<Value<boolean, D>> {
  return declare<boolean, D>('boolean', 'true, 1, on, yes; false, 0, off, no', specification, (text) => {
    const word = text.toLowerCase();
    if (['true', '1', 'on', 'yes'].includes(word)) return { value: true };
    if (['false', '0', 'off', 'no'].includes(word)) return { value: false };
    return { fault: 'must be true, 1, on or yes, or else false, 0, off or no' };
  });
}

interface Bounds {
  min?: number;
  max?: number;
}

type NumberSpecification<D extends number | null> = Specification<D> & Remarked<Value<number, D>> & Bounds;

/** Written as Python's int() takes it. An empty value means the default (oslo.config makes it None). */
export function integer<D extends number | null>(specification: NumberSpecification<D>): Option<Value<number, D>> {
  return number('integer', 'an integer', /^[+-]?\d+(_\d+)*$/, specification);
}

/** Decimal, with or without an exponent. An empty value means the default. */
export function float<D extends number | null>(specification: NumberSpecification<D>): Option<Value<number, D>> {
  return number('number', 'a number', /^[+-]?(\d+(_\d+)*\.?(\d+(_\d+)*)?|\.\d+(_\d+)*)(e[+-]?\d+)?$/i, specification);
}

/** A TCP or UDP port. */
export function port<D extends number | null>(specification: Specification<D>): Option<Value<number, D>> {
  return number('port', 'a port', /^[+-]?\d+(_\d+)*$/, { ...specification, min: 0, max: 65535 });
}

function number<D extends number | null>(
  type: string,
  what: string,
  form: RegExp,
  specification: NumberSpecification<D>,
): Option<Value<number, D>> {
  const { min, max } = specification;
  const bounds =
    min !== undefined && max !== undefined
      ? ` from ${min} to ${max}`
      : min !== undefined
        ? `, ${min} or more`
        : max !== undefined
          ? `, ${max} or less`
          : '';
  const allowed = `${what}${bounds}`;
  return declare<number, D>(type, allowed, specification, (text) => {
    const digits = strip(text);
    if (digits === '') return unset(specification.default);
    const value = form.test(digits) ? Number(digits.replaceAll('_', '')) : Number.NaN;
    const inBounds = value >= (min ?? -Infinity) && value <= (max ?? Infinity);
    return Number.isFinite(value) && inBounds ? { value } : { fault: `must be ${allowed}` };
  });
}

/** An IPv4 or IPv6 address, without a zone. */
export function ipAddress<D extends string | null>(specification: Specification<D>): Option<Value<string, D>> {
  return declare<string, D>('IP address', 'an IPv4 or IPv6 address', specification, (text) =>
    isIP(text) !== 0 && !text.includes('%') ? { value: text } : { fault: 'must be an IPv4 or IPv6 address' },
  );
}

interface ItemRule {
  test: RegExp | ((value: string) => boolean);
  /** What one item is, in words: "host:port". */
  description: string;
}

const itemMatches = ({ test }: ItemRule, value: string) => (test instanceof RegExp ? test.test(value) : test(value));

/** An IPv4 or IPv6 address as an item of a list. */
export const ipAddressItem: ItemRule = {
  test: (value) => isIP(value) !== 0 && !value.includes('%'),
  description: 'an IPv4 or IPv6 address',
};

/**
 * Items separated by commas, blanks around them taken off, commas at the end ignored.
 * @param specification.mayBeBracketed the whole may stand in brackets, and an item in quotes, as the sample file of Octavia has
 * it: `['169.254.169.254']`. oslo.config refuses such a value, since the items are checked; others it takes as they stand.
 */
export function list(
  specification: Specification<readonly string[]> & { item?: ItemRule; mayBeBracketed?: true },
): Option<readonly string[]> {
  const { item, mayBeBracketed = false } = specification;
  const unquoted = (text: string) => (mayBeBracketed ? strip(text).replace(/^(['"])(.*)\1$/, '$2') : strip(text));
  const unbracketed = (text: string) => (mayBeBracketed ? strip(text).replace(/^\[(.*)\]$/s, '$1') : strip(text));
  const allowed = item ? `items separated by commas, each ${item.description}` : 'items separated by commas';
  return declare<readonly string[], readonly string[]>('list', allowed, specification, (text) =>
    splitItems(strip(unbracketed(text)).replace(/,+$/, ''), (part) => {
      const value = unquoted(part);
      return !item || itemMatches(item, value) ? { value } : { fault: `"${value}" must be ${item.description}` };
    }),
  );
}

/** `key:value` pairs separated by commas; a value may hold ":" and, where no pair follows, ",". */
export function dict(
  specification: Specification<Readonly<Record<string, string>>> & Remarked<Readonly<Record<string, string>>>,
): Option<Readonly<Record<string, string>>> {
  const allowed = 'key:value pairs separated by commas';
  return declare<Readonly<Record<string, string>>, Readonly<Record<string, string>>>(
    'dictionary',
    allowed,
    specification,
    (text) => {
      const pairs = splitItems(strip(text), (part) => {
        const colon = part.indexOf(':');
        if (colon < 0) return { fault: `must be ${allowed}; "${strip(part)}" has no ":"` };
        return { value: [strip(part.slice(0, colon)), strip(part.slice(colon + 1))] as const };
      });
      if ('fault' in pairs) return pairs;
      const keys = pairs.value.map(([key]) => key);
      if (keys.includes('')) return { fault: 'must have a key before each ":"' };
      const repeated = keys.find((key, index) => keys.indexOf(key) !== index);
      return repeated === undefined
        ? { value: Object.fromEntries(pairs.value) }
        : { fault: `must not have the key "${repeated}" twice` };
    },
  );
}

/**
 * oslo.config's way with commas: a part that is no item by itself is joined with the parts after it until it is one
 * (types.py, List and Dict).
 */
function splitItems<T>(text: string, parseItem: Parse<T>): Parsed<T[]> {
  const parts = text === '' ? [] : text.split(',');
  const items: T[] = [];
  for (let next = 0; next < parts.length; ) {
    let part = parts[next++] ?? '';
    let item = parseItem(part);
    const firstFault = item;
    while ('fault' in item && next < parts.length) {
      part += `,${parts[next++]}`;
      item = parseItem(part);
    }
    if ('fault' in item) return 'fault' in firstFault ? firstFault : item;
    items.push(item.value);
  }
  return { value: items };
}

/** Only reached where the default is of the option's own type. */
function unset<T>(value: unknown = null): Parsed<T> {
  return { value: value as T };
}
