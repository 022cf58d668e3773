import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createJournal } from '../../src/adapters/storage/journal.ts';
import { openStoredApiHarness, type StoredApiHarness, subnetId } from '../kit/api.ts';

const reason = { code: 'IMAGE_NOT_FOUND', message: 'no active image carries the tag "amphora"', advice: 'Tag one.' };

let harness: StoredApiHarness;
beforeEach(async () => {
  harness = await openStoredApiHarness();
});
afterEach(() => harness.close());

/** What the flow of the only operation would leave behind. */
async function settle(loadBalancerId: string, why: typeof reason | null): Promise<void> {
  const journal = createJournal(harness.database, harness.deps.clock);
  const [id = ''] = harness.queued;
  const claimed = await journal.claim(id, 'w');
  await journal.finish(id, claimed?.operation.fence ?? 0, why ? { undone: why } : 'done', {
    settlement: {
      loadBalancerId,
      statuses: [{ kind: 'loadbalancer', ids: [loadBalancerId], provisioningStatus: why ? 'ERROR' : 'ACTIVE' }],
      deletes: [],
      reason: why,
    },
  });
}

describe('why a load balancer is in ERROR', () => {
  it.each([[reason], [null]])('is on show, behind the rest, and nowhere else: %j', async (why) => {
    const made = await harness.call('POST', '/lbaas/loadbalancers', { loadbalancer: { vip_subnet_id: subnetId } });
    const path = `/lbaas/loadbalancers/${made.body.loadbalancer.id}`;
    const before = await harness.call('GET', path);
    await settle(made.body.loadbalancer.id, why);

    const statements = harness.statements();
    const { body } = await harness.call('GET', path);
    expect(harness.statements() - statements).toBe(1);
    const octavias = Object.keys(before.body.loadbalancer);
    expect(Object.keys(body.loadbalancer)).toEqual(why ? [...octavias, 'provisioning_reason'] : octavias);
    expect(body.loadbalancer.provisioning_reason).toEqual(why ?? undefined);

    const only = await harness.call('GET', `${path}?fields=provisioning_reason`);
    expect(only.body.loadbalancer).toEqual(why ? { provisioning_reason: why } : {});
    const list = await harness.call('GET', '/lbaas/loadbalancers');
    expect(Object.keys(list.body.loadbalancers[0])).toEqual(octavias);
  });
});

describe('the operation of a change', () => {
  it('says what it is about, and how it was before an update', async () => {
    const listeners = [{ protocol: 'HTTP', protocol_port: 80, name: 'old' }];
    const made = await harness.call('POST', '/lbaas/loadbalancers', {
      loadbalancer: { vip_subnet_id: subnetId, name: 'lb', listeners },
    });
    await harness.settleAll();
    const { id, listeners: inside } = made.body.loadbalancer;
    await harness.call('PUT', `/lbaas/listeners/${inside[0].id}`, { listener: { name: 'new' } });
    await harness.settleAll();
    await harness.call('PUT', `/lbaas/loadbalancers/${id}`, { loadbalancer: { name: 'other' } });
    await harness.settleAll();
    await harness.call('DELETE', `/lbaas/listeners/${inside[0].id}`);

    const journal = createJournal(harness.database, harness.deps.clock);
    const inputs = await Promise.all(harness.queued.map(async (one) => (await journal.get(one))?.operation.input));
    expect(inputs).toMatchObject([
      { verb: 'create', kind: 'loadbalancer', resourceId: id },
      { verb: 'update', kind: 'listener', resourceId: inside[0].id, before: { id: inside[0].id, name: 'old' } },
      { verb: 'update', kind: 'loadbalancer', resourceId: id, before: { name: 'lb', provisioningStatus: 'ACTIVE' } },
      { verb: 'delete', kind: 'listener', resourceId: inside[0].id },
    ]);
    expect(inputs[1]?.before).not.toHaveProperty('l7Policies');
    expect(inputs[3]).not.toHaveProperty('before');
  });
});
