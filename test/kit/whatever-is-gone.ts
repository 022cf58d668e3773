import { describe, expect, it } from 'vitest';
import { rotationFlow } from '../../src/core/amphora/certificate-rotation.ts';
import { runFlow } from '../../src/flows/engine/run-flow.ts';
import { rememberTrees } from '../../src/flows/lib/remember-trees.ts';
import type { LoadBalancerDeps } from '../../src/flows/load-balancer/deps.ts';
import { loadBalancerFlows, type OperationFlow } from '../../src/flows/load-balancer/index.ts';
import { KilnError } from '../../src/model/errors.ts';
import type { FlowName } from '../../src/model/flow-name.ts';
import type { Topology } from '../../src/model/load-balancer.ts';
import type { JsonObject } from '../../src/model/operation.ts';
import { storedAmphora } from './contract/amphora-store.ts';
import { createFakeLoadBalancerDeps } from './fakes/fake-load-balancer-deps.ts';
import { aNetwork, aSubnet } from './fakes/fake-network.ts';
import { copyOf, type Memory, putBack } from './fakes/memory.ts';
import { aroundCalls } from './fault-injection.ts';
import {
  storedHealthMonitor,
  storedL7Policy,
  storedL7Rule,
  storedListener,
  storedLoadBalancer,
  storedMember,
  storedPool,
} from './stored-resources.ts';
import { createVipPort } from './vip-port.ts';

/**
 * Every flow, failing at each of its steps, with each object that it needs taken away at that moment by somebody else: it
 * ends, the load balancer is not PENDING, and a deletion afterwards leaves nothing.
 */

const GIVE_UP_MS = 60_000;
const limits = { attempts: 2, firstPauseMs: 10, longestPauseMs: 100 };
const never = new AbortController().signal;
const novaCalls = ['createServer', 'getServer', 'findServersByName', 'deleteServer', 'attachPort', 'detachPort'];
const neutronCalls = ['getPort', 'findPortsByName', 'findPortsByDescription', 'createPort', 'updatePort', 'deletePort'];
const reference = 'kiln:certificate';

/** What somebody takes away, or breaks. */
interface Thief {
  strike(): Promise<void> | void;
  /** Whether there is anything to take now. */
  finds(): boolean;
  /** Whether any of these calls having been made from the strike on would have made a difference. */
  minds(calls: ReadonlySet<string>): boolean;
}

