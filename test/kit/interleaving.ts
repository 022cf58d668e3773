/**
 * Two requests at once, on a real database, by two processes: while the first waits (for Neutron, a secret, the database),
 * the second is carried out to its end. What is left must be what one of the two orders leaves: the second one first, or
 * where the first is refused, the first one first.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'kysely';
import { createLocalSecretStore } from '../../src/adapters/secrets/local-secret-store.ts';
import { createJournal } from '../../src/adapters/storage/journal.ts';
import { createVipReservations } from '../../src/adapters/storage/vip-reservations.ts';
import type { ApiDeps } from '../../src/api/v2/deps.ts';
import { loadBalancerFlows } from '../../src/flows/load-balancer/index.ts';
import type { AmphoraStore } from '../../src/ports/amphora-store.ts';
import { openStoredApiHarness, ownProject, type StoredApiHarness } from './api.ts';
import { storedAmphora } from './contract/amphora-store.ts';
import { aroundCalls } from './fault-injection.ts';
import { sqliteIn } from './sqlite.ts';
import { openTlsWorkshop } from './tls-material.ts';
import { bodyOfWorld, type Ids, type WriteRequest } from './write-requests.ts';

type Row = Record<string, unknown>;
/** All rows of all tables. */
type World = Map<string, Row[]>;

export interface Outcome {
  status: number;
  /** The refusal, without IDs; nothing where it says which of several things that are gone is missed. */
  said: string;
}

export interface Interleaving {
  first: Outcome;
  second: Outcome;
  /** All that is in the database, without IDs of new rows, times and revisions. */
  left: string;
}

/** What the API asks of others: each is a wait. What is recorded about traffic is not among it. */
const waitedFor = [
  'store',
  'flavors',
  'quotas',
  'amphorae',
  'vips',
  'reservations',
  'networkReferences',
  'secrets',
  'profileChecker',
] as const satisfies readonly (keyof ApiDeps)[];

/** What a request is decided by; what comes after is its answer. */
const decides = /^(store\.apply|(flavors|quotas)\.(insert|update|put|delete)|amphorae\.requestDeletion)$/;

