import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { describeVipAllocatorContract } from '../../test/kit/contract/vip-allocator.ts';
import { aNetwork, aSubnet, createFakeNetwork } from '../../test/kit/fakes/fake-network.ts';
import { aServiceError } from '../../test/kit/fault-injection.ts';
import type { VipRequest } from '../ports/vip-allocator.ts';
import { createReferenceChecker, networkSeenBy } from './reference-checker.ts';
import { createVipAllocator } from './vip-allocator.ts';

describeVipAllocatorContract('fake Neutron', async () => {
  const network = createFakeNetwork({ qosPolicyIds: ['gold'] });
  network.addNetwork(aNetwork({ id: 'empty', subnetIds: [] }));
  return {
    vips: createVipAllocator({ network }),
    network,
    networkId: 'lb-vip-net',
    subnetId: 'lb-vip-subnet',
    otherSubnetId: 'lb-mgmt-net-subnet',
    emptyNetworkId: 'empty',
    qosPolicyId: 'gold',
    securityGroupId: 'lb-mgmt-sec-grp',
    projectId: 'demo-project',
  };
});

const request = (fields: Partial<VipRequest> = {}): VipRequest => ({
  loadBalancerId: 'lb1',
  projectId: 'p1',
  name: '',
  address: null,
  portId: null,
  subnetId: 'dual-4',
  networkId: null,
  qosPolicyId: null,
  securityGroupIds: [],
  allowedNetworkIds: [],
  deniedNetworkIds: [],
  additional: [],
  ...fields,
});

/** A network with a subnet of each family, the sixth first. */
function dualStack() {
  const network = createFakeNetwork();
  network.addNetwork(aNetwork({ id: 'dual', subnetIds: ['dual-6', 'dual-4'] }), [
    aSubnet({ id: 'dual-6', networkId: 'dual', ipVersion: 6, cidr: 'fd00:1::/64' }),
    aSubnet({ id: 'dual-4', networkId: 'dual', cidr: '10.9.0.0/24' }),
  ]);
  return { network, vips: createVipAllocator({ network }) };
}

describe('a network with both families', () => {
  it('gives an IPv4 address unless the request says otherwise', async () => {
    const { vips } = dualStack();
    const byNetwork = (fields: Partial<VipRequest>) => request({ subnetId: null, networkId: 'dual', ...fields });
    expect((await vips.allocate(byNetwork({}))).vip).toMatchObject({ subnetId: 'dual-4', address: '10.9.0.2' });
    const six = byNetwork({ loadBalancerId: 'lb2', address: 'fd00:1:0:0::7' });
    expect((await vips.allocate(six)).vip).toMatchObject({ subnetId: 'dual-6' });
  });

  it('gives one port an address in each subnet that is asked for', async () => {
    const { network, vips } = dualStack();
    const additional = [{ subnetId: 'dual-6', address: 'fd00:1::9', portId: null }];
    const allocated = await vips.allocate(request({ additional }));
    expect(network.ports()).toHaveLength(1);
    expect(allocated.additionalVips).toEqual([
      { ...allocated.vip, subnetId: 'dual-6', address: 'fd00:1::9', portId: network.ports()[0]?.id },
    ]);
  });

  it('takes the addresses of a port that the user brings, and demands them', async () => {
    const { network, vips } = dualStack();
    const port = await network.createPort({
      name: 'mine',
      networkId: 'dual',
      projectId: 'p1',
      fixedIps: [
        { subnetId: 'dual-6', ipAddress: 'fd00:1::5' },
        { subnetId: 'dual-4', ipAddress: null },
      ],
      deviceId: '',
      deviceOwner: '',
      adminStateUp: true,
      securityGroupIds: null,
      allowedAddressPairs: [],
      qosPolicyId: null,
    });
    const brought = { portId: port.id, subnetId: null };
    await expect(vips.allocate(request(brought))).rejects.toThrow(/subnet could not be determined/);
    const bySubnet = await vips.allocate(request({ ...brought, subnetId: 'dual-4' }));
    expect(bySubnet.vip).toMatchObject({ subnetId: 'dual-4', address: '10.9.0.2', octaviaOwned: false });
    // However the address is written.
    const byAddress = await vips.allocate(request({ ...brought, address: 'FD00:1:0::5' }));
    expect(byAddress.vip).toMatchObject({ subnetId: 'dual-6', address: 'fd00:1::5' });
    const wrong = vips.allocate(request({ ...brought, address: 'fd00:1::6' }));
    await expect(wrong).rejects.toThrow(
      'Validation failure: Specified VIP address not found on the specified VIP port.',
    );
    const additional = [{ subnetId: 'dual-6', address: null, portId: null }];
    const both = await vips.allocate(request({ ...brought, subnetId: 'dual-4', additional }));
    expect(both.additionalVips).toMatchObject([{ subnetId: 'dual-6', address: 'fd00:1::5', portId: port.id }]);
    await vips.release(request(brought).loadBalancerId);
    expect(network.ports()).toHaveLength(1);
  });
});