export function setUp({ portsMade = 0 } = {}) {
  const fakes = createFakeLoadBalancerDeps({ portsMade });
  const { deps, journal, clock, log, loadBalancers, network, compute, amphorae, amphoraRows, agent } = fakes;
  network.addNetwork(aNetwork({ id: 'member-net', subnetIds: ['member-subnet'] }), [
    aSubnet({ id: 'member-subnet', networkId: 'member-net', cidr: '10.7.0.0/16' }),
  ]);
  network.addNetwork(aNetwork({ id: 'other-net', subnetIds: ['other-subnet'] }), [
    aSubnet({ id: 'other-subnet', networkId: 'other-net', cidr: '10.8.0.0/16' }),
  ]);
  const engine = { journal, clock, log, doing: limits, undoing: limits, giveUpAfterMs: GIVE_UP_MS };
  let asked = 0;
  let secretIsGone = false;
  /** Nova takes deletions of servers, and carries none out. */
  let deletesForEver = false;
  const secrets: LoadBalancerDeps['secrets'] = {
    ...deps.secrets,
    async getCaCertificates() {
      made.add('getCaCertificates');
      if (secretIsGone) throw new KilnError('SECRET_NOT_FOUND', 'there is no secret');
      return '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n';
    },
  };
  /** Calls that fail from now on; "agent": all of its. */
  const broken = new Map<string, KilnError>();
  /** Calls that were made, under the same names. */
  const made = new Set<string>();
  const breakable = <Part extends object>(part: Part, all = ''): Part =>
    aroundCalls(part, /./, async (name, carryOut) => {
      made.add(all || name);
      const failure = broken.get(all) ?? broken.get(name);
      if (failure) throw failure;
      if (name === 'deleteServer' && deletesForEver) return undefined;
      return await carryOut();
    });
  const acting: LoadBalancerDeps = {
    ...deps,
    secrets,
    agent: breakable(agent, 'agent'),
    network: breakable(network),
    compute: breakable(compute),
    resolver: breakable(deps.resolver),
  };

  /** Runs the operation as workers do, one after the other: until it has ended, or it is plain that it never will. */
  async function carryOut(flow: OperationFlow, input: JsonObject): Promise<string> {
    const id = `op-${++asked}`;
    await journal.enqueue({ id, flow: flow.name, subject: 'lb', input, priority: 0 });
    for (let life = 0; life < 10; life++) {
      const claimed = await journal.claim(id, `w${life}`);
      if (!claimed) throw new Error(`${flow.name} is not to be had`);
      const remembering = { ...acting, loadBalancers: rememberTrees(acting.loadBalancers) };
      const end = await runFlow(flow, remembering, claimed, engine, never);
      if (end !== 'released') return end;
      await clock.sleep(GIVE_UP_MS / 2);
    }
    return 'never';
  }

  async function write(status: 'PENDING_CREATE' | 'ACTIVE', topology: Topology): Promise<void> {
    const vip = await createVipPort(network);
    const state = { provisioningStatus: status };
    await loadBalancers.apply({
      loadBalancerId: 'lb',
      mutableFrom: [],
      rows: [
        { kind: 'loadbalancer', put: storedLoadBalancer('lb', { ...state, vip, topology }) },
        { kind: 'pool', put: storedPool('po', 'lb', { ...state, tlsEnabled: true, caTlsContainerRef: reference }) },
        { kind: 'healthmonitor', put: storedHealthMonitor('hm', 'po', state) },
        {
          kind: 'member',
          put: storedMember('me', 'po', { ...state, address: '10.7.0.1', subnetId: 'member-subnet' }),
        },
        { kind: 'listener', put: storedListener('li', 'lb', { ...state, defaultPoolId: 'po' }) },
        { kind: 'l7policy', put: storedL7Policy('l7', 'li', state) },
        { kind: 'l7rule', put: storedL7Rule('ru', 'l7', state) },
      ],
      operation: null,
    });
  }

  const amphora = async () => (await amphorae.list({ loadBalancerId: 'lb' }))[0];
  const portsNamed = (start: string) => network.ports().filter(({ name }) => name.startsWith(start));
  const takes = <Thing>(things: () => readonly Thing[], take: (thing: Thing) => Promise<void> | void): Thief => ({
    async strike() {
      for (const thing of things()) await take(thing);
    },
    finds: () => things().length > 0,
    minds: () => true,
  });
  const takesPort = (start: string) =>
    takes(
      () => portsNamed(start).slice(0, 1),
      ({ id }) => network.removePort(id),
    );
  const breaks = (code: KilnError['code'], ...calls: string[]): Thief => ({
    strike() {
      for (const call of calls) broken.set(call, new KilnError(code, 'made to fail from now on'));
    },
    finds: () => true,
    minds: (made) => calls.some((call) => made.has(call)),
  });
  const thieves: Record<string, Thief> = {
    server: takes(compute.servers, async ({ server }) => await compute.deleteServer(server.id)),
    'working server': takes(compute.servers, ({ server }) => compute.breakServer(server.id)),
    'vrrp port': takesPort('octavia-lb-vrrp'),
    'member port': takesPort('octavia-lb-member'),
    'VIP port': takesPort('octavia-lb-lb'),
    network: takes(() => ['member-net', 'other-net', 'lb-vip-net'], network.removeNetwork),
    subnet: takes(() => ['member-subnet', 'other-subnet', 'lb-vip-subnet'], network.removeSubnet),
    'security group': takes(
      () => network.securityGroups().filter(({ name }) => name === 'lb-lb'),
      ({ id }) => network.removeSecurityGroup(id),
    ),
    rules: takes(
      () => network.securityGroups().flatMap(({ rules }) => rules),
      async ({ id }) => await network.deleteSecurityGroupRule(id),
    ),
    'amphora row': takes(
      () => [...amphoraRows.keys()],
      (id) => void amphoraRows.delete(id),
    ),
    'silent agent': breaks('AGENT_UNREACHABLE', 'agent'),
    'agent that refuses': breaks('AGENT_REFUSED', 'agent'),
    'Nova that deletes nothing': breaks('SERVICE_REJECTED_REQUEST', 'deleteServer'),
    'Nova that is deleting for ever': {
      strike() {
        deletesForEver = true;
      },
      finds: () => true,
      minds: (made) => made.has('deleteServer'),
    },
    'Nova that is down': breaks('SERVICE_UNREACHABLE', ...novaCalls),
    'Nova that takes nothing out of servers': breaks('SERVICE_CONFLICT', 'detachPort'),
    'Neutron that deletes no port': breaks('SERVICE_FORBIDDEN', 'deletePort'),
    'Neutron that deletes no group': breaks('SERVICE_CONFLICT', 'deleteSecurityGroup'),
    'Neutron that is down': breaks('SERVICE_UNREACHABLE', ...neutronCalls),
    secret: {
      ...breaks('SECRET_NOT_FOUND', 'getCaCertificates'),
      strike() {
        secretIsGone = true;
      },
    },
    image: breaks('IMAGE_NOT_FOUND', 'resolve', 'resolveAssigned'),
    'image, flavor or key pair that Nova is to boot with': breaks('SERVICE_REJECTED_REQUEST', 'createServer'),
  };

  /** What can be repaired is. */
  const repair = () => {
    broken.clear();
    deletesForEver = false;
  };

  return { ...fakes, carryOut, write, amphora, thieves, made, repair };
}

