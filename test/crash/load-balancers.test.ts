import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { rm, writeFile } from 'node:fs/promises';
import { createServer, get, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { rotationFlow } from '../../src/core/amphora/certificate-rotation.ts';
import { configurationPushFlow } from '../../src/core/amphora/configuration-push.ts';
import { loadBalancerFlows } from '../../src/flows/load-balancer/index.ts';
import type { Amphora } from '../../src/model/amphora.ts';
import { bundleProgram } from '../kit/bundle-program.ts';
import type { CrashPoint } from '../kit/crash-worker.ts';
import { type DevCloud, startDevCloud } from '../kit/dev-cloud.ts';
import { type LoadBalancerHarness, openLoadBalancerHarness } from '../kit/load-balancers.ts';

const source = join(import.meta.dirname, '..', 'kit', 'crash-worker.ts');
/** Load balancers whose operations are killed at the same time, each at another point. */
const AT_ONCE = 20;
/** start: journalled, nothing done. middle: the first thing has been done. end: all done, and not journalled. */
type Moment = NonNullable<CrashPoint['pause']>['moment'];

/**
 * A worker is killed (SIGKILL) at three moments of every step of every flow; the next one ends what it left. Many load
 * balancers stand still at once, each at a point of its own, when the worker that has them all is killed.
 */
describe('a worker that is killed', () => {
  let program: string;
  let dev: DevCloud;
  let bench: LoadBalancerHarness;
  let members: Server[];
  /** Made once; every flow but creation and deletion is tried on them, one after the other. */
  const ready: string[] = [];
  /** To be deleted. */
  const spare: string[] = [];

  beforeAll(async () => {
    program = await bundleProgram(source);
    dev = await startDevCloud();
    bench = await openLoadBalancerHarness(dev);
    const first = await startMember('127.0.0.1', 0);
    members = [first, await startMember('127.0.0.2', portOf(first))];
  });
  afterAll(async () => {
    for (const member of members ?? []) member.close();
    await bench?.close();
    await dev?.close();
    if (program) await rm(dirname(program), { recursive: true, force: true });
  });

  const flowOf = (name: string) => {
    const flow = loadBalancerFlows.find((one) => one.name === name);
    if (!flow) throw new Error(`no flow ${name}`);
    return flow;
  };
  const pointsOf = (name: string, ...moments: Moment[]): CrashPoint[] =>
    flowOf(name).steps.flatMap(({ name: step }) =>
      moments.map((moment): CrashPoint => ({ pause: { step, direction: 'do', moment } })),
    );
  /** The flow fails at a step, and is killed in the middle of every step of its way back. */
  const wayBackOf = (name: string, failAt: string): CrashPoint[] => {
    const { steps } = flowOf(name);
    const last = steps.findIndex((step) => step.name === failAt);
    return steps
      .slice(0, last + 1)
      .flatMap(({ name: step, undo }) =>
        undo ? [{ failAt, pause: { step, direction: 'undo', moment: 'middle' } }] : [],
      );
  };

  /** Runs a worker until `until` holds for what it said, and ends it: by SIGKILL, or as it is asked to. */
  async function work(
    points: Record<string, CrashPoint>,
    until: (said: readonly string[]) => Promise<boolean> | boolean,
    signal: 'SIGKILL' | 'SIGTERM',
  ): Promise<void> {
    const file = join(dev.folder, 'points.json');
    await writeFile(file, JSON.stringify(points));
    const child: ChildProcess = spawn(process.execPath, [program, file], {
      env: { ...process.env, ...dev.environment, OS_KILN__CREATE_LOOKUP_SECONDS: '1' },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const said: string[] = [];
    const errors: string[] = [];
    if (child.stdout) createInterface({ input: child.stdout }).on('line', (line) => said.push(line));
    if (child.stderr) createInterface({ input: child.stderr }).on('line', (line) => errors.push(line));
    const ended = once(child, 'exit');
    try {
      await expect
        .poll(async () => (child.exitCode === null ? await until(said) : `ended by itself: ${errors.join('\n')}`), {
          timeout: 90_000,
          interval: 50,
          message: errors.slice(-5).join('\n'),
        })
        .toBe(true);
    } finally {
      child.kill(signal);
      await ended;
    }
  }

  const hasEnded = async (loadBalancerId: string) => {
    const { status } = await bench.operationOn(loadBalancerId);
    return status === 'done' || status === 'undone';
  };
  /** Whatever is left is carried to its end by a worker that nobody stops. */
  async function finish(loadBalancerIds: readonly string[], points: Record<string, CrashPoint> = {}): Promise<void> {
    await work(points, async () => (await Promise.all(loadBalancerIds.map(hasEnded))).every(Boolean), 'SIGTERM');
  }

  /** Kills a worker while every one of these operations stands at its point, and lets another one end them. */
  async function killAndFinish(loadBalancerIds: readonly string[], points: readonly CrashPoint[]): Promise<string[]> {
    const operations = await Promise.all(loadBalancerIds.map((id) => bench.operationOn(id)));
    const byOperation = Object.fromEntries(operations.map(({ id }, index) => [id, points[index] ?? {}]));
    await work(byOperation, (said) => operations.every(({ id }) => said.includes(`paused ${id}`)), 'SIGKILL');
    const failing = Object.fromEntries(
      Object.entries(byOperation).map(([id, { failAt }]) => [id, failAt === undefined ? {} : { failAt }]),
    );
    await finish(loadBalancerIds, failing);
    return await Promise.all(
      operations.map(async ({ id }) => (await bench.state.journal.get(id))?.operation.status ?? ''),
    );
  }

  async function* batches(points: readonly CrashPoint[]): AsyncGenerator<CrashPoint[]> {
    for (let start = 0; start < points.length; start += AT_ONCE) yield points.slice(start, start + AT_ONCE);
  }

  const amphoraeOf = (id: string): Promise<Amphora[]> => bench.state.amphorae.list({ loadBalancerId: id });

  /** One server, its ports, one group, and nothing of anybody who is gone. */
  async function expectWhole(id: string): Promise<void> {
    const amphorae = await amphoraeOf(id);
    expect(amphorae.map(({ status }) => status)).toEqual(['ALLOCATED']);
    const [amphora] = amphorae;
    const servers = await dev.openstack.compute.findServersByName(amphora?.serverName ?? '');
    expect(servers.map((server) => server.id)).toEqual([amphora?.computeId]);
    const tree = await bench.state.loadBalancers.tree(id);
    expect(tree?.loadBalancer.provisioningStatus).toBe('ACTIVE');
    const groups = await dev.openstack.network.findSecurityGroupsByName(`lb-${id}`);
    expect(groups).toHaveLength(1);
    const ports = await dev.openstack.network.findPortsByName(`octavia-lb-vrrp-${amphora?.id}`);
    expect(ports.map((port) => port.id)).toEqual([amphora?.vrrpPortId]);
    await expectNothingOfTheDead(id);
  }

  /** Amphorae that are no more have left nothing in Nova or Neutron. */
  async function expectNothingOfTheDead(id: string): Promise<void> {
    const dead = (await bench.state.amphorae.list({ includeDeleted: true, loadBalancerId: id })).filter(
      ({ status }) => status === 'DELETED',
    );
    for (const { id: amphoraId, serverName } of dead) {
      expect(await dev.openstack.compute.findServersByName(serverName)).toEqual([]);
      expect(await dev.openstack.network.findPortsByName(`octavia-lb-vrrp-${amphoraId}`)).toEqual([]);
    }
  }

  async function expectNothingLeft(id: string): Promise<void> {
    expect(await amphoraeOf(id)).toEqual([]);
    await expectNothingOfTheDead(id);
    expect(await dev.openstack.network.findSecurityGroupsByName(`lb-${id}`)).toEqual([]);
  }

  const vipPorts = (id: string) => dev.openstack.network.findPortsByName(`octavia-lb-${id}`);

  it('while it makes a load balancer: every one becomes ACTIVE, with one amphora', async () => {
    for await (const points of batches(pointsOf('create-load-balancer', 'start', 'middle', 'end'))) {
      const ids = await Promise.all(points.map(() => bench.create()));
      expect(await killAndFinish(ids, points)).toEqual(ids.map(() => 'done'));
      for (const id of ids) await expectWhole(id);
      spare.push(...ids.splice(Math.max(0, AT_ONCE - ready.length)));
      ready.push(...ids);
    }
  }, 300_000);

  it('on the way back of a creation that failed: nothing is left but the load balancer in ERROR, with its reason', async () => {
    for await (const points of batches(wayBackOf('create-load-balancer', 'mark-amphora-allocated'))) {
      const ids = await Promise.all(points.map(() => bench.create()));
      expect(await killAndFinish(ids, points)).toEqual(ids.map(() => 'undone'));
      for (const id of ids) {
        await expectNothingLeft(id);
        expect(await bench.state.loadBalancers.get('loadbalancer', id)).toMatchObject({ provisioningStatus: 'ERROR' });
        expect(await bench.state.loadBalancers.reasonOf(id)).toMatchObject({ message: 'made to fail' });
        expect(await vipPorts(id)).toHaveLength(1);
        await bench.call('DELETE', `/loadbalancers/${id}`);
      }
      await finish(ids);
    }
  }, 300_000);

  it('while it fails a load balancer over: the new amphora serves, and the old one is gone', async () => {
    for (const name of ['failover-load-balancer', 'failover-amphora', 'resize-load-balancer']) {
      for await (const points of batches(pointsOf(name, 'middle', 'end'))) {
        const ids = ready.slice(0, points.length);
        const before = await Promise.all(ids.map(async (id) => (await amphoraeOf(id))[0]?.id));
        const wanted = new Map<string, string>();
        for (const id of ids) {
          if (name === 'failover-load-balancer') await bench.call('PUT', `/loadbalancers/${id}/failover`);
          else if (name === 'failover-amphora') await failAmphoraOver(id);
          else wanted.set(id, await resize(id));
        }
        expect(await killAndFinish(ids, points)).toEqual(ids.map(() => 'done'));
        for (const [index, id] of ids.entries()) {
          await expectWhole(id);
          expect((await amphoraeOf(id))[0]?.id).not.toBe(before[index]);
          expect(await flavorOf(id)).toBe(wanted.get(id) ?? null);
        }
      }
    }
  }, 600_000);

  const flavorOf = async (id: string) => (await bench.state.loadBalancers.get('loadbalancer', id))?.flavorId ?? null;
  const flavorIds = ['00000000-0000-4000-8000-00000000000a', '00000000-0000-4000-8000-00000000000b'];

  /** To the flavor that it has not. @returns which. */
  async function resize(loadBalancerId: string): Promise<string> {
    for (const id of flavorIds) {
      if (await bench.state.flavors.get('flavor', id)) continue;
      await bench.state.flavors.insert('flavorProfile', { id, name: id, providerName: 'amphora', flavorData: '{}' });
      const flavor = { id, name: id, description: '', enabled: true, flavorProfileId: id };
      await bench.state.flavors.insert('flavor', flavor);
    }
    const now = await flavorOf(loadBalancerId);
    const wanted = flavorIds.find((id) => id !== now) ?? '';
    expect(await bench.raw('PUT', `/v2/kiln/loadbalancers/${loadBalancerId}/flavor`, { flavor_id: wanted })).toBe(202);
    return wanted;
  }

  async function failAmphoraOver(loadBalancerId: string): Promise<void> {
    const [amphora] = await amphoraeOf(loadBalancerId);
    const answer = await bench.raw('PUT', `/v2/octavia/amphorae/${amphora?.id}/failover`);
    expect(answer).toBe(202);
  }

  /** Two amphorae in their roles, each with its server and its port, and nothing of anybody who is gone. */
  async function expectWholePair(id: string): Promise<void> {
    const amphorae = await amphoraeOf(id);
    expect(amphorae.map(({ role, status }) => `${role} ${status}`).sort()).toEqual([
      'BACKUP ALLOCATED',
      'MASTER ALLOCATED',
    ]);
    for (const { id: amphoraId, serverName, computeId, vrrpPortId } of amphorae) {
      const servers = await dev.openstack.compute.findServersByName(serverName);
      expect(servers.map((server) => server.id)).toEqual([computeId]);
      const ports = await dev.openstack.network.findPortsByName(`octavia-lb-vrrp-${amphoraId}`);
      expect(ports.map((port) => port.id)).toEqual([vrrpPortId]);
    }
    expect(new Set(amphorae.map(({ imageId }) => imageId)).size).toBe(1);
    expect((await bench.state.loadBalancers.get('loadbalancer', id))?.provisioningStatus).toBe('ACTIVE');
    await expectNothingOfTheDead(id);
  }

  it('while it makes a pair, and fails over one of the two, or both', async () => {
    const pairFlavorId = '00000000-0000-4000-8000-00000000000c';
    const pairs: string[] = [];
    const flavorData = JSON.stringify({ loadbalancer_topology: 'ACTIVE_STANDBY' });
    const profile = { id: pairFlavorId, name: 'pair', providerName: 'amphora', flavorData };
    await bench.state.flavors.insert('flavorProfile', profile);
    const flavor = { id: pairFlavorId, name: 'pair', description: '', enabled: true, flavorProfileId: pairFlavorId };
    await bench.state.flavors.insert('flavor', flavor);
    // Each has two servers: fewer at a time.
    const some = async function* (points: readonly CrashPoint[]) {
      for (let start = 0; start < points.length; start += AT_ONCE / 2) yield points.slice(start, start + AT_ONCE / 2);
    };
    for await (const points of some(pointsOf('create-load-balancer-pair', 'middle'))) {
      const ids = await Promise.all(points.map(() => bench.create({ flavor_id: pairFlavorId })));
      expect(await killAndFinish(ids, points)).toEqual(ids.map(() => 'done'));
      for (const id of ids) await expectWholePair(id);
      pairs.push(...ids.splice(0, AT_ONCE / 2 - pairs.length));
      await Promise.all(ids.map((id) => bench.call('DELETE', `/loadbalancers/${id}?cascade=true`)));
      await finish(ids);
      for (const id of ids) await expectNothingLeft(id);
    }
    for (const name of ['failover-load-balancer-pair', 'failover-amphora-of-pair']) {
      for await (const points of some(pointsOf(name, 'middle'))) {
        const ids = pairs.slice(0, points.length);
        const before = new Map<string, Amphora[]>();
        for (const id of ids) {
          before.set(id, await amphoraeOf(id));
          if (name === 'failover-load-balancer-pair') await bench.call('PUT', `/loadbalancers/${id}/failover`);
          else await failAmphoraOver(id);
        }
        expect(await killAndFinish(ids, points)).toEqual(ids.map(() => 'done'));
        for (const id of ids) {
          await expectWholePair(id);
          const old = new Set(before.get(id)?.map((amphora) => amphora.id));
          const kept = (await amphoraeOf(id)).filter((amphora) => old.has(amphora.id));
          expect(kept).toHaveLength(name === 'failover-amphora-of-pair' ? 1 : 0);
        }
      }
    }
    await Promise.all(pairs.map((id) => bench.call('DELETE', `/loadbalancers/${id}?cascade=true`)));
    await finish(pairs);
    for (const id of pairs) await expectNothingLeft(id);
  }, 900_000);

  it('on the way back of a failover that failed: the old amphora goes on, and the reason is told', async () => {
    for await (const points of batches(wayBackOf('failover-load-balancer', 'reload-listeners'))) {
      const ids = ready.slice(0, points.length);
      const before = await Promise.all(ids.map(async (id) => (await amphoraeOf(id))[0]?.id));
      for (const id of ids) await bench.call('PUT', `/loadbalancers/${id}/failover`);
      expect(await killAndFinish(ids, points)).toEqual(ids.map(() => 'undone'));
      for (const [index, id] of ids.entries()) {
        await expectWhole(id);
        expect((await amphoraeOf(id))[0]?.id).toBe(before[index]);
        expect(await bench.state.loadBalancers.reasonOf(id)).toMatchObject({ message: 'made to fail' });
      }
    }
  }, 400_000);

  it('on the way back of a resize that failed: amphora and flavor stay what they were', async () => {
    for await (const points of batches(wayBackOf('resize-load-balancer', 'reload-listeners'))) {
      const ids = ready.slice(0, points.length);
      const before = await Promise.all(ids.map(async (id) => [(await amphoraeOf(id))[0]?.id, await flavorOf(id)]));
      for (const id of ids) await resize(id);
      expect(await killAndFinish(ids, points)).toEqual(ids.map(() => 'undone'));
      for (const [index, id] of ids.entries()) {
        await expectWhole(id);
        expect([(await amphoraeOf(id))[0]?.id, await flavorOf(id)]).toEqual(before[index]);
        expect(await bench.state.loadBalancers.reasonOf(id)).toMatchObject({ message: 'made to fail' });
      }
    }
  }, 400_000);

  /** What stands in each load balancer by now, by kind. */
  const made: Record<string, Map<string, string>> = {};
  const idIn = (kind: string, loadBalancerId: string) => made[kind]?.get(loadBalancerId) ?? '';

  interface Change {
    flow: string;
    ask(loadBalancerId: string): Promise<unknown>;
  }
  const create = (flow: string, kind: string, path: (id: string) => string, body: (id: string) => object): Change => ({
    flow,
    async ask(id) {
      const answer = await bench.call('POST', path(id), { [kind]: body(id) });
      made[kind] ??= new Map();
      made[kind].set(id, answer[kind].id);
    },
  });
  const update = (flow: string, kind: string, path: (id: string) => string, body: object): Change => ({
    flow,
    ask: (id) => bench.call('PUT', path(id), { [kind]: body }),
  });
  const remove = (flow: string, path: (id: string) => string): Change => ({
    flow,
    ask: (id) => bench.call('DELETE', path(id)),
  });
  const memberPort = () => portOf(members[0] as Server);
  const paths = {
    listener: (id: string) => `/listeners/${idIn('listener', id)}`,
    pool: (id: string) => `/pools/${idIn('pool', id)}`,
    members: (id: string) => `/pools/${idIn('pool', id)}/members`,
    member: (id: string) => `/pools/${idIn('pool', id)}/members/${idIn('member', id)}`,
    monitor: (id: string) => `/healthmonitors/${idIn('healthmonitor', id)}`,
    policy: (id: string) => `/l7policies/${idIn('l7policy', id)}`,
    rules: (id: string) => `/l7policies/${idIn('l7policy', id)}/rules`,
    rule: (id: string) => `/l7policies/${idIn('l7policy', id)}/rules/${idIn('rule', id)}`,
  };
  const changes: Change[] = [
    create(
      'create-listener',
      'listener',
      () => '/listeners',
      (id) => ({
        loadbalancer_id: id,
        protocol: 'HTTP',
        protocol_port: 8080,
      }),
    ),
    update('update-listener', 'listener', paths.listener, { connection_limit: 100 }),
    create(
      'create-pool',
      'pool',
      () => '/pools',
      (id) => ({
        listener_id: idIn('listener', id),
        protocol: 'HTTP',
        lb_algorithm: 'ROUND_ROBIN',
      }),
    ),
    update('update-pool', 'pool', paths.pool, { lb_algorithm: 'LEAST_CONNECTIONS' }),
    create('create-member', 'member', paths.members, () => ({ address: '127.0.0.1', protocol_port: memberPort() })),
    update('update-member', 'member', paths.member, { weight: 7 }),
    {
      flow: 'update-members',
      ask: (id) =>
        bench.call('PUT', paths.members(id), {
          members: [
            { address: '127.0.0.1', protocol_port: memberPort(), weight: 3 },
            { address: '127.0.0.2', protocol_port: memberPort() },
          ],
        }),
    },
    create(
      'create-health-monitor',
      'healthmonitor',
      () => '/healthmonitors',
      (id) => ({
        pool_id: idIn('pool', id),
        type: 'TCP',
        delay: 5,
        timeout: 2,
        max_retries: 2,
      }),
    ),
    update('update-health-monitor', 'healthmonitor', paths.monitor, { delay: 6 }),
    create(
      'create-l7-policy',
      'l7policy',
      () => '/l7policies',
      (id) => ({
        listener_id: idIn('listener', id),
        action: 'REJECT',
      }),
    ),
    update('update-l7-policy', 'l7policy', paths.policy, { name: 'other' }),
    create('create-l7-rule', 'rule', paths.rules, () => ({ type: 'PATH', compare_type: 'EQUAL_TO', value: '/no' })),
    update('update-l7-rule', 'rule', paths.rule, { value: '/never' }),
    update('update-load-balancer', 'loadbalancer', (id) => `/loadbalancers/${id}`, { name: 'renamed' }),
    remove('delete-l7-rule', paths.rule),
    remove('delete-l7-policy', paths.policy),
    remove('delete-health-monitor', paths.monitor),
    remove('delete-member', paths.member),
    remove('delete-pool', paths.pool),
    remove('delete-listener', paths.listener),
  ];

  /**
   * All of these are one list of steps. Four are killed at every one of them, in all load balancers; the others at one point each,
   * another one for each, in the first. What kills anywhere is the property in run-flow.test.ts.
   */
  const killedEverywhere = new Set(['create-listener', 'create-pool', 'create-member', 'delete-pool']);

  it.each(changes.map((change, index) => [change.flow, change, index] as const))(
    'in %s: the change is there, and everything is ACTIVE',
    async (flow, change, index) => {
      const all = pointsOf(flow, 'middle', 'end');
      const one = index % all.length;
      for await (const points of batches(killedEverywhere.has(flow) ? all : all.slice(one, one + 1))) {
        const ids = ready.slice(0, points.length);
        await Promise.all(ids.map((id) => change.ask(id)));
        expect(await killAndFinish(ids, points)).toEqual(ids.map(() => 'done'));
        for (const id of ids) {
          await expectWhole(id);
          const tree = await bench.state.loadBalancers.tree(id);
          expect(JSON.stringify(tree)).not.toMatch(/PENDING_|"ERROR"/);
          await expectServed(id, JSON.stringify(points[ids.indexOf(id)]));
        }
      }
    },
    300_000,
  );

  /**
   * What the VIP answers is what the load balancer has: nothing, nobody, or the member. Each time by a connection of its
   * own, since an old one stays with the HAProxy that it came to; the new one takes over a moment after the reload.
   */
  async function expectServed(id: string, point: string): Promise<void> {
    const tree = await bench.state.loadBalancers.tree(id);
    const url = `http://${tree?.loadBalancer.vip.address}:8080/`;
    const members = tree?.pools.some((pool) => pool.members.length > 0);
    await expect
      .poll(() => statusOf(url), { timeout: 10_000, interval: 20, message: point })
      .toBe(tree?.listeners.length === 0 ? null : members ? 200 : 503);
  }

  it('while it tells an amphora of its configuration', async () => {
    const points = pointsOf('configure-amphora', 'start', 'middle', 'end');
    const ids = ready.slice(0, points.length);
    for (const id of ids) {
      const [amphora] = await amphoraeOf(id);
      expect(await bench.raw('PUT', `/v2/octavia/amphorae/${amphora?.id}/config`)).toBe(202);
    }
    expect(await killAndFinish(ids, points)).toEqual(points.map(() => 'done'));
  }, 120_000);

  it("while it renews the certificates of amphorae's agents", async () => {
    for await (const points of batches(pointsOf(rotationFlow, 'start', 'middle', 'end'))) {
      const before = await Promise.all(ready.slice(0, points.length).map(async (id) => (await amphoraeOf(id))[0]));
      const ids = before.map((amphora) => amphora?.id ?? expect.unreachable());
      for (const id of ids) {
        const operation = { id: crypto.randomUUID(), flow: rotationFlow, subject: id, input: { amphoraId: id } };
        await bench.state.journal.enqueue({ ...operation, priority: 0 });
      }
      expect(await killAndFinish(ids, points)).toEqual(points.map(() => 'done'));
      for (const amphora of before) {
        const after = await bench.state.amphorae.get(amphora?.id ?? '');
        expect(Date.parse(after?.certExpiration ?? '')).toBeGreaterThan(Date.parse(amphora?.certExpiration ?? ''));
      }
    }
  }, 120_000);

  it("while it sends amphorae's agents their configuration", async () => {
    const points = pointsOf(configurationPushFlow, 'start', 'middle', 'end');
    const amphorae = await Promise.all(ready.slice(0, points.length).map(async (id) => (await amphoraeOf(id))[0]));
    const ids = amphorae.map((amphora) => amphora?.id ?? expect.unreachable());
    for (const id of ids) {
      const operation = { id: crypto.randomUUID(), flow: configurationPushFlow, subject: id, input: { amphoraId: id } };
      await bench.state.journal.enqueue({ ...operation, priority: 0 });
    }
    expect(await killAndFinish(ids, points)).toEqual(points.map(() => 'done'));
  }, 120_000);

  it('while it deletes an amphora in ERROR', async () => {
    const points = pointsOf('delete-amphora', 'start', 'middle', 'end');
    const ids = spare.slice(0, points.length);
    for (const id of ids) {
      const [amphora] = await amphoraeOf(id);
      await bench.state.amphorae.update(amphora?.id ?? '', { status: 'ERROR' });
      expect(await bench.raw('DELETE', `/v2/octavia/amphorae/${amphora?.id}`)).toBe(204);
    }
    expect(await killAndFinish(ids, points)).toEqual(points.map(() => 'done'));
    for (const id of ids) {
      expect(await amphoraeOf(id)).toEqual([]);
      await expectNothingOfTheDead(id);
    }
  }, 120_000);

  it('while it deletes a load balancer: nothing is left in Nova, Neutron and the store', async () => {
    const all = [...ready, ...spare];
    const points = pointsOf('delete-load-balancer', 'start', 'middle', 'end');
    await Promise.all(all.map((id) => bench.call('DELETE', `/loadbalancers/${id}?cascade=true`)));
    const ids = all.splice(0, points.length);
    expect(await killAndFinish(ids, points)).toEqual(ids.map(() => 'done'));
    await finish(all);
    for (const id of [...ids, ...all]) {
      await expectNothingLeft(id);
      expect(await vipPorts(id)).toEqual([]);
      expect(await bench.state.loadBalancers.tree(id)).toBeNull();
    }
  }, 300_000);

  it('covers every flow that there is', () => {
    const tried = [
      ...changes.map(({ flow }) => flow),
      ...['create-load-balancer', 'delete-load-balancer', 'failover-load-balancer', 'failover-amphora'],
      ...['resize-load-balancer', 'configure-amphora', 'delete-amphora', rotationFlow, configurationPushFlow],
      ...['create-load-balancer-pair', 'failover-load-balancer-pair', 'failover-amphora-of-pair'],
    ];
    expect(new Set(tried)).toEqual(new Set(loadBalancerFlows.map(({ name }) => name)));
  });
});

async function startMember(address: string, port: number): Promise<Server> {
  const member = createServer((_request, answer) => answer.end('member'));
  await new Promise<void>((resolve) => member.listen(port, address, resolve));
  return member;
}

const portOf = (server: Server) => (server.address() as AddressInfo).port;

/** Of an answer on a connection of its own; null when there is none. */
function statusOf(url: string): Promise<number | null> {
  return new Promise((resolve) => {
    const asked = get(url, { agent: false, timeout: 5_000 }, (answer) => {
      answer.resume();
      resolve(answer.statusCode ?? null);
    });
    asked.on('timeout', () => asked.destroy());
    asked.on('error', () => resolve(null));
  });
}
