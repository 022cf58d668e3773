import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { rotationFlow } from '../../src/core/amphora/certificate-rotation.ts';
import { configurationPushFlow } from '../../src/core/amphora/configuration-push.ts';
import { loadBalancerFlows } from '../../src/flows/load-balancer/index.ts';
import type { FlowName } from '../../src/model/flow-name.ts';
import { storedAmphora } from '../kit/contract/amphora-store.ts';
import { type Crashes, pointsOf, startCrashes, wayBackOf } from '../kit/crashes.ts';
import type { DevCloud } from '../kit/dev-cloud.ts';
import { loadBalancerChanges } from '../kit/load-balancer-changes.ts';
import type { LoadBalancerHarness } from '../kit/load-balancers.ts';

/** Load balancers among which the points of one flow are dealt out. */
const AT_ONCE = 8;
/** More that are made, to be lost. */
const SPARE = 4;
/** On the way back of a flow, each point takes longer and none leaves an amphora. */
const ON_THE_WAY_BACK = 3;
/** Of the development cloud: what [controller_worker] amp_flavor_id names. */
const computeFlavorId = '65';

/**
 * A worker is killed (SIGKILL) at three moments of every step of every flow; the next one goes on with what it left, and is
 * killed at the next moment. Several load balancers stand still at once, each at a point of its own.
 */
