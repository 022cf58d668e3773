import { BlockList, isIP } from 'node:net';
import { shortestAddress } from '../../core/network/address.ts';
import { type AmphoraHost, PlugError } from '../host.ts';
import type { FirewallRule, PlugAddress, VipPlug } from '../plug.ts';
import { type Answer, badRequest, Refusal, type Request, type Route, readObject } from '../router.ts';
import { apiVersion } from './discovery.ts';

type Fields = Readonly<Record<string, unknown>>;

/** Plugging of networks (octavia/amphorae/backends/agent/api_server/plug.py). */
export function interfaceRoutes({ interfaces, advertise }: Pick<AmphoraHost, 'interfaces' | 'advertise'>): Route[] {
  return [
    {
      method: 'POST',
      path: `/${apiVersion}/plug/vip/:vip`,
      handle: async (request) => {
        const info = await vipInformation(request);
        const vip = readVip(request.parameter('vip'), info);
        const plugged = await orPlugError('VIP', () => interfaces.plugVip(vip));
        if (plugged === 'plugged already') return { status: 409, body: { message: 'Interface already exists' } };
        if (plugged === 'absent') return noInterface;
        const addresses = [request.parameter('vip'), ...vip.vips.slice(1).map(({ address }) => address)];
        const details = `VIPs plugged on interface ${plugged.name}: ${addresses.join(', ')}`;
        return { status: 202, body: { message: 'OK', details } };
      },
    },
    {
      method: 'POST',
      path: `/${apiVersion}/plug/network`,
      handle: async (request) => {
        const info = await readObject(request, 'Invalid port information');
        if (typeof info.mac_address !== 'string') throw new Refusal(badRequest('Invalid port information'));
        const fixedIps = listOfObjects(info.fixed_ips);
        if (!fixedIps.every(isFixedIp)) {
          return { status: 400, body: { message: 'Invalid network port' } };
        }
        const vip = info.vip_net_info as Fields | undefined;
        const port = { macAddress: info.mac_address, mtu: numberOrNull(info.mtu), isSriov: info.is_sriov === true };
        const network = {
          ...port,
          addresses: fixedIps.map(readAddress),
          vip: vip ? readVip(String(vip.vip), { ...vip, mac_address: info.mac_address, mtu: info.mtu }) : null,
        };
        const plugged = await orPlugError('network', () => interfaces.plugNetwork(network));
        if (plugged === 'absent') return noInterface;
        await advertise(network.addresses.map(({ address }) => address));
        const { name, isNew } = plugged;
        const details = isNew ? `Plugged on interface ${name}` : `Updated existing interface ${name}`;
        return { status: 202, body: { message: 'OK', details } };
      },
    },
    {
      method: 'GET',
      path: `/${apiVersion}/interface/:address`,
      handle: async (request) => {
        const address = request.parameter('address');
        if (!isAddress(address)) return { status: 400, body: { message: 'Invalid IP address' } };
        const name = await interfaces.byAddress(shortestAddress(address));
        if (name === null) return { status: 404, body: { message: 'Error interface not found for IP address' } };
        return { status: 200, body: { message: 'OK', interface: name } };
      },
    },
    {
      method: 'PUT',
      path: `/${apiVersion}/interface/:address/rules`,
      handle: async (request) => {
        const address = request.parameter('address');
        if (!isAddress(address)) return { status: 400, body: { message: 'Invalid IP address' } };
        const rules = readFirewallRules(await request.body());
        const isKnown = await orPlugError('rules', () => interfaces.setFirewall(shortestAddress(address), rules));
        if (!isKnown) return { status: 404, body: { message: 'Error interface not found for IP address' } };
        return { status: 200, body: { message: 'OK' } };
      },
    },
  ];
}

const noInterface: Answer = { status: 404, body: { details: 'No suitable network interface found' } };

async function orPlugError<Result>(what: string, plug: () => Promise<Result>): Promise<Result> {
  try {
    return await plug();
  } catch (thrown) {
    if (!(thrown instanceof PlugError)) throw thrown;
    throw new Refusal({ status: 500, body: { message: `Error plugging ${what}`, details: thrown.message } });
  }
}

