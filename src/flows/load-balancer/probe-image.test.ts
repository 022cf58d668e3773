import { describe, expect, it } from 'vitest';
import { createFakeLoadBalancerDeps } from '../../../test/kit/fakes/fake-load-balancer-deps.ts';
import { KilnError } from '../../model/errors.ts';
import type { JsonObject } from '../../model/operation.ts';
import type { AgentDetails } from '../../ports/amphora-agent.ts';
import { runFlow } from '../engine/run-flow.ts';
import type { LoadBalancerDeps } from './deps.ts';
import { probeImage } from './probe-image.ts';

const limits = { attempts: 2, firstPauseMs: 10, longestPauseMs: 100 };
const never = new AbortController().signal;

/** @param hears of whom heartbeats come: of the probe, of others. */
function setUp(hears: { probe: (heartbeat: number) => boolean; others: boolean }) {
  const fakes = createFakeLoadBalancerDeps();
  const { journal, clock, log, agent, amphorae, compute, images } = fakes;
  let looks = 0;
  let heard: string | null = null;
  const deps: LoadBalancerDeps = {
    ...fakes.deps,
    health: {
      ...fakes.deps.health,
      async lastHeard(amphoraId) {
        // Of one that is not READY they are not believed.
        const isBelieved = (await amphorae.get(amphoraId))?.status === 'READY';
        if (isBelieved && hears.probe(++looks)) heard = clock.now().toISOString();
        return heard;
      },
      hearsAnyoneSince: async () => hears.others,
    },
  };
  const engine = { journal, clock, log, doing: limits, undoing: limits, giveUpAfterMs: 60_000 };
  async function probe(more: JsonObject = {}): Promise<{ end: string; code: string | null; advice: string }> {
    const input = {
      amphoraId: 'probe',
      loadBalancerId: null,
      imageId: 'image-1',
      flavorId: null,
      availabilityZone: null,
      ...more,
    };
    await journal.enqueue({ id: 'op', flow: probeImage.name, subject: 'probe', input, priority: 0 });
    const claimed = (await journal.claim('op', 'w')) ?? expect.unreachable();
    const end = await runFlow(probeImage, deps, claimed, engine, never);
    const reason = (await journal.get('op'))?.operation.reason;
    return { end, code: reason?.code ?? null, advice: reason?.advice ?? '' };
  }
  async function expectNothingLeft() {
    expect(compute.servers()).toEqual([]);
    expect((await amphorae.list({ includeDeleted: true })).map(({ status }) => status)).toEqual(['DELETED']);
  }
  return { probe, expectNothingLeft, agent, amphorae, images, fakes, deps };
}
const all = { probe: () => true, others: true };

