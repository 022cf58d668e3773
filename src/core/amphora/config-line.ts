import { KilnError } from '../../model/errors.ts';

/** Control characters and the line separators of Unicode: whatever some reader takes for the end of a line. */
const breaksLines = /[\p{Cc}\u2028\u2029]/u;

/**
 * Refuses a value that would not stay on its line of a configuration file, so that no value can add lines of its own.
 * @param option how the operator knows the value, such as "[health_manager] heartbeat_key"; the value is never shown.
 * @returns the value. CONFIGURATION_INVALID when it holds a line break or another control character.
 */
export function requireOneLine(option: string, value: string): string {
  if (!breaksLines.test(value)) return value;
  throw new KilnError(
    'CONFIGURATION_INVALID',
    `${option} holds a line break or another control character and can't be written into an amphora's configuration.`,
    { advice: `Set ${option} to a value that is one line of printable characters.` },
  );
}

/**
 * One `name = value` line as oslo.config reads it back to exactly `value`: `$` is doubled, since it starts a
 * substitution, and quotes go around what would lose its blanks or its own quotes.
 */
export function osloLine(section: string, name: string, value: string | number | boolean): string {
  if (typeof value === 'number') return `${name} = ${value}`;
  if (typeof value === 'boolean') return `${name} = ${value ? 'True' : 'False'}`;
  const option = `[${section}] ${name}`;
  requireOneLine(option, value);
  if (value.includes('\\$')) {
    throw new KilnError('CONFIGURATION_INVALID', `${option} holds "\\$", which oslo.config can't carry.`, {
      advice: `Set ${option} to a value without a backslash before a dollar sign.`,
    });
  }
  const escaped = value.replaceAll('$', '$$$$');
  const quoted = escaped !== escaped.trim() || /^(["']).*\1$/.test(escaped) || /^["']$/.test(escaped);
  return `${name} = ${quoted ? `"${escaped}"` : escaped}`;
}
