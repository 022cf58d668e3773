import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { DoctorReport } from '../../src/cli/doctor/run.ts';
import { makeVirtualHost } from '../kit/broker.ts';
import { type DevCloud, startDevCloud } from '../kit/dev-cloud.ts';
import { freePort } from '../kit/free-port.ts';
import { runKiln, startKiln } from '../kit/kiln-process.ts';
import { makeDatabase } from '../kit/testbed-database.ts';

/** `kiln doctor` with a real MariaDB and a real RabbitMQ: well, not there, and refusing. */
let dev: DevCloud;
let broker: Awaited<ReturnType<typeof makeVirtualHost>>;
let database: Awaited<ReturnType<typeof makeDatabase>>;
let environment: Record<string, string | undefined>;
/** Where nobody listens. */
let closedPort: number;

beforeAll(async () => {
  dev = await startDevCloud();
  broker = await makeVirtualHost();
  database = await makeDatabase();
  closedPort = await freePort();
  environment = {
    ...dev.environment,
    OS_DEFAULT__TRANSPORT_URL: broker.url(),
    OS_DATABASE__CONNECTION: database.connection,
    OS_API_SETTINGS__BIND_PORT: String(await freePort()),
    OS_API_SETTINGS__AUTH_STRATEGY: 'noauth',
    OS_KILN__WORKER_LEASE_SECONDS: '3',
  };
  const upgraded = await runKiln(['db', 'upgrade'], environment);
  expect(upgraded.status, upgraded.output).toBe(0);
}, 120_000);
afterAll(async () => {
  await Promise.all([database?.close(), broker?.close(), dev?.close()]);
}, 120_000);

async function examine(changed: Record<string, string> = {}) {
  const run = await runKiln(['doctor', '--json'], { ...environment, ...changed });
  const { results } = JSON.parse(run.stdout) as DoctorReport;
  return {
    output: run.output,
    of: (check: string) => results.filter(({ id }) => id === `controller.${check}`),
  };
}

/** The same URL, with a part of it changed. */
function but(url: string, change: Partial<URL>): string {
  const [scheme = ''] = url.split('://');
  const parts = new URL(url.replace(scheme, 'http'));
  Object.assign(parts, change);
  return parts.href.replace('http', scheme);
}

it('both are well', async () => {
  const { of, output } = await examine();
  expect(of('database'), output).toMatchObject([{ verdict: 'ok' }]);
  expect(of('broker'), output).toMatchObject([{ verdict: 'ok', finding: expect.stringContaining('answers at') }]);
  expect(of('processes')).toMatchObject([{ verdict: 'ok', finding: 'none has run with this database yet' }]);
});

it.each<[string, () => Partial<URL>, RegExp]>([
  ['is not there', () => ({ port: String(closedPort) }), /ECONNREFUSED/],
  ['refuses the password', () => ({ password: 'wrong' }), /ACCESS_REFUSED/],
  ['has no such virtual host', () => ({ pathname: '/nowhere' }), /virtual host "nowhere" is not there/],
])('a broker that %s', async (_, change, words) => {
  const transport = but(broker.url(), change());
  const { of, output } = await examine({ OS_DEFAULT__TRANSPORT_URL: transport });
  expect(of('broker'), output).toMatchObject([
    { verdict: 'fail', finding: expect.stringMatching(words), advice: expect.stringContaining('transport_url') },
  ]);
  expect(of('database')).toMatchObject([{ verdict: 'ok' }]);
  expect(output).not.toContain('wrong');
});

it.each<[string, () => Partial<URL>, RegExp]>([
  ['is not there', () => ({ port: String(closedPort) }), /ECONNREFUSED/],
  ['refuses the password', () => ({ password: 'wrong' }), /Access denied/],
  ['has no such schema', () => ({ pathname: '/nowhere' }), /nowhere/],
])('a database that %s', async (_, change, words) => {
  const { of, output } = await examine({ OS_DATABASE__CONNECTION: but(database.connection, change()) });
  expect(of('database'), output).toMatchObject([
    {
      verdict: 'fail',
      finding: expect.stringMatching(words),
      advice: expect.stringContaining('[database] connection'),
    },
  ]);
  expect(of('processes')).toMatchObject([{ verdict: 'skip' }]);
  expect(of('broker')).toMatchObject([{ verdict: 'ok' }]);
  expect(output).not.toContain('wrong');
});

it('roles that no process has, one of them since it was killed', { timeout: 300_000 }, async () => {
  const serve = (role: string) =>
    startKiln(['serve', '--role', role], { ...environment, OS_KILN__STATE_PATH: join(dev.folder, role) });
  const processes = ['api', 'worker', 'health-manager'].map(serve);
  await Promise.all(processes.map((one) => one.line(/"msg":"serving"/)));
  const missing = async () => (await examine()).of('processes').map(({ finding }) => finding.split(':')[0]);
  const lately = { timeout: 120_000, interval: 500 };
  const housekeeping = 'none with the role housekeeping runs; it was stopped, or never started';
  await expect.poll(missing, lately).toEqual([housekeeping]);
  await processes[1]?.kill();
  await expect
    .poll(missing, lately)
    .toEqual([expect.stringMatching(/^none with the role worker runs; the last one was heard of on /), housekeeping]);
  expect(await Promise.all([processes[0]?.stop(), processes[2]?.stop()])).toEqual([0, 0]);
});
