import { randomBytes } from 'node:crypto';
import { createReadStream, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { buildAmphoraImage } from '../../src/adapters/amphora-image/build.ts';
import { createSystemClock } from '../../src/adapters/clock/system-clock.ts';
import { loadConfiguration } from '../../src/config/load.ts';
import { findAccess } from '../../src/main/cloud-access.ts';
import { createOpenStack, type OpenStack } from '../../src/main/openstack.ts';
import { createFakeLog } from '../kit/fakes/fake-log.ts';
import { runKiln, startKiln } from '../kit/kiln-process.ts';
import { type NovaWithGuests, startNovaWithGuests } from '../kit/nova-with-guests.ts';
import { openNetworks, type TestNetworks } from '../kit/test-networks.ts';
import { octaviaEndpoint, readTestbed } from '../kit/testbed-access.ts';
import { bringUpOctavia, takeDownOctavia } from '../kit/testbed-octavia.ts';

/**
 * `kiln release --octavia` over the real Octavia of the test bed (API, worker, health manager, housekeeping) with its real drivers: real
 * Glance, Nova and Neutron, amphorae that serve and send heartbeats. Nova's hypervisor only pretends, so that a front before it runs
 * Kiln's own agent, with the files that Octavia gave to Nova, in place of a virtual machine.
 */

const TAG = 'kiln-octavia-release';
const quickly =
  '--canary 1 --before-seconds 0 --settle-seconds 0 --watch-seconds 1 --canary-bake-seconds 0 --wave-bake-seconds 0 --poll-seconds 1';

const bed = readTestbed();
let folder: string;
let openstack: OpenStack;
let networks: TestNetworks;
let nova: NovaWithGuests;
let member: Server;
let environment: NodeJS.ProcessEnv;
let loadBalancerIds: string[] = [];
const imageIds = { first: '', second: '', third: '', broken: '' };

async function push(name: string): Promise<string> {
  const output = join(folder, `${name}.img`);
  if (name.endsWith('broken')) writeFileSync(output, randomBytes(1_000));
  else await buildAmphoraImage({ output, name, version: '1.0' });
  const image = await openstack.images.create({ name, diskFormat: 'raw', containerFormat: 'bare' });
  await openstack.images.upload(image.id, createReadStream(output), statSync(output).size);
  return image.id;
}

const octaviaCall = async (method: string, path: string, body: object) => {
  const answer = await fetch(`${octaviaEndpoint()}/v2/lbaas${path}`, {
    method,
    headers: { 'content-type': 'application/json', 'x-auth-token': await bed.token('kiln') },
    body: JSON.stringify(body),
  });
  const text = await answer.text();
  expect(answer.ok, `${method} ${path}: ${answer.status} ${text}`).toBe(true);
  return JSON.parse(text);
};

/**
 * One after the other: of a fully populated one, Octavia 11's worker at times sees no listener when it begins, and leaves it
 * PENDING_CREATE in a load balancer that is ACTIVE.
 */
async function create(name: string, flavorId: string | null): Promise<string> {
  const flavor = flavorId === null ? {} : { flavor_id: flavorId };
  const made = { name, vip_subnet_id: networks.vip.subnetId, ...flavor };
  const { id } = (await octaviaCall('POST', '/loadbalancers', { loadbalancer: made })).loadbalancer;
  const isActive = async () => expect((await openstack.octavia.getLoadBalancer(id)).provisioningStatus).toBe('ACTIVE');
  const whenActive = () => vi.waitFor(isActive, { timeout: 240_000, interval: 1_000 });
  await whenActive();
  const protocol = 'HTTP';
  const { listener } = await octaviaCall('POST', '/listeners', {
    listener: { name, protocol, protocol_port: 8080, loadbalancer_id: id },
  });
  await whenActive();
  const { pool } = await octaviaCall('POST', '/pools', {
    pool: { name, protocol, lb_algorithm: 'ROUND_ROBIN', listener_id: listener.id },
  });
  await whenActive();
  const { port } = member.address() as AddressInfo;
  await octaviaCall('POST', `/pools/${pool.id}/members`, { member: { address: '127.0.0.1', protocol_port: port } });
  await whenActive();
  return id;
}

/** Everything of this suite in Octavia, and of one that was broken off. */
async function removeAll(): Promise<void> {
  const removeLoadBalancers = async () => {
    const left = (await openstack.octavia.listLoadBalancers()).filter(({ name }) => name.startsWith('kiln-'));
    for (const { id, provisioningStatus } of left) {
      if (!provisioningStatus.startsWith('PENDING')) await openstack.octavia.deleteLoadBalancer(id);
    }
    return left;
  };
  await vi.waitFor(async () => expect(await removeLoadBalancers()).toEqual([]), { timeout: 240_000, interval: 1_000 });
  const flavors = (await openstack.octavia.listFlavors()).filter(({ name }) => name.startsWith('kiln-'));
  for (const { id } of flavors) await openstack.octavia.deleteFlavor(id);
  const profiles = (await openstack.octavia.listFlavorProfiles()).filter(({ name }) => name.startsWith('kiln-'));
  for (const { id } of profiles) await openstack.octavia.deleteFlavorProfile(id);
  for (const { id, name } of await openstack.images.list({ owner: bed.users.kiln.projectId })) {
    if (name?.startsWith('kiln-octavia-release')) await openstack.images.delete(id);
  }
}

beforeAll(async () => {
  nova = await startNovaWithGuests(bed.endpoints);
  member = createServer((_request, answer) => answer.end('member'));
  await new Promise<void>((resolve) => member.listen(0, '127.0.0.1', resolve));
  bringUpOctavia(
    { KILN_TESTBED_OCTAVIA_DRIVERS: 'real', KILN_TESTBED_OCTAVIA_TAG: TAG, KILN_TESTBED_OCTAVIA_NOVA: nova.url },
    'octavia',
    'octavia-services',
  );
  folder = await mkdtemp(join(tmpdir(), 'kiln-octavia-release-'));
  const cloudsFile = join(folder, 'clouds.yaml');
  const override = `  testbed:\n    load_balancer_endpoint_override: ${octaviaEndpoint()}\n`;
  writeFileSync(cloudsFile, readFileSync(bed.files.cloudsYaml, 'utf8').replace('  testbed:\n', override));
  environment = { OS_CLIENT_CONFIG_FILE: cloudsFile };
  const { config } = loadConfiguration({ configFiles: [bed.files.octaviaConf], environment: {} });
  const parts = { clock: createSystemClock(), log: createFakeLog() };
  openstack = createOpenStack(findAccess(config, 'testbed', environment), parts, { createLookupSeconds: 5 });
  networks = await openNetworks(config);
  await removeAll();
  imageIds.first = await push('kiln-octavia-release-1');
  imageIds.second = await push('kiln-octavia-release-2');
  imageIds.third = await push('kiln-octavia-release-3');
  imageIds.broken = await push('kiln-octavia-release-broken');
  await openstack.images.addTag(imageIds.first, TAG);
  const profile = await openstack.octavia.createFlavorProfile({
    name: 'kiln-octavia-release',
    provider: 'amphora',
    data: { loadbalancer_topology: 'ACTIVE_STANDBY' },
  });
  const flavor = await openstack.octavia.createFlavor({ name: 'kiln-octavia-release', profileId: profile.id });
  loadBalancerIds = await Promise.all([
    create('kiln-single', null),
    create('kiln-single-too', null),
    create('kiln-pair', flavor.id),
  ]);
  await vi.waitFor(async () => expect(await statuses()).toEqual(Array(3).fill('ACTIVE ONLINE')), {
    timeout: 240_000,
    interval: 1_000,
  });
}, 900_000);

afterAll(async () => {
  if (openstack) await removeAll().catch((error: unknown) => console.error(error));
  await networks?.close();
  await openstack?.close();
  // As other suites know it.
  takeDownOctavia();
  bringUpOctavia({}, 'octavia');
  await nova?.close();
  member?.close();
  if (folder) rmSync(folder, { recursive: true, force: true });
}, 600_000);

const statuses = async () =>
  (await openstack.octavia.listLoadBalancers())
    .filter(({ id }) => loadBalancerIds.includes(id))
    .map((one) => `${one.provisioningStatus} ${one.operatingStatus}`);
const typed = (words: string) => [...words.split(' '), '--os-cloud', 'testbed'];
async function kiln(words: string) {
  const { status, output, stdout } = await runKiln(typed(words), environment);
  return { status, output, json: () => JSON.parse(stdout) };
}
const stateFile = (name: string) => join(folder, `${name}.jsonl`);
const startOf = (imageId: string, file: string, more: string) =>
  `release start --octavia --tag ${TAG} --image ${imageId} --yes --state-file ${file} ${quickly} ${more}`;
const withProbe = () => `--probe-subnet ${networks.vip.subnetId}`;

/** As Octavia's rows say, and as Nova says of their servers. */
async function expectAllOn(imageId: string): Promise<void> {
  for (const id of loadBalancerIds) {
    const amphorae = await openstack.octavia.listAmphorae({ loadBalancerId: id });
    const serving = amphorae.filter(({ status }) => status === 'ALLOCATED');
    expect(serving.map((one) => one.imageId)).toEqual(serving.map(() => imageId));
    expect(serving).toHaveLength(id === loadBalancerIds[2] ? 2 : 1);
    for (const { serverId } of serving) {
      expect((await openstack.compute.getServer(serverId ?? '')).imageId).toBe(imageId);
    }
  }
  expect((await openstack.images.list({ tags: [TAG] })).map(({ id }) => id)).toEqual([imageId]);
}

/** No load balancer, flavor, profile, tag or mark of a probe or a release. */
async function expectNothingLeft(imageId: string, tags: readonly string[]): Promise<void> {
  expect(await openstack.octavia.listLoadBalancers()).toHaveLength(loadBalancerIds.length);
  const isOfProbe = ({ name }: { name: string }) => name.startsWith('kiln-probe');
  expect((await openstack.octavia.listFlavors()).filter(isOfProbe)).toEqual([]);
  expect((await openstack.octavia.listFlavorProfiles()).filter(isOfProbe)).toEqual([]);
  expect((await openstack.images.get(imageId)).tags).toEqual(tags);
  expect(await openstack.marks.read(imageId)).toBe(null);
}

it('shows the fleet and plans, with what Nova and Neutron tell', async () => {
  const fleet = (await kiln(`fleet --octavia --tag ${TAG} --json`)).json();
  expect(fleet.tags).toMatchObject([{ tag: TAG, imageId: imageIds.first, candidates: 1 }]);
  expect(fleet.totals).toMatchObject({ loadBalancers: 3, pairs: 1, amphorae: 4, behind: 0 });
  const planned = await kiln(`release plan --octavia --tag ${TAG} --image ${imageIds.second} --json`);
  expect(planned.status, planned.output).toBe(0);
  const { checks, loadBalancers } = planned.json();
  expect(loadBalancers).toBe(3);
  type Check = { name: string; outcome: string };
  expect(Object.fromEntries(checks.map(({ name, outcome }: Check) => [name, outcome]))).toEqual({
    'way back': 'ok',
    candidates: 'ok',
    owner: 'ok',
    'other releases': 'ok',
    busy: 'ok',
    quota: 'ok',
    // The test bed has one, and there is a pair.
    hosts: 'warning',
    addresses: 'ok',
  });
}, 120_000);

it('an image that does not come up ends with its probe, of which nothing is left', async () => {
  const ended = await kiln(startOf(imageIds.broken, stateFile('broken-probe'), withProbe()));
  expect(ended.status, ended.output).toBe(7);
  expect(ended.output).toMatch(/REJECTED: the load balancer of the probe is in ERROR after it was made/);
  await expectAllOn(imageIds.first);
  await expectNothingLeft(imageIds.broken, []);
}, 500_000);

it('one that goes from ACTIVE to ERROR stops it: the tag goes back, that one is failed over again, and it is held', async () => {
  const file = stateFile('broken');
  const held = await kiln(startOf(imageIds.broken, file, '--without-probe'));
  expect(held.status, held.output).toBe(8);
  expect(held.output).toMatch(/FAILURES: load balancer .* went from ACTIVE to ERROR/);
  await expectAllOn(imageIds.first);
  const back = await kiln(`release rollback --octavia --state-file ${file} --poll-seconds 1 --json`);
  expect(back.status, back.output).toBe(0);
  expect(back.json()).toMatchObject({ phase: 'rolled-back', counts: { reverted: 1, pending: 2 } });
  await expectNothingLeft(imageIds.broken, []);
}, 500_000);

it('releases to single ones and a pair, with a probe, killed with kill -9 on the way', async () => {
  const file = stateFile('good');
  const resume = `release resume --octavia --state-file ${file} --poll-seconds 1`;
  const written = () => (statSync(file, { throwIfNoEntry: false }) ? readFileSync(file, 'utf8') : '');
  // Each names a call that is under way when the process is killed, or what became of one.
  const asked = '"loadBalancer":"asked"';
  for (const line of [asked, asked, '"kind":"tag"', '"kind":"move"', '"kind":"arrived"', '"kind":"move"']) {
    const before = written().length;
    const running = startKiln(typed(before === 0 ? startOf(imageIds.second, file, withProbe()) : resume), environment);
    await expect.poll(() => written().slice(before), { timeout: 240_000, interval: 20 }).toContain(line);
    await running.kill();
  }
  const ended = await kiln(`${resume} --json`);
  expect(ended.status, ended.output).toBe(0);
  expect(ended.json()).toMatchObject({ phase: 'completed', counts: { moved: 3 } });
  await expectAllOn(imageIds.second);
  await expectNothingLeft(imageIds.second, [TAG]);
  expect(await statuses()).toEqual(['ACTIVE ONLINE', 'ACTIVE ONLINE', 'ACTIVE ONLINE']);
  // No failover was done twice: each amphora was replaced once, the pair's one after the other.
  const moves = readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line.includes('"kind":"move"'))
    .map((line) => JSON.parse(line) as { loadBalancerId: string; amphoraId: string | null });
  const ofPair = moves.filter(({ loadBalancerId }) => loadBalancerId === loadBalancerIds[2]);
  expect(new Set(ofPair.map(({ amphoraId }) => amphoraId)).size).toBe(2);
  // Of the probes one boots for each flavor in use, and one for its failover.
  expect(nova.booted.filter((id) => id === imageIds.second)).toHaveLength(4 + 2 * 2);
}, 900_000);

