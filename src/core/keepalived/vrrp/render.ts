import { createHmac } from 'node:crypto';
import { isIP } from 'node:net';
import { KilnError } from '../../../model/errors.ts';
import { requireAddress } from '../../haproxy/address.ts';
import { type Block, linesOf, writeLines } from '../block.ts';
import type { VirtualAddress, VrrpInstance, VrrpSettings } from './settings.ts';

/** The routing table that the agent leaves to VIPs. */
const table = 1;

/**
 * The configuration of the keepalived that holds a load balancer's VIPs while its amphora is the pair's MASTER. It says what
 * Octavia's says (octavia/amphorae/drivers/keepalived/jinja), for Octavia's agent starts it and writes the check script.
 * Every instance begins as BACKUP and takes the VIPs from nobody who has them (`nopreempt`): a replaced amphora disturbs no
 * one.
 * @returns the file. INTERNAL when an address is none.
 */
export function renderVrrpConfiguration(instance: VrrpInstance, settings: VrrpSettings): string {
  const globals: Block[] = instance.isInterfaceAbsent ? [{ header: 'global_defs', lines: ['dynamic_interfaces'] }] : [];
  return writeLines([...globals, renderCheckScript(settings), renderInstance(instance, settings)]);
}

/** VRRP version 2 counts whole seconds and knows no IPv6; version 3 has no authentication. */
function versionOf({ vrrpIp }: VrrpInstance, { advertIntervalSeconds }: VrrpSettings): 2 | 3 {
  return isIP(vrrpIp) === 6 || !Number.isInteger(advertIntervalSeconds) ? 3 : 2;
}

function renderCheckScript(settings: VrrpSettings): Block {
  return {
    header: 'vrrp_script check_script',
    lines: [
      `script ${settings.basePath}/vrrp/check_script.sh`,
      `interval ${settings.checkIntervalSeconds}`,
      `fall ${settings.failCount}`,
      `rise ${settings.successCount}`,
    ],
  };
}

function renderInstance(instance: VrrpInstance, settings: VrrpSettings): Block {
  const { vrrpIp } = instance;
  const interfaceName = requireName(instance.interfaceName);
  const version = versionOf(instance, settings);
  const vips = orderedVips(instance);
  const isOfFamily = ({ address }: VirtualAddress) => isIP(address) === isIP(vrrpIp);
  return {
    header: `vrrp_instance ${instance.loadBalancerId.replaceAll('-', '')}`,
    lines: linesOf(
      `interface ${interfaceName}`,
      `virtual_router_id ${instance.virtualRouterId}`,
      `priority ${instance.priority}`,
      version === 3 && 'version 3',
      'nopreempt',
      'accept',
      `garp_master_refresh ${settings.garpRefreshIntervalSeconds}`,
      `garp_master_refresh_repeat ${settings.garpRefreshCount}`,
      `advert_int ${settings.advertIntervalSeconds}`,
      version === 2 && {
        header: 'authentication',
        lines: ['auth_type PASS', `auth_pass ${passwordOf(instance, settings)}`],
      },
      `unicast_src_ip ${requireAddress('the VRRP address', vrrpIp)}`,
      { header: 'unicast_peer', lines: instance.peerIps.map((ip) => requireAddress("a peer's VRRP address", ip)) },
      { header: 'virtual_ipaddress', lines: vips.filter(isOfFamily).map(({ address }) => address) },
      {
        header: 'virtual_ipaddress_excluded',
        lines: vips.filter((vip) => !isOfFamily(vip)).map(({ address }) => address),
      },
      { header: 'virtual_routes', lines: vips.flatMap((vip) => routesOf(vip, interfaceName)) },
      { header: 'virtual_rules', lines: vips.map(ruleOf) },
      { header: 'track_script', lines: ['check_script'] },
    ),
  };
}

/** The VIP itself first, as advertisements have it; the others in one order for both amphorae. */
function orderedVips({ vip, additionalVips }: VrrpInstance): VirtualAddress[] {
  const others = [...additionalVips].sort((one, other) => (one.address < other.address ? -1 : 1));
  for (const { address } of [vip, ...others]) requireAddress('a VIP', address);
  return [vip, ...others];
}

/** What comes from a VIP leaves through the network that the VIP is in. */
function routesOf({ address, subnetCidr, gateway, hostRoutes }: VirtualAddress, interfaceName: string): string[] {
  const by = (nexthop: string) => requireAddress('a next hop', nexthop);
  return [
    `${requireNetwork(subnetCidr)} dev ${interfaceName} src ${address} scope link table ${table}`,
    ...(gateway === null ? [] : [`default via ${by(gateway)} dev ${interfaceName} onlink table ${table}`]),
    ...hostRoutes.map(({ destination, nexthop }) => {
      return `${requireNetwork(destination)} dev ${interfaceName} gateway ${by(nexthop)} onlink table ${table}`;
    }),
  ];
}

function ruleOf({ address }: VirtualAddress): string {
  return `from ${address}/${isIP(address) === 6 ? 128 : 32} table ${table} priority 100`;
}

/** INTERNAL when it is none: keepalived would read on in it. */
function requireNetwork(cidr: string): string {
  const [address = '', length = ''] = cidr.split('/');
  if (/^\d+$/.test(length)) return `${requireAddress(`network ${JSON.stringify(cidr)}`, address)}/${length}`;
  throw new KilnError('INTERNAL', `${JSON.stringify(cidr)} is not a network, such as 192.0.2.0/24.`);
}

function requireName(interfaceName: string): string {
  if (/^[\w.-]+$/.test(interfaceName)) return interfaceName;
  throw new KilnError('INTERNAL', `${JSON.stringify(interfaceName)} is not the name of a network interface.`);
}

/** The same for both amphorae, from whichever controller it comes. keepalived takes eight characters at most. */
function passwordOf({ loadBalancerId }: VrrpInstance, { authenticationKey }: VrrpSettings): string {
  return createHmac('sha256', authenticationKey).update(`vrrp ${loadBalancerId}`).digest('hex').slice(0, 8);
}
