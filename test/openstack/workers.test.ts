import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import { createSystemClock } from '../../src/adapters/clock/system-clock.ts';
import { createRabbitQueue } from '../../src/adapters/queue/rabbitmq.ts';
import { readTransportUrl } from '../../src/adapters/queue/transport-url.ts';
import { openDatabase } from '../../src/adapters/storage/database.ts';
import { createJournal } from '../../src/adapters/storage/journal.ts';
import { createOutbox } from '../../src/adapters/storage/outbox.ts';
import type { KilnDatabase } from '../../src/adapters/storage/schema.ts';
import type { Journal } from '../../src/ports/journal.ts';
import type { OperationQueue } from '../../src/ports/operation-queue.ts';
import { brokerPort, makeVirtualHost } from '../kit/broker.ts';
import { createFakeLog } from '../kit/fakes/fake-log.ts';
import { madeUpFlow } from '../kit/made-up-flow.ts';
import { startTcpProxy, type TcpProxy } from '../kit/tcp-proxy.ts';
import { readTestbed } from '../kit/testbed-access.ts';
import { makeDatabase } from '../kit/testbed-database.ts';
import { createToyTables, type ToyDatabase, type ToyInput, toySteps, toyTables } from '../kit/toy-flow.ts';
import type { ToyWorkerOptions } from '../kit/toy-worker.ts';

/** Worker processes over the test bed's RabbitMQ and MariaDB: killed, stopped, cut off; nothing is lost or done twice. */

const eventually = { timeout: 90_000, interval: 100 };
const limit = 150_000;
const clock = createSystemClock();

let place: Awaited<ReturnType<typeof makeDatabase>>;
let database: KilnDatabase;
let toy: ToyDatabase;
let journal: Journal;
let virtualHost: Awaited<ReturnType<typeof makeVirtualHost>>;
beforeAll(async () => {
  place = await makeDatabase();
  database = await openDatabase(place.connection, clock);
  await createToyTables(database);
  toy = toyTables(database);
  journal = createJournal(database, clock);
  virtualHost = await makeVirtualHost();
});
afterAll(async () => {
  await database.destroy();
  await place.close();
  await virtualHost.close();
});

const children = new Set<ChildProcess>();
let proxies: TcpProxy[] = [];
let queues: OperationQueue[] = [];
/** Of each test's operations. */
let prefix = '';
let tests = 0;
beforeEach(() => {
  prefix = `t${++tests}`;
});
afterEach(async () => {
  await Promise.all(queues.map((queue) => queue.stop()));
  await Promise.all([...children].map(end));
  await Promise.all(proxies.map((proxy) => proxy.close()));
  [proxies, queues] = [[], []];
});

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill('SIGCONT');
  child.kill('SIGKILL');
  await gone;
}

async function startWorker(
  over: Partial<ToyWorkerOptions> = {},
): Promise<ChildProcess & { pid: number; lines: () => string }> {
  const options: ToyWorkerOptions = {
    connection: place.connection,
    transportUrl: virtualHost.url(),
    host: null,
    leaseSeconds: 30,
    capacity: 10,
    ...over,
  };
  const script = join(import.meta.dirname, '../kit/toy-worker.ts');
  const child = spawn(process.execPath, [script, JSON.stringify(options)], { stdio: ['ignore', 'pipe', 'pipe'] });
  children.add(child);
  child.once('exit', () => children.delete(child));
  let log = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    log += text;
  });
  await Promise.race([
    once(child.stdout, 'data'),
    once(child, 'exit').then(() => {
      throw new Error(`a worker ended at its start: ${log}`);
    }),
  ]);
  return Object.assign(child, { pid: child.pid ?? 0, lines: () => log });
}

async function makeProxy(port = brokerPort): Promise<TcpProxy> {
  const proxy = await startTcpProxy(port);
  proxies.push(proxy);
  return proxy;
}

/** As the API has one: it announces, and takes nothing. */
function makePublisher(port = brokerPort): OperationQueue {
  const { hosts, virtualHost: name } = readTransportUrl(virtualHost.url(port));
  const queue = createRabbitQueue({
    hosts,
    virtualHost: name,
    tls: null,
    heartbeatTimeoutSeconds: 60,
    clock,
    log: createFakeLog(),
    outbox: createOutbox(database, clock),
    relayEveryMs: 1_000,
    answerWithinMs: 10_000,
    pauseMs: () => 1_000,
  });
  queues.push(queue);
  return queue;
}

