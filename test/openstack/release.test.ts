import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { buildAmphoraImage } from '../../src/adapters/amphora-image/build.ts';
import { createSystemClock } from '../../src/adapters/clock/system-clock.ts';
import { loadConfiguration } from '../../src/config/load.ts';
import { findAccess } from '../../src/main/cloud-access.ts';
import { createOpenStack, type OpenStack } from '../../src/main/openstack.ts';
import { writeConfiguration } from '../e2e/by-tag/derived-configuration.ts';
import { makeVirtualHost } from '../kit/broker.ts';
import { createFakeLog } from '../kit/fakes/fake-log.ts';
import { freePort } from '../kit/free-port.ts';
import { type KilnProcess, runKiln, startKiln } from '../kit/kiln-process.ts';
import { type NovaWithGuests, startNovaWithGuests } from '../kit/nova-with-guests.ts';
import { openNetworks, type TestNetworks } from '../kit/test-networks.ts';
import { readTestbed } from '../kit/testbed-access.ts';
import { makeDatabase } from '../kit/testbed-database.ts';

/**
 * A release on the real Glance, Nova, Neutron, MariaDB and RabbitMQ, by several processes for each role: two operators at once, and the
 * housekeeping process that carries it on killed in the middle of a wave.
 */

const LOAD_BALANCERS = 4;
const WITHIN_MS = 480_000;
const TAG = `kiln-release-${process.pid}`;
/** Nobody tells how load balancers are: the test bed is shared, and heartbeats that come late on a busy machine judge nothing. */
const quiet = { controller_ip_port_list: '', heartbeat_timeout: '86400', bind_port: '0' };

const bed = readTestbed();
const folder = mkdtempSync(join(tmpdir(), 'kiln-rel-'));
const endings: (() => Promise<unknown>)[] = [];
let nova: NovaWithGuests;
let openstack: OpenStack;
let networks: TestNetworks;
let command: { arguments: string[]; environment: NodeJS.ProcessEnv };
let apis: string[];
const housekeepings = new Map<string, KilnProcess>();
const imageIds: string[] = [];

async function startRole(role: string, name: string): Promise<KilnProcess> {
  const port = await freePort();
  const process = startKiln(['serve', '--role', role, ...command.arguments], {
    ...command.environment,
    OS_API_SETTINGS__BIND_PORT: String(port),
    OS_KILN__STATE_PATH: join(folder, name),
  });
  endings.push(() => process.stop());
  await process.line(/"msg":"serving"/);
  if (role === 'api') apis.push(`http://127.0.0.1:${port}`);
  if (role === 'housekeeping') housekeepings.set(name, process);
  return process;
}

beforeAll(async () => {
  nova = await startNovaWithGuests(bed.endpoints);
  const [broker, database] = [await makeVirtualHost(), await makeDatabase()];
  endings.push(() => nova.close(), broker.close, database.close);
  command = writeConfiguration({
    ...{ given: bed.files.octaviaConf, folder, tag: TAG, heartbeatPort: await freePort() },
    ...{ databaseUrl: database.connection, transportUrl: broker.url(), computeEndpoint: nova.url },
  });
  command.environment = {
    ...command.environment,
    OS_CLIENT_CONFIG_FILE: bed.files.cloudsYaml,
    OS_API_SETTINGS__AUTH_STRATEGY: 'noauth',
    OS_HEALTH_MANAGER__CONTROLLER_IP_PORT_LIST: quiet.controller_ip_port_list,
    OS_HEALTH_MANAGER__HEARTBEAT_TIMEOUT: quiet.heartbeat_timeout,
    OS_CONTROLLER_WORKER__AMP_ACTIVE_RETRIES: '300',
    OS_HAPROXY_AMPHORA__CONNECTION_MAX_RETRIES: '300',
    OS_HAPROXY_AMPHORA__CONNECTION_RETRY_INTERVAL: '1',
    OS_KILN__WORKER_LEASE_SECONDS: '10',
  };
  const { config } = loadConfiguration({ configFiles: [bed.files.octaviaConf], environment: {} });
  const parts = { clock: createSystemClock(), log: createFakeLog() };
  openstack = createOpenStack(findAccess(config, null, {}), parts, { createLookupSeconds: 5 });
  networks = await openNetworks(config);
  for (const number of [1, 2]) imageIds.push(await push(`${TAG}-${number}`, number === 1));
  apis = [];
  // The first one makes the tables.
  await startRole('api', 'api-1');
  const more = ['api-2', 'worker-1', 'worker-2', 'housekeeping-1', 'housekeeping-2'];
  for (const name of more) await startRole(name.slice(0, -2), name);
}, WITHIN_MS);

afterAll(async () => {
  // One that an operation is at is deleted when that has ended.
  const areGone = async () => {
    const left = apis?.length > 0 ? await listed() : [];
    for (const { id } of left) await call(0, 'DELETE', `/lbaas/loadbalancers/${id}?cascade=true`);
    expect(left).toEqual([]);
  };
  await vi.waitFor(areGone, { timeout: 240_000, interval: 1_000 }).catch(console.error);
  // In the opposite order: processes, then what they need.
  for (const end of endings.reverse()) await end().catch(console.error);
  for (const id of imageIds) await openstack?.images.delete(id).catch(console.error);
  await networks?.close();
  await openstack?.close();
  rmSync(folder, { recursive: true, force: true });
}, 480_000);

