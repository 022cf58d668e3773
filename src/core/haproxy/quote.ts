/**
 * How a value gets into HAProxy's configuration without being read as anything but itself
 * (HAProxy configuration manual, 2.2 "Quoting and escaping", 8.2.6 "Custom log format").
 *
 * What is written is pure ASCII without a bare blank, because Octavia's agent reads the file too: it decodes it in
 * pieces, which breaks characters of several bytes, and cuts out ` group ANYTHING`, wherever that stands
 * (octavia/amphorae/backends/agent/api_server/loadbalancer.py).
 */

/** One word that HAProxy reads back as `value`. NUL, which would end the word, becomes another byte that HTTP forbids. */
export function quoteWord(value: string): string {
  return `"${Array.from(Buffer.from(value, 'utf8'), quoteByte).join('')}"`;
}

function quoteByte(byte: number): string {
  const character = String.fromCharCode(byte);
  if ('\\"$ '.includes(character)) return `\\${character}`;
  if (byte > 0x20 && byte < 0x7f) return character;
  return `\\x${(byte || 0x0a).toString(16).padStart(2, '0')}`;
}

/** `fetch(name)` as one word: a sample fetch of HAProxy with a name that a user chose. */
export function quoteSample(fetch: string, name: string): string {
  return quoteWord(`${fetch}(${isPlainName.test(name) ? name : quoteArgument(name)})`);
}

/** Names without what divides or quotes arguments; versions before 2.2 know no quotes there. */
const isPlainName = /^[\w!#$%&*+.^`|~-]+$/;

function quoteArgument(name: string): string {
  return `'${name.replaceAll("'", "'\\''")}'`;
}

/** What goes into a request line or a Location header: blanks and control characters are percent-encoded. */
export function quoteUrl(value: string): string {
  return quoteWord(encodeBlanks(value));
}

/** The same where HAProxy expects a log format: no variable or expression in `value` is evaluated. */
export function quoteFormatText(value: string): string {
  return quoteWord(encodeBlanks(value).replaceAll('%', '%%'));
}

function encodeBlanks(value: string): string {
  return value.replace(/[\p{Cc}\s]/gu, encodeURIComponent);
}
