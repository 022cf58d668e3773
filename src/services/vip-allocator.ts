import { BlockList, isIPv6 } from 'node:net';
import { KilnError, ServiceError } from '../model/errors.ts';
import type { Vip } from '../model/load-balancer.ts';
import type { NetworkService, NewPort, Port, Subnet } from '../ports/network.ts';
import type { AllocatedVips, VipAllocator, VipRequest } from '../ports/vip-allocator.ts';
import { networkSeenBy } from './reference-checker.ts';
import { createReferenceLookup, isMissing, notFound, validationFailure } from './reference-lookup.ts';

/** By which Octavia's own tools know the ports that it made. */
const owner = 'Octavia';
const deviceOf = (loadBalancerId: string) => `lb-${loadBalancerId}`;

/** What a request comes to, once everything that it refers to has been looked at. */
interface Place {
  networkId: string;
  subnetId: string;
  /** Null: Neutron chooses. */
  address: string | null;
  /** One that the user brought. */
  port: Port | null;
  qosPolicyId: string | null;
}

/**
 * VIPs from Neutron, as Octavia takes them (octavia/api/v2/controllers/load_balancer.py, _validate_vip_request_object;
 * octavia/network/drivers/neutron/allowed_address_pairs.py, allocate_vip): one port, with an address in each subnet.
 * Refusals are in Octavia's words.
 */
export function createVipAllocator(options: {
  network: NetworkService;
  /** Neutron as a user sees it. Absent where all see the same. */
  networkAs?: (userToken: string) => NetworkService;
}): VipAllocator {
  const { network } = options;
  const seenBy = networkSeenBy(options);

  return {
    async allocate(request) {
      const place = await createPlaceFinder(seenBy(request.userToken), network)(request);
      checkNetwork(place.networkId, request);
      const port = place.port ?? (await makePort(request, place));
      return allocated(request, place, port);
    },

    async release(loadBalancerId) {
      const ports = await network.listPortsOfDevice(deviceOf(loadBalancerId));
      for (const port of ports) if (port.deviceOwner === owner) await network.deletePort(port.id);
    },
  };

  async function makePort(request: VipRequest, place: Place): Promise<Port> {
    const asked: NewPort = {
      name: `octavia-lb-${request.loadBalancerId}`,
      networkId: place.networkId,
      projectId: request.projectId,
      fixedIps: [
        { subnetId: place.subnetId, ipAddress: place.address },
        ...request.additional.map(({ subnetId, address }) => ({ subnetId, ipAddress: address })),
      ],
      deviceId: deviceOf(request.loadBalancerId),
      deviceOwner: owner,
      // Nothing is ever plugged into it: it holds the address, which the ports of amphorae are allowed to use.
      adminStateUp: false,
      securityGroupIds: null,
      allowedAddressPairs: [],
      // Octavia gives the policy to the ports that traffic goes through.
      qosPolicyId: null,
    };
    let port: Port;
    try {
      port = await network.createPort(asked);
    } catch (error) {
      throw inNeutronsWords(error);
    }
    if (port.portSecurityEnabled) return port;
    await network.deletePort(port.id);
    throw new KilnError('REQUEST_INVALID', 'Port security must be enabled on the VIP network.');
  }
}

function checkNetwork(networkId: string, { allowedNetworkIds: allowed, deniedNetworkIds: denied }: VipRequest): void {
  const isIn = (ids: readonly string[]) => ids.some((id) => id.toLowerCase() === networkId.toLowerCase());
  if ((allowed.length === 0 || isIn(allowed)) && !isIn(denied)) return;
  throw validationFailure('Supplied VIP network_id is not allowed by the configuration of this deployment.');
}

/** The VIP, and the port of the amphora that answers there. */
const addressesNeeded = 2;

/**
 * What a request comes to, as `network` shows what it refers to.
 * @param own Neutron with Kiln's own rights.
 */