type Harness = ReturnType<typeof setUp>;

const prepared = new Map<FlowName, Promise<{ input: JsonObject; memories: readonly Memory[] }>>();

/** As `prepare` leaves it, which is done once for each flow. */
async function setUpFor(flow: FlowName): Promise<{ harness: Harness; input: JsonObject }> {
  const first = async () => {
    const harness = setUp();
    const input = await prepare(harness, flow);
    return { input, memories: copyOf(harness.memories) };
  };
  const found = prepared.get(flow) ?? first();
  prepared.set(flow, found);
  const { input, memories } = await found;
  // Ports that are made from now on have MAC addresses of their own.
  const harness = setUp({ portsMade: 100 });
  putBack(memories, harness.memories);
  return { harness, input };
}

/** What the API writes before the flow is asked for, and what it asks. */
export async function prepare(harness: Harness, flow: FlowName): Promise<JsonObject> {
  const { loadBalancers, amphorae, amphora, write, carryOut } = harness;
  const isOfPair = flow.endsWith('pair');
  const creating = isOfPair ? 'create-load-balancer-pair' : 'create-load-balancer';
  if (flow === 'boot-amphora') return await prepareBoot(harness);
  if (flow === 'probe-image') return await prepareProbe(harness);
  await write(flow === creating ? 'PENDING_CREATE' : 'ACTIVE', isOfPair ? 'ACTIVE_STANDBY' : 'SINGLE');
  const released = flow.startsWith('release-') ? { imageId: 'image-1' } : {};
  const input = { loadBalancerId: 'lb', resourceId: 'lb', ...released };
  if (flow === creating) return input;
  const creation = loadBalancerFlows.find(({ name }) => name === creating);
  expect(creation && (await carryOut(creation, input))).toBe('done');
  const amphoraId = (await amphora())?.id ?? '';
  const locksNothing = ['configure-amphora', 'push-amphora-configuration', rotationFlow];
  if (locksNothing.includes(flow)) return { ...input, amphoraId };
  if (flow === 'delete-amphora') {
    await amphorae.update(amphoraId, { status: 'PENDING_DELETE' });
    return { ...input, amphoraId };
  }
  const change = changes[flow] ?? { kind: 'loadbalancer', id: 'lb', status: 'PENDING_UPDATE' };
  const { kind, id, status } = change;
  const lb = (await loadBalancers.get('loadbalancer', 'lb')) ?? expect.unreachable();
  const row = change.row ?? (await loadBalancers.get(kind as 'listener', id)) ?? expect.unreachable();
  await loadBalancers.apply({
    loadBalancerId: 'lb',
    mutableFrom: ['ACTIVE'],
    rows: [
      {
        kind: 'loadbalancer',
        put: { ...lb, provisioningStatus: status === 'PENDING_DELETE' ? status : 'PENDING_UPDATE' },
      },
      ...(kind === 'loadbalancer' ? [] : [{ kind, put: { ...row, provisioningStatus: status } } as never]),
    ],
    operation: null,
  });
  if (kind !== 'loadbalancer' && status === 'PENDING_DELETE') {
    const put = { ...lb, provisioningStatus: 'PENDING_UPDATE' as const };
    await loadBalancers.apply({
      loadBalancerId: 'lb',
      mutableFrom: ['PENDING_DELETE'],
      rows: [{ kind: 'loadbalancer', put }],
      operation: null,
    });
  }
  return {
    ...input,
    ...(isOfPair ? { amphoraId } : {}),
    resourceId: id,
    ...(status === 'PENDING_UPDATE' ? { before: {} } : {}),
  };
}

