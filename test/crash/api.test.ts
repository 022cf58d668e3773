import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createSystemClock } from '../../src/adapters/clock/system-clock.ts';
import { releaseAbandonedVipsJob } from '../../src/housekeeping/release-abandoned-vips.ts';
import { createVipAllocator } from '../../src/services/vip-allocator.ts';
import type { ApiMoment } from '../kit/crash-api.ts';
import { type DevCloud, startDevCloud } from '../kit/dev-cloud.ts';
import { createFakeLog } from '../kit/fakes/fake-log.ts';
import { jobRun } from '../kit/job-run.ts';
import { type LoadBalancerHarness, openLoadBalancerHarness } from '../kit/load-balancers.ts';

const program = join(import.meta.dirname, '..', 'kit', 'crash-api.ts');

/** An API process is killed while it makes a load balancer: the VIP's port is the load balancer's, or goes. */
describe('an API that is killed', () => {
  let dev: DevCloud;
  let harness: LoadBalancerHarness;
  beforeAll(async () => {
    dev = await startDevCloud();
    harness = await openLoadBalancerHarness(dev);
  });
  afterAll(async () => {
    await harness?.close();
    await dev?.close();
  });

  /** @returns the ID of the load balancer that it was making. */
  async function createAndDie(moment: ApiMoment): Promise<string> {
    const { projectId } = dev.cloud.accounts.kiln;
    const child = spawn(process.execPath, [program, moment, harness.vipSubnetId, projectId], {
      env: { ...process.env, ...dev.environment, OS_API_SETTINGS__AUTH_STRATEGY: 'noauth' },
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: 60_000,
    });
    const [said, errors, [, signal]] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      once(child, 'close'),
    ]);
    expect(signal, errors).toBe('SIGKILL');
    return said;
  }
  const sweep = (afterMs?: number) => {
    const deps = {
      reservations: harness.state.vipReservations,
      vips: createVipAllocator({ network: dev.openstack.network }),
      clock: createSystemClock(),
      log: createFakeLog(),
    };
    return releaseAbandonedVipsJob(deps, afterMs).run(jobRun);
  };
  const vipPorts = async (loadBalancerId: string) =>
    (await dev.openstack.network.listPortsOfDevice(`lb-${loadBalancerId}`)).map(({ id }) => id);
  const made = async () => (await harness.call('GET', '/loadbalancers?name=half')).loadbalancers;

  it('before it asked for a port leaves nothing', async () => {
    const id = await createAndDie('reserved');
    await sweep(0);
    expect([await made(), await vipPorts(id)]).toEqual([[], []]);
    expect(await harness.state.vipReservations.giveUpOlderThan(new Date().toISOString(), 10)).toEqual([]);
  });

  it('with the port made and nothing written: the port goes, and not before its time', async () => {
    const id = await createAndDie('allocated');
    expect(await made()).toEqual([]);
    expect(await vipPorts(id)).toHaveLength(1);
    await sweep();
    expect(await vipPorts(id)).toHaveLength(1);
    await sweep(0);
    expect(await vipPorts(id)).toEqual([]);
    expect(await harness.state.vipReservations.giveUpOlderThan(new Date().toISOString(), 10)).toEqual([]);
  });

  it('with everything written: the load balancer is there, is carried out, and keeps its port', async () => {
    const id = await createAndDie('written');
    await sweep(0);
    const [loadBalancer] = await made();
    expect(loadBalancer).toMatchObject({ id, provisioning_status: 'PENDING_CREATE' });
    expect(await vipPorts(id)).toEqual([loadBalancer.vip_port_id]);
    expect(await harness.operationOn(id)).toMatchObject({ flow: 'create-load-balancer', status: 'queued' });
  });
});
