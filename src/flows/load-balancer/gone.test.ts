import { describe, expect, it } from 'vitest';
import {
  describeWhateverIsGone,
  expectDeletable,
  prepare,
  setUp,
  thieves,
} from '../../../test/kit/whatever-is-gone.ts';
import { loadBalancerFlows } from './index.ts';

/** Without these no amphora can be built, or the old one not be taken away: the failover is undone. */
const undoneWithout: readonly string[] = [
  ...['VIP port', 'network', 'subnet'],
  ...['silent agent', 'agent that refuses', 'image', 'image, flavor or key pair that Nova is to boot with'],
  ...['Nova that deletes nothing', 'Nova that is down', 'Neutron that deletes no port', 'Neutron that is down'],
];
/** Its owner has to give the load balancer another one. */
const goneForGood: readonly string[] = ['VIP port', 'network', 'subnet'];

describeWhateverIsGone(loadBalancerFlows.filter(({ name }) => !name.endsWith('pair')));

/** What has been taken away before the failover began. Where it can be made again, the failover does so; else it is undone. */
describe('failover of a load balancer that has lost something behind Kiln’s back', () => {
  const flow = loadBalancerFlows.find(({ name }) => name === 'failover-load-balancer') ?? expect.unreachable();

  it.each(thieves)('%s', async (thief) => {
    const harness = setUp();
    const input = await prepare(harness, flow.name);
    await harness.thieves[thief]?.strike();
    const end = await harness.carryOut(flow, input);
    expect(end).toBe(undoneWithout.includes(thief) ? 'undone' : 'done');
    const status = async () => (await harness.loadBalancers.get('loadbalancer', 'lb'))?.provisioningStatus;
    // Undone before the old amphora was touched: it goes on as before.
    expect(await status()).toMatch(end === 'done' ? /^ACTIVE$/ : /^(ACTIVE|ERROR)$/);
    harness.repair();
    if (!goneForGood.includes(thief)) {
      const lb = (await harness.loadBalancers.get('loadbalancer', 'lb')) ?? expect.unreachable();
      await harness.loadBalancers.apply({
        loadBalancerId: 'lb',
        mutableFrom: ['ACTIVE', 'ERROR'],
        rows: [{ kind: 'loadbalancer', put: { ...lb, provisioningStatus: 'PENDING_UPDATE' } }],
        operation: null,
      });
      expect(await harness.carryOut(flow, input), 'again, once it is repaired').toBe('done');
      expect(await status()).toBe('ACTIVE');
    }
    await expectDeletable(harness, thief);
  });
});