async function prepareBoot({ amphorae, write }: Harness): Promise<JsonObject> {
  await write('ACTIVE', 'SINGLE');
  const serverName = 'amphora-boot';
  await amphorae.insert(storedAmphora('boot', { serverName }));
  return {
    amphoraId: 'boot',
    serverName,
    loadBalancerId: null,
    requestedImageId: null,
    flavorTag: null,
    computeFlavorId: '65',
  };
}

async function prepareProbe({ write }: Harness): Promise<JsonObject> {
  await write('ACTIVE', 'SINGLE');
  const place = { flavorId: null, availabilityZone: null };
  const hosts = { serverGroupName: 'octavia-probe-1', keepsServer: true };
  return { amphoraId: 'probe', loadBalancerId: null, imageId: 'image-1', ...place, ...hosts };
}

interface Change {
  kind: string;
  id: string;
  status: 'PENDING_CREATE' | 'PENDING_UPDATE' | 'PENDING_DELETE';
  row?: object;
}
const rows: Record<string, [kind: string, id: string, made: () => object]> = {
  listener: ['listener', 'li', () => storedListener('li2', 'lb', { protocolPort: 81, defaultPoolId: 'po' })],
  pool: ['pool', 'po', () => storedPool('po2', 'lb')],
  member: ['member', 'me', () => storedMember('me2', 'po', { address: '10.8.0.1', subnetId: 'other-subnet' })],
  'health-monitor': ['healthmonitor', 'hm', () => storedHealthMonitor('hm2', 'po')],
  'l7-policy': ['l7policy', 'l7', () => storedL7Policy('l72', 'li', { position: 2 })],
  'l7-rule': ['l7rule', 'ru', () => storedL7Rule('ru2', 'l7')],
};
const changes: Record<string, Change> = {
  'delete-load-balancer': { kind: 'loadbalancer', id: 'lb', status: 'PENDING_DELETE' },
  'update-members': { kind: 'pool', id: 'po', status: 'PENDING_UPDATE' },
};
for (const [name, [kind, id, made]] of Object.entries(rows)) {
  const row = made() as { id: string };
  changes[`create-${name}`] = { kind, id: row.id, status: 'PENDING_CREATE', row };
  changes[`update-${name}`] = { kind, id, status: 'PENDING_UPDATE' };
  changes[`delete-${name}`] = { kind, id, status: 'PENDING_DELETE' };
}

/** When the object goes, and how the step fails, if it does: having done nothing, or all. */
interface Moment {
  goes: 'before' | 'after';
  fails: KilnError | null;
}

/** The flow, but for what happens at one of its steps. */
function disturbed(
  flow: OperationFlow,
  at: number,
  { goes, fails }: Moment,
  steal: () => Promise<void> | void,
): OperationFlow {
  const step = flow.steps[at] ?? expect.unreachable();
  let isStolen = false;
  const once = async () => {
    if (!isStolen) await steal();
    isStolen = true;
  };
  const changed: typeof step = {
    ...step,
    async do(...all) {
      if (goes === 'before') await once();
      if (goes === 'before' && fails) throw fails;
      const output = await step.do(...all);
      if (goes === 'after') await once();
      if (fails) throw fails;
      return output;
    },
  };
  const { settle } = step;
  if (settle) {
    changed.settle = async (...all) => {
      await once();
      return await settle(...all);
    };
  }
  return { ...flow, steps: flow.steps.with(at, changed) };
}

