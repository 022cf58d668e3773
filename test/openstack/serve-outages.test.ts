import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { brokerPort, makeVirtualHost } from '../kit/broker.ts';
import { type DevCloud, startDevCloud } from '../kit/dev-cloud.ts';
import { freePort } from '../kit/free-port.ts';
import { type KilnProcess, startKiln } from '../kit/kiln-process.ts';
import { vipSubnetOf } from '../kit/load-balancers.ts';
import { startTcpProxy, type TcpProxy } from '../kit/tcp-proxy.ts';
import { makeDatabase } from '../kit/testbed-database.ts';

/** A real MariaDB and a real RabbitMQ that go away in the middle and come back: every role goes on by itself. */
let dev: DevCloud;
let database: Awaited<ReturnType<typeof makeDatabase>>;
let broker: Awaited<ReturnType<typeof makeVirtualHost>>;
let toDatabase: TcpProxy;
let toBroker: TcpProxy;
let url: string;
let environment: NodeJS.ProcessEnv;
const roles = ['api', 'worker', 'health-manager'] as const;
const processes: KilnProcess[] = [];

beforeAll(async () => {
  // One after the other: MariaDB hangs up on whoever is kept from greeting by other work.
  dev = await startDevCloud();
  database = await makeDatabase();
  broker = await makeVirtualHost();
  const there = new URL(database.connection.replace('mysql+pymysql:', 'http:'));
  toDatabase = await startTcpProxy(Number(there.port || 3306));
  toBroker = await startTcpProxy(brokerPort);
  const noop = (kind: string) => ({ [`OS_CONTROLLER_WORKER__${kind.toUpperCase()}_DRIVER`]: `${kind}_noop_driver` });
  environment = {
    ...dev.environment,
    ...noop('amphora'),
    ...noop('compute'),
    OS_KILN__WORKER_LEASE_SECONDS: '10',
    OS_DEFAULT__TRANSPORT_URL: broker.url(toBroker.port),
    OS_DATABASE__CONNECTION: `mysql+pymysql://${there.username}:${there.password}@127.0.0.1:${toDatabase.port}${there.pathname}`,
    OS_API_SETTINGS__AUTH_STRATEGY: 'noauth',
    OS_API_SETTINGS__HEALTHCHECK_ENABLED: 'true',
    OS_API_SETTINGS__HEALTHCHECK_REFRESH_INTERVAL: '1',
    OS_API_SETTINGS__BIND_PORT: String(await freePort()),
    // Housekeeping works, too, while things go away.
    OS_HOUSE_KEEPING__CLEANUP_INTERVAL: '1',
  };
  for (const role of roles)
    processes.push(
      startKiln(['serve', '--role', role], { ...environment, OS_KILN__STATE_PATH: join(dev.folder, role) }),
    );
  await Promise.all(processes.map((one) => one.line(/"msg":"serving"/)));
  url = JSON.parse((await processes[0]?.line(/the load-balancer API listens/)) ?? '').url;
}, 180_000);
afterAll(async () => {
  await Promise.all([toDatabase?.up(), toBroker?.up()]);
  await Promise.all(processes.map((one) => one.stop()));
  await Promise.all([toDatabase?.close(), toBroker?.close()]);
  await Promise.all([database?.close(), broker?.close(), dev?.close()]);
}, 120_000);

async function call(method: string, path: string, body?: unknown) {
  const answer = await fetch(`${url}${path}`, {
    method,
    headers: { 'x-project-id': dev.cloud.accounts.kiln.projectId, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape.
  return { status: answer.status, headers: answer.headers, body: (await answer.json().catch(() => null)) as any };
}
const lists = async () => (await call('GET', '/v2/lbaas/loadbalancers')).status;

async function create(): Promise<string> {
  const wanted = { vip_subnet_id: await vipSubnetOf(dev) };
  const { status, body } = await call('POST', '/v2/lbaas/loadbalancers', { loadbalancer: wanted });
  expect(status, JSON.stringify(body)).toBe(201);
  return body.loadbalancer.id;
}
const becomesActive = (id: string) =>
  expect
    .poll(
      async () => (await call('GET', `/v2/lbaas/loadbalancers/${id}`)).body?.loadbalancer?.provisioning_status ?? null,
      { timeout: 120_000, interval: 250 },
    )
    .toBe('ACTIVE');

const pause = (seconds: number) => new Promise((resolve) => setTimeout(resolve, seconds * 1000));
const allRun = () => expect(processes.map((one) => one.child.exitCode)).toEqual([null, null, null]);

it('the database, for longer than a worker is believed to live', { timeout: 300_000 }, async () => {
  await becomesActive(await create());
  await toDatabase.down();
  await expect.poll(lists, { timeout: 30_000 }).toBe(503);
  const refused = await call('GET', '/v2/lbaas/loadbalancers');
  expect(refused.headers.get('retry-after')).toBe('2');
  expect(refused.body.faultstring).toContain('can not reach its database');
  await expect.poll(async () => (await call('GET', '/healthcheck')).status, { timeout: 30_000 }).toBe(503);
  await pause(13);
  allRun();
  await toDatabase.up();
  await expect.poll(lists, { timeout: 30_000 }).toBe(200);
  expect((await call('GET', '/healthcheck')).status).toBe(200);
  await becomesActive(await create());
  expect(processes[1]?.lines.some((line) => /"level":"(warn|error)"/.test(line))).toBe(true);
});

it('the broker', { timeout: 300_000 }, async () => {
  await toBroker.down();
  await Promise.all(processes.slice(0, 2).map((one) => one.next(/no connection to RabbitMQ/)));
  const id = await create();
  allRun();
  await toBroker.up();
  await becomesActive(id);
});

it('both, with work under way', { timeout: 300_000 }, async () => {
  const ids = await Promise.all([create(), create(), create()]);
  await Promise.all([toBroker.down(), toDatabase.down()]);
  await pause(5);
  allRun();
  await Promise.all([toBroker.up(), toDatabase.up()]);
  await expect.poll(lists, { timeout: 60_000 }).toBe(200);
  await Promise.all(ids.map(becomesActive));
});

it('a worker ends whose broker hangs', { timeout: 120_000 }, async () => {
  const hanging = await startTcpProxy(brokerPort);
  const one = startKiln(['serve', '--role', 'worker'], {
    ...environment,
    OS_DEFAULT__TRANSPORT_URL: broker.url(hanging.port),
    OS_KILN__STATE_PATH: join(dev.folder, 'hanging'),
    // No heartbeat that the broker owes ends the connection.
    OS_OSLO_MESSAGING_RABBIT__HEARTBEAT_TIMEOUT_THRESHOLD: '0',
  });
  try {
    await one.line(/connected to RabbitMQ/);
    await one.line(/"msg":"serving"/);
    hanging.silence();
    expect(await one.stop()).toBe(0);
  } finally {
    await one.kill();
    await hanging.close();
  }
});

it('and each role ends in seconds while both are away', { timeout: 120_000 }, async () => {
  await Promise.all([toBroker.down(), toDatabase.down()]);
  const began = performance.now();
  expect(await Promise.all(processes.map((one) => one.stop()))).toEqual([0, 0, 0]);
  expect(performance.now() - began).toBeLessThan(20_000);
});
