import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { aServerSpec } from '../../../test/kit/builders.ts';
import { createVipAllocator } from '../../services/vip-allocator.ts';
import { createNoopAgent } from './agent.ts';
import { createNoopCompute } from './compute.ts';
import { createNoopNetwork } from './network.ts';

describe('network_noop_driver', () => {
  const ask = (fields: object) => ({
    loadBalancerId: randomUUID(),
    projectId: 'p1',
    name: '',
    address: null,
    portId: null,
    subnetId: null,
    networkId: null,
    qosPolicyId: null,
    securityGroupIds: [],
    allowedNetworkIds: [],
    deniedNetworkIds: [],
    additional: [],
    ...fields,
  });

  it.each([
    { subnetId: randomUUID() },
    { networkId: randomUUID() },
    { networkId: randomUUID(), subnetId: randomUUID() },
    { networkId: randomUUID(), address: '198.51.100.7' },
    { portId: randomUUID() },
    { subnetId: randomUUID(), qosPolicyId: randomUUID(), securityGroupIds: [randomUUID()] },
    { subnetId: randomUUID(), additional: [{ subnetId: randomUUID(), address: null, portId: null }] },
  ])('gives a VIP for %j', async (fields) => {
    const vips = createVipAllocator({ network: createNoopNetwork() });
    const { vip, additionalVips } = await vips.allocate(ask(fields));
    expect(vip.address).toMatch(/^198\.51\.100\.\d+$/);
    expect(vip).toMatchObject({ networkId: expect.stringMatching(/-/), subnetId: expect.stringMatching(/-/) });
    if ('subnetId' in fields) expect(vip.subnetId).toBe(fields.subnetId);
    if ('networkId' in fields) expect(vip.networkId).toBe(fields.networkId);
    if ('address' in fields) expect(vip.address).toBe(fields.address);
    if ('portId' in fields) expect(vip).toMatchObject({ portId: fields.portId, octaviaOwned: false });
    expect(additionalVips).toHaveLength(fields.additional?.length ?? 0);
  });

  it('keeps apart what is asked for at the same time', async () => {
    const vips = createVipAllocator({ network: createNoopNetwork() });
    const requests = Array.from({ length: 50 }, () => ask({ networkId: randomUUID(), subnetId: randomUUID() }));
    const made = await Promise.all(requests.map((request) => vips.allocate(request)));
    expect(made.map(({ vip }) => [vip.networkId, vip.subnetId])).toEqual(
      requests.map((request) => [request.networkId, request.subnetId]),
    );
  });

  it('remembers what was made until it is deleted', async () => {
    const network = createNoopNetwork();
    const vips = createVipAllocator({ network });
    const asked = ask({ subnetId: randomUUID() });
    const allocated = await vips.allocate(asked);
    const portId = allocated.vip.portId ?? '';
    const { name } = await network.updatePort(portId, { securityGroupIds: ['g'] });
    expect(await network.getPort(portId)).toMatchObject({ name, securityGroupIds: ['g'] });
    expect(await network.findPortsByName(name)).toHaveLength(1);
    await vips.release(asked.loadBalancerId);
    expect(await network.findPortsByName(name)).toEqual([]);
  });
});

describe('compute_noop_driver', () => {
  it('has servers at once, and no longer than until they are deleted', async () => {
    const compute = createNoopCompute();
    const spec = aServerSpec();
    const { id } = await compute.createServer(spec);
    expect(await compute.getServer(id)).toMatchObject({ id, name: spec.name, status: 'ACTIVE' });
    expect(await compute.findServersByName(spec.name)).toMatchObject([{ id }]);
    const [management] = await compute.listInterfaces(id);
    expect(management).toMatchObject({ networkId: spec.networkIds[0], fixedIps: [{ ipAddress: '192.0.2.1' }] });
    expect(await compute.listInterfaces(id)).toEqual([management]);

    const fromElsewhere = randomUUID();
    expect(await compute.getServer(fromElsewhere)).toMatchObject({ status: 'ACTIVE' });
    for (const gone of [id, fromElsewhere]) {
      await compute.deleteServer(gone);
      await compute.deleteServer(gone);
      await expect(compute.getServer(gone)).rejects.toMatchObject({ code: 'SERVICE_NOT_FOUND' });
    }
    expect(await compute.findServersByName(spec.name)).toEqual([]);
  });
});

describe('amphora_noop_driver', () => {
  it('is an agent of the newest API, and agrees to all', async () => {
    const agent = createNoopAgent();
    const amphora = { id: 'a', address: '192.0.2.1' };
    expect(await agent.getInfo(amphora)).toMatchObject({ apiVersion: '1.0', haproxyVersion: '2.6.12' });
    await agent.uploadHaproxyConfiguration(amphora, 'lb', 'nonsense');
    await agent.act(amphora, 'lb', 'reload');
    expect(await agent.getCertificateMd5(amphora, 'lb', 'a.pem')).toBeNull();
  });
});
