import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Crashes, pointsAndJoinsOf, pointsOf, startCrashes } from '../kit/crashes.ts';

/** Pairs among which the points of one flow are dealt out. */
const AT_ONCE = 6;

/** A worker is killed (SIGKILL) in every step of what is done with pairs of amphorae; the next one ends what it left. */
describe('a worker that is killed', () => {
  let crashes: Crashes;
  let pairs: string[];
  const flavorId = '00000000-0000-4000-8000-00000000000c';
  const otherFlavorId = '00000000-0000-4000-8000-00000000000d';
  beforeAll(async () => {
    crashes = await startCrashes();
  });
  afterAll(async () => {
    await crashes?.close();
  });

  /** Two amphorae in their roles, each with its server and its port, and nothing of anybody who is gone. */
  async function expectWholePair(id: string): Promise<void> {
    const { dev, harness } = crashes;
    const amphorae = await crashes.amphoraeOf(id);
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
    expect((await harness.state.loadBalancers.get('loadbalancer', id))?.provisioningStatus).toBe('ACTIVE');
    await crashes.expectNothingOfTheDead(id);
  }

  it('while it makes a pair', async () => {
    const { flavors } = crashes.harness.state;
    const flavorData = JSON.stringify({ loadbalancer_topology: 'ACTIVE_STANDBY' });
    for (const id of [flavorId, otherFlavorId]) {
      await flavors.insert('flavorProfile', { id, name: id, providerName: 'amphora', flavorData });
      await flavors.insert('flavor', { id, name: id, description: '', enabled: true, flavorProfileId: id });
    }
    pairs = await Promise.all(Array.from({ length: AT_ONCE }, () => crashes.harness.create({ flavor_id: flavorId })));
    const ends = await crashes.killAndFinish(pairs, pointsAndJoinsOf('create-load-balancer-pair'));
    expect(ends).toEqual(pairs.map(() => 'done'));
    for (const pair of pairs) await expectWholePair(pair);
  }, 900_000);

  it.each([
    ['failover-load-balancer-pair', 0],
    ['failover-amphora-of-pair', 1],
  ] as const)(
    'in %s: those that are replaced are gone',
    async (name, stay) => {
      const before = new Map<string, Set<string>>();
      for (const [index, pair] of pairs.entries()) {
        before.set(pair, new Set((await crashes.amphoraeOf(pair)).map(({ id }) => id)));
        if (stay === 0) await crashes.harness.call('PUT', `/loadbalancers/${pair}/failover`);
        // Of these the points of one branch are dealt out by turns, that of MASTER first.
        else await crashes.failAmphoraOver(pair, index % 2 === 0 ? 'MASTER' : 'BACKUP');
      }
      // Of one amphora there is one branch: nothing to be joined.
      const points = stay === 0 ? pointsAndJoinsOf(name) : pointsOf(name, 'middle');
      const ends = await crashes.killAndFinish(pairs, points);
      expect(ends).toEqual(pairs.map(() => 'done'));
      for (const pair of pairs) {
        await expectWholePair(pair);
        const kept = (await crashes.amphoraeOf(pair)).filter(({ id }) => before.get(pair)?.has(id));
        expect(kept).toHaveLength(stay);
      }
    },
    900_000,
  );

  it('while pairs get another flavor: step by step the failover above, but for what is chosen and how it ends', async () => {
    const { harness } = crashes;
    for (const pair of pairs) {
      const asked = await harness.raw('PUT', `/v2/kiln/loadbalancers/${pair}/flavor`, { flavor_id: otherFlavorId });
      expect(asked).toBe(202);
    }
    const own = pointsOf('resize-load-balancer-pair', 'middle').filter(({ pause }) =>
      /^(resolve|.*take-over|mark-lb)/.test(pause?.step ?? ''),
    );
    expect(await crashes.killAndFinish(pairs, own)).toEqual(pairs.map(() => 'done'));
    for (const pair of pairs) {
      await expectWholePair(pair);
      expect((await harness.state.loadBalancers.get('loadbalancer', pair))?.flavorId).toBe(otherFlavorId);
    }
  }, 900_000);

  it('while half of each pair gets a released image: step by step the failover above, but for what is chosen', async () => {
    for (const pair of pairs) await crashes.releaseTo(pair);
    const own = pointsOf('release-amphora-of-pair', 'middle').filter(({ pause }) =>
      /^(resolve|.*take-over|mark-lb)/.test(pause?.step ?? ''),
    );
    expect(await crashes.killAndFinish(pairs, own)).toEqual(pairs.map(() => 'done'));
    for (const pair of pairs) await expectWholePair(pair);
  }, 900_000);

  it('and their deletion leaves nothing of either', async () => {
    await Promise.all(pairs.map((pair) => crashes.harness.call('DELETE', `/loadbalancers/${pair}?cascade=true`)));
    await crashes.finish(pairs);
    for (const pair of pairs) await crashes.expectNothingLeft(pair);
  }, 600_000);
});