const final = new KilnError('SERVICE_REJECTED_REQUEST', 'made to fail');
const passing = new KilnError('SERVICE_FAILED', 'made to fail for ever');
const moments: readonly Moment[] = [
  { goes: 'before', fails: null },
  { goes: 'before', fails: final },
  { goes: 'after', fails: final },
  { goes: 'after', fails: passing },
];

/**
 * Flows that one function makes, called with other names. Of the changes inside a load balancer (`reconfigure`), four, which between them
 * make, change, replace and remove what steps look at, meet every moment at every step; of the failovers, the one of the load balancer and,
 * of a pair, that of one amphora as well. The others meet one moment at each step, another at the next, and another for the next object;
 * and every moment where what sets them apart is looked at.
 */
const reducedFlows: readonly string[] = [
  ...loadBalancerFlows.map(({ name }) => name).filter(isReducedChange),
  ...['failover-amphora', 'resize-load-balancer', 'release-amphora'],
  ...['resize-load-balancer-pair', 'release-amphora-of-pair'],
];
const ownOfFailovers = /^(mark-(lb-)?error|resolve|.*take-over|mark-lb-active)/;

function isReducedChange(name: FlowName): boolean {
  if (['create-member', 'update-members', 'update-listener', 'delete-pool'].includes(name)) return false;
  return stepNamesOf(name) === stepNamesOf('update-listener');
}
function stepNamesOf(flow: FlowName): string | undefined {
  return loadBalancerFlows
    .find(({ name }) => name === flow)
    ?.steps.map(({ name }) => name)
    .join();
}

function momentsAt(flow: OperationFlow, at: number, objectIndex: number): readonly Moment[] {
  const isOwn = !isReducedChange(flow.name) && ownOfFailovers.test(flow.steps[at]?.name ?? '');
  if (!reducedFlows.includes(flow.name) || isOwn) return moments;
  const one = (at + objectIndex) % moments.length;
  return moments.slice(one, one + 1);
}

const known = setUp().thieves;
/** What can be taken away. */
export const thieves = Object.keys(known);

/** What would make a difference at one moment, as the flow that nothing is taken from shows. */
interface Undisturbed {
  /** Names of those who find something. */
  finders: ReadonlySet<string>;
  /** What was called from then on. */
  calls: ReadonlySet<string>;
}

/**
 * Each of these flows, with each object taken away at each of its steps. Where there is no such object yet, or nothing that was broken is
 * called before the end, the flow runs as it does when nothing is taken: that is tried once, for all of them.
 */
export function describeWhateverIsGone(flows: readonly OperationFlow[]): void {
  describe.each(flows.map((flow) => [flow.name, flow] as const))('%s ends, whatever is gone', (_, flow) => {
    const undisturbed = new Map<string, Promise<Undisturbed>>();
    async function watch(at: number, moment: Moment): Promise<Undisturbed> {
      const finders = new Set<string>();
      const calls = await tryOut(flow, at, moment, ({ made, thieves }) => {
        made.clear();
        for (const [name, { finds }] of Object.entries(thieves)) if (finds()) finders.add(name);
      });
      return { finders, calls };
    }
    async function makesDifference(thief: string, at: number, moment: Moment): Promise<boolean> {
      const key = `${at} ${moments.indexOf(moment)}`;
      const watched = undisturbed.get(key) ?? watch(at, moment);
      undisturbed.set(key, watched);
      const { finders, calls } = await watched;
      return finders.has(thief) && (known[thief]?.minds(calls) ?? true);
    }

    it.each(thieves)(
      '%s',
      async (thief) => {
        for (const at of flow.steps.keys()) {
          for (const moment of momentsAt(flow, at, thieves.indexOf(thief))) {
            if (!(await makesDifference(thief, at, moment))) continue;
            await tryOut(flow, at, moment, ({ thieves }) => (thieves[thief] ?? expect.unreachable()).strike());
          }
        }
      },
      60_000,
    );
  });
}

