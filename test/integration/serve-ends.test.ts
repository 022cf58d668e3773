import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { type DevCloud, startDevCloud } from '../kit/dev-cloud.ts';
import { freePort } from '../kit/free-port.ts';
import { type KilnProcess, startKiln } from '../kit/kiln-process.ts';
import { vipSubnetOf } from '../kit/load-balancers.ts';
import { startTcpProxy, type TcpProxy } from '../kit/tcp-proxy.ts';

/** SIGTERM to a real `kiln serve`, with clients of every sort and a Neutron that has fallen silent: it ends, and nothing is lost. */
let dev: DevCloud;
let neutron: TcpProxy;
let vipSubnetId: string;
const processes: KilnProcess[] = [];
const sockets: Socket[] = [];

beforeAll(async () => {
  dev = await startDevCloud();
  vipSubnetId = await vipSubnetOf(dev);
  neutron = await startTcpProxy(Number(new URL(dev.cloud.url).port));
}, 120_000);
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await Promise.all(processes.splice(0).map((one) => one.kill()));
});
afterAll(async () => {
  await neutron?.close();
  await dev?.close();
});

const headers = () => ({ 'x-project-id': dev.cloud.accounts.kiln.projectId, 'content-type': 'application/json' });

async function serve(): Promise<{ process: KilnProcess; url: URL }> {
  const process = startKiln(['serve'], {
    ...dev.environment,
    OS_KILN__STATE_PATH: join(dev.folder, 'ends'),
    OS_API_SETTINGS__AUTH_STRATEGY: 'noauth',
    OS_API_SETTINGS__BIND_PORT: String(await freePort()),
    OS_NEUTRON__ENDPOINT_OVERRIDE: `http://127.0.0.1:${neutron.port}/network`,
  });
  processes.push(process);
  const { url } = JSON.parse(await process.line(/the load-balancer API listens/));
  await process.line(/"msg":"serving"/);
  return { process, url: new URL(url) };
}

const wanted = () => JSON.stringify({ loadbalancer: { vip_subnet_id: vipSubnetId } });

async function create(url: URL): Promise<string> {
  const made = await fetch(new URL('/v2/lbaas/loadbalancers', url), {
    method: 'POST',
    headers: headers(),
    body: wanted(),
  });
  const text = await made.text();
  expect(made.status, text).toBe(201);
  return JSON.parse(text).loadbalancer.id;
}
async function statusOf(url: URL, id: string): Promise<string> {
  const answer = await fetch(new URL(`/v2/lbaas/loadbalancers/${id}`, url), { headers: headers() });
  return ((await answer.json()) as { loadbalancer: { provisioning_status: string } }).loadbalancer.provisioning_status;
}

/** Clients that are silent, that trickle, that don't read, that follow, and some whose requests wait for Neutron. */
async function besiege(url: URL): Promise<void> {
  const open = (text: string) => {
    const socket = connect(Number(url.port), url.hostname).on('error', () => {});
    sockets.push(socket);
    socket.write(text);
    return socket;
  };
  const head = (method: string, path: string, more = '') =>
    `${method} ${path} HTTP/1.1\r\nHost: kiln\r\nX-Project-Id: p\r\nX-Roles: admin\r\n${more}\r\n`;
  const body = (length: number) => `Content-Type: application/json\r\nContent-Length: ${length}\r\n`;
  for (let count = 0; count < 10; count++) open('');
  for (let count = 0; count < 10; count++) open(head('GET', '/v2/lbaas/loadbalancers'));
  const trickling = open(head('POST', '/v2/lbaas/loadbalancers', body(1000)));
  setInterval(() => trickling.destroyed || trickling.write(' '), 50).unref();
  open(head('GET', '/').repeat(45)).pause();
  for (let count = 0; count < 3; count++)
    open(`${head('POST', '/v2/lbaas/loadbalancers', body(wanted().length))}${wanted()}`);
  const follower = open(head('GET', '/v2/kiln/events?follow=true'));
  await once(follower, 'data');
}

it('it ends, and what the worker was at goes on with the next one', { timeout: 240_000 }, async () => {
  const { process, url } = await serve();
  const id = await create(url);
  neutron.silence();
  await besiege(url);
  expect(await process.stop()).toBe(0);
  expect(process.lines.filter((line) => line.includes('"msg":"stopped"'))).toHaveLength(1);

  const next = await serve(); // To whose connections the network is there again.
  await expect.poll(() => statusOf(next.url, id), { timeout: 120_000, interval: 250 }).toBe('ACTIVE');
  expect(await next.process.stop()).toBe(0);
});

it('a second one is obeyed at once, and nothing is lost by that either', { timeout: 240_000 }, async () => {
  const { process, url } = await serve();
  const id = await create(url);
  neutron.silence();
  await besiege(url);
  const stopping = process.next(/"msg":"stopping/);
  process.child.kill('SIGTERM');
  await stopping;
  process.child.kill('SIGTERM');
  expect(await process.ended).toBe(143);

  const next = await serve();
  await expect.poll(() => statusOf(next.url, id), { timeout: 120_000, interval: 250 }).toBe('ACTIVE');
});