async function create(
  queue: OperationQueue | null,
  name: string,
  over: Partial<ToyInput> & { priority?: number; subject?: string } = {},
): Promise<string> {
  const { priority = 0, waitIn = '', failIn = '' } = over;
  const id = `${prefix}-${name}`;
  await journal.enqueue({
    id,
    flow: madeUpFlow('toy'),
    subject: over.subject ?? id,
    input: { waitIn, failIn },
    priority,
  });
  queue?.announce({ id, priority });
  return id;
}

const openGate = (id: string) => toy.insertInto('toy_gate').values({ operation_id: id }).execute();
const logOf = (id: string) =>
  toy.selectFrom('toy_log').selectAll().where('operation_id', '=', id).orderBy('id').execute();
const statusOf = async (id: string) => (await journal.get(id))?.operation.status;

async function begun(id: string, step: string): Promise<string> {
  return await vi.waitFor(async () => {
    const line = (await logOf(id)).find((entry) => entry.step === step && entry.event === 'begin');
    if (!line) throw new Error(`${id} has not begun ${step}`);
    return line.worker;
  }, eventually);
}

async function allEnd(ids: readonly string[], status: 'done' | 'undone' = 'done'): Promise<void> {
  await vi.waitFor(async () => {
    const rows = await database.selectFrom('kiln_operation').select(['id', 'status']).where('id', 'in', ids).execute();
    expect(rows.filter((row) => row.status !== status)).toEqual([]);
    expect(rows).toHaveLength(ids.length);
  }, eventually);
}

/** Each step began and ended once, one after the other. */
async function expectDoneOnce(id: string): Promise<void> {
  const lines = (await logOf(id)).map(({ step, event }) => `${step} ${event}`);
  expect(lines).toEqual(toySteps.flatMap((step) => [`${step} begin`, `${step} end`]));
  const things = await toy.selectFrom('toy_thing').select('step').where('operation_id', '=', id).execute();
  expect(things.map(({ step }) => step).sort()).toEqual([...toySteps].sort());
}

it(
  'many publishers, three workers: each step of each operation is done once',
  async () => {
    const workers = await Promise.all([0, 1, 2].map(() => startWorker()));
    const publishers = Array.from({ length: 4 }, () => makePublisher());
    const ids = await Promise.all(
      Array.from({ length: 120 }, (_, n) =>
        create(publishers[n % 4] ?? null, `op-${n}`, {
          subject: `${prefix}-lb-${n % 60}`,
          priority: Number(n % 10 === 0),
        }),
      ),
    );
    await allEnd(ids);
    for (const id of ids) await expectDoneOnce(id);
    const busy = await toy.selectFrom('toy_log').select('worker').distinct().where('operation_id', 'in', ids).execute();
    expect(busy).toHaveLength(workers.length);
  },
  limit,
);

it(
  'a flow that fails is undone, and says why',
  async () => {
    await startWorker();
    const id = await create(makePublisher(), 'fails', { failIn: 'three' });
    await allEnd([id], 'undone');
    expect((await journal.get(id))?.operation.reason).toMatchObject({ message: 'as it was asked to' });
    expect(await toy.selectFrom('toy_thing').selectAll().where('operation_id', '=', id).execute()).toEqual([]);
  },
  limit,
);

it(
  'killed in the middle of a step, another worker finishes',
  async () => {
    const first = await startWorker();
    const id = await create(makePublisher(), 'a', { waitIn: 'two' });
    const victim = await begun(id, 'two');
    const second = await startWorker();
    await end(first);
    await openGate(id);
    await allEnd([id]);
    const lines = await logOf(id);
    expect(lines.map(({ step, event }) => `${step} ${event}`)).toEqual([
      'one begin',
      'one end',
      'two begin',
      'two begin',
      'two end',
      'three begin',
      'three end',
    ]);
    expect(lines.slice(3).every(({ worker }) => worker !== victim && worker.includes(`/${second.pid}/`))).toBe(true);
    expect((await journal.get(id))?.operation.fence).toBe(2);
  },
  limit,
);

