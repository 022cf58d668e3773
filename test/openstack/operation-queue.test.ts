import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'amqplib';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createSystemClock } from '../../src/adapters/clock/system-clock.ts';
import type { RabbitTls } from '../../src/adapters/queue/rabbit-link.ts';
import { createRabbitQueue, type RabbitQueueSettings } from '../../src/adapters/queue/rabbitmq.ts';
import { readTransportUrl } from '../../src/adapters/queue/transport-url.ts';
import { openDatabase } from '../../src/adapters/storage/database.ts';
import { createJournal } from '../../src/adapters/storage/journal.ts';
import { createOutbox } from '../../src/adapters/storage/outbox.ts';
import type { KilnDatabase } from '../../src/adapters/storage/schema.ts';
import type { OperationQueue } from '../../src/ports/operation-queue.ts';
import { brokerPort, makeVirtualHost } from '../kit/broker.ts';
import { createTestAuthority } from '../kit/certificate-authority.ts';
import { describeOperationQueueContract } from '../kit/contract/operation-queue.ts';
import { describeWorkerRegistryContract } from '../kit/contract/worker-registry.ts';
import { createFakeLog } from '../kit/fakes/fake-log.ts';
import { madeUpFlow } from '../kit/made-up-flow.ts';
import { startTcpProxy, type TcpProxy } from '../kit/tcp-proxy.ts';
import { makeDatabase } from '../kit/testbed-database.ts';

/** The queue over the test bed's RabbitMQ and MariaDB. */

const eventually = { timeout: 30_000, interval: 50 };
const clock = createSystemClock();
let virtualHost: Awaited<ReturnType<typeof makeVirtualHost>>;
let place: Awaited<ReturnType<typeof makeDatabase>>;
let database: KilnDatabase;
beforeAll(async () => {
  virtualHost = await makeVirtualHost();
  place = await makeDatabase();
  database = await openDatabase(place.connection, clock);
});
afterAll(async () => {
  await database.destroy();
  await place.close();
  await virtualHost.close();
});

/** A database without operations, and a broker whose queues are empty. */
async function makeHarness() {
  await database.deleteFrom('kiln_operation').execute();
  const journal = createJournal(database, clock);
  const outbox = createOutbox(database, clock);
  const log = createFakeLog();
  const { hosts, virtualHost: name } = readTransportUrl(virtualHost.url());
  const control = await connect(virtualHost.url().replace('rabbit:', 'amqp:'));
  const channel = await control.createChannel();
  const queues = ['kiln.operations', 'kiln.operations.urgent'];
  for (const queue of queues) await channel.deleteQueue(queue);
  const made: OperationQueue[] = [];

  function makeQueue(over: Partial<RabbitQueueSettings> = {}): OperationQueue {
    const queue = createRabbitQueue({
      hosts,
      virtualHost: name,
      tls: null,
      heartbeatTimeoutSeconds: 60,
      clock,
      log,
      outbox,
      relayEveryMs: 200,
      answerWithinMs: 10_000,
      pauseMs: () => 20,
      ...over,
    });
    made.push(queue);
    return queue;
  }
  const commit = ({ id, priority }: { id: string; priority: number }) =>
    journal.enqueue({ id, flow: madeUpFlow('toy'), subject: id, input: {}, priority });
  /** Messages that nobody has taken. */
  const waiting = async () => {
    const counts = await Promise.all(queues.map(async (queue) => (await channel.checkQueue(queue)).messageCount));
    return counts.reduce((sum, count) => sum + count, 0);
  };
  return {
    hosts,
    /** The same, by another port. */
    hostsAt: (port: number) => hosts.map((host) => ({ ...host, port })),
    /** How often it was logged. */
    logged: (message: string) => log.lines.filter((line) => line.message.startsWith(message)).length,
    journal,
    outbox,
    log,
    channel,
    makeQueue,
    commit,
    waiting,
    async urgentArrived() {
      await vi.waitFor(async () => {
        expect(await outbox.unannounced(1)).toEqual([]);
        expect((await channel.checkQueue('kiln.operations.urgent')).messageCount).toBe(0);
      }, eventually);
    },
    async close() {
      await Promise.all(made.map((queue) => queue.stop()));
      await control.close();
    },
  };
}

