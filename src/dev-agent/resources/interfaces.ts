import { BlockList, isIP } from 'node:net';
import type { Interfaces } from '../interfaces.ts';
import { badRequest, Refusal, type Request, type Route, readObject } from '../router.ts';
import { apiVersion } from './discovery.ts';

type Fields = Readonly<Record<string, unknown>>;

/** Plugging of networks (octavia/amphorae/backends/agent/api_server/plug.py): answers as there, and nothing to plumb. */
export function interfaceRoutes(interfaces: Interfaces): Route[] {
  return [
    {
      method: 'POST',
      path: `/${apiVersion}/plug/vip/:vip`,
      handle: async (request) => {
        const info = await vipInformation(request);
        const vips = vipAddresses(request.parameter('vip'), info);
        const macAddress = String(info.mac_address);
        const isNew = await interfaces.plugVip(macAddress, [...vips, ...vrrpAddress(info)].map(canonical));
        if (!isNew) return { status: 409, body: { message: 'Interface already exists' } };
        return {
          status: 202,
          body: { message: 'OK', details: `VIPs plugged on interface eth1: ${vips.join(', ')}` },
        };
      },
    },
    {
      method: 'POST',
      path: `/${apiVersion}/plug/network`,
      handle: async (request) => {
        const info = await readObject(request, 'Invalid port information');
        if (typeof info.mac_address !== 'string') throw new Refusal(badRequest('Invalid port information'));
        const addresses = listOfObjects(info.fixed_ips).map((fixed) => fixed.ip_address);
        if (!addresses.every(isAddress)) return { status: 400, body: { message: 'Invalid network port' } };
        const vip = info.vip_net_info as Fields | undefined;
        const vips = vip ? [...vipAddresses(String(vip.vip), vip), ...vrrpAddress(vip)] : [];
        const { name, isNew } = await interfaces.plugNetwork(info.mac_address, [...vips, ...addresses].map(canonical));
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
        const found = await interfaces.byAddress(canonical(address));
        if (!found) return { status: 404, body: { message: 'Error interface not found for IP address' } };
        return { status: 200, body: { message: 'OK', interface: found.name } };
      },
    },
  ];
}

async function vipInformation(request: Request): Promise<Fields> {
  const description = 'Invalid subnet information';
  const info = await readObject(request, description);
  const complete = 'subnet_cidr' in info && 'gateway' in info && typeof info.mac_address === 'string';
  if (!complete) throw new Refusal(badRequest(description));
  return info;
}

/** The VIP and the additional ones, when all are addresses in subnets. */
function vipAddresses(vip: string, info: Fields): string[] {
  const all = [{ ip_address: vip, subnet_cidr: info.subnet_cidr }, ...listOfObjects(info.additional_vips)];
  return all.map(({ ip_address: address, subnet_cidr: cidr }) => {
    const wrong = !isAddress(address) ? address : isCidr(cidr) ? null : cidr;
    if (wrong === null) return address as string;
    throw new Refusal({ status: 400, body: { message: `Invalid VIP: ${JSON.stringify(wrong)}` } });
  });
}

function vrrpAddress(info: Fields): string[] {
  const address = info.vrrp_ip;
  if (address === undefined || address === null || address === '') return [];
  if (isAddress(address)) return [address];
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

/** One spelling for each address. */
function canonical(address: string): string {
  return isIP(address) === 6 ? new URL(`http://[${address}]`).hostname.slice(1, -1) : address;
}
