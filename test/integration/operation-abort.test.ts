import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type DevCloud, startDevCloud } from '../kit/dev-cloud.ts';
import { runKiln } from '../kit/kiln-process.ts';
import { type LoadBalancerHarness, openLoadBalancerHarness } from '../kit/load-balancers.ts';
import { madeUpFlow } from '../kit/made-up-flow.ts';

/** Real processes on one database: the command ends operations with and without a `kiln serve`. */
describe('kiln operation abort', () => {
  let dev: DevCloud;
  let harness: LoadBalancerHarness;
  const kiln = (...words: string[]) => runKiln(words, dev.environment);
  const statusOf = async (id: string) =>
    (await harness.state.loadBalancers.get('loadbalancer', id))?.provisioningStatus ?? null;

  beforeAll(async () => {
    dev = await startDevCloud();
    harness = await openLoadBalancerHarness(dev);
  });
  afterAll(async () => {
    await harness?.close();
    await dev?.close();
  });

  it('works on the database when no kiln serve runs; the load balancer can be deleted', async () => {
    const id = await harness.create();
    const { id: operationId } = await harness.operationOn(id);
    const { status, stdout, output } = await kiln('--json', 'operation', 'abort', operationId);
    expect(status, output).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ id: operationId, status: 'undone', leftovers: [], lastWorker: null });
    expect(await statusOf(id)).toBe('ERROR');
    expect((await harness.call('GET', `/loadbalancers/${id}`)).loadbalancer.provisioning_reason).toMatchObject({
      code: 'OPERATION_ABORTED',
    });
    expect((await kiln('operation', 'abort', operationId)).status).toBe(2);
    await harness.call('DELETE', `/loadbalancers/${id}`);
  });

  it('takes an operation from a kiln serve that is at it, and what it left goes with the load balancer', async () => {
    // Its agent never answers: the flow is where that is waited for, however long the command takes.
    await dev.push('silent', { tag: 'silent', silent: true });
    const stuck = {
      OS_CONTROLLER_WORKER__AMP_IMAGE_TAG: 'silent',
      OS_HAPROXY_AMPHORA__CONNECTION_MAX_RETRIES: '15',
    };
    const serve = await harness.serve(stuck);
    try {
      const id = await harness.create();
      await expect
        .poll(async () => (await harness.state.amphorae.list({ loadBalancerId: id }))[0]?.computeId ?? null, {
          timeout: 60_000,
          interval: 10,
        })
        .not.toBeNull();
      const { status, output } = await kiln('operation', 'abort', (await harness.operationOn(id)).id);
      expect(status, output).toBe(0);
      const [amphora] = await harness.state.amphorae.list({ loadBalancerId: id });
      expect(output).toContain('Left behind');
      expect(output).toContain(amphora?.computeId);
      await serve.line(/was aborted by hand/);
      await serve.line(/another worker has the operation now/);
      expect(await statusOf(id)).toBe('ERROR');

      await harness.call('DELETE', `/loadbalancers/${id}`);
      await expect.poll(() => statusOf(id), { timeout: 60_000 }).toBeNull();
      expect(await dev.openstack.compute.findServersByName(amphora?.serverName ?? '')).toEqual([]);
      expect(await dev.openstack.network.findPortsByName(`octavia-lb-vrrp-${amphora?.id}`)).toEqual([]);
    } finally {
      await serve.stop();
    }
  }, 180_000);

  it('ends an operation of another version, which list and show call unknown', async () => {
    const id = await harness.create();
    const { id: operationId } = await harness.operationOn(id);
    await harness.state.database
      .updateTable('kiln_operation')
      .set({ flow: madeUpFlow('of-the-future'), updated_at: '2026-01-01T00:00:00.000Z' })
      .where('id', '=', operationId)
      .execute();
    expect((await kiln('operation', 'show', operationId)).output).toContain('unknown to this version');
    const list = JSON.parse((await kiln('--json', 'operation', 'list', '--load-balancer', id)).stdout);
    expect(list).toMatchObject([{ id: operationId, unknown: 'flow of-the-future' }]);
    expect((await kiln('operation', 'abort', operationId)).status).toBe(0);
    expect(await statusOf(id)).toBe('ERROR');
  });
});
