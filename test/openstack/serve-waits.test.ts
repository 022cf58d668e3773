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