describe('a probe of an image', () => {
  it('boots it, hears it, has its HAProxy pass a request on, and leaves nothing', async () => {
    const { probe, expectNothingLeft, agent } = setUp(all);
    expect(await probe()).toMatchObject({ end: 'done' });
    await expectNothingLeft();
    const [object] = agent.amphora('probe').objects.values();
    expect(object).toMatchObject({ running: true });
    // What takes requests passes them on to what answers 403, and that is what is checked.
    expect(object?.configuration).toMatch(/bind 127\.\d+\.\d+\.\d+:8080/);
    expect(object?.configuration).toMatch(/http-check expect rstatus (\^)?403|http-check expect .*403/);
  });

  it.each([
    { what: 'no heartbeat of it comes', hears: { probe: () => false, others: true }, code: 'AGENT_UNREACHABLE' },
    { what: 'nobody at all is heard', hears: { probe: () => false, others: false }, code: 'SERVICE_UNREACHABLE' },
    {
      what: 'all that it tells of is well but once',
      hears: { probe: (heartbeat: number) => heartbeat === 1, others: true },
      code: 'AGENT_UNREACHABLE',
    },
  ])('fails where $what, and leaves nothing', async ({ hears, code }) => {
    const { probe, expectNothingLeft } = setUp(hears);
    expect(await probe()).toMatchObject({ end: 'undone', code });
    await expectNothingLeft();
  });

  describe('that is tried once more on another host', () => {
    const more = { keepsServer: true, serverGroupName: 'octavia-probe-1' };

    it('and fails by its host leaves its server in the group, on record in ERROR', async () => {
      const { probe, fakes } = setUp({ probe: () => false, others: true });
      expect(await probe(more)).toMatchObject({ end: 'undone', code: 'AGENT_UNREACHABLE' });
      const [group] = fakes.compute.serverGroups();
      expect(group).toMatchObject({ name: 'octavia-probe-1' });
      expect(fakes.compute.servers().map(({ spec }) => spec.serverGroupId)).toEqual([group?.id]);
      expect(await fakes.amphorae.get('probe')).toMatchObject({ status: 'ERROR' });
    });

    it('and fails by the image leaves nothing but the group', async () => {
      const { probe, expectNothingLeft, agent, fakes } = setUp(all);
      agent.failNext('uploadHaproxyConfiguration', new KilnError('AGENT_REFUSED', 'no', { retryable: false }), 2);
      expect(await probe(more)).toMatchObject({ end: 'undone', code: 'AGENT_REFUSED' });
      await expectNothingLeft();
      expect(fakes.compute.serverGroups()).toHaveLength(1);
    });

    it('is booted beside the group where no other host has room', async () => {
      const { probe, fakes } = setUp(all);
      const { id } = await fakes.compute.createServerGroup({ name: more.serverGroupName, policy: 'anti-affinity' });
      const boots: (string | null)[] = [];
      const { createServer } = fakes.compute;
      fakes.compute.createServer = async (spec) => {
        boots.push(spec.serverGroupId);
        if (boots.length === 1) {
          // As many as there are hosts.
          for (const name of ['one', 'two']) await createServer({ ...spec, name });
        }
        return await createServer(spec);
      };
      expect(await probe(more)).toMatchObject({ end: 'done' });
      expect(boots).toEqual([id, null]);
    });

    it('and passes leaves nothing', async () => {
      const { probe, expectNothingLeft, fakes } = setUp(all);
      expect(await probe(more)).toMatchObject({ end: 'done' });
      await expectNothingLeft();
      expect(fakes.compute.serverGroups()).toEqual([]);
    });
  });

  it('fails where its agent speaks an API that Kiln does not', async () => {
    const { probe, expectNothingLeft, fakes } = setUp(all);
    const { getInfo } = fakes.agent;
    fakes.agent.getInfo = async (...asked) => ({ ...(await getInfo(...asked)), apiVersion: '2.0' });
    expect(await probe()).toMatchObject({ end: 'undone', code: 'AGENT_REFUSED' });
    await expectNothingLeft();
  });

  it('fails where HAProxy refuses the configuration, or does not run', async () => {
    const refusing = setUp(all);
    const refusal = new KilnError('AGENT_REFUSED', 'unknown keyword', { retryable: false });
    refusing.agent.failNext('uploadHaproxyConfiguration', refusal, 2);
    expect(await refusing.probe()).toMatchObject({ end: 'undone', code: 'AGENT_REFUSED' });
    await refusing.expectNothingLeft();

    const dead = setUp(all);
    const { getDetails } = dead.fakes.agent;
    dead.fakes.agent.getDetails = async (...asked): Promise<AgentDetails> => ({
      ...(await getDetails(...asked)),
      runningHaproxyCount: 0,
    });
    expect(await dead.probe()).toMatchObject({ end: 'undone', code: 'AGENT_REFUSED' });
    await dead.expectNothingLeft();
  });

  describe.each([
    { where: 'the flavor', flavor: 'ACTIVE_STANDBY', option: 'SINGLE' },
    { where: 'the options', flavor: undefined, option: 'ACTIVE_STANDBY' },
  ] as const)('where $where makes pairs', ({ flavor, option }) => {
    const setUpPairs = () => {
      const made = setUp(all);
      const { settings } = made.deps;
      made.deps.settings = () => ({ ...settings(), topology: option });
      made.deps.flavors = {
        ...made.deps.flavors,
        flavorCapabilities: async () => (flavor === undefined ? {} : { loadbalancer_topology: flavor }),
      };
      return made;
    };

    it("keepalived runs, without an interface of a VIP's", async () => {
      const { probe, expectNothingLeft, agent } = setUpPairs();
      expect(await probe()).toMatchObject({ end: 'done' });
      await expectNothingLeft();
      const { vrrp } = agent.amphora('probe');
      expect(vrrp).toMatchObject({ running: true });
      expect(vrrp?.configuration).toMatch(/dynamic_interfaces.*unicast_src_ip 127\..*track_script/s);
    });

    it('fails where keepalived ends after its start', async () => {
      const { probe, expectNothingLeft, agent } = setUpPairs();
      const { actOnVrrp } = agent;
      agent.actOnVrrp = async (amphora, action) => {
        await actOnVrrp(amphora, action);
        if (action === 'start') Object.assign(agent.amphora(amphora.id).vrrp ?? {}, { running: false });
      };
      expect(await probe()).toMatchObject({ end: 'undone', code: 'AGENT_REFUSED' });
      await expectNothingLeft();
    });
  });

  it('leaves keepalived alone where no pairs are made', async () => {
    const { probe, agent } = setUp(all);
    expect(await probe()).toMatchObject({ end: 'done' });
    expect(agent.amphora('probe').vrrp).toBe(null);
  });

  it('fails at once where the image is no longer to be had', async () => {
    const { probe, images, amphorae } = setUp(all);
    images.remove('image-1');
    expect(await probe()).toMatchObject({ end: 'undone', code: 'IMAGE_NOT_FOUND' });
    expect(await amphorae.list({ includeDeleted: true })).toEqual([]);
  });
});
