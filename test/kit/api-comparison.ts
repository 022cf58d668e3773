import type { ApiCase, RawAnswer, Side } from './octavia-api.ts';

/** What a case gave on one side, without what differs from one run to the next. */
export interface Given {
  status: number;
  answer: unknown;
}

const uuid = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;

/** Carries out cases on one side, one after the other, keeping what was made under its name. */
export function runner(side: Side, projectId: string, given: Readonly<Record<string, string>>) {
  const kept: Record<string, string> = { ...given };
  const send = ({ method, path, body, headers = {} }: ApiCase) =>
    side.ask({
      method,
      path: refer(path, kept),
      headers: {
        'x-project-id': projectId,
        accept: 'application/json',
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      body: body === undefined ? null : typeof body === 'string' ? body : refer(JSON.stringify(body), kept),
    });

  /** A case that is made for others to refer to. */
  async function make(one: ApiCase & { keep: string }): Promise<Given> {
    const answer = await send(one);
    const id = idIn(parsed(answer.body));
    if (answer.status >= 300 || id === undefined)
      throw new Error(`${describeCase(one)}: ${answer.status} ${answer.body}`);
    kept[one.keep] = id;
    await side.settle();
    return hidden(answer);
  }

  /** A case on its own: what it makes goes away again. */
  async function run(one: ApiCase): Promise<Given> {
    const answer = await send(one);
    const result = hidden(answer);
    if (one.method === 'GET') return result;
    // Octavia leaves some of what it refuses on its way.
    if (answer.status !== 400) await side.settle();
    if (answer.status < 300) {
      const id = one.method === 'POST' ? idIn(parsed(answer.body)) : undefined;
      if (id !== undefined) {
        const path = `${one.path}/${id}${one.path.endsWith('/loadbalancers') ? '?cascade=true' : ''}`;
        await send({ method: 'DELETE', path });
        await side.settle();
      }
    }
    return result;
  }

  function hidden({ status, body }: RawAnswer): Given {
    const names = new Map(Object.entries(kept).map(([name, id]) => [id, `<${name}>`]));
    const text = body
      .replace(/\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(\+00:00)?/g, '<time>')
      .replace(/req-[\w-]+/g, '<request>')
      .replace(uuid, (id) => names.get(id) ?? '<id>');
    return { status, answer: parsed(text) };
  }

  return { make, run, close: () => side.close() };
}

export const describeCase = ({ method, path, body }: ApiCase) =>
  `${method} ${path}${body === undefined ? '' : ` ${typeof body === 'string' ? body : JSON.stringify(body)}`}`;

function refer(text: string, kept: Readonly<Record<string, string>>): string {
  return text.replace(/\$([a-zA-Z]+)/g, (whole, name: string) => kept[name] ?? whole);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}

/** The `id` (or, where there is none, the name) of the one object that was answered. */
function idIn(answer: unknown): string | undefined {
  if (typeof answer !== 'object' || answer === null) return undefined;
  const [object] = Object.values(answer) as { id?: string; name?: string }[];
  return object?.id ?? object?.name;
}
