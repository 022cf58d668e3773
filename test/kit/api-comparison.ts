import { type RawBuilder, sql } from 'kysely';
import { createPolicy } from '../../src/api/policy/policy.ts';
import { openStoredApiHarness } from './api.ts';
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
        'x-roles': 'admin',
        accept: 'application/json',
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      body: body === undefined ? null : typeof body === 'string' ? body : refer(JSON.stringify(body), kept),
    });

  /** A case that is made for others to refer to. */
  async function make(one: ApiCase): Promise<void> {
    const answer = await send(one);
    const id = idIn(parsed(answer.body));
    if (answer.status >= 300) throw new Error(`${describeCase(one)}: ${answer.status} ${answer.body}`);
    if (one.keep !== undefined && id !== undefined) kept[one.keep] = id;
    await side.settle();
  }

  /** A case on its own: what it changes is as before again. */
  async function run(one: ApiCase): Promise<Given> {
    const answer = await send(one);
    if (side.isChangedBy(one, answer)) await side.restore();
    return hidden(answer);
  }

  function hidden({ status, body }: RawAnswer): Given {
    const names = new Map(Object.entries(kept).map(([name, id]) => [id, `<${name}>`]));
    const text = body
      .replace(/\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(\+00:00)?/g, '<time>')
      .replace(/req-[\w-]+/g, '<request>')
      // Both stand-ins for Neutron count up.
      .replace(/198\.51\.100\.\d+/g, '<vip>')
      .replace(uuid, (id) => names.get(id) ?? '<id>');
    return { status, answer: parsed(text) };
  }

  return {
    async prepare(setup: readonly ApiCase[]): Promise<void> {
      for (const one of setup) await make(one);
      await side.remember();
    },
    run,
    close: () => side.close(),
  };
}

/**
 * What a refusal says.
 * What Octavia refuses before a controller runs has another format than what the controllers refuse; names of unknown fields and
 * allowed values come from Python sets, in no order.
 */
export function wordsOf(answer: unknown): string {
  const { faultstring, description } = answer as { faultstring?: string; description?: string };
  const sorted = (_all: string, start: string, names: string) => start + names.split(', ').sort().join(', ');
  return (faultstring ?? description ?? '')
    .replace(/(arguments [\w.]+: )(.*)/, sorted)
    .replace(/(Value should be one of: )(.*)/, sorted);
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

/** Kiln's API in this process, over a database in a file. */
export async function startKilnApi(): Promise<Side> {
  const harness = await openStoredApiHarness({ policy: createPolicy({}) });
  const { database } = harness;
  const tables = sql<{
    name: string;
  }>`select name from sqlite_master where type = 'table' and name like 'kiln_%'`;
  const names = (await tables.execute(database)).rows.map(({ name }) => name);
  const each = async (statement: (table: RawBuilder<unknown>, kept: RawBuilder<unknown>) => RawBuilder<unknown>) => {
    for (const name of names) await statement(sql.table(name), sql.table(`kept_${name}`)).execute(database);
  };
  return {
    async ask({ method, path, headers, body }) {
      const payload = body === null ? {} : { payload: body };
      const answer = await harness.app.inject({ method: method as 'GET', url: path, headers, ...payload });
      return { status: answer.statusCode, body: answer.body };
    },
    isChangedBy: (_one, { status }) => status < 300,
    settle: () => harness.settleAll(),
    remember: () => each((table, kept) => sql`create temporary table ${kept} as select * from ${table}`),
    async restore() {
      // One transaction, in which references may lead nowhere until it ends.
      await sql`begin`.execute(database);
      await sql`pragma defer_foreign_keys = on`.execute(database);
      await each((table) => sql`delete from ${table}`);
      await each((table, kept) => sql`insert into ${table} select * from ${kept}`);
      await sql`commit`.execute(database);
    },
    close: () => harness.close(),
  };
}
