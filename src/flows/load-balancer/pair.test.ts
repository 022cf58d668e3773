import { describe, expect, it } from 'vitest';
import { failingAtCall, killed } from '../../../test/kit/failing-call.ts';
import { createFakeLoadBalancerDeps } from '../../../test/kit/fakes/fake-load-balancer-deps.ts';
import { aroundCalls, aServiceError } from '../../../test/kit/fault-injection.ts';
import { storedListener, storedLoadBalancer, storedMember, storedPool } from '../../../test/kit/stored-resources.ts';
import { createVipPort } from '../../../test/kit/vip-port.ts';
import type { Amphora } from '../../model/amphora.ts';
import { KilnError } from '../../model/errors.ts';
import type { FlowName } from '../../model/flow-name.ts';
import type { LoadBalancer } from '../../model/load-balancer.ts';
import type { JsonObject } from '../../model/operation.ts';
import type { AmphoraAddress, AmphoraAgent } from '../../ports/amphora-agent.ts';
import { unknownStep } from '../engine/read-past.ts';
import { runFlow } from '../engine/run-flow.ts';
import type { LoadBalancerDeps } from './deps.ts';
import { loadBalancerFlows } from './index.ts';

const vipAddress = '10.100.0.9';
/** `left` of a cloud in which nothing of the load balancer is. */
const nothing = { servers: 0, vrrpPorts: 0, securityGroups: 0, serverGroups: 0, amphorae: 0 };
const limits = { attempts: 2, firstPauseMs: 10, longestPauseMs: 100 };
const never = new AbortController().signal;

const unreachable = new KilnError('AGENT_UNREACHABLE', 'nobody is there');
const refusal = (status: number | null) =>
  aServiceError('AGENT_REFUSED', { service: 'amphora-agent', status }, { retryable: status === 500 });

function setUp(options: Parameters<typeof createFakeLoadBalancerDeps>[0] = {}) {
  const fakes = createFakeLoadBalancerDeps(options);
  const { deps, journal, clock, log, loadBalancers, network, compute, agent, amphorae } = fakes;
  const engine = { journal, clock, log, doing: limits, undoing: limits, giveUpAfterMs: 900_000 };
  let asked = 0;

  async function carryOut(
    flowName: FlowName,
    fields: JsonObject = {},
    through: LoadBalancerDeps = deps,
  ): Promise<string> {
    const id = `op-${++asked}`;
    const input = { loadBalancerId: 'lb', resourceId: 'lb', ...fields };
    await journal.enqueue({ id, flow: flowName, subject: 'lb', input, priority: 0 });
    return await goOn(through);
  }
  async function goOn(through: LoadBalancerDeps = deps): Promise<string> {
    const claimed = await journal.claim(`op-${asked}`, 'w1');
    const flow = loadBalancerFlows.find(({ name }) => name === claimed?.operation.flow);
    if (!claimed || !flow) throw new Error(`op-${asked} is not to be had`);
    return await runFlow(flow, through, claimed, engine, never);
  }
  async function created(fields: Partial<LoadBalancer> = {}): Promise<void> {
    const provisioningStatus = 'PENDING_CREATE';
    const vip = await createVipPort(network);
    const put = { provisioningStatus, topology: 'ACTIVE_STANDBY', vip, ...fields } as const;
    await loadBalancers.apply({
      loadBalancerId: 'lb',
      mutableFrom: [],
      rows: [
        { kind: 'loadbalancer', put: storedLoadBalancer('lb', put) },
        { kind: 'pool', put: storedPool('po', 'lb', { provisioningStatus }) },
        { kind: 'member', put: storedMember('me', 'po', { provisioningStatus, address: '10.0.0.1' }) },
        { kind: 'listener', put: storedListener('li', 'lb', { provisioningStatus, defaultPoolId: 'po' }) },
      ],
      operation: null,
    });
    expect(await carryOut('create-load-balancer-pair')).toBe('done');
  }
  const pair = async () => {
    const all = await amphorae.list({ loadBalancerId: 'lb' });
    const of = (role: string) => all.filter((one) => one.role === role);
    const [[master], [backup]] = [of('MASTER'), of('BACKUP')];
    if (!master || !backup || all.length !== 2) throw new Error(`not a pair: ${JSON.stringify(all)}`);
    return { master, backup, all };
  };
  const vrrpOf = ({ id }: Amphora) => agent.amphora(id).vrrp;
  const haproxyOf = ({ id }: Amphora) => agent.amphora(id).objects.get('lb');
  const left = async () => ({
    servers: compute.servers().length,
    vrrpPorts: network.ports().filter(({ name }) => name.startsWith('octavia-lb-vrrp')).length,
    securityGroups: network.securityGroups().filter(({ name }) => name === 'lb-lb').length,
    serverGroups: compute.serverGroups().length,
    amphorae: (await amphorae.list({ loadBalancerId: 'lb' })).length,
  });
  const statusOf = async () => (await loadBalancers.get('loadbalancer', 'lb'))?.provisioningStatus ?? null;
  /** As if nobody were there; `calls` has what the others were asked. */
  const without = (...silent: Amphora[]) => failing(unreachable, (_call, id) => silent.some((one) => one.id === id));
  /** @param status of each answer; null: it hangs up. */
  const refusedBy = (status: number | null, ...refusing: Amphora[]) =>
    failing(refusal(status), (_call, id) => refusing.some((one) => one.id === id));
  function failing(failure: KilnError, fails: (call: string, amphoraId: string) => boolean) {
    const calls: string[] = [];
    const watched = aroundRequests(agent, async (name, { id }, carryOut, [value]) => {
      calls.push(`${name} ${id} ${typeof value === 'string' ? value : ''}`.trim());
      if (fails(name, id)) throw failure;
      return await carryOut();
    });
    return { deps: { ...deps, agent: watched }, calls };
  }
  /** A listener is to have a new limit. @returns what its operation takes. */
  async function limited(connectionLimit: number) {
    const listener = (await loadBalancers.get('listener', 'li')) ?? expect.unreachable();
    await loadBalancers.apply({
      loadBalancerId: 'lb',
      mutableFrom: ['ACTIVE'],
      rows: [{ kind: 'listener', put: { ...listener, provisioningStatus: 'PENDING_UPDATE', connectionLimit } }],
      operation: null,
    });
    return { resourceId: 'li', before: { connectionLimit: listener.connectionLimit } };
  }
  const looks = { pair, vrrpOf, haproxyOf, left, statusOf };
  return { ...fakes, ...looks, carryOut, goOn, created, limited, without, refusedBy, failing };
}