async function vipInformation(request: Request): Promise<Fields> {
  const description = 'Invalid subnet information';
  const info = await readObject(request, description);
  const complete = 'subnet_cidr' in info && 'gateway' in info && typeof info.mac_address === 'string';
  if (!complete) throw new Refusal(badRequest(description));
  return info;
}

/** The VIP and the additional ones, when all are addresses in subnets. */
function readVip(vip: string, info: Fields): VipPlug {
  const all = [{ ...info, ip_address: vip } as Fields, ...listOfObjects(info.additional_vips)];
  for (const { ip_address: address, subnet_cidr: cidr } of all) {
    const wrong = !isAddress(address) ? address : isCidr(cidr) ? null : cidr;
    if (wrong !== null) throw new Refusal({ status: 400, body: { message: `Invalid VIP: ${JSON.stringify(wrong)}` } });
  }
  const vips = all.map(readAddress);
  return {
    macAddress: String(info.mac_address),
    mtu: numberOrNull(info.mtu),
    vips,
    vrrp: vrrpAddress(info),
    isSriov: info.is_sriov === true,
  };
}

function readAddress(info: Fields): PlugAddress {
  return {
    address: shortestAddress(String(info.ip_address)),
    // As the address of a host alone where no subnet is given.
    subnetCidr: String(info.subnet_cidr ?? `${info.ip_address}/${isIP(String(info.ip_address)) === 6 ? 128 : 32}`),
    gateway: isAddress(info.gateway) ? info.gateway : null,
    hostRoutes: listOfObjects(info.host_routes).flatMap(({ destination, nexthop }) =>
      isCidr(destination) && isAddress(nexthop) ? [{ destination: String(destination), nexthop }] : [],
    ),
  };
}

/** What may come in (octavia/amphorae/backends/agent/api_server/rules_schema.py). */
function readFirewallRules(body: Buffer): FirewallRule[] {
  const refuse = () => new Refusal(badRequest('Invalid rules information'));
  let value: unknown;
  try {
    value = JSON.parse(body.toString('utf8'));
  } catch {
    throw refuse();
  }
  const items = listOfObjects(value);
  if (!Array.isArray(value) || items.length !== value.length) throw refuse();
  return items.map(({ protocol, cidr, port }) => {
    const isProtocol = protocol === 'TCP' || protocol === 'UDP' || protocol === 'SCTP' || protocol === 'VRRP';
    if (!isProtocol || !(cidr === null || isCidr(cidr))) throw refuse();
    if (!Number.isInteger(port) || Number(port) < 1 || Number(port) > 65_535) throw refuse();
    return { protocol, cidr: cidr === null ? null : String(cidr), port: Number(port) };
  });
}

function isFixedIp({ ip_address: address, subnet_cidr: cidr }: Fields): boolean {
  return isAddress(address) && (cidr === undefined || isCidr(cidr));
}

function numberOrNull(value: unknown): number | null {
  return typeof value === 'number' && Number.isInteger(value) && value > 0 ? value : null;
}

function vrrpAddress(info: Fields): VipPlug['vrrp'] {
  const address = info.vrrp_ip;
  if (address === undefined || address === null || address === '') return null;
  if (isAddress(address)) return { address: shortestAddress(address), subnetCidr: String(info.subnet_cidr) };
  throw new Refusal({ status: 400, body: { message: `Invalid VRRP Address: ${JSON.stringify(address)}` } });
}

function listOfObjects(value: unknown): Fields[] {
  if (!Array.isArray(value)) return [];
  return value.filter((item) => typeof item === 'object' && item !== null);
}

function isAddress(value: unknown): value is string {
  return typeof value === 'string' && isIP(value) !== 0;
}

function isCidr(value: unknown): boolean {
  const [, address = '', prefix = ''] = /^(.+)\/(\d{1,3})$/.exec(String(value)) ?? [];
  const family = isIP(address);
  if (family === 0) return false;
  try {
    new BlockList().addSubnet(address, Number(prefix), family === 6 ? 'ipv6' : 'ipv4');
    return true;
  } catch {
    return false;
  }
}
