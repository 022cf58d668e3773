import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { makeVirtualHost } from '../kit/broker.ts';
import { type DevCloud, startDevCloud } from '../kit/dev-cloud.ts';
import { freePort } from '../kit/free-port.ts';
import { type KilnProcess, runKiln, startKiln } from '../kit/kiln-process.ts';
import { vipSubnetOf } from '../kit/load-balancers.ts';
import { makeDatabase } from '../kit/testbed-database.ts';

/** `kiln serve --role …` as an operator runs it: real processes, RabbitMQ and MariaDB; servers of the embedded cloud. */
let dev: DevCloud;
let broker: Awaited<ReturnType<typeof makeVirtualHost>>;
let database: Awaited<ReturnType<typeof makeDatabase>>;
let environment: NodeJS.ProcessEnv;
let vipSubnetId: string;
let member: Server;
const processes: KilnProcess[] = [];

beforeAll(async () => {
  dev = await startDevCloud();
  broker = await makeVirtualHost();
  database = await makeDatabase();
  environment = {
    ...dev.environment,
    OS_DEFAULT__TRANSPORT_URL: broker.url(),
    OS_DATABASE__CONNECTION: database.connection,
    OS_API_SETTINGS__AUTH_STRATEGY: 'noauth',
  };
  vipSubnetId = await vipSubnetOf(dev);
  member = createServer((_request, answer) => answer.end('member'));
  await new Promise<void>((resolve) => member.listen(0, '127.0.0.1', resolve));
}, 120_000);

afterAll(async () => {
  member?.close();
  await Promise.all(processes.map((one) => one.stop()));
  await database?.close();
  await broker?.close();
  await dev?.close();
}, 120_000);

async function serve(role: 'api' | 'worker', more: NodeJS.ProcessEnv = {}): Promise<KilnProcess> {
  const one = startKiln(['serve', '--role', role], { ...environment, ...more });
  processes.push(one);
  await one.line(/"serving"/);
  return one;
}

function clientOf(url: string) {
  return async (method: string, path: string, body?: unknown) => {
    const answer = await fetch(`${url}/v2/lbaas${path}`, {
      method,
      headers: { 'x-project-id': dev.cloud.accounts.kiln.projectId, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape.
    return { status: answer.status, body: (text === '' ? null : JSON.parse(text)) as any };
  };
}

async function api(): Promise<ReturnType<typeof clientOf>> {
  const one = await serve('api', { OS_API_SETTINGS__BIND_PORT: String(await freePort()) });
  return clientOf(JSON.parse(await one.line(/the load-balancer API listens/)).url);
}

const wanted = (name: string) => ({
  loadbalancer: {
    name,
    vip_subnet_id: vipSubnetId,
    listeners: [
      {
        protocol: 'HTTP',
        protocol_port: 8080,
        default_pool: {
          name: 'pool',
          protocol: 'HTTP',
          lb_algorithm: 'ROUND_ROBIN',
          members: [{ address: '127.0.0.1', protocol_port: (member.address() as AddressInfo).port }],
        },
      },
    ],
  },
});

it('two API processes and two workers share the work; of a worker killed in the middle the other one finishes it', {
  timeout: 240_000,
}, async () => {
  const clients = [await api(), await api()];
  const [first, second] = [await serve('worker'), await serve('worker')];
  const inTheMiddle = Promise.any([first, second].map((one) => one.line(/will boot image/).then(() => one)));

  const ids = await Promise.all(
    Array.from({ length: 8 }, async (_none, index) => {
      const { status, body } = (await clients[index % 2]?.('POST', '/loadbalancers', wanted(`lb-${index}`))) ?? {};
      expect(status, JSON.stringify(body)).toBe(201);
      return body.loadbalancer.id as string;
    }),
  );
  const victim = await inTheMiddle;
  await victim.kill();
  const survivor = victim === first ? second : first;

  const statuses = async () =>
    (await clients[1]?.('GET', '/loadbalancers'))?.body.loadbalancers.map(
      (one: { provisioning_status: string }) => one.provisioning_status,
    );
  await expect.poll(statuses, { timeout: 180_000, interval: 250 }).toEqual(ids.map(() => 'ACTIVE'));
  expect(survivor.lines.filter((line) => line.includes('"end":"done"')).length).toBeGreaterThan(0);

  // One amphora each, and the cloud has no server more than that.
  const { body } = (await clients[0]?.('GET', '/loadbalancers')) ?? {};
  for (const { id, vip_address } of body.loadbalancers) {
    const listed = await clients[0]?.('GET', `/loadbalancers/${id}/status`);
    expect(listed?.body.statuses.loadbalancer.provisioning_status).toBe('ACTIVE');
    const answer = await fetch(`http://${vip_address}:8080/`);
    expect(await answer.text()).toBe('member');
  }
  const shown = await runKiln(['--json', 'amphora', 'list', '--all'], environment);
  const amphorae = JSON.parse(shown.stdout) as { id: string; serverName: string; status: string }[];
  expect(amphorae.filter(({ status }) => status === 'ALLOCATED')).toHaveLength(ids.length);
  for (const { serverName, status } of amphorae) {
    const servers = await dev.openstack.compute.findServersByName(serverName);
    expect(servers, serverName).toHaveLength(status === 'ALLOCATED' ? 1 : 0);
  }

  for (const id of ids) expect((await clients[0]?.('DELETE', `/loadbalancers/${id}?cascade=true`))?.status).toBe(204);
  await expect.poll(statuses, { timeout: 120_000, interval: 250 }).toEqual([]);
});

it('a role that needs the others to be reached says what is missing', async () => {
  const alone = await runKiln(['serve', '--role', 'worker'], {
    ...dev.environment,
    OS_KILN__STATE_PATH: join(dev.folder, 'alone'),
  });
  expect(alone.status).toBe(2);
  expect(alone.output).toContain('[DEFAULT] transport_url and [database] connection');
});