describeOperationQueueContract('RabbitMQ', async () => {
  const harness = await makeHarness();
  return { ...harness, makeQueue: (pauseMs) => harness.makeQueue({ pauseMs: () => pauseMs }) };
});

describeWorkerRegistryContract('MariaDB', makeDatabase);

describe('RabbitMQ, its outbox and its failures', () => {
  let harness: Awaited<ReturnType<typeof makeHarness>>;
  async function withHarness(act: () => Promise<void>): Promise<void> {
    harness = await makeHarness();
    try {
      await act();
    } finally {
      await harness.close();
    }
  }
  const ids = (count: number) => Array.from({ length: count }, (_, n) => `op-${n}`);

  it('a broker that is down loses nothing: all is published when it is back, a batch at a time', () =>
    withHarness(async () => {
      const proxy = await startTcpProxy(brokerPort);
      const hosts = harness.hostsAt(proxy.port);
      await proxy.down();
      const api = harness.makeQueue({ hosts });
      for (const id of ids(250)) {
        await harness.commit({ id, priority: 0 });
        api.announce({ id, priority: 0 });
      }
      expect(await harness.outbox.unannounced(1000)).toHaveLength(250);
      const taken = new Set<string>();
      const worker = harness.makeQueue();
      await worker.start(async (id) => {
        taken.add(id);
        return 'ended';
      }, 5);
      await proxy.up();
      await vi.waitFor(() => expect(taken.size).toBe(250), eventually);
      await vi.waitFor(async () => expect(await harness.outbox.unannounced(1)).toEqual([]), eventually);
      await proxy.close();
    }));

  it('what nobody announced is published by any relay; two at once do no harm', () =>
    withHarness(async () => {
      for (const id of ids(120)) await harness.commit({ id, priority: 0 });
      const taken: string[] = [];
      for (let n = 0; n < 3; n++) {
        const queue = harness.makeQueue();
        await queue.start(async (id) => {
          taken.push(id);
          return 'ended';
        }, 5);
      }
      await vi.waitFor(() => expect(new Set(taken).size).toBe(120), eventually);
      await vi.waitFor(async () => expect(await harness.outbox.unannounced(1)).toEqual([]), eventually);
    }));

  it('queues are quorum queues, and urgent operations have one of their own', () =>
    withHarness(async () => {
      const queue = harness.makeQueue();
      await harness.commit({ id: 'plain', priority: 0 });
      await harness.commit({ id: 'urgent', priority: 1 });
      await vi.waitFor(async () => expect(await harness.outbox.unannounced(1)).toEqual([]), eventually);
      for (const [name, id, priority] of [
        ['kiln.operations', 'plain', 0],
        ['kiln.operations.urgent', 'urgent', 1],
      ] as const) {
        const got = await harness.channel.get(name);
        if (!got) throw new Error(`nothing in ${name}`);
        expect(JSON.parse(got.content.toString())).toEqual({ id, priority });
        expect(got.properties.deliveryMode).toBe(2);
        harness.channel.nack(got);
        // Of another type they could not be declared.
        await harness.channel.assertQueue(name, { durable: true, arguments: { 'x-queue-type': 'quorum' } });
      }
      await queue.stop();
    }));

  it('a message is acknowledged when its operation has come back, and before that comes to another worker', () =>
    withHarness(async () => {
      const proxy = await startTcpProxy(brokerPort);
      const cut = harness.makeQueue({ hosts: harness.hostsAt(proxy.port) });
      const gate = Promise.withResolvers<'ended'>();
      const first: string[] = [];
      await cut.start((id) => {
        first.push(id);
        return gate.promise;
      }, 1);
      await harness.commit({ id: 'a', priority: 0 });
      await vi.waitFor(() => expect(first).toEqual(['a']), eventually);
      const second: string[] = [];
      const other = harness.makeQueue();
      await other.start(async (id) => {
        second.push(id);
        return 'ended';
      }, 1);
      await proxy.down();
      await vi.waitFor(() => expect(second).toEqual(['a']), eventually);
      gate.resolve('ended');
      await proxy.up();
      await cut.stop();
      await other.stop();
      expect(await harness.waiting()).toBe(0);
      await proxy.close();
    }));

  it('keeps one copy running when the broker brings the word again to the same worker', () =>
    withHarness(async () => {
      const proxy = await startTcpProxy(brokerPort);
      const queue = harness.makeQueue({ hosts: harness.hostsAt(proxy.port) });
      const gate = Promise.withResolvers<'ended'>();
      let atOnce = 0;
      let most = 0;
      let taken = 0;
      await queue.start(async () => {
        taken++;
        most = Math.max(most, ++atOnce);
        await gate.promise;
        atOnce--;
        return 'ended';
      }, 3);
      await harness.commit({ id: 'a', priority: 0 });
      await vi.waitFor(() => expect(taken).toBe(1), eventually);
      proxy.cut();
      await vi.waitFor(() => expect(harness.logged('connected to RabbitMQ')).toBe(2), eventually);
      gate.resolve('ended');
      await vi.waitFor(() => expect(taken).toBe(2), eventually);
      expect(most).toBe(1);
      await queue.stop();
      expect(await harness.waiting()).toBe(0);
      await proxy.close();
    }));

  it('a worker has no less room for others when the word of what it carries out comes again and again', () =>
    withHarness(async () => {
      const queue = harness.makeQueue();
      const gate = Promise.withResolvers<'ended'>();
      const began: string[] = [];
      await queue.start(async (id) => {
        began.push(id);
        return await gate.promise;
      }, 2);
      await vi.waitFor(() => expect(harness.logged('connected to RabbitMQ')).toBe(1), eventually);
      for (const id of ['a', 'b']) {
        await harness.commit({ id, priority: 0 });
        for (let n = 0; n < 3; n++)
          harness.channel.sendToQueue('kiln.operations', Buffer.from(JSON.stringify({ id, priority: 0 })));
        await vi.waitFor(() => expect(began).toContain(id), eventually);
      }
      gate.resolve('ended');
    }));

  it('keeps the word that came with a new connection, of what found no place while the old one was lost', () =>
    withHarness(async () => {
      const proxy = await startTcpProxy(brokerPort);
      const queue = harness.makeQueue({ hosts: harness.hostsAt(proxy.port) });
      const gate = Promise.withResolvers<'full'>();
      let taken = 0;
      await queue.start(async () => {
        taken++;
        return await gate.promise;
      }, 3);
      await harness.commit({ id: 'a', priority: 0 });
      await vi.waitFor(() => expect(taken).toBe(1), eventually);
      proxy.cut();
      await vi.waitFor(() => expect(harness.logged('no connection to RabbitMQ')).toBe(1), eventually);
      gate.resolve('full');
      await vi.waitFor(() => expect(harness.logged('connected to RabbitMQ')).toBe(2), eventually);
      await vi.waitFor(async () => expect(await harness.waiting()).toBe(0), eventually);
      await queue.stop();
      await vi.waitFor(async () => expect(await harness.waiting()).toBe(1), eventually);
      await proxy.close();
    }));

  it('what a busy worker was given and can not start goes to an idle one', () =>
    withHarness(async () => {
      const busy = harness.makeQueue();
      const gate = Promise.withResolvers<'ended'>();
      const began: string[] = [];
      await busy.start((id) => {
        began.push(id);
        return gate.promise;
      }, 1);
      await harness.commit({ id: 'plain', priority: 0 });
      await vi.waitFor(() => expect(began).toEqual(['plain']), eventually);
      await harness.commit({ id: 'urgent', priority: 1 });
      await harness.urgentArrived();
      const idle = harness.makeQueue();
      const taken: string[] = [];
      await idle.start(async (id) => {
        taken.push(id);
        return 'ended';
      }, 1);
      await vi.waitFor(() => expect(taken).toEqual(['urgent']), eventually);
      gate.resolve('ended');
    }));

  it('at a shutdown, what was given back goes to another worker', () =>
    withHarness(async () => {
      const leaving = harness.makeQueue();
      const gate = Promise.withResolvers<'later'>();
      const began: string[] = [];
      await leaving.start((id) => {
        began.push(id);
        return gate.promise;
      }, 1);
      await harness.commit({ id: 'a', priority: 0 });
      await vi.waitFor(() => expect(began).toEqual(['a']), eventually);
      const stopped = leaving.stop();
      gate.resolve('later');
      await stopped;
      // The broker counts what comes back when it has seen that its taker is gone.
      await vi.waitFor(async () => expect(await harness.waiting()).toBe(1), eventually);
    }));

  it('declares its queues again when somebody deletes them, and publishes what was lost with them at the next word', () =>
    withHarness(async () => {
      const queue = harness.makeQueue();
      const taken: string[] = [];
      await queue.start(async (id) => {
        taken.push(id);
        return 'ended';
      }, 1);
      await harness.commit({ id: 'a', priority: 0 });
      await vi.waitFor(() => expect(taken).toEqual(['a']), eventually);
      await harness.channel.deleteQueue('kiln.operations');
      await harness.commit({ id: 'b', priority: 0 });
      await vi.waitFor(() => expect(taken).toContain('b'), eventually);
    }));

  it('can be stopped at any moment of its connecting', () =>
    withHarness(async () => {
      for (let n = 0; n < 20; n++) {
        const queue = harness.makeQueue();
        await queue.start(async () => 'ended', 1);
        await clock.sleep(n * 2);
        await queue.stop();
      }
    }));

  it('drops what is no word of Kiln', () =>
    withHarness(async () => {
      const queue = harness.makeQueue();
      const taken: string[] = [];
      await queue.start(async (id) => {
        taken.push(id);
        return 'ended';
      }, 1);
      await harness.commit({ id: 'a', priority: 0 });
      await vi.waitFor(() => expect(taken).toEqual(['a']), eventually);
      for (const text of ['', '{', '[]', '{"id":1}', 'null']) {
        harness.channel.sendToQueue('kiln.operations', Buffer.from(text));
      }
      await harness.commit({ id: 'b', priority: 0 });
      await vi.waitFor(() => expect(taken).toContain('b'), eventually);
      await queue.stop();
      expect(await harness.waiting()).toBe(0);
    }));

  it('tries several hosts in turn, and logs no password', () =>
    withHarness(async () => {
      const [good] = harness.hosts;
      if (!good) throw new Error('no host');
      const wrong = { ...good, password: 'sesame-open' };
      const queue = harness.makeQueue({ hosts: [{ ...good, port: 1, password: 'sesame-open' }, wrong, good] });
      const taken: string[] = [];
      await queue.start(async (id) => {
        taken.push(id);
        return 'ended';
      }, 1);
      await harness.commit({ id: 'a', priority: 0 });
      await vi.waitFor(() => expect(taken).toEqual(['a']), eventually);
      const warnings = harness.log.lines.filter(({ level }) => level === 'warn');
      expect(warnings.length).toBeGreaterThanOrEqual(2);
      const words = warnings.map(({ fields, message }) => `${message} ${String((fields as { err?: unknown }).err)}`);
      expect(JSON.stringify([warnings, words])).not.toContain('sesame');
    }));

  it('a broker that falls silent is given up, and what it had given comes again', () =>
    withHarness(async () => {
      const proxy = await startTcpProxy(brokerPort);
      const hosts = harness.hostsAt(proxy.port);
      const queue = harness.makeQueue({ hosts, heartbeatTimeoutSeconds: 2 });
      const taken: string[] = [];
      await queue.start(async (id) => {
        taken.push(id);
        return 'ended';
      }, 1);
      await harness.commit({ id: 'a', priority: 0 });
      await vi.waitFor(() => expect(taken).toEqual(['a']), eventually);
      proxy.silence();
      await harness.commit({ id: 'b', priority: 0 });
      await vi.waitFor(() => expect(taken).toContain('b'), eventually);
      await proxy.close();
    }));

  it('a broker that lives and confirms nothing holds up no worker, and is sent what it missed when it goes on', () =>
    withHarness(async () => {
      const [working, starting] = [1, 2].map(() => harness.makeQueue({ answerWithinMs: 500 })) as OperationQueue[];
      const taken: string[] = [];
      const take = async (id: string) => {
        taken.push(id);
        return 'ended' as const;
      };
      await working?.start(take, 1);
      await vi.waitFor(() => expect(harness.logged('connected to RabbitMQ')).toBe(2), eventually);
      await virtualHost.queuesHang(true);
      try {
        await harness.commit({ id: 'a', priority: 1 });
        working?.announce({ id: 'a', priority: 1 });
        await starting?.start(take, 1);
        await vi.waitFor(() => expect(taken).toContain('a'), eventually);
      } finally {
        await virtualHost.queuesHang(false);
      }
      await harness.commit({ id: 'b', priority: 0 });
      await vi.waitFor(() => expect(taken).toContain('b'), eventually);
      await vi.waitFor(async () => expect(await harness.outbox.unannounced(1)).toEqual([]), eventually);
    }));

  describe('TLS', () => {
    const folder = mkdtempSync(join(tmpdir(), 'kiln-broker-tls-'));
    let proxy: TcpProxy;
    beforeAll(async () => {
      const [authority] = await Promise.all(['ca', 'other-ca'].map((name) => createTestAuthority(folder, name)));
      const file = join(folder, 'broker.pem');
      await authority?.issueToFile(file, 'broker', [{ type: 'dns', value: 'localhost' }]);
      const pem = readFileSync(file);
      proxy = await startTcpProxy(brokerPort, { cert: pem, key: pem });
    });
    afterAll(async () => {
      await proxy.close();
      rmSync(folder, { recursive: true });
    });

    /** Whether a broker at this name is spoken with. */
    async function connects(host: string, tls: Partial<RabbitTls>): Promise<boolean> {
      const hosts = harness.hosts.map((each) => ({ ...each, host, port: proxy.port }));
      const before = harness.log.lines.length;
      const all = { caFile: null, certFile: null, keyFile: null, verifyHostname: false, ...tls };
      const queue = harness.makeQueue({ hosts, tls: all });
      const line = await vi.waitFor(() => {
        const found = harness.log.lines.slice(before).find(({ message }) => /RabbitMQ/.test(message));
        if (!found) throw new Error('neither yes nor no');
        return found;
      }, eventually);
      await queue.stop();
      return line.level === 'info';
    }

    it('trusts whom it is configured to trust', () =>
      withHarness(async () => {
        const [caFile, other] = [join(folder, 'ca.pem'), join(folder, 'other-ca.pem')];
        expect(await connects('127.0.0.1', {})).toBe(true);
        expect(await connects('127.0.0.1', { caFile })).toBe(true);
        expect(await connects('127.0.0.1', { caFile: other })).toBe(false);
        expect(await connects('127.0.0.1', { caFile, verifyHostname: true })).toBe(false);
        expect(await connects('localhost', { caFile, verifyHostname: true })).toBe(true);
      }));
  });
});