describe('a worker that is killed', () => {
  let crashes: Crashes;
  let dev: DevCloud;
  let harness: LoadBalancerHarness;
  /** Made once; every flow but creation and deletion is tried on them, one after the other. */
  let ready: string[];
  let spare: string[];

  beforeAll(async () => {
    crashes = await startCrashes();
    ({ dev, harness } = crashes);
  });
  afterAll(async () => {
    await crashes?.close();
  });

  const amphoraIdOf = async (id: string) => (await crashes.amphoraeOf(id))[0]?.id;

  it('while it makes a load balancer: every one becomes ACTIVE, with one amphora', async () => {
    const ids = await Promise.all(Array.from({ length: AT_ONCE + SPARE }, () => harness.create()));
    const points = pointsOf('create-load-balancer', 'start', 'middle', 'end');
    expect(await crashes.killAndFinish(ids, points)).toEqual(ids.map(() => 'done'));
    for (const id of ids) await crashes.expectWhole(id);
    ready = ids.slice(0, AT_ONCE);
    spare = ids.slice(AT_ONCE);
  }, 600_000);

  it('on the way back of a creation that failed: nothing is left but the load balancer in ERROR, with its reason', async () => {
    const ids = await Promise.all(Array.from({ length: ON_THE_WAY_BACK }, () => harness.create()));
    const points = wayBackOf('create-load-balancer', 'mark-amphora-allocated');
    expect(await crashes.killAndFinish(ids, points)).toEqual(ids.map(() => 'undone'));
    for (const id of ids) {
      await crashes.expectNothingLeft(id);
      expect(await harness.state.loadBalancers.get('loadbalancer', id)).toMatchObject({ provisioningStatus: 'ERROR' });
      expect(await harness.state.loadBalancers.reasonOf(id)).toMatchObject({ message: 'made to fail' });
      expect(await dev.openstack.network.findPortsByName(`octavia-lb-${id}`)).toHaveLength(1);
    }
  }, 600_000);

  it.each(['failover-load-balancer', 'failover-amphora', 'resize-load-balancer', 'release-amphora'] as const)(
    'in %s: the new amphora serves, and the old one is gone',
    async (name) => {
      const before = await Promise.all(ready.map(amphoraIdOf));
      const wanted = new Map<string, string>();
      for (const id of ready) {
        if (name === 'failover-load-balancer') await harness.call('PUT', `/loadbalancers/${id}/failover`);
        else if (name === 'failover-amphora') await crashes.failAmphoraOver(id);
        else if (name === 'release-amphora') await crashes.releaseTo(id);
        else wanted.set(id, await resize(id));
      }
      const ends = await crashes.killAndFinish(ready, pointsOf(name, 'middle', 'end'));
      expect(ends).toEqual(ready.map(() => 'done'));
      for (const [index, id] of ready.entries()) {
        await crashes.expectWhole(id);
        expect(await amphoraIdOf(id)).not.toBe(before[index]);
        if (name !== 'release-amphora') expect(await flavorOf(id)).toBe(wanted.get(id) ?? null);
      }
    },
    600_000,
  );

  const flavorOf = async (id: string) => (await harness.state.loadBalancers.get('loadbalancer', id))?.flavorId ?? null;
  const flavorIds = ['00000000-0000-4000-8000-00000000000a', '00000000-0000-4000-8000-00000000000b'];

  /** To the flavor that it has not. @returns which. */
  async function resize(loadBalancerId: string): Promise<string> {
    for (const id of flavorIds) {
      if (await harness.state.flavors.get('flavor', id)) continue;
      await harness.state.flavors.insert('flavorProfile', { id, name: id, providerName: 'amphora', flavorData: '{}' });
      const flavor = { id, name: id, description: '', enabled: true, flavorProfileId: id };
      await harness.state.flavors.insert('flavor', flavor);
    }
    const now = await flavorOf(loadBalancerId);
    const wanted = flavorIds.find((id) => id !== now) ?? '';
    expect(await harness.raw('PUT', `/v2/kiln/loadbalancers/${loadBalancerId}/flavor`, { flavor_id: wanted })).toBe(
      202,
    );
    return wanted;
  }

  it('on the way back of a failover that failed: the old amphora goes on, and the reason is reported', async () => {
    const ids = ready.slice(0, ON_THE_WAY_BACK);
    const before = await Promise.all(ids.map(amphoraIdOf));
    for (const id of ids) await harness.call('PUT', `/loadbalancers/${id}/failover`);
    const points = wayBackOf('failover-load-balancer', 'reload-listeners');
    expect(await crashes.killAndFinish(ids, points)).toEqual(ids.map(() => 'undone'));
    for (const [index, id] of ids.entries()) {
      await crashes.expectWhole(id);
      expect(await amphoraIdOf(id)).toBe(before[index]);
      expect(await harness.state.loadBalancers.reasonOf(id)).toMatchObject({ message: 'made to fail' });
    }
  }, 600_000);

  it('on the way back of a resize that failed: amphora and flavor stay what they were', async () => {
    const ids = ready.slice(0, ON_THE_WAY_BACK);
    const before = await Promise.all(ids.map(async (id) => [await amphoraIdOf(id), await flavorOf(id)]));
    for (const id of ids) await resize(id);
    const points = wayBackOf('resize-load-balancer', 'reload-listeners');
    expect(await crashes.killAndFinish(ids, points)).toEqual(ids.map(() => 'undone'));
    for (const [index, id] of ids.entries()) {
      await crashes.expectWhole(id);
      expect([await amphoraIdOf(id), await flavorOf(id)]).toEqual(before[index]);
      expect(await harness.state.loadBalancers.reasonOf(id)).toMatchObject({ message: 'made to fail' });
    }
  }, 600_000);

  /** What `kiln amphora boot` writes. */
  async function askForBoots(count: number): Promise<string[]> {
    const ids = Array.from({ length: count }, () => crypto.randomUUID());
    for (const id of ids) {
      const serverName = `amphora-${id}`;
      const input = { amphoraId: id, serverName, loadBalancerId: null, requestedImageId: null, flavorTag: null };
      await harness.state.amphorae.requestBoot(storedAmphora(id, { serverName }), {
        id: crypto.randomUUID(),
        flow: 'boot-amphora',
        subject: id,
        input: { ...input, computeFlavorId },
        priority: 5,
      });
    }
    return ids;
  }
  const serversOf = async (id: string) =>
    (await dev.openstack.compute.findServersByName(`amphora-${id}`)).map((server) => server.id);

  it('while it boots an amphora that serves nobody, and deletes it', async () => {
    const ids = await askForBoots(ON_THE_WAY_BACK);
    const points = pointsOf('boot-amphora', 'start', 'middle', 'end');
    expect(await crashes.killAndFinish(ids, points)).toEqual(ids.map(() => 'done'));
    for (const id of ids) {
      const amphora = await harness.state.amphorae.get(id);
      expect(amphora).toMatchObject({ status: 'READY', imageId: dev.imageId });
      expect(await serversOf(id)).toEqual([amphora?.computeId]);
      const deletion = { flow: 'delete-amphora' as const, subject: id, input: { amphoraId: id } };
      const operation = { id: crypto.randomUUID(), ...deletion, priority: 0 };
      await harness.state.amphorae.requestDeletion(id, operation, ['READY']);
    }
    const deleted = await crashes.killAndFinish(ids, pointsOf('delete-amphora', 'start', 'middle', 'end'));
    expect(deleted).toEqual(ids.map(() => 'done'));
    for (const id of ids) expect(await serversOf(id)).toEqual([]);
  }, 600_000);

  it('on the way back of a boot: the amphora is in ERROR, and says why', async () => {
    const ids = await askForBoots(ON_THE_WAY_BACK);
    const points = wayBackOf('boot-amphora', 'wait-for-agent');
    expect(await crashes.killAndFinish(ids, points)).toEqual(ids.map(() => 'undone'));
    for (const id of ids) {
      const amphora = await harness.state.amphorae.get(id);
      expect(amphora).toMatchObject({ status: 'ERROR', reason: { message: 'made to fail' } });
      expect(await serversOf(id)).toEqual([]);
    }
  }, 600_000);

  /** As the controller of a release does. */
  async function askForProbes(count: number): Promise<string[]> {
    const ids = Array.from({ length: count }, () => crypto.randomUUID());
    for (const id of ids) {
      const place = { flavorId: null, availabilityZone: null };
      const input = { amphoraId: id, loadBalancerId: null, imageId: dev.imageId, ...place };
      await harness.state.journal.enqueue({
        id: crypto.randomUUID(),
        flow: 'probe-image',
        subject: id,
        input,
        priority: 0,
      });
    }
    return ids;
  }

  it.each([
    { what: 'while it probes an image', points: pointsOf('probe-image', 'start', 'middle', 'end'), end: 'done' },
    { what: 'on the way back of a probe', points: wayBackOf('probe-image', 'try-haproxy'), end: 'undone' },
  ])(
    '$what: nothing is left of it',
    async ({ points, end }) => {
      const ids = await askForProbes(ON_THE_WAY_BACK);
      expect(await crashes.killAndFinish(ids, points)).toEqual(ids.map(() => end));
      for (const id of ids) {
        expect(await serversOf(id)).toEqual([]);
        expect(await harness.state.amphorae.get(id)).toMatchObject({ status: 'DELETED', imageId: dev.imageId });
      }
    },
    600_000,
  );

  it('while it tells an amphora of its configuration', async () => {
    const points = pointsOf('configure-amphora', 'start', 'middle', 'end');
    const ids = ready.slice(0, points.length);
    for (const id of ids) {
      expect(await harness.raw('PUT', `/v2/octavia/amphorae/${await amphoraIdOf(id)}/config`)).toBe(202);
    }
    expect(await crashes.killAndFinish(ids, points)).toEqual(points.map(() => 'done'));
  }, 300_000);

  /** As the jobs that see to amphorae do. @returns the amphorae. */
  async function enqueueOnAmphorae(flow: FlowName, count: number) {
    const amphorae = await Promise.all(
      ready.slice(0, count).map(async (id) => (await crashes.amphoraeOf(id))[0] ?? expect.unreachable()),
    );
    for (const { id } of amphorae) {
      const operation = { id: crypto.randomUUID(), flow, subject: id, input: { amphoraId: id } };
      await harness.state.journal.enqueue({ ...operation, priority: 0 });
    }
    return amphorae;
  }

  it("while it renews the certificates of amphorae's agents", async () => {
    const points = pointsOf(rotationFlow, 'start', 'middle', 'end');
    const before = await enqueueOnAmphorae(rotationFlow, points.length);
    const ids = before.map(({ id }) => id);
    expect(await crashes.killAndFinish(ids, points)).toEqual(points.map(() => 'done'));
    for (const { id, certExpiration } of before) {
      const after = await harness.state.amphorae.get(id);
      expect(Date.parse(after?.certExpiration ?? '')).toBeGreaterThan(Date.parse(certExpiration ?? ''));
    }
  }, 300_000);

  it("while it sends amphorae's agents their configuration", async () => {
    const points = pointsOf(configurationPushFlow, 'start', 'middle', 'end');
    const ids = (await enqueueOnAmphorae(configurationPushFlow, points.length)).map(({ id }) => id);
    expect(await crashes.killAndFinish(ids, points)).toEqual(points.map(() => 'done'));
  }, 300_000);

  it('while it deletes an amphora in ERROR', async () => {
    const points = pointsOf('delete-amphora', 'start', 'middle', 'end');
    const ids = spare.slice(0, points.length);
    for (const id of ids) {
      const amphoraId = await amphoraIdOf(id);
      await harness.state.amphorae.update(amphoraId ?? '', { status: 'ERROR' });
      expect(await harness.raw('DELETE', `/v2/octavia/amphorae/${amphoraId}`)).toBe(204);
    }
    expect(await crashes.killAndFinish(ids, points)).toEqual(points.map(() => 'done'));
    for (const id of ids) {
      expect(await crashes.amphoraeOf(id)).toEqual([]);
      await crashes.expectNothingOfTheDead(id);
    }
  }, 300_000);

  it('while it deletes a load balancer: nothing is left in Nova, Neutron and the store', async () => {
    const ids = [...ready, ...spare];
    await Promise.all(ids.map((id) => harness.call('DELETE', `/loadbalancers/${id}?cascade=true`)));
    const points = pointsOf('delete-load-balancer', 'start', 'middle', 'end');
    expect(await crashes.killAndFinish(ids, points)).toEqual(ids.map(() => 'done'));
    for (const id of ids) {
      await crashes.expectNothingLeft(id);
      expect(await dev.openstack.network.findPortsByName(`octavia-lb-${id}`)).toEqual([]);
      expect(await harness.state.loadBalancers.tree(id)).toBeNull();
    }
  }, 600_000);

  it('every flow that there is, here and in the files beside this one', () => {
    const tried = [
      ...loadBalancerChanges(
        () => harness,
        () => 0,
      ).map(({ flow }) => flow),
      'boot-amphora',
      ...['create-load-balancer', 'delete-load-balancer', 'failover-load-balancer', 'failover-amphora'],
      ...['resize-load-balancer', 'configure-amphora', 'delete-amphora', rotationFlow, configurationPushFlow],
      ...['create-load-balancer-pair', 'failover-load-balancer-pair', 'failover-amphora-of-pair'],
      ...['resize-load-balancer-pair', 'release-amphora', 'release-amphora-of-pair', 'probe-image'],
    ];
    expect(new Set(tried)).toEqual(new Set(loadBalancerFlows.map(({ name }) => name)));
  });
});