/** @returns the calls that were made until the flow ended. */
async function tryOut(
  flow: OperationFlow,
  at: number,
  moment: Moment,
  strike: (harness: Harness) => Promise<void> | void,
): Promise<ReadonlySet<string>> {
  const { harness, input } = await setUpFor(flow.name);
  const end = await harness.carryOut(
    disturbed(flow, at, moment, () => strike(harness)),
    input,
  );
  const calls = new Set(harness.made);
  const point = `${flow.steps[at]?.name}, ${moment.goes} it ${moment.fails?.code ?? 'does not fail'}: ${end}`;
  expect(['done', 'undone'], point).toContain(end);
  const status = (await harness.loadBalancers.get('loadbalancer', 'lb'))?.provisioningStatus ?? 'DELETED';
  expect(status, point).not.toMatch(/PENDING/);
  for (const { status: amphoraStatus } of await harness.amphorae.list({ loadBalancerId: 'lb' })) {
    // Nobody can mark what its own store does not let be marked.
    if (flow.steps[at]?.name.endsWith('mark-amphora-allocated')) continue;
    expect(['ALLOCATED', 'ERROR'], point).toContain(amphoraStatus);
  }
  harness.repair();
  if (flow.name === 'boot-amphora') await expectBootDeletable(harness, point);
  if (flow.name === 'probe-image') await expectNoProbe(harness, point);
  await expectDeletable(harness, point);
  return calls;
}

/** One whose row was taken away is an orphan in the cloud: housekeeping's affair. */
async function expectBootDeletable({ amphorae, carryOut, compute }: Harness, point: string): Promise<void> {
  const amphora = await amphorae.get('boot');
  if (amphora) {
    expect(['READY', 'ERROR'], point).toContain(amphora.status);
    const deletion = loadBalancerFlows.find(({ name }) => name === 'delete-amphora') ?? expect.unreachable();
    expect(await carryOut(deletion, { amphoraId: 'boot', loadBalancerId: null, resourceId: null }), point).toBe('done');
    expect(compute.servers(), point).toEqual([]);
  }
  for (const { server } of compute.servers()) await compute.deleteServer(server.id);
}

/** Nothing is left of it, but where it was given up: then it is on record, in ERROR, and can be deleted. */
async function expectNoProbe({ amphorae, carryOut, compute }: Harness, point: string): Promise<void> {
  const probe = await amphorae.get('probe');
  if (probe) expect(['DELETED', 'ERROR'], point).toContain(probe.status);
  if (probe?.status === 'ERROR') {
    const deletion = loadBalancerFlows.find(({ name }) => name === 'delete-amphora') ?? expect.unreachable();
    const input = { amphoraId: 'probe', loadBalancerId: null, resourceId: null };
    expect(await carryOut(deletion, input), point).toBe('done');
  }
  if (probe) expect(compute.servers(), point).toEqual([]);
  // One whose row was taken away is an orphan in the cloud: housekeeping's affair.
  for (const { server } of compute.servers()) await compute.deleteServer(server.id);
}

export async function expectDeletable(harness: Harness, point: string): Promise<void> {
  const deletion = loadBalancerFlows.find(({ name }) => name === 'delete-load-balancer') ?? expect.unreachable();
  expect(await harness.carryOut(deletion, { loadBalancerId: 'lb', resourceId: 'lb' }), point).toBe('done');
  const { network, compute, amphorae, loadBalancers } = harness;
  expect(compute.servers(), point).toEqual([]);
  expect(
    network.ports().map(({ name }) => name),
    point,
  ).toEqual([]);
  expect(
    network.securityGroups().filter(({ name }) => name === 'lb-lb'),
    point,
  ).toEqual([]);
  expect(await amphorae.list({ loadBalancerId: 'lb' }), point).toEqual([]);
  expect(await loadBalancers.get('loadbalancer', 'lb'), point).toBeNull();
}