it('is paused and watched from elsewhere, refuses a second operator, and goes back half way', async () => {
  const file = stateFile('third');
  const running = startKiln(typed(startOf(imageIds.third, file, '--without-probe --gate-after-wave 0')), environment);
  await running.line(/^\S+ move /);
  const paused = await kiln(`release pause --octavia --state-file ${file} --reason lunch`);
  expect(paused.status, paused.output).toBe(0);
  expect(paused.output).toContain('Another process is at it');
  // What is under way comes to its end; then the process that carried it out ends.
  expect(await running.ended, running.lines.join('\n')).toBe(8);
  const watched = await kiln(`release watch --octavia --state-file ${file}`);
  expect(watched.output).toMatch(/wants it to pause: lunch/);

  const other = await kiln(startOf(imageIds.second, stateFile('other'), '--without-probe'));
  expect(other.status).not.toBe(0);
  expect(other.output).toMatch(/other releases: release .* is at image/);

  const held = await kiln(`release resume --octavia --state-file ${file} --poll-seconds 1`);
  expect(held.status, held.output).toBe(8);
  expect(held.output).toContain('GATE: the canary is done');
  const back = await kiln(`release rollback --octavia --state-file ${file} --reason errors --poll-seconds 1`);
  expect(back.status, back.output).toBe(0);
  await expectAllOn(imageIds.second);
  await expectNothingLeft(imageIds.third, []);
  expect((await kiln(`release show --octavia --state-file ${file}`)).output).toContain('ROLLED-BACK');
}, 500_000);