it(
  'one whose hands are full of what has no place goes on with what a killed one left',
  async () => {
    const first = await startWorker({ capacity: 3 });
    const publisher = makePublisher();
    const held = await Promise.all(['a', 'b', 'c'].map((name) => create(publisher, name, { waitIn: 'two' })));
    for (const id of held) await begun(id, 'two');
    // It has word of as many as it may carry out, and no place for any: the first one has them all.
    const second = await startWorker({ capacity: 3 });
    const waiting = await Promise.all(['d', 'e', 'f', 'g'].map((name) => create(publisher, name)));
    await sleep(3_000);
    expect(second.exitCode).toBeNull();
    await end(first);
    for (const id of held) await openGate(id);
    await allEnd([...held, ...waiting]);
  },
  limit,
);

it(
  'every worker killed again and again, all is done in the end',
  async () => {
    const publisher = makePublisher();
    const ids: string[] = [];
    for (let round = 0; round < 4; round++) {
      // However fast the last worker was, this one has something to do.
      const more = Array.from({ length: 30 }, (_, n) => create(publisher, `op-${round}-${n}`));
      ids.push(...(await Promise.all(more)));
      const worker = await startWorker({ capacity: 3 });
      await vi.waitFor(async () => {
        const mine = await toy
          .selectFrom('toy_log')
          .select('id')
          .where('worker', 'like', `%/${worker.pid}/%`)
          .where('operation_id', 'like', `${prefix}-%`)
          .execute();
        expect(
          mine.length,
          `round ${round}, ended: ${worker.exitCode}\n${worker.lines().slice(-2000)}`,
        ).toBeGreaterThan(4);
      }, eventually);
      await end(worker);
    }
    await startWorker();
    await allEnd(ids);
    for (const id of ids) {
      const ended = (await logOf(id)).filter(({ event }) => event === 'end').map(({ step }) => step);
      // A step whose end was not yet written is done again, and nothing else is.
      expect(new Set(ended)).toEqual(new Set(toySteps));
      expect(await toy.selectFrom('toy_thing').selectAll().where('operation_id', '=', id).execute()).toHaveLength(3);
    }
  },
  limit,
);

it(
  'stopped for longer than its lease, it finds itself kept out and does nothing more',
  async () => {
    const stopped = await startWorker({ host: 'h1', leaseSeconds: 3 });
    const id = await create(makePublisher(), 'a', { waitIn: 'two' });
    const late = await begun(id, 'two');
    const heir = await startWorker({ host: 'h2', leaseSeconds: 3 });
    stopped.kill('SIGSTOP');
    await vi.waitFor(async () => expect((await journal.get(id))?.operation.worker).toMatch(/^h2:/), eventually);
    // Both are in the middle of the step now; the late one goes on first.
    stopped.kill('SIGCONT');
    await openGate(id);
    await allEnd([id]);
    await vi.waitFor(() => expect(stopped.lines()).toMatch(/another worker has the operation now/), eventually);
    // It lives, and takes other work, but nothing more of this.
    heir.kill('SIGTERM');
    await once(heir, 'exit');
    const other = await create(makePublisher(), 'b');
    await allEnd([other]);
    expect((await logOf(other)).every(({ worker }) => worker === late)).toBe(true);
    const lines = await logOf(id);
    const byLate = lines.filter(({ worker }) => worker === late).map(({ step, event }) => `${step} ${event}`);
    expect(byLate.filter((line) => line !== 'two end')).toEqual(['one begin', 'one end', 'two begin']);
    const byHeir = lines.filter(({ worker }) => worker !== late).map(({ step, event }) => `${step} ${event}`);
    expect(byHeir).toEqual(['two begin', 'two end', 'three begin', 'three end']);
    expect((await journal.get(id))?.operation).toMatchObject({ status: 'done', fence: 2 });
  },
  limit,
);

