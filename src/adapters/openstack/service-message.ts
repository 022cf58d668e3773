/**
 * A service's own words, out of whichever error format it answers with: keystone `{"error":{"message"}}`, nova
 * `{"itemNotFound":{"message"}}`, neutron `{"NeutronError":{"type","message"}}`, glance `{"message","code"}` or HTML,
 * placement `{"errors":[{"detail"}]}`, pecan/WSME `{"faultstring"}`, proxies' HTML or text.
 */

const longestMessage = 500;

/** Of JSON that says nothing in words: enough to see whose it is. */
const longestJson = 120;

/** @returns one line of at most 500 characters, or null when the body says nothing. */
export function serviceMessage(body: string): string | null {
  const text = body.trim();
  if (text === '') return null;
  const said = parsesAsJson(text) ?? (/^<(!doctype|html|head|body|\?xml)/i.test(text) ? textOfHtml(text) : text);
  const line = withoutMarkup(said);
  if (line === '') return null;
  return clipped(line, longestMessage);
}

/** Null when it is not JSON; of JSON in which no message is found, the beginning. */
function parsesAsJson(text: string): string | null {
  try {
    return messageIn(JSON.parse(text)) ?? clipped(text, longestJson);
  } catch {
    return null;
  }
}

function messageIn(value: unknown, depth = 0): string | null {
  if (typeof value === 'string') return value;
  if (typeof value !== 'object' || value === null || depth > 3) return null;
  const fields = value as Record<string, unknown>;
  for (const name of ['message', 'detail', 'faultstring', 'description', 'title']) {
    const said = fields[name];
    if (typeof said === 'string' && said !== '') return said;
  }
  for (const inner of Object.values(fields)) {
    if (typeof inner === 'object' || (depth === 0 && typeof inner === 'string')) {
      const said = messageIn(inner, depth + 1);
      if (said) return said;
    }
  }
  return null;
}

/** The page's text without its title and without the heading that only repeats the status. */
function textOfHtml(html: string): string {
  const body = html.replace(/<head[\s\S]*?<\/head>/i, ' ').replace(/<(script|style)[\s\S]*?<\/\1>/gi, ' ');
  const withoutHeading = body.replace(/<h1>[\s\S]*?<\/h1>/i, ' ');
  return withoutMarkup(withoutHeading) === '' ? body : withoutHeading;
}

const entities: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'", nbsp: ' ' };

function withoutMarkup(text: string): string {
  return text
    .replace(/<\/?[a-z!][^<>]*>/gi, ' ')
    .replace(/&(?:#x([0-9a-f]{1,6})|#(\d{1,7})|([a-z]{2,6}));/gi, (whole, hex, decimal, name) => {
      if (name) return entities[name.toLowerCase()] ?? whole;
      const code = hex ? Number.parseInt(hex, 16) : Number(decimal);
      return code <= 0x10ffff ? String.fromCodePoint(code) : whole;
    })
    .replace(/\s+/g, ' ')
    .trim();
}

const clipped = (text: string, longest: number) => (text.length > longest ? `${text.slice(0, longest - 1)}…` : text);