/** @param around gets which request, to whom, what carries it out, and what it brings. */
function aroundRequests(
  agent: AmphoraAgent,
  around: (
    name: string,
    address: AmphoraAddress,
    carryOut: () => Promise<unknown>,
    values: unknown[],
  ) => Promise<unknown>,
): AmphoraAgent {
  // `amphora` is the fake's own, of what it keeps of one.
  return aroundCalls(agent, /^(?!amphora$)/, (name, carryOut, [address, ...values]) =>
    around(name, address as AmphoraAddress, carryOut, values),
  );
}

describe('a pair', () => {
  it('is built of one image, with roles, peers, VRRP on both, and everything ACTIVE', async () => {
    const harness = setUp();
    await harness.created();
    const { master, backup } = await harness.pair();
    expect(await harness.statusOf()).toBe('ACTIVE');
    expect(await harness.left()).toEqual({ servers: 2, vrrpPorts: 2, securityGroups: 1, serverGroups: 0, amphorae: 2 });
    for (const [one, other, priority] of [
      [master, backup, 100],
      [backup, master, 90],
    ] as const) {
      expect(one).toMatchObject({ status: 'ALLOCATED', imageId: 'image-1', haIp: vipAddress });
      const vrrp = harness.vrrpOf(one);
      expect(vrrp?.running).toBe(true);
      expect(vrrp?.configuration).toContain(`priority ${priority}\n`);
      expect(vrrp?.configuration).toContain(`unicast_src_ip ${one.vrrpIp}\n`);
      expect(vrrp?.configuration).toContain(`unicast_peer {\n        ${other.vrrpIp}\n    }`);
      const { configuration, running } = harness.haproxyOf(one) ?? {};
      expect(running).toBe(true);
      for (const { vrrpIp } of [one, other]) expect(configuration).toMatch(new RegExp(`peer \\S+ ${vrrpIp}:1025`));
      const port = harness.network.ports().find(({ id }) => id === one.vrrpPortId);
      expect(port).toMatchObject({ deviceId: one.computeId, allowedAddressPairs: [{ ipAddress: vipAddress }] });
    }
    const [group] = harness.network.securityGroups().filter(({ name }) => name === 'lb-lb');
    const opened = group?.rules.map(({ protocol, portRangeMin }) => `${protocol} ${portRangeMin}`);
    expect(opened).toEqual(expect.arrayContaining(['tcp 80', 'tcp 1025', '112 null', '51 null']));
    // Both are configured as one of a pair: the agent leaves the VIP to keepalived.
    for (const { spec } of harness.compute.servers()) {
      expect(Object.values(spec.files).join('')).toContain('loadbalancer_topology = ACTIVE_STANDBY');
    }
  });

  it('is built in branches: one whose agent is late does not keep the other one from being plugged in', async () => {
    const harness = setUp();
    const backupIsPlugged = Promise.withResolvers<void>();
    let isFirst = true;
    const agent = new Proxy(harness.agent, {
      get(target, name) {
        if (name === 'plugVip') {
          return async (...values: Parameters<AmphoraAgent['plugVip']>) => {
            await target.plugVip(...values);
            backupIsPlugged.resolve();
          };
        }
        if (name !== 'getInfo') return Reflect.get(target, name) as unknown;
        return async (...values: Parameters<AmphoraAgent['getInfo']>) => {
          if (isFirst) {
            isFirst = false;
            await backupIsPlugged.promise;
          }
          return await target.getInfo(...values);
        };
      },
    });
    Object.assign(harness.deps, { agent });
    await harness.created();
    const entries = (await harness.journal.get('op-1'))?.entries ?? [];
    expect(entries[0]).toMatchObject({ kind: 'started', step: 'mark-lb-error-on-revert', version: 2 });
    // What the journal of a pair says is for Kiln 0.1 to leave alone.
    const [versionOne] = loadBalancerFlows.find(({ name }) => name === 'create-load-balancer-pair')?.older ?? [];
    expect(versionOne && unknownStep({ ...versionOne, older: [] }, entries)).toBe('of version 2');
    const before = { ...versionOne, version: 2, older: [] } as unknown as NonNullable<typeof versionOne>;
    expect(unknownStep(before, entries)).toBe('mark-lb-error-on-revert');
  });

  it("keeps a group of its own beside the user's", async () => {
    const harness = setUp();
    const user = await harness.network.createSecurityGroup({ name: "the user's", description: '' });
    await harness.created({ vipSgIds: [user.id] });
    const [own] = harness.network.securityGroups().filter(({ name }) => name === 'lb-lb');
    expect(own?.rules.some(({ portRangeMin }) => portRangeMin === 80)).toBe(false);
    expect(own?.rules.some(({ protocol }) => protocol === '112')).toBe(true);
    const { all } = await harness.pair();
    const groupsOf = (portId: string | null) =>
      harness.network.ports().find(({ id }) => id === portId)?.securityGroupIds;
    for (const { vrrpPortId } of all) expect(groupsOf(vrrpPortId)).toEqual([user.id, own?.id]);
  });

  it.each(['anti-affinity', 'soft-anti-affinity'] as const)(
    'is in a server group, %s, that goes with it',
    async (policy) => {
      const harness = setUp({ antiAffinityPolicy: policy });
      await harness.created();
      const [group] = harness.compute.serverGroups();
      expect(group).toMatchObject({ name: 'octavia-lb-lb', policy });
      expect((await harness.loadBalancers.get('loadbalancer', 'lb'))?.serverGroupId).toBe(group?.id);
      expect(harness.compute.servers().map(({ spec }) => spec.serverGroupId)).toEqual([group?.id, group?.id]);
      // A third one has no host of its own while the old one is there: hard becomes soft, and it is reported.
      const { master } = await harness.pair();
      expect(await harness.carryOut('failover-amphora-of-pair', { amphoraId: master.id })).toBe('done');
      const alone = harness.compute.servers().filter(({ spec }) => spec.serverGroupId === null);
      expect(alone).toHaveLength(policy === 'anti-affinity' ? 1 : 0);
      expect(harness.compute.serverGroups()).toHaveLength(1);
      expect(await harness.carryOut('delete-load-balancer')).toBe('done');
      expect(await harness.left()).toEqual(nothing);
    },
  );

  it('is failed over while Nova is deleting the old server for ever: it is left in ERROR, without its port', async () => {
    const harness = setUp();
    await harness.created();
    const { master } = await harness.pair();
    const stuck = { ...harness.deps, compute: { ...harness.compute, deleteServer: async () => {} } };
    expect(await harness.carryOut('failover-amphora-of-pair', { amphoraId: master.id }, stuck)).toBe('done');
    expect(await harness.statusOf()).toBe('ACTIVE');
    const after = await harness.amphorae.list({ loadBalancerId: 'lb' });
    expect(after.map(({ role, status }) => `${role} ${status}`).toSorted()).toEqual([
      'BACKUP ALLOCATED',
      'MASTER ALLOCATED',
      'MASTER ERROR',
    ]);
    expect(harness.network.ports().map(({ id }) => id)).not.toContain(master.vrrpPortId);
    expect(await harness.carryOut('failover-load-balancer-pair')).toBe('done');
    await harness.pair();
    expect(harness.compute.servers()).toHaveLength(2);
  });

  describe('in a hard server group whose hosts are all in use', () => {
    const inGroup = (harness: ReturnType<typeof setUp>) =>
      harness.compute.servers().filter(({ spec }) => spec.serverGroupId !== null).length;

    it('gives the host of a server that is off to the amphora that replaces it', async () => {
      const harness = setUp({ antiAffinityPolicy: 'anti-affinity' });
      await harness.created();
      const { master, backup } = await harness.pair();
      harness.compute.turnOff(master.computeId ?? '');
      expect(await harness.carryOut('failover-amphora-of-pair', { amphoraId: master.id })).toBe('done');
      expect(inGroup(harness)).toBe(2);
      expect((await harness.pair()).backup).toEqual(backup);
      expect(await harness.statusOf()).toBe('ACTIVE');
    });

    it('takes the host of nobody who runs, or is not replaced, though Nova calls him off', async () => {
      const harness = setUp({ antiAffinityPolicy: 'anti-affinity' });
      await harness.created();
      const { master, backup } = await harness.pair();
      harness.compute.turnOff(backup.computeId ?? '');
      harness.compute.breakServer(master.computeId ?? '');
      const removed: string[] = [];
      const { deleteServer } = harness.deps.compute;
      harness.deps.compute.deleteServer = async (serverId) => {
        removed.push(serverId);
        await deleteServer(serverId);
      };
      expect(await harness.carryOut('failover-amphora-of-pair', { amphoraId: master.id })).toBe('done');
      expect(removed).not.toContain(backup.computeId);
      // Whoever is in ERROR may run, and goes last.
      expect(removed.at(-1)).toBe(master.computeId);
      expect(inGroup(harness)).toBe(1);
    });

    it.each(['before', 'behind'] as const)(
      'goes on where a request to Nova fails, %s it was carried out',
      async (moment) => {
        for (let n = 1; ; n++) {
          const harness = setUp({ antiAffinityPolicy: 'anti-affinity' });
          await harness.created();
          const { master } = await harness.pair();
          harness.compute.turnOff(master.computeId ?? '');
          const failure = aServiceError('SERVICE_FAILED', { service: 'compute', status: 503 });
          const failing = failingAtCall(harness.deps, n, /^(create|delete|get)Server$/, moment, failure);
          const failover = harness.carryOut('failover-amphora-of-pair', { amphoraId: master.id }, failing.deps);
          expect(await failover, failing.failed()).toBe('done');
          expect(await harness.statusOf()).toBe('ACTIVE');
          expect(harness.compute.servers()).toHaveLength(2);
          // Where Nova can't say whether the old one is off, or does not delete it, nothing is waited for.
          expect(inGroup(harness)).toBeGreaterThanOrEqual(failing.failed() === 'createServer' ? 2 : 1);
          if (failing.calls() >= n) continue;
          expect(inGroup(harness)).toBe(2);
          expect(n).toBeGreaterThan(5);
          return;
        }
      },
    );

    it('is undone where Nova refuses, and done when it is asked for once more', async () => {
      for (let n = 1; ; n++) {
        const harness = setUp({ antiAffinityPolicy: 'anti-affinity' });
        await harness.created();
        const { master, backup } = await harness.pair();
        harness.compute.turnOff(master.computeId ?? '');
        const failing = failingAtCall(harness.deps, n, /^createServer$/);
        const fields = { amphoraId: master.id };
        const outcome = await harness.carryOut('failover-amphora-of-pair', fields, failing.deps);
        expect((await harness.pair()).backup).toEqual(backup);
        expect(await harness.statusOf()).toBe('ACTIVE');
        if (outcome === 'done') {
          expect(n).toBe(3);
          return;
        }
        expect(await harness.carryOut('failover-amphora-of-pair', fields)).toBe('done');
        expect(inGroup(harness)).toBe(2);
        expect(harness.compute.servers()).toHaveLength(2);
      }
    });

    it('is booted apart from the group where the host that has become free is a bad one', async () => {
      const harness = setUp({ antiAffinityPolicy: 'anti-affinity' });
      await harness.created();
      const { master } = await harness.pair();
      harness.compute.turnOff(master.computeId ?? '');
      const { createServer, getServer } = harness.deps.compute;
      let onBadHost = '';
      const compute = {
        ...harness.deps.compute,
        async createServer(spec: Parameters<typeof createServer>[0]) {
          const made = await createServer(spec);
          if (spec.serverGroupId !== null && inGroup(harness) === 2) onBadHost = made.id;
          return made;
        },
        async getServer(id: string) {
          const server = await getServer(id);
          const fault = { code: 500, message: 'Exceeded maximum number of retries.' };
          return id === onBadHost ? { ...server, status: 'ERROR' as const, fault } : server;
        },
      };
      const through = { ...harness.deps, compute };
      expect(await harness.carryOut('failover-amphora-of-pair', { amphoraId: master.id }, through)).toBe('done');
      expect(onBadHost).not.toBe('');
      expect(inGroup(harness)).toBe(1);
      expect(await harness.statusOf()).toBe('ACTIVE');
    });
  });

  it('gets every change on both', async () => {
    const harness = setUp();
    await harness.created();
    const { all } = await harness.pair();
    const listener = storedListener('li', 'lb', {
      provisioningStatus: 'PENDING_UPDATE',
      defaultPoolId: 'po',
      connectionLimit: 77,
    });
    await harness.loadBalancers.apply({
      loadBalancerId: 'lb',
      mutableFrom: ['ACTIVE'],
      rows: [{ kind: 'listener', put: listener }],
      operation: null,
    });
    expect(await harness.carryOut('update-listener', { resourceId: 'li' })).toBe('done');
    for (const one of all) expect(harness.haproxyOf(one)?.configuration).toContain('maxconn 77');
  });

  it('gets a change on the one that answers; the other one is left to failover, and the change is done', async () => {
    const harness = setUp();
    await harness.created();
    const { master, backup } = await harness.pair();
    const { deps, calls } = harness.without(master);
    expect(await harness.carryOut('update-listener', { resourceId: 'li' }, deps)).toBe('done');
    expect(await harness.statusOf()).toBe('ACTIVE');
    const { master: then, backup: unchanged } = await harness.pair();
    expect(then).toMatchObject({ id: master.id, status: 'ERROR', reason: { code: 'AGENT_UNREACHABLE' } });
    expect(unchanged).toMatchObject({ id: backup.id, status: 'ALLOCATED' });
    // Asked twice, and never again.
    expect(calls.filter((call) => call.includes(master.id))).toHaveLength(2);
  });

  it('fails a change that neither takes, and one that is refused', async () => {
    const harness = setUp();
    await harness.created();
    const { master, backup } = await harness.pair();
    expect(await harness.carryOut('update-listener', { resourceId: 'li' }, harness.without(master, backup).deps)).toBe(
      'undone',
    );
    expect((await harness.pair()).all.map(({ status }) => status)).toEqual(['ALLOCATED', 'ALLOCATED']);
  });

  it.each(['answers', 'does not answer'] as const)(
    'tells the one that stays of its new partner once more, where one answer is lost and the one that is replaced %s',
    async (replaced) => {
      const harness = setUp();
      await harness.created();
      const { master, backup } = await harness.pair();
      let lost = 0;
      const { deps } = harness.failing(unreachable, (call, id) => {
        if (id === backup.id) return replaced === 'does not answer';
        return id === master.id && call === 'uploadVrrpConfiguration' && lost++ === 0;
      });
      expect(await harness.carryOut('failover-amphora-of-pair', { amphoraId: backup.id }, deps)).toBe('done');
      const after = await harness.pair();
      expect(lost).toBe(2);
      expect(after.master).toMatchObject({ id: master.id, status: 'ALLOCATED' });
      expect(harness.vrrpOf(after.master)?.configuration).toContain(
        `unicast_peer {\n        ${after.backup.vrrpIp}\n    }`,
      );
    },
  );

  it.each(['uploadVrrpConfiguration', 'actOnVrrp', /./])(
    'leaves the one that stays to failover where it never learns of its new partner (%s)',
    async (unanswered) => {
      const harness = setUp();
      await harness.created();
      const { master, backup } = await harness.pair();
      const { deps } = harness.failing(
        unreachable,
        (call, id) => id === backup.id || (id === master.id && new RegExp(unanswered).test(call)),
      );
      expect(await harness.carryOut('failover-amphora-of-pair', { amphoraId: backup.id }, deps)).toBe('done');
      expect(await harness.statusOf()).toBe('ACTIVE');
      const after = await harness.pair();
      expect(after.master).toMatchObject({ id: master.id, status: 'ERROR', reason: { code: 'AGENT_UNREACHABLE' } });
      expect(after.backup.status).toBe('ALLOCATED');
      expect(harness.vrrpOf(after.backup)?.running).toBe(true);
    },
  );

  it.each(['MASTER', 'BACKUP'] as const)(
    'is changed though somebody has deleted the port of its %s in Neutron: that one is left to failover',
    async (role) => {
      const harness = setUp();
      await harness.created();
      const before = await harness.pair();
      const [gone, other] = role === 'MASTER' ? [before.master, before.backup] : [before.backup, before.master];
      harness.network.removePort(gone.vrrpPortId ?? '');
      expect(await harness.carryOut('update-listener', { resourceId: 'li' })).toBe('done');
      expect(await harness.statusOf()).toBe('ACTIVE');
      expect(await harness.amphorae.get(gone.id)).toMatchObject({
        status: 'ERROR',
        reason: { code: 'SERVICE_NOT_FOUND' },
      });
      expect(await harness.amphorae.get(other.id)).toEqual(other);
      expect(await harness.carryOut('failover-amphora-of-pair', { amphoraId: gone.id })).toBe('done');
      expect((await harness.pair()).all.map(({ status }) => status)).toEqual(['ALLOCATED', 'ALLOCATED']);
      expect(await harness.left()).toMatchObject({ servers: 2, vrrpPorts: 2, amphorae: 2 });
    },
  );

  it('gets a QoS policy though the port of an amphora is gone; what is not there but for the port is a failure', async () => {
    const harness = setUp();
    await harness.created();
    const { master, backup } = await harness.pair();
    harness.network.addQosPolicy('qos');
    harness.network.removePort(master.vrrpPortId ?? '');
    const ask = async (vipQosPolicyId: string, through = harness.deps) => {
      const found = (await harness.loadBalancers.get('loadbalancer', 'lb')) ?? expect.unreachable();
      const put = { ...found, provisioningStatus: 'PENDING_UPDATE' as const, vipQosPolicyId };
      const rows = [{ kind: 'loadbalancer', put } as const];
      await harness.loadBalancers.apply({ loadBalancerId: 'lb', mutableFrom: ['ACTIVE'], rows, operation: null });
      return await harness.carryOut(
        'update-load-balancer',
        { before: { vipQosPolicyId: found.vipQosPolicyId } },
        through,
      );
    };
    const policyOf = async () => (await harness.network.getPort(backup.vrrpPortId ?? '')).qosPolicyId;
    expect(await ask('qos')).toBe('done');
    expect(await policyOf()).toBe('qos');
    expect((await harness.amphorae.get(master.id))?.status).toBe('ERROR');
    harness.network.addQosPolicy('other');
    const lost = aServiceError('SERVICE_NOT_FOUND', { service: 'network', status: 404 });
    // The VIP's port gets it; until it is the turn of the amphora's somebody has deleted the policy.
    const failing = failingAtCall(harness.deps, 2, /^updatePort$/, 'before', lost);
    expect(await ask('other', failing.deps)).toBe('undone');
    expect([await policyOf(), await harness.statusOf()]).toEqual(['qos', 'ACTIVE']);
    expect((await harness.amphorae.get(backup.id))?.status).toBe('ALLOCATED');
  });

  it.each(['failover-load-balancer-pair', 'failover-amphora-of-pair'] as const)(
    'waits but shortly for old ones that hang: %s',
    async (flow) => {
      const harness = setUp();
      await harness.created();
      const { master, backup } = await harness.pair();
      const { clock } = harness;
      const old = new Set([master.id, backup.id]);
      let firstAskedMs: number | null = null;
      let startedMs = 0;
      const hanging = aroundRequests(harness.agent, async (name, { id, limitMs }, carryOut) => {
        if (old.has(id)) {
          firstAskedMs ??= clock.monotonicMs();
          // Octavia's defaults, where nothing else is said: [haproxy_amphora] rest_request_conn_timeout and _read_timeout.
          await clock.sleep(limitMs ?? 70_000);
          throw unreachable;
        }
        if (name === 'actOnVrrp' && startedMs === 0) startedMs = clock.monotonicMs();
        return await carryOut();
      });
      const deps = { ...harness.deps, agent: hanging };
      expect(await harness.carryOut(flow, { amphoraId: backup.id }, deps)).toBe('done');
      expect(firstAskedMs).not.toBeNull();
      // All of it is less than one request by the defaults, though this clock adds up what is waited for at once.
      expect(startedMs - (firstAskedMs ?? 0)).toBeLessThan(70_000);
    },
  );

  it.each([500, null])(
    'gets a change on the one that takes it, where the other one refuses whatever it is asked for (%s): that is left to failover',
    async (status) => {
      const harness = setUp();
      await harness.created();
      const { master, backup } = await harness.pair();
      const { deps } = harness.refusedBy(status, master);
      expect(await harness.carryOut('update-listener', { resourceId: 'li' }, deps)).toBe('done');
      expect(await harness.statusOf()).toBe('ACTIVE');
      const after = await harness.pair();
      expect(after.master).toMatchObject({ id: master.id, status: 'ERROR', reason: { code: 'AGENT_REFUSED' } });
      expect(after.backup).toEqual(backup);
    },
  );

  it.each([
    ['MASTER', 'BACKUP'],
    ['BACKUP', 'MASTER'],
  ] as const)(
    'gives a change back on its %s where its %s has refused it, and goes on refusing',
    async (well, _sick) => {
      const harness = setUp();
      await harness.created();
      const { master, backup } = await harness.pair();
      const [healthy, sick] = well === 'MASTER' ? [master, backup] : [backup, master];
      const before = harness.haproxyOf(healthy)?.configuration;
      const fields = await harness.limited(77);
      const { deps, calls } = harness.refusedBy(400, sick);
      expect(await harness.carryOut('update-listener', fields, deps)).toBe('undone');
      expect(calls.filter((call) => call.startsWith(`uploadHaproxyConfiguration ${healthy.id}`))).toHaveLength(2);
      expect(harness.haproxyOf(healthy)?.configuration).toBe(before);
    },
  );

  describe('whose change is taken back, after both have got it', () => {
    /** BACKUP refuses to reload; who is silent from then on, when both are given back what they had, and how often. */
    async function takenBack(silent: 'MASTER' | 'both', lost = Number.POSITIVE_INFINITY) {
      const harness = setUp();
      await harness.created();
      const { master, backup } = await harness.pair();
      const before = harness.haproxyOf(backup)?.configuration;
      const fields = await harness.limited(77);
      let [isRefused, isBack, times] = [false, false, 0];
      const refusing = harness.failing(refusal(400), (call, id) => {
        if (call !== 'act' || id !== backup.id || isRefused) return false;
        isRefused = true;
        return true;
      }).deps;
      const agent = aroundRequests(refusing.agent, async (name, { id }, carryOut) => {
        isBack ||= isRefused && name === 'getDetails';
        if (isBack && (silent === 'both' || id === master.id) && times++ < lost) throw unreachable;
        return await carryOut();
      });
      expect(await harness.carryOut('update-listener', fields, { ...refusing, agent })).toBe('undone');
      const after = await harness.pair();
      return { ...harness, after, before };
    }

    it('leaves the one that does not answer then to failover: it runs what was withdrawn', async () => {
      const { after, before, haproxyOf, statusOf } = await takenBack('MASTER');
      expect(haproxyOf(after.master)?.configuration).toContain('maxconn 77');
      expect(after.master).toMatchObject({ status: 'ERROR', reason: { code: 'AGENT_UNREACHABLE' } });
      expect(after.backup.status).toBe('ALLOCATED');
      expect(haproxyOf(after.backup)?.configuration).toBe(before);
      expect(await statusOf()).toBe('ACTIVE');
    });

    it('asks the one of which an answer is lost once more', async () => {
      const { after, haproxyOf } = await takenBack('MASTER', 1);
      expect(after.all.map(({ status }) => status)).toEqual(['ALLOCATED', 'ALLOCATED']);
      expect(haproxyOf(after.master)?.configuration).not.toContain('maxconn 77');
    });

    it('comes to its end where neither answers', async () => {
      const { after } = await takenBack('both');
      expect(after.all.map(({ status }) => status)).toEqual(['ALLOCATED', 'ALLOCATED']);
    });
  });

  it.each(['failover-amphora-of-pair', 'failover-load-balancer-pair', 'resize-load-balancer-pair'] as const)(
    'is repaired by %s where the one that is replaced refuses everything',
    async (flow) => {
      for (const role of ['master', 'backup'] as const) {
        const harness = setUp();
        await harness.created();
        const before = await harness.pair();
        const { deps } = harness.refusedBy(null, before[role]);
        expect(await harness.carryOut(flow, { amphoraId: before[role].id, flavorId: null }, deps)).toBe('done');
        const after = await harness.pair();
        expect(after.all.map(({ status }) => status)).toEqual(['ALLOCATED', 'ALLOCATED']);
        expect(after[role].id).not.toBe(before[role].id);
        expect(await harness.statusOf()).toBe('ACTIVE');
        expect(await harness.left()).toMatchObject({ servers: 2, vrrpPorts: 2, amphorae: 2 });
      }
    },
  );

  it.each([
    ['everything', /./],
    ['what keepalived is to have', /Vrrp/],
    ['what HAProxy is to have', /^uploadHaproxy/],
  ])('has one replaced though the other one refuses %s: that is failed over next', async (_what, refused) => {
    const harness = setUp();
    await harness.created();
    const { master, backup } = await harness.pair();
    const { deps } = harness.failing(refusal(500), (call, id) => id === master.id && refused.test(call));
    expect(await harness.carryOut('failover-amphora-of-pair', { amphoraId: backup.id }, deps)).toBe('done');
    expect(await harness.statusOf()).toBe('ACTIVE');
    const after = await harness.pair();
    expect(after.master).toMatchObject({ id: master.id, status: 'ERROR', reason: { code: 'AGENT_REFUSED' } });
    expect(after.backup.status).toBe('ALLOCATED');
    expect(after.backup.id).not.toBe(backup.id);
    expect(harness.vrrpOf(after.backup)).toMatchObject({ running: true });
    expect(harness.vrrpOf(after.backup)?.configuration).toContain(master.vrrpIp);
    expect(await harness.carryOut('failover-amphora-of-pair', { amphoraId: master.id }, deps)).toBe('done');
    expect((await harness.pair()).all.map(({ status }) => status)).toEqual(['ALLOCATED', 'ALLOCATED']);
  });

  describe('whose one that serves is in ERROR', () => {
    const peers = ({ vrrpIp }: Amphora) => `unicast_peer {\n        ${vrrpIp}\n    }`;

    it.each([
      ['is killed', killed()],
      ['fails', refusal(500)],
    ])('since it refused its new partner: who begins anew knows of it, where whoever began %s', async (_what, end) => {
      const harness = setUp();
      await harness.created();
      const { master, backup } = await harness.pair();
      const { actOnVrrp } = harness.agent;
      let starts = 0;
      harness.agent.actOnVrrp = async (address, action) => {
        const isNew = address.id !== master.id && address.id !== backup.id;
        if (isNew && starts++ === 0) throw end;
        return await actOnVrrp(address, action);
      };
      const { deps } = harness.failing(refusal(500), (call, id) => id === master.id && /Vrrp/.test(call));
      const outcome = harness.carryOut('failover-amphora-of-pair', { amphoraId: backup.id }, deps);
      if (end.code === 'FENCED') {
        await expect(outcome).rejects.toThrow('killed');
        expect((await harness.amphorae.get(master.id))?.status).toBe('ERROR');
        expect(await harness.goOn(deps)).toBe('done');
      } else expect(await outcome).toBe('done');
      expect(starts).toBe(2);
      const after = await harness.pair();
      expect(after.master).toMatchObject({ id: master.id, status: 'ERROR', reason: { code: 'AGENT_REFUSED' } });
      expect(harness.vrrpOf(after.backup)?.running).toBe(true);
      expect(harness.vrrpOf(after.backup)?.configuration).toContain(peers(master));
    });

    it.each(['takes', 'refuses'] as const)(
      'since it refused a change: the new one hears it, whether it %s its new partner',
      async (answer) => {
        const harness = setUp();
        await harness.created();
        const { master, backup } = await harness.pair();
        const changing = harness.failing(refusal(500), (call, id) => id === master.id && /Haproxy/.test(call));
        expect(await harness.carryOut('update-listener', { resourceId: 'li' }, changing.deps)).toBe('done');
        const inError = (await harness.amphorae.get(master.id)) ?? expect.unreachable();
        expect(inError.status).toBe('ERROR');
        const { deps } = answer === 'takes' ? changing : harness.refusedBy(null, master);
        expect(await harness.carryOut('failover-amphora-of-pair', { amphoraId: backup.id }, deps)).toBe('done');
        const after = await harness.pair();
        expect(after.master).toEqual(inError);
        expect(harness.vrrpOf(after.backup)?.configuration).toContain(peers(master));
        expect(harness.vrrpOf(master)?.configuration).toContain(peers(answer === 'takes' ? after.backup : backup));
      },
    );

    it('since its port is gone: nobody is told to listen for it', async () => {
      const harness = setUp();
      await harness.created();
      const { master, backup } = await harness.pair();
      harness.network.removePort(master.vrrpPortId ?? '');
      expect(await harness.carryOut('update-listener', { resourceId: 'li' })).toBe('done');
      expect((await harness.amphorae.get(master.id))?.status).toBe('ERROR');
      expect(await harness.carryOut('failover-amphora-of-pair', { amphoraId: backup.id })).toBe('done');
      const after = await harness.pair();
      expect(harness.vrrpOf(after.backup)?.running).toBe(true);
      expect(harness.vrrpOf(after.backup)?.configuration).toContain('unicast_peer {\n    }');
    });
  });

  it('is in ERROR where the new one refuses to reload once it serves: of the same image, none would do better', async () => {
    const harness = setUp();
    await harness.created();
    const { master, backup } = await harness.pair();
    const reloads = new Map<string, number>();
    const { deps } = harness.failing(refusal(500), (call, id) => {
      if (call !== 'act' || id === master.id || id === backup.id) return false;
      const times = (reloads.get(id) ?? 0) + 1;
      reloads.set(id, times);
      return times > 1;
    });
    expect(await harness.carryOut('failover-amphora-of-pair', { amphoraId: master.id }, deps)).toBe('undone');
    expect(await harness.statusOf()).toBe('ERROR');
    const after = await harness.pair();
    expect(after.all.map(({ status }) => status)).toEqual(['ALLOCATED', 'ALLOCATED']);
    expect(after.master.id).not.toBe(master.id);
    expect(after.backup).toEqual(backup);
  });

  it('is not made, nor failed over, with a new one that refuses what HAProxy is to have', async () => {
    const harness = setUp();
    await harness.created();
    const { all } = await harness.pair();
    let isFirst = true;
    const { deps } = harness.failing(refusal(500), (call, id) => {
      if (!call.startsWith('uploadHaproxy') || all.some((one) => one.id === id) || !isFirst) return false;
      isFirst = false;
      return true;
    });
    // What is tried once more is taken.
    expect(await harness.carryOut('failover-load-balancer-pair', {}, deps)).toBe('done');
    expect((await harness.pair()).all.map(({ status }) => status)).toEqual(['ALLOCATED', 'ALLOCATED']);
    const refusing = new Set<string>();
    const fixed = await harness.pair();
    const { deps: never } = harness.failing(refusal(500), (call, id) => {
      if (!call.startsWith('uploadHaproxy') || fixed.all.some((one) => one.id === id)) return false;
      if (refusing.size === 0) refusing.add(id);
      return refusing.has(id);
    });
    expect(await harness.carryOut('failover-load-balancer-pair', {}, never)).toBe('undone');
    expect((await harness.pair()).all.map(({ id }) => id).sort()).toEqual(fixed.all.map(({ id }) => id).sort());
  });

  it.each(['MASTER', 'BACKUP'] as const)(
    'has its %s replaced when that is dead; nobody touches the one that lives',
    async (role) => {
      const harness = setUp();
      await harness.created();
      const { master, backup } = await harness.pair();
      const [dead, living] = role === 'MASTER' ? [master, backup] : [backup, master];
      const { deps, calls } = harness.without(dead);
      expect(await harness.carryOut('failover-amphora-of-pair', { amphoraId: dead.id }, deps)).toBe('done');
      const after = await harness.pair();
      const replaced = role === 'MASTER' ? after.master : after.backup;
      const kept = role === 'MASTER' ? after.backup : after.master;
      expect(kept).toMatchObject({
        id: living.id,
        computeId: living.computeId,
        vrrpPortId: living.vrrpPortId,
        status: 'ALLOCATED',
      });
      expect(replaced).toMatchObject({ role, status: 'ALLOCATED' });
      expect(replaced.id).not.toBe(dead.id);
      expect(await harness.left()).toMatchObject({ servers: 2, vrrpPorts: 2, amphorae: 2 });
      // The one that lives hears of the new one before that begins, and is never stopped.
      expect(calls).not.toContainEqual(`actOnVrrp ${living.id} stop`);
      expect(calls.indexOf(`actOnVrrp ${living.id} start`)).toBeLessThan(
        calls.indexOf(`actOnVrrp ${replaced.id} start`),
      );
      expect(harness.vrrpOf(kept)?.configuration).toContain(`unicast_peer {\n        ${replaced.vrrpIp}\n    }`);
      expect(harness.vrrpOf(replaced)?.configuration).toContain(`unicast_peer {\n        ${kept.vrrpIp}\n    }`);
      for (const one of after.all) {
        const peers = harness.haproxyOf(one)?.configuration.match(/peer \S+ \S+:1025/g);
        expect(peers).toHaveLength(2);
      }
    },
  );

  it.each([
    ['another flavor', 'old', 'new'],
    ['a flavor', null, 'new'],
    ['no flavor', 'old', null],
  ] as const)('gets %s: both are built by it, and the row says so when they serve', async (_what, from, to) => {
    const harness = setUp();
    const asked: (string | null)[] = [];
    harness.deps.flavors.flavorCapabilities = async (id) => {
      asked.push(id);
      return {};
    };
    await harness.created({ flavorId: from });
    const before = await harness.pair();
    const flavorOf = async () => (await harness.loadBalancers.get('loadbalancer', 'lb'))?.flavorId;
    const takesOver = new Set<string | null | undefined>();
    const { actOnVrrp } = harness.agent;
    harness.agent.actOnVrrp = async (...values) => {
      takesOver.add(await flavorOf());
      return await actOnVrrp(...values);
    };
    expect(await harness.carryOut('resize-load-balancer-pair', { flavorId: to })).toBe('done');
    const after = await harness.pair();
    expect(after.all.map(({ status }) => status)).toEqual(['ALLOCATED', 'ALLOCATED']);
    expect(after.all.some(({ id }) => before.all.some((one) => one.id === id))).toBe(false);
    expect([...takesOver]).toEqual([from]);
    expect(asked).toEqual([from, to]);
    expect([await flavorOf(), await harness.statusOf()]).toEqual([to, 'ACTIVE']);
    expect(await harness.left()).toMatchObject({ servers: 2, vrrpPorts: 2, amphorae: 2 });
  });

  it('keeps amphorae and flavor when those of the other one can not be built, or do not answer', async () => {
    for (const failing of ['createServer', 'getInfo', 'listListeners'] as const) {
      const harness = setUp();
      await harness.created({ flavorId: 'old' });
      const before = await harness.pair();
      const fault = async () => {
        throw new KilnError('SERVICE_REJECTED_REQUEST', 'made to fail');
      };
      const deps = {
        ...harness.deps,
        compute: failing === 'createServer' ? { ...harness.deps.compute, createServer: fault } : harness.deps.compute,
        agent: failing === 'createServer' ? harness.deps.agent : { ...harness.deps.agent, [failing]: fault },
      };
      expect(await harness.carryOut('resize-load-balancer-pair', { flavorId: 'new' }, deps)).toBe('undone');
      expect((await harness.pair()).all.map(({ id }) => id).sort()).toEqual(before.all.map(({ id }) => id).sort());
      expect((await harness.loadBalancers.get('loadbalancer', 'lb'))?.flavorId).toBe('old');
      expect(await harness.statusOf()).toBe('ACTIVE');
      expect(await harness.left()).toMatchObject({ servers: 2, vrrpPorts: 2, amphorae: 2 });
    }
  });

  it('repaired in the middle of a release, or of its way back, it ends on one image: the one that it is assigned', async () => {
    const { created, carryOut, pair, images, amphorae } = setUp();
    await created();
    images.put({ ...(await images.get('image-1')), id: 'image-2', tags: [] });
    const imagesNow = async () => (await pair()).all.map(({ imageId }) => imageId);
    for (const imageId of ['image-2', 'image-1']) {
      const { master, backup } = await pair();
      const release = { amphoraId: backup.id, imageId, releaseId: 'r' };
      expect(await carryOut('release-amphora-of-pair', release)).toBe('done');
      expect(new Set(await imagesNow()).size).toBe(2);
      expect(await carryOut('failover-amphora-of-pair', { amphoraId: master.id, image: 'assigned' })).toBe('done');
      expect(await imagesNow()).toEqual([imageId, imageId]);
      expect(await amphorae.assignedImageId('lb')).toBe(imageId);
    }
  });

  it.each([
    ['its UDP listeners run on as they are', 'ACTIVE', []],
    ['all that an earlier change may have left', 'ERROR', ['uploadLvsConfiguration udp', 'act udp']],
  ] as const)('whose other one is replaced gets the peers of now, and %s', async (_what, status, whole) => {
    const harness = setUp();
    await harness.created();
    const udp = storedListener('udp', 'lb', { protocol: 'UDP', protocolPort: 53, defaultPoolId: null });
    const member = storedMember('me', 'po', { provisioningStatus: status, address: '10.0.0.1' });
    const rows = [{ kind: 'listener', put: udp } as const, { kind: 'member', put: member } as const];
    await harness.loadBalancers.apply({ loadBalancerId: 'lb', mutableFrom: ['ACTIVE'], rows, operation: null });
    const { master, backup } = await harness.pair();
    const { deps, calls } = harness.without();
    expect(await harness.carryOut('failover-amphora-of-pair', { amphoraId: master.id }, deps)).toBe('done');
    const { master: successor } = await harness.pair();
    const asked = calls.filter((call) => call.includes(backup.id)).map((call) => call.replace(` ${backup.id}`, ''));
    const peers = [...whole.slice(0, 1), 'act lb', ...whole.slice(1)];
    // Before the new one takes over, and when the old one is gone.
    expect(asked.filter((call) => /uploadLvs|^act /.test(call))).toEqual([...peers, ...peers]);
    expect(harness.haproxyOf(backup)?.configuration).toContain(`${successor.vrrpIp}:1025`);
    expect(harness.haproxyOf(backup)?.configuration).not.toContain(`${master.vrrpIp}:1025`);
    expect(calls).toContain(`act ${successor.id} udp`);
  });

  it('is replaced whole: new ones are ready first, BACKUP takes over before MASTER, and hands over', async () => {
    const harness = setUp();
    await harness.created();
    const before = await harness.pair();
    const { deps, calls } = harness.without();
    const atMs = new Map<string, number>();
    const { actOnVrrp } = harness.agent;
    harness.agent.actOnVrrp = async (address, action, signal) => {
      const key = `${action} ${address.id}`;
      atMs.set(key, atMs.get(key) ?? harness.clock.monotonicMs());
      return await actOnVrrp(address, action, signal);
    };
    expect(await harness.carryOut('failover-load-balancer-pair', {}, deps)).toBe('done');
    const after = await harness.pair();
    expect(after.all.map(({ id }) => id)).not.toContain(before.master.id);
    // The new BACKUP is there to hear that the old MASTER leaves: three advertisements of a second later.
    const [begins = 0, leaves = 0] = [atMs.get(`start ${after.backup.id}`), atMs.get(`stop ${before.master.id}`)];
    expect(leaves - begins).toBeGreaterThanOrEqual(3_000);
    const order = [
      `listListeners ${after.backup.id}`,
      `actOnVrrp ${before.backup.id} stop`,
      `actOnVrrp ${before.master.id} start`,
      `actOnVrrp ${after.backup.id} start`,
      `actOnVrrp ${before.master.id} stop`,
      `actOnVrrp ${after.master.id} start`,
    ].map((call) => calls.indexOf(call));
    expect(order).toEqual([...order].sort((one, other) => one - other));
    expect(order).not.toContain(-1);
    expect(await harness.left()).toMatchObject({ servers: 2, vrrpPorts: 2, amphorae: 2 });
    expect(harness.vrrpOf(after.backup)?.configuration).toContain(
      `unicast_peer {\n        ${after.master.vrrpIp}\n    }`,
    );
  });

  it('is rebuilt when both are dead, one after the other', async () => {
    const harness = setUp();
    await harness.created();
    const { master, backup } = await harness.pair();
    const { deps } = harness.without(master, backup);
    expect(await harness.carryOut('failover-amphora-of-pair', { amphoraId: master.id }, deps)).toBe('done');
    expect(await harness.carryOut('failover-amphora-of-pair', { amphoraId: backup.id }, deps)).toBe('done');
    const after = await harness.pair();
    expect(after.all.map(({ status }) => status)).toEqual(['ALLOCATED', 'ALLOCATED']);
    expect(await harness.left()).toMatchObject({ servers: 2, vrrpPorts: 2, amphorae: 2 });
    expect(harness.vrrpOf(after.backup)?.configuration).toContain(
      `unicast_peer {\n        ${after.master.vrrpIp}\n    }`,
    );
    expect(harness.vrrpOf(after.master)?.configuration).toContain(
      `unicast_peer {\n        ${after.backup.vrrpIp}\n    }`,
    );
  });

  it('stays as it is when new ones can not be built, or do not serve', async () => {
    const harness = setUp();
    await harness.created();
    const before = await harness.pair();
    harness.compute.bootsEndAs('error');
    expect(await harness.carryOut('failover-load-balancer-pair')).toBe('undone');
    harness.compute.bootsEndAs('active');
    const deaf = { ...harness.deps, agent: { ...harness.agent, listListeners: async () => [] } };
    expect(await harness.carryOut('failover-load-balancer-pair', {}, deaf)).toBe('undone');
    const after = await harness.pair();
    expect(after.all.map(({ id }) => id)).toEqual(before.all.map(({ id }) => id));
    expect(await harness.left()).toMatchObject({ servers: 2, vrrpPorts: 2, amphorae: 2 });
    expect(await harness.statusOf()).toBe('ACTIVE');
  });

  it('leaves nothing when its creation fails, wherever that is', async () => {
    for (let n = 1; ; n++) {
      const harness = setUp({ antiAffinityPolicy: 'anti-affinity' });
      const original = { ...harness.deps };
      const failing = failingAtCall(original, n, /^(create|attach|upload|act|plug)/);
      Object.assign(harness.deps, failing.deps);
      const outcome = await harness.created().then(
        () => 'done',
        () => 'undone',
      );
      Object.assign(harness.deps, original);
      if (failing.calls() < n) {
        expect(outcome).toBe('done');
        expect(n).toBeGreaterThan(20);
        return;
      }
      expect(await harness.left()).toEqual(nothing);
      expect(await harness.statusOf()).toBe('ERROR');
    }
  });
});

describe('a pair whose agent refuses for a moment', () => {
  it('is failed over all the same when that is the new one, about to begin', async () => {
    const harness = setUp();
    await harness.created();
    const { master } = await harness.pair();
    let isRefused = false;
    const { actOnVrrp } = harness.agent;
    harness.agent.actOnVrrp = async (address, action, signal) => {
      const isNew = !(await harness.amphorae.list({ loadBalancerId: 'lb' })).some(
        ({ id, status }) => id === address.id && status === 'ALLOCATED',
      );
      if (isNew && !isRefused) {
        isRefused = true;
        throw new KilnError('AGENT_REFUSED', 'hangs up: it restarts', { retryable: true });
      }
      return await actOnVrrp(address, action, signal);
    };
    expect(await harness.carryOut('failover-amphora-of-pair', { amphoraId: master.id })).toBe('done');
    expect(isRefused).toBe(true);
    expect(harness.vrrpOf((await harness.pair()).master)?.running).toBe(true);
  });
});