it(
  'cut off from the database for a lease, it starts no further step, and goes on when it can',
  async () => {
    const { port } = readTestbed().database;
    const proxy = await makeProxy(port);
    const connection = place.connection.replace(`:${port}/`, `:${proxy.port}/`);
    const cutOff = await startWorker({ host: 'h1', leaseSeconds: 3, connection });
    const id = await create(makePublisher(), 'a', { waitIn: 'two' });
    const late = await begun(id, 'two');
    await proxy.down();
    await vi.waitFor(() => expect(cutOff.lines()).toMatch(/others may take this worker for dead/), eventually);
    const heir = await startWorker({ host: 'h2', leaseSeconds: 3 });
    await openGate(id);
    await allEnd([id]);
    expect((await logOf(id)).filter(({ step }) => step === 'three').every(({ worker }) => worker !== late)).toBe(true);
    await proxy.up();
    await vi.waitFor(
      () => expect(cutOff.lines().match(/this worker is seen by the others/g)).toHaveLength(2),
      eventually,
    );
    heir.kill('SIGTERM');
    await once(heir, 'exit');
    const other = await create(makePublisher(), 'b');
    await allEnd([other]);
    await expectDoneOnce(other);
  },
  limit,
);

it(
  'the connection to the broker cut while a flow runs: it is done once',
  async () => {
    const proxy = await makeProxy();
    await startWorker({ transportUrl: virtualHost.url(proxy.port) });
    await startWorker({ transportUrl: virtualHost.url(proxy.port) });
    const publisher = makePublisher(proxy.port);
    const ids = await Promise.all(
      Array.from({ length: 8 }, (_, n) => create(publisher, `op-${n}`, { waitIn: toySteps[n % 3] ?? '' })),
    );
    for (const [n, id] of ids.entries()) await begun(id, toySteps[n % 3] ?? '');
    proxy.cut();
    for (const id of ids.slice(0, 4)) await openGate(id);
    await allEnd(ids.slice(0, 4));
    await virtualHost.cutAll();
    for (const id of ids.slice(4)) await openGate(id);
    await allEnd(ids);
    for (const id of ids) {
      await expectDoneOnce(id);
      expect((await journal.get(id))?.operation.fence).toBe(1);
    }
  },
  limit,
);

it(
  'the broker down for a while: what is accepted meanwhile is done, and nothing is lost',
  async () => {
    const proxy = await makeProxy();
    const publisher = makePublisher(proxy.port);
    await startWorker({ transportUrl: virtualHost.url(proxy.port) });
    const running = await create(publisher, 'running', { waitIn: 'one' });
    await begun(running, 'one');
    await proxy.down();
    const ids = await Promise.all(Array.from({ length: 20 }, (_, n) => create(publisher, `op-${n}`)));
    await openGate(running);
    await allEnd([running]);
    await proxy.up();
    await allEnd(ids);
    for (const id of [running, ...ids]) await expectDoneOnce(id);
  },
  limit,
);

it(
  'the urgent ones first, where many wait',
  async () => {
    const publisher = makePublisher();
    const gate = await create(publisher, 'gate', { waitIn: 'one' });
    await startWorker({ capacity: 1 });
    await begun(gate, 'one');
    const plain = await Promise.all(Array.from({ length: 10 }, (_, n) => create(publisher, `plain-${n}`)));
    const urgent = await create(publisher, 'urgent', { priority: 10 });
    const outbox = createOutbox(database, clock);
    await vi.waitFor(async () => expect(await outbox.unannounced(1)).toEqual([]), eventually);
    await openGate(gate);
    await allEnd([...plain, urgent]);
    const firsts = await toy
      .selectFrom('toy_log')
      .select('operation_id')
      .where('operation_id', 'in', [...plain, urgent])
      .where('event', '=', 'begin')
      .where('step', '=', 'one')
      .orderBy('id')
      .execute();
    // One plain operation may have been in the worker's hand already.
    expect(firsts.slice(0, 2).map(({ operation_id }) => operation_id)).toContain(urgent);
  },
  limit,
);

it(
  'at SIGTERM the running step ends, and another worker goes on at once',
  async () => {
    const first = await startWorker();
    const id = await create(makePublisher(), 'a', { waitIn: 'one' });
    await begun(id, 'one');
    await startWorker();
    first.kill('SIGTERM');
    await openGate(id);
    const [code] = (await once(first, 'exit')) as [number];
    expect(code).toBe(0);
    await allEnd([id]);
    await expectDoneOnce(id);
    expect(await statusOf(id)).toBe('done');
  },
  limit,
);
