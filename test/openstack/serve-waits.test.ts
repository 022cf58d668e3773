import { afterAll, beforeAll, expect, it } from 'vitest';
import { type DevCloud, startDevCloud } from '../kit/dev-cloud.ts';
import { runKiln, startKiln } from '../kit/kiln-process.ts';
import { startTcpProxy, type TcpProxy } from '../kit/tcp-proxy.ts';
import { makeDatabase } from '../kit/testbed-database.ts';

/** `kiln serve` before its database, a real MariaDB, is there: after a power cut nobody starts services in order. */
let dev: DevCloud;
let database: Awaited<ReturnType<typeof makeDatabase>>;
let proxy: TcpProxy;
let url: URL;

beforeAll(async () => {
  dev = await startDevCloud();
  database = await makeDatabase();
  url = new URL(database.connection.replace('mysql+pymysql:', 'http:'));
  proxy = await startTcpProxy(Number(url.port || 3306));
}, 120_000);
afterAll(async () => {
  await proxy?.close();
  await database?.close();
  await dev?.close();
}, 120_000);

const through = (user = `${url.username}:${url.password}`) => ({
  ...dev.environment,
  OS_DATABASE__CONNECTION: `mysql+pymysql://${user}@127.0.0.1:${proxy.port}${url.pathname}`,
});

it('waits for it, says so, and serves once it has come', async () => {
  await proxy.down();
  const serve = startKiln(['serve'], through());
  await serve.line(/the database is not there yet; it is tried again/);
  await proxy.up();
  await serve.line(/"msg":"serving"/);
  expect(await serve.stop()).toBe(0);
});

it('ends in seconds while it waits for an answer of one that has fallen silent', { timeout: 150_000 }, async () => {
  await proxy.up().catch(() => {}); // It may be up.
  const serve = startKiln(['serve'], { ...through(), OS_API_SETTINGS__AUTH_STRATEGY: 'noauth' });
  const { url } = JSON.parse(await serve.line(/the load-balancer API listens/));
  await serve.line(/"msg":"serving"/);
  proxy.silence();
  const asked = Array.from({ length: 20 }, () =>
    fetch(`${url}/v2/lbaas/loadbalancers`, { headers: { 'x-project-id': 'p', 'x-roles': 'admin' } }).catch(() => {}),
  );
  // The next sweep asks too; with what is asked here, more than the pool has connections wait.
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  const began = performance.now();
  expect(await serve.stop()).toBe(0);
  expect(performance.now() - began).toBeLessThan(40_000); // A silent database is waited for 60 s otherwise.
  await Promise.all(asked);
});

it('stops while it waits', async () => {
  await proxy.down();
  const serve = startKiln(['serve'], through());
  await serve.line(/the database is not there yet/);
  expect(await serve.stop()).toBe(0);
  await proxy.up();
});

it('does not wait for a password to become right', async () => {
  const { status, output } = await runKiln(['serve'], through('nobody:wrong'));
  expect(status, output).toBe(2);
  expect(output).not.toContain('it is tried again');
});
