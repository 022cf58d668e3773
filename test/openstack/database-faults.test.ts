import type { Connection, RowDataPacket } from 'mysql2/promise';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { createSystemClock } from '../../src/adapters/clock/system-clock.ts';
import { type ApiAnswer, openStoredApiHarness, ownProject, type StoredApiHarness, subnetId } from '../kit/api.ts';
import { type SmallMariadb, smallMariadbIsImpossible, startSmallMariadb } from '../kit/small-mariadb.ts';

/** What a MariaDB can suffer from without being gone: clients are asked to come again, and all is well when it has passed. */

const impossible = smallMariadbIsImpossible();

describe.skipIf(impossible !== null)(`a MariaDB in trouble (${impossible ?? 'one of its own'})`, () => {
  let server: SmallMariadb;
  let api: StoredApiHarness;
  let number = 0;

  beforeAll(async () => {
    server = await startSmallMariadb();
    api = await openStoredApiHarness({}, { connection: server.connection, clock: createSystemClock() });
    await api.call('PUT', `/lbaas/quotas/${ownProject}`, { quota: { loadbalancer: 10_000 } });
  }, 180_000);
  afterAll(async () => {
    await api?.close();
    await server?.close();
  });
  beforeEach(async () => {
    expect((await create()).status).toBe(201);
  });

  const create = () => {
    const description = 'd'.repeat(255);
    const name = `lb-${++number}`;
    const members = Array.from({ length: 100 }, (_, port) => ({ address: '10.0.0.1', protocol_port: port + 1 }));
    const pools = [{ name: 'p', description, protocol: 'HTTP', lb_algorithm: 'ROUND_ROBIN', members }];
    return api.call('POST', '/lbaas/loadbalancers', {
      loadbalancer: { vip_subnet_id: subnetId, name, description, pools },
    });
  };
  /** The client is asked to come again, and learns nothing of the database. */
  function expectComeAgain({ status, headers, body }: ApiAnswer): void {
    expect([status, body.faultstring]).toEqual([
      503,
      expect.stringMatching(/can not reach its database at the moment/),
    ]);
    expect(Number(headers['retry-after'])).toBeGreaterThan(0);
  }
  /** Kiln's connections are ended, so that the next ones are new. */
  async function endConnections(): Promise<void> {
    await server.administrator.query(`kill user ${server.user}`);
  }
  const settings: readonly [name: string, set: string, back: string][] = [
    ['is read-only', 'set global read_only = 1', 'set global read_only = 0'],
    ['opens transactions that only read', 'set global tx_read_only = 1', 'set global tx_read_only = 0'],
    [
      'gives no statement the time it needs',
      'set global max_statement_time = 0.000001',
      'set global max_statement_time = 0',
    ],
    [
      'has one connection for this user',
      "alter user kiln@'127.0.0.1' with max_user_connections 1",
      "alter user kiln@'127.0.0.1' with max_user_connections 0",
    ],
  ];
  it.each(settings)('that %s', async (_name, set, back) => {
    await server.administrator.query(set);
    await endConnections();
    try {
      const answers = await Promise.all(Array.from({ length: 6 }, create));
      const refused = answers.filter(({ status }) => status !== 201);
      for (const answer of refused) expectComeAgain(answer);
      expect(refused).not.toEqual([]);
    } finally {
      await server.administrator.query(back);
      await endConnections();
    }
    expect((await create()).status).toBe(201);
  });

  it('that has no connection left', async () => {
    await server.administrator.query('set global max_connections = 10');
    await endConnections();
    const others: Connection[] = [];
    for (;;) {
      const one = await server.connect().catch(() => null);
      if (one === null) break;
      others.push(one);
    }
    expectComeAgain(await create());
    expectComeAgain(await api.call('GET', '/lbaas/loadbalancers'));
    for (const one of others) one.destroy();
    await server.administrator.query('set global max_connections = 151');
    await vi.waitFor(async () => expect((await create()).status).toBe(201), { timeout: 60_000 });
  });

  it.each([
    ['kills the query', 'kill query'],
    ['kills the connection', 'kill connection'],
  ])('that %s', async (_name, kill) => {
    const { body } = await create();
    await api.settleAll();
    const rival = await server.connect();
    await rival.query(`use ${server.user}`);
    await rival.query('begin');
    await rival.query('select * from kiln_load_balancer for update');
    const path = `/lbaas/loadbalancers/${body.loadbalancer.id}`;
    const asking = api.call('PUT', path, { loadbalancer: { name: 'other' } });
    const waiting = await vi.waitFor(
      async () => {
        const [rows] = await server.administrator.query<RowDataPacket[]>(
          "select trx_mysql_thread_id as thread from information_schema.innodb_trx where trx_state = 'LOCK WAIT'",
        );
        return rows[0]?.thread ?? Promise.reject(new Error('nobody waits'));
      },
      { timeout: 60_000, interval: 150 },
    );
    await server.administrator.query(`${kill} ${waiting}`);
    expectComeAgain(await asking);
    await rival.query('rollback');
    rival.destroy();
    expect((await api.call('PUT', path, { loadbalancer: { name: 'other' } })).status).toBe(200);
  });

  it('whose locks others hold for longer than it waits', async () => {
    const { body } = await create();
    await api.settleAll();
    await server.administrator.query('set global innodb_lock_wait_timeout = 1');
    await endConnections();
    const rival = await server.connect();
    await rival.query(`use ${server.user}`);
    await rival.query('begin');
    await rival.query('select * from kiln_load_balancer for update');
    const path = `/lbaas/loadbalancers/${body.loadbalancer.id}`;
    expectComeAgain(await api.call('PUT', path, { loadbalancer: { name: 'other' } }));
    await rival.query('rollback');
    rival.destroy();
    await server.administrator.query('set global innodb_lock_wait_timeout = 50');
    expect((await api.call('PUT', path, { loadbalancer: { name: 'other' } })).status).toBe(200);
  });

  it('whose disk is full: what is there is read, and written again once there is room', async () => {
    const makeRoom = server.fillDisk();
    let answer = await create();
    for (let tries = 0; answer.status === 201 && tries < 400; tries++) answer = await create();
    expectComeAgain(answer);
    expect((await api.call('GET', '/lbaas/loadbalancers?limit=1')).status).toBe(200);
    makeRoom();
    await vi.waitFor(async () => expect((await create()).status).toBe(201), { timeout: 60_000, interval: 500 });
  });
});