describe('what is refused', () => {
  it('a network that the configuration does not allow, before anything is made', async () => {
    const network = createFakeNetwork();
    const vips = createVipAllocator({ network });
    const place = { subnetId: 'lb-vip-subnet' };
    await expect(vips.allocate(request({ ...place, allowedNetworkIds: ['OTHER'] }))).rejects.toMatchObject({
      code: 'REQUEST_INVALID',
      message: 'Validation failure: Supplied VIP network_id is not allowed by the configuration of this deployment.',
    });
    expect(network.ports()).toEqual([]);
    const allowed = await vips.allocate(request({ ...place, allowedNetworkIds: ['LB-VIP-NET'] }));
    expect(allowed.vip.networkId).toBe('lb-vip-net');
  });

  it('a QoS policy where Neutron has no QoS', async () => {
    const { network, vips } = dualStack();
    const noSuchPath = { service: 'network', status: 404, serviceMessage: 'The resource could not be found.' };
    network.failNext('getQosPolicy', aServiceError('SERVICE_NOT_FOUND', noSuchPath));
    await expect(vips.allocate(request({ qosPolicyId: 'gold' }))).rejects.toThrow(
      'Validation failure: VIP QoS policy is not allowed in this deployment.',
    );
  });

  it('a network without port security, and the port is given back', async () => {
    const { network } = dualStack();
    const unsecured = {
      ...network,
      createPort: async (port: Parameters<typeof network.createPort>[0]) => ({
        ...(await network.createPort(port)),
        portSecurityEnabled: false,
      }),
    };
    const vips = createVipAllocator({ network: unsecured });
    await expect(vips.allocate(request())).rejects.toThrow('Port security must be enabled on the VIP network.');
    expect(network.ports()).toEqual([]);
  });

  it('a subnet that is full', async () => {
    const network = createFakeNetwork();
    network.addNetwork(aNetwork({ id: 'full', subnetIds: ['tiny'] }), [
      aSubnet({ id: 'tiny', networkId: 'full', cidr: '10.9.9.0/31' }),
    ]);
    const vips = createVipAllocator({ network });
    await expect(vips.allocate(request({ subnetId: null, networkId: 'full' }))).rejects.toMatchObject({
      code: 'REQUEST_INVALID',
      message: 'Validation failure: Subnet(s) in the supplied network do not contain enough available IPs.',
    });
  });

  it('a network alone whose subnets have no two addresses left, as Octavia counts them', async () => {
    const network = createFakeNetwork();
    const subnet = (id: string, cidr: string) =>
      aSubnet({ id, networkId: 'several', cidr, ipVersion: cidr.includes(':') ? 6 : 4 });
    const subnetIds = ['six', 'tight', 'roomy', 'roomier'];
    network.addNetwork(aNetwork({ id: 'several', subnetIds }), [
      subnet('roomier', '10.9.3.0/24'),
      subnet('six', 'fd09::/64'),
      subnet('tight', '10.9.1.0/30'),
      subnet('roomy', '10.9.2.0/29'),
    ]);
    const vips = createVipAllocator({ network });
    const wanted = () => request({ subnetId: null, networkId: 'several', loadBalancerId: randomUUID() });
    const chosen = async () => (await vips.allocate(wanted())).vip.subnetId;
    // A /29 has five addresses: as long as two are left it is the first of IPv4 with room.
    expect([await chosen(), await chosen(), await chosen(), await chosen()]).toEqual([
      'roomy',
      'roomy',
      'roomy',
      'roomy',
    ]);
    expect(await chosen()).toBe('roomier');
    network.removeSubnet('roomier');
    expect(await chosen()).toBe('six');
    network.removeSubnet('six');
    await expect(chosen()).rejects.toThrow('do not contain enough available IPs.');
    // Where Neutron does not count, or does not tell, it says so itself when it is asked for the port.
    network.failNext('freeAddresses', aServiceError('SERVICE_FORBIDDEN', { status: 403 }));
    expect(await chosen()).toBe('tight');
  });

  it('nothing, when Neutron is what fails', async () => {
    const { network, vips } = dualStack();
    network.failNext('getSubnet', aServiceError('SERVICE_FAILED', { service: 'network', status: 503 }));
    await expect(vips.allocate(request())).rejects.toMatchObject({ code: 'SERVICE_FAILED', retryable: true });
  });
});

describe('whoever asks', () => {
  it('is shown what they may see, and the port is made by Kiln itself', async () => {
    const { network } = dualStack();
    // A tenant's view: nothing but the shared network.
    const tenant = createFakeNetwork();
    const tokens: string[] = [];
    const networkAs = (token: string) => {
      tokens.push(token);
      return tenant;
    };
    const vips = createVipAllocator({ network, networkAs });
    const hidden = vips.allocate(request({ userToken: 'token' }));
    await expect(hidden).rejects.toMatchObject({ code: 'REQUEST_INVALID', message: 'Subnet dual-4 not found.' });
    const references = createReferenceChecker(networkSeenBy({ network, networkAs }));
    await expect(references.check({ subnetIds: ['dual-4'] }, 'token')).rejects.toThrow('Subnet dual-4 not found.');
    await references.check({ subnetIds: ['lb-vip-subnet'] }, 'token');
    await vips.allocate(request({ userToken: 'token', subnetId: 'lb-vip-subnet', loadBalancerId: randomUUID() }));
    expect(network.ports()).toHaveLength(1);
    expect(tenant.ports()).toEqual([]);
    expect(new Set(tokens)).toEqual(new Set(['token']));
    // Without a token Kiln's own view counts.
    await references.check({ subnetIds: ['dual-4'] });
  });
});