function createPlaceFinder(network: NetworkService, own: NetworkService): (request: VipRequest) => Promise<Place> {
  const lookup = createReferenceLookup(network);

  /** In Octavia's order: a client that made several mistakes hears of the same one first. */
  async function placeOf(request: VipRequest): Promise<Place> {
    const place = await primaryPlace(request);
    if (request.qosPolicyId !== null) await lookup.qosPolicy(request.qosPolicyId);
    await checkAdditional(request, place);
    for (const id of request.securityGroupIds) await lookup.securityGroup(id);
    return place;
  }

  async function primaryPlace(request: VipRequest): Promise<Place> {
    if (request.portId !== null) return await placeOfPort(request, request.portId);
    const { address, qosPolicyId } = request;
    const subnet =
      request.networkId !== null
        ? await subnetInNetwork(request, request.networkId)
        : await lookup.subnet(request.subnetId ?? '');
    const networkId = request.networkId ?? subnet.networkId;
    return { networkId, subnetId: subnet.id, address, port: null, qosPolicyId };
  }

  async function placeOfPort(request: VipRequest, portId: string): Promise<Place> {
    const port = await lookup.port(portId);
    if (port.deviceId !== '') {
      throw validationFailure(`Port ${portId} is already used by device ${port.deviceId} `);
    }
    const qosPolicyId = request.qosPolicyId ?? port.qosPolicyId;
    const at = (fixedIp: Port['fixedIps'][number]): Place => ({
      networkId: port.networkId,
      subnetId: fixedIp.subnetId,
      address: fixedIp.ipAddress,
      port,
      qosPolicyId,
    });
    if (request.subnetId !== null) {
      const subnet = await lookup.subnet(request.subnetId);
      const fixedIp = port.fixedIps.find(({ subnetId }) => subnetId === subnet.id);
      if (fixedIp) return at(fixedIp);
      throw validationFailure('No VIP address found on the specified VIP port within the specified subnet.');
    }
    if (request.address !== null) {
      const wanted = compressed(request.address);
      const fixedIp = port.fixedIps.find(({ ipAddress }) => compressed(ipAddress) === wanted);
      if (fixedIp) return at(fixedIp);
      throw validationFailure('Specified VIP address not found on the specified VIP port.');
    }
    const [fixedIp, ...others] = port.fixedIps;
    if (fixedIp && others.length === 0) return at(fixedIp);
    throw validationFailure(
      "VIP port's subnet could not be determined. Please specify either a VIP subnet or address.",
    );
  }

  async function subnetInNetwork(request: VipRequest, networkId: string): Promise<Subnet> {
    const found = await lookup.network(networkId);
    if (request.subnetId !== null) {
      if (!found.subnetIds.includes(request.subnetId)) throw notFound('Subnet', request.subnetId);
      return await lookup.subnet(request.subnetId);
    }
    const subnets = found.subnetIds.length > 0 ? await network.listSubnetsOfNetwork(networkId) : [];
    const { address } = request;
    if (address !== null) {
      const home = subnets.find(({ cidr }) => contains(cidr, address));
      if (home) return home;
      throw validationFailure('Supplied network does not contain a subnet for VIP address specified.');
    }
    if (subnets.length === 0) throw validationFailure('Supplied network does not contain a subnet.');
    const roomy = await withRoom(networkId, subnets, found.subnetIds);
    const chosen = roomy.find(({ ipVersion }) => ipVersion === 4) ?? roomy[0];
    if (chosen) return chosen;
    throw notEnoughAddresses();
  }

  /** Those with enough free addresses, in the network's order; all where Neutron does not count. */
  async function withRoom(networkId: string, subnets: Subnet[], order: readonly string[]): Promise<Subnet[]> {
    const free = await own.freeAddresses(networkId).catch((error: unknown) => {
      if (isMissing(error)) return null;
      throw error;
    });
    return subnets
      .filter(({ id }) => free === null || (free.get(id) ?? 0) >= addressesNeeded)
      .sort((a, b) => order.indexOf(a.id) - order.indexOf(b.id));
  }

  /** The subnets of all VIPs are of one network, and none is named twice; a port that was brought is in all of them. */
  async function checkAdditional({ additional }: VipRequest, place: Place): Promise<void> {
    const subnetIds = [place.subnetId, ...additional.map(({ subnetId }) => subnetId)];
    if (new Set(subnetIds).size < subnetIds.length) {
      throw validationFailure('Duplicate VIP subnet(s) specified. Only one IP can be bound per subnet.');
    }
    // One port holds all addresses: another one that is named here has no effect, but has to be there.
    for (const { portId } of additional) if (portId !== null) await lookup.port(portId);
    const missing = (subnetId: string) => validationFailure(`Subnet ${subnetId} not found`);
    const subnets = await Promise.all(
      additional.map(({ subnetId }) =>
        network.getSubnet(subnetId).catch((error: unknown) => {
          throw isMissing(error) ? missing(subnetId) : error;
        }),
      ),
    );
    if (subnets.some(({ networkId }) => networkId !== place.networkId)) {
      throw validationFailure('All VIP subnets must belong to the same network.');
    }
    const { port } = place;
    if (port && subnets.some(({ id }) => !port.fixedIps.some(({ subnetId }) => subnetId === id))) {
      throw validationFailure('No VIP address found on the specified VIP port within the specified subnet.');
    }
  }

  return placeOf;
}

function allocated(request: VipRequest, place: Place, port: Port): AllocatedVips {
  const vipIn = (subnetId: string): Vip => ({
    address: port.fixedIps.find((fixedIp) => fixedIp.subnetId === subnetId)?.ipAddress ?? '',
    networkId: port.networkId,
    subnetId,
    portId: port.id,
    octaviaOwned: place.port === null,
  });
  return {
    vip: vipIn(place.subnetId),
    additionalVips: request.additional.map(({ subnetId }) => vipIn(subnetId)),
    qosPolicyId: place.qosPolicyId,
  };
}

const notEnoughAddresses = (cause?: unknown) =>
  validationFailure('Subnet(s) in the supplied network do not contain enough available IPs.', cause);

/** Neutron's refusal of a port is the caller's to hear, under Neutron's status: an address in use, or outside. */
function inNeutronsWords(error: unknown): unknown {
  if (!(error instanceof ServiceError)) return error;
  const { serviceMessage, status } = error.call;
  if (/no more ip addresses/i.test(serviceMessage ?? '')) {
    return notEnoughAddresses(error);
  }
  if (status === 409) return new KilnError('RESOURCE_CONFLICT', serviceMessage ?? error.message, { cause: error });
  if (status === 400) return new KilnError('REQUEST_INVALID', serviceMessage ?? error.message, { cause: error });
  return error;
}

function compressed(address: string): string {
  return isIPv6(address) ? new URL(`http://[${address}]`).hostname : address;
}

function contains(cidr: string, address: string): boolean {
  const [base = '', length = ''] = cidr.split('/');
  const family = isIPv6(address) ? 'ipv6' : 'ipv4';
  if (isIPv6(base) !== isIPv6(address)) return false;
  const block = new BlockList();
  block.addSubnet(base, Number(length), family);
  return block.check(address, family);
}