/** @param connection of an empty database; absent: a SQLite file. */
export async function openInterleavings(connection?: string) {
  const folder = mkdtempSync(join(tmpdir(), 'kiln-interleaved-'));
  const at = connection ?? (await sqliteIn(folder));
  const workshop = openTlsWorkshop();
  const secrets = createLocalSecretStore(join(folder, 'secrets'));
  const certificate = (await secrets.store(workshop.pkcs12(workshop.make('www', {}), []), null, ownProject)).reference;
  workshop.close();

  /** Of the first request: what it has waited for so far, and what happens before the wait of this index. */
  let waits: string[] = [];
  let interruption: { at: number; run: () => Promise<void> } | null = null;
  async function pause(what: string): Promise<void> {
    waits.push(what);
    if (interruption?.at !== waits.length - 1) return;
    const { run } = interruption;
    interruption = null;
    await run();
  }
  const pausing = (parts: ApiDeps): ApiDeps => {
    const entries = waitedFor.map((name) => {
      const paused = aroundCalls<object>(parts[name], /./, async (method, carryOut) => {
        await pause(`${name}.${method}`);
        return await carryOut();
      });
      return [name, paused];
    });
    return { ...parts, ...Object.fromEntries(entries) };
  };

  const two = await openStoredApiHarness({ secrets }, { connection: at });
  const reservations = createVipReservations(two.database, two.deps.clock);
  const one = await openStoredApiHarness({ secrets, reservations }, { connection: at, around: pausing });
  if (!connection) {
    // No power is lost here.
    for (const { database } of [one, two]) await sql`pragma synchronous = off`.execute(database);
  }
  const tables = (await two.database.introspection.getTables()).map(({ name }) => name).filter(isOfKiln);
  const journal = createJournal(two.database, two.deps.clock);
  const amphorae = two.deps.amphorae as unknown as AmphoraStore;
  const ids = await makeWorld(two, certificate);
  await amphorae.insert(serving('amphora', ids.lb));
  await amphorae.insert({ ...storedAmphora('broken'), status: 'ERROR' });
  ids.amphora = 'amphora';
  ids.broken = 'broken';
  /** What was read last, where nobody has written since. */
  let lastRead: World | null = null;
  const atRest = await read();
  const textsAtRest = new Map([...atRest].map(([table, rows]) => [table, JSON.stringify(rows)]));

  async function read(): Promise<World> {
    const world: World = new Map();
    for (const table of tables) {
      const rows = await two.database
        .selectFrom(table as 'kiln_tag')
        .selectAll()
        .execute();
      world.set(table, rows as unknown as Row[]);
    }
    lastRead = world;
    return world;
  }

  /** Tables that are seen to be as they were at rest are left alone. */
  async function restore(): Promise<void> {
    const before = lastRead;
    lastRead = null;
    await two.database.transaction().execute(async (transaction) => {
      for (const [table, rows] of atRest) {
        if (before && JSON.stringify(before.get(table)) === textsAtRest.get(table)) continue;
        await transaction.deleteFrom(table as 'kiln_tag').execute();
        if (rows.length > 0) {
          await transaction
            .insertInto(table as 'kiln_tag')
            .values(rows as never)
            .execute();
        }
      }
    });
  }

  async function ask(harness: StoredApiHarness, { operation, of }: WriteRequest): Promise<Outcome> {
    const [path, body] = of(ids);
    const [method] = operation.split(' ');
    const answer = await harness.call(method as 'POST', path, body);
    const { status } = answer;
    return { status, said: status < 300 || status === 404 ? '' : nameless(String(answer.body.faultstring)) };
  }

  /** What a worker does: each operation does all it has to and ends, in the order in which they came. */
  async function endOperations(beforeEnd: () => Promise<void> = async () => {}): Promise<void> {
    for (let round = 0; round < 9; round++) {
      const [next] = await journal.unclaimed(1);
      if (!next) return;
      const claimed = await journal.claim(next.id, 'worker');
      if (!claimed) throw new Error(`${next.flow} can't be claimed`);
      await endOperation(claimed.operation, beforeEnd);
    }
  }

  type Operation = NonNullable<Awaited<ReturnType<typeof journal.claim>>>['operation'];
  async function endOperation({ id, fence, flow, input }: Operation, beforeEnd: () => Promise<void>): Promise<void> {
    const { loadBalancerId } = input as { loadBalancerId?: string };
    if (/^(failover|resize)/.test(flow)) {
      const next = crypto.randomUUID();
      await amphorae.insert(serving(next, loadBalancerId ?? null));
      for (const { id: old } of await amphorae.list({ loadBalancerId: loadBalancerId ?? '' })) {
        if (old !== next) await amphorae.update(old, { status: 'DELETED' });
      }
    }
    if (flow === 'delete-amphora') await amphorae.update(String(input.amphoraId), { status: 'DELETED' });
    if (flow === 'delete-load-balancer') {
      for (const { id: old } of await amphorae.list({ loadBalancerId: loadBalancerId ?? '' })) {
        await amphorae.update(old, { status: 'DELETED' });
      }
    }
    const last = loadBalancerFlows.find(({ name }) => name === flow)?.steps.at(-1);
    const records = { loadBalancers: two.deps.store, amphorae };
    const settlement = (await last?.settle?.(records, input, { reason: null, gaveUp: false })) ?? null;
    await beforeEnd();
    await journal.finish(id, fence, 'done', { settlement });
  }

  /** What is there, as anybody could see it: rows of one table in an order that does not depend on IDs. */
  async function seen(): Promise<string> {
    const known = new Map<string, string>(Object.entries(ids).map(([name, id]) => [id, name]));
    const plain = (text: string) =>
      text
        .replace(/[0-9a-f]{8}-[0-9a-f-]{27}/g, (id) => known.get(id) ?? 'new')
        .replace(/198\.51\.100\.\d+/g, 'address')
        // Of what an operation keeps: times are not compared in columns either.
        .replace(/,?\\*"(created|updated)At\\*":\\*"[^"\\]*\\*"/g, '');
    const uninteresting = /(^|_)(created|updated|reserved)_at$|^(revision|fence|entry_count|server_name)$/;
    const shown = [...(await read())].map(([table, rows]) => {
      const texts = rows.map((row) => {
        return plain(JSON.stringify(Object.entries(row).filter(([column]) => !uninteresting.test(column))));
      });
      return `${table}\n${texts.toSorted().join('\n')}`;
    });
    return shown.join('\n\n');
  }

  return {
    ids,
    operations: () => one.app,

    /** What the first request waits for, up to the moment at which it is decided. */
    async waitsOf(request: WriteRequest): Promise<string[]> {
      await restore();
      waits = [];
      await ask(one, request);
      const decided = waits.findIndex((what) => decides.test(what));
      return decided < 0 ? waits : waits.slice(0, decided + 1);
    },

    /** One after the other, each carried out before the next is asked for. */
    async inTurn(former: WriteRequest, latter: WriteRequest): Promise<Interleaving> {
      await restore();
      const first = await ask(two, former);
      await endOperations();
      const second = await ask(two, latter);
      await endOperations();
      return { first, second, left: await seen() };
    },

    /** The second one while the first is before its wait of this index. */
    async interleaved(first: WriteRequest, second: WriteRequest, wait: number): Promise<Interleaving> {
      await restore();
      let meanwhile: Outcome = { status: 0, said: '' };
      waits = [];
      interruption = {
        at: wait,
        run: async () => {
          meanwhile = await ask(two, second);
          await endOperations();
        },
      };
      const outcome = await ask(one, first);
      await endOperations();
      return { first: outcome, second: meanwhile, left: await seen() };
    },

    /**
     * A failover that ends: the request comes before its rows are read, or after that and before its end is written
     * (`between`), or after it. What is left when all is done.
     */
    async duringAnEnd(
      request: WriteRequest,
      when: 'before' | 'between' | 'after',
    ): Promise<{ asked: Outcome; left: string }> {
      await restore();
      const failover = await two.call('PUT', `/v2/lbaas/loadbalancers/${ids.lb}/failover`);
      if (failover.status !== 202) throw new Error(JSON.stringify(failover.body));
      let asked: Outcome = { status: 0, said: '' };
      if (when === 'before') asked = await ask(one, request);
      let isFirst = true;
      await endOperations(async () => {
        if (when === 'between' && isFirst) asked = await ask(one, request);
        isFirst = false;
      });
      if (when === 'after') asked = await ask(one, request);
      await endOperations();
      return { asked, left: await seen() };
    },

    async close() {
      await one.close();
      await two.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

const isOfKiln = (table: string) => table.startsWith('kiln_') && !/migration|^kiln_(worker|journal_entry)$/.test(table);

const nameless = (text: string) => text.replace(/[0-9a-f]{8}-[0-9a-f-]{27}/g, 'ID');

const serving = (id: string, loadBalancerId: string | null) =>
  storedAmphora(id, { loadBalancerId, status: 'ALLOCATED', role: 'STANDALONE', lbNetworkIp: '192.0.2.77' });

async function makeWorld(harness: StoredApiHarness, certificate: string): Promise<Ids> {
  const make = async (path: string, body: object) => {
    const { status, body: answer } = await harness.call('POST', `/v2/lbaas/${path}`, body);
    if (status !== 201) throw new Error(JSON.stringify(answer));
    return Object.values(answer as Record<string, { id: string }>)[0] as { id: string };
  };
  const ids: Ids = { certificate } as Ids;
  for (const [name, path, body] of bodyOfWorld.catalog) ids[name] = (await make(path, body(ids))).id;
  // biome-ignore lint/suspicious/noExplicitAny: a tree as the API shows it.
  const tree: any = await make('loadbalancers', bodyOfWorld.loadBalancer(ids));
  const named = <One extends { name: string }>(list: One[], name: string) => list.find((it) => it.name === name);
  const listener = named<{ name: string; id: string; l7policies: { id: string; rules: { id: string }[] }[] }>(
    tree.listeners,
    'listener',
  );
  const pool = named<{ name: string; id: string; members: { id: string }[]; healthmonitor: { id: string } }>(
    tree.pools,
    'pool',
  );
  Object.assign(ids, {
    lb: tree.id,
    listener: listener?.id,
    spare: named<{ name: string; id: string }>(tree.listeners, 'spare')?.id,
    tls: named<{ name: string; id: string }>(tree.listeners, 'tls')?.id,
    pool: pool?.id,
    other: named<{ name: string; id: string }>(tree.pools, 'other')?.id,
    member: pool?.members[0]?.id,
    monitor: pool?.healthmonitor.id,
    policy: listener?.l7policies[0]?.id,
    rule: listener?.l7policies[0]?.rules[0]?.id,
  });
  await harness.settleAll();
  await harness.database.deleteFrom('kiln_operation').execute();
  return ids;
}