async function push(name: string, isTagged: boolean): Promise<string> {
  const output = join(folder, `${name}.img`);
  await buildAmphoraImage({ output, name, version: '1.0' });
  const tagging = isTagged ? ['--tag', TAG] : ['--no-tag'];
  const typed = ['--quiet', 'image', 'push', output, '--name', name, ...tagging, ...command.arguments];
  const pushed = await runKiln(typed, command.environment);
  expect(pushed.status, pushed.output).toBe(0);
  return pushed.stdout.trim();
}

/** @param api which of the two processes is asked. */
async function call(api: number, method: string, path: string, body?: object) {
  const answer = await fetch(`${apis[api]}/v2${path}`, {
    method,
    headers: { 'x-project-id': bed.users.kiln.projectId, 'content-type': 'application/json' },
    ...(body && { body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  // biome-ignore lint/suspicious/noExplicitAny: answers of every shape.
  return { status: answer.status, body: (text === '' ? null : JSON.parse(text)) as any };
}
const listed = async (): Promise<{ id: string; provisioning_status: string }[]> =>
  (await call(0, 'GET', '/lbaas/loadbalancers')).body.loadbalancers;
const imagesInUse = async (): Promise<string[]> => {
  const { amphorae } = (await call(1, 'GET', '/octavia/amphorae')).body;
  return amphorae.map(({ image_id }: { image_id: string }) => image_id);
};

it(
  'is begun by one of two operators, survives the death of who carries it on, and brings the image to all',
  async () => {
    const vip = { vip_subnet_id: networks.vip.subnetId };
    for (let n = 0; n < LOAD_BALANCERS; n++) {
      const made = await call(n % 2, 'POST', '/lbaas/loadbalancers', { loadbalancer: { name: `${TAG}-${n}`, ...vip } });
      expect(made.status, JSON.stringify(made.body)).toBe(201);
    }
    const pending = async () => (await listed()).filter((one) => one.provisioning_status !== 'ACTIVE');
    await expect.poll(pending, { timeout: WITHIN_MS, interval: 500 }).toEqual([]);
    const [first, second] = imageIds;
    expect(await imagesInUse()).toEqual(Array(LOAD_BALANCERS).fill(first));

    // Both have looked at the same plan; one of them is first.
    const policy = {
      ...{ canary: 1, wave_percents: [100], max_parallel: 1, before_seconds: 0, settle_seconds: 0 },
      ...{ watch_seconds: 1, canary_bake_seconds: 0, wave_bake_seconds: 0 },
    };
    const request = { image_id: second, policy };
    const plans = await Promise.all([0, 1].map((api) => call(api, 'POST', '/kiln/releases/plan', request)));
    const [digest, other] = plans.map(({ body }) => body.plan.digest);
    expect(other).toBe(digest);
    const begin = (api: number) => call(api, 'POST', '/kiln/releases', { ...request, plan_digest: digest });
    const begun = await Promise.all([begin(0), begin(1)]);
    expect(begun.map(({ status }) => status).sort()).toEqual([201, 409]);
    const { id } = begun.find(({ status }) => status === 201)?.body.release ?? expect.unreachable();
    const path = `/kiln/releases/${id}`;
    const show = async () => (await call(1, 'GET', path)).body.release;
    const say = async (api: number, want: string, revision: number) =>
      await call(api, 'PUT', `${path}/intent`, { want, reason: `operator ${api}`, revision });
    /** Without heartbeats the canary waits for a word. */
    const unless = async (isSo: (release: Awaited<ReturnType<typeof show>>) => boolean) => {
      const release = await show();
      const isAsked = release.holds.some(({ code }: { code: string }) => code === 'INCONCLUSIVE');
      if (isAsked) await say(0, 'run', release.intent.revision);
      return isSo(release) ? null : JSON.stringify([release.phase, release.wave, release.counts, release.holds]);
    };
    const until = (isSo: (release: Awaited<ReturnType<typeof show>>) => boolean) =>
      expect.poll(() => unless(isSo), { timeout: WITHIN_MS, interval: 100 }).toBe(null);

    await until(({ wave, counts }) => wave === 1 && counts.moving > 0);
    const holder = [...housekeepings].find(([, { lines }]) => lines.some((line) => line.includes(`release ${id}:`)));
    const [name, process] = holder ?? expect.unreachable();
    await process.kill();
    // Both say something of the same release at the same time: whoever is second gets that answer.
    const { intent } = await show();
    const said = await Promise.all([0, 1].map((api) => say(api, 'pause', intent.revision)));
    expect(said.map(({ status }) => status).sort()).toEqual([200, 409]);
    const now = await show();
    expect((await say(1, 'run', now.intent.revision)).status).toBe(200);

    await until(({ has_ended }) => has_ended);
    const ended = await show();
    expect(ended).toMatchObject({ phase: 'completed', failures: 0, counts: { moved: LOAD_BALANCERS, failed: 0 } });
    const carriers = [...housekeepings].filter(([, { lines }]) =>
      lines.some((line) => line.includes(`release ${id}:`)),
    );
    expect(carriers.map(([one]) => one).filter((one) => one !== name)).toHaveLength(1);
    expect(await imagesInUse()).toEqual(Array(LOAD_BALANCERS).fill(second));
    expect((await openstack.images.list({ tags: [TAG] })).map((image) => image.id)).toEqual([second]);
    // Nothing was begun a second time: one amphora for each, and one for the probe.
    expect(nova.booted.filter((imageId) => imageId === second)).toHaveLength(LOAD_BALANCERS + 1);
    expect(nova.running()).toBe(LOAD_BALANCERS);
  },
  3 * WITHIN_MS,
);
