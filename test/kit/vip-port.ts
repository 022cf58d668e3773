import type { NetworkService } from '../../src/ports/network.ts';

/** The VIP of load balancer `lb`, with the port that the API makes for it. */
export async function createVipPort(network: Pick<NetworkService, 'createPort'>, qosPolicyId: string | null = null) {
  const place = { networkId: 'lb-vip-net', subnetId: 'lb-vip-subnet' };
  const address = '10.100.0.9';
  const port = await network.createPort({
    name: 'octavia-lb-lb',
    networkId: place.networkId,
    projectId: null,
    fixedIps: [{ subnetId: place.subnetId, ipAddress: address }],
    deviceId: 'lb-lb',
    deviceOwner: 'Octavia',
    adminStateUp: false,
    securityGroupIds: null,
    allowedAddressPairs: [],
    qosPolicyId,
  });
  return { ...place, address, portId: port.id, octaviaOwned: true };
}
