import { execFileSync, spawnSync } from 'node:child_process';
import type { CallNeutron } from './testbed-network.ts';

/** A network of Neutron into which Nova plugs virtual machines, with one machine of ours in it: a network namespace. */
export interface BridgedNetwork {
  networkId: string;
  subnetId: string;
  /** Of IPv6, in the same network. */
  subnet6Id: string;
  /** Of the namespace that is in it, to start programs with `ip netns exec`. */
  namespace: string;
  /** Addresses of the namespace. */
  address: string;
  address6: string;
  close(): Promise<void>;
}

/** Where Nova's host has a bridge for each network. */
export interface Bridges {
  /** The network namespace that they are in; null for the machine's own. */
  namespace: string | null;
  nameOf(networkId: string): string;
}
/** With the names that Neutron's Linux bridge agent gives them. @param namespace null for the machine's own. */
export function bridgesIn(namespace: string | null): Bridges {
  return { namespace, nameOf: (networkId) => `brq${networkId.slice(0, 11)}` };
}

const ip = (...words: string[]) => execFileSync('ip', words, { stdio: 'pipe' });

/** Makes the bridge of a network. */
export function addBridge({ namespace, nameOf }: Bridges, networkId: string): void {
  const at = within(namespace);
  ip(...at, 'link', 'add', nameOf(networkId), 'type', 'bridge', 'forward_delay', '0');
  ip(...at, 'link', 'set', nameOf(networkId), 'up');
}
/** Words of `ip` that have it work in a network namespace; null for the machine's own. */
export const within = (namespace: string | null) => (namespace === null ? [] : ['-n', namespace]);

/**
 * Makes network, subnet, bridge and namespace; needs root. What a run that broke off has left under that name goes first.
 * @param name at most nine characters, as names of interfaces are short.
 * @param prefix the first three octets: the namespace is .1, which is the gateway; Neutron gives away from .10 on. With IPv6 the
 * same, behind fd00: and the octets.
 */
export async function openBridgedNetwork(
  call: CallNeutron,
  bridges: Bridges,
  name: string,
  prefix: string,
): Promise<BridgedNetwork> {
  const namespace = `kiln-${name}`;
  const at = within(bridges.namespace);
  async function remove() {
    // The namespace may live on for a while, and its end of the pair with it.
    spawnSync('ip', [...at, 'link', 'delete', name]);
    spawnSync('ip', ['netns', 'delete', namespace]);
    const { networks } = await call<{ networks: { id: string }[] }>('GET', `networks?name=${namespace}`);
    for (const { id } of networks) {
      spawnSync('ip', [...at, 'link', 'delete', bridges.nameOf(id)]);
      const { ports } = await call<{ ports: { id: string }[] }>('GET', `ports?network_id=${id}`);
      for (const port of ports) await call('DELETE', `ports/${port.id}`);
      await call('DELETE', `networks/${id}`);
    }
  }

  await remove();
  const { network } = await call<{ network: { id: string } }>('POST', 'networks', { network: { name: namespace } });
  const { subnet } = await call<{ subnet: { id: string } }>('POST', 'subnets', {
    subnet: {
      name: namespace,
      network_id: network.id,
      ip_version: 4,
      cidr: `${prefix}.0/24`,
      gateway_ip: `${prefix}.1`,
      allocation_pools: [{ start: `${prefix}.10`, end: `${prefix}.250` }],
      enable_dhcp: false,
    },
  });
  const prefix6 = `fd00:${prefix.replaceAll('.', ':')}:`;
  const { subnet: subnet6 } = await call<{ subnet: { id: string } }>('POST', 'subnets', {
    subnet: {
      name: `${namespace}-6`,
      network_id: network.id,
      ip_version: 6,
      cidr: `${prefix6}:/64`,
      gateway_ip: `${prefix6}:1`,
      allocation_pools: [{ start: `${prefix6}:10`, end: `${prefix6}:ff` }],
      enable_dhcp: false,
    },
  });
  addBridge(bridges, network.id);
  ip('netns', 'add', namespace);
  ip(...at, 'link', 'add', name, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', namespace);
  ip(...at, 'link', 'set', name, 'master', bridges.nameOf(network.id), 'up');
  ip('-n', namespace, 'address', 'add', `${prefix}.1/24`, 'dev', 'eth0');
  ip('-n', namespace, 'address', 'add', `${prefix6}:1/64`, 'dev', 'eth0', 'nodad');
  ip('-n', namespace, 'link', 'set', 'eth0', 'up');
  ip('-n', namespace, 'link', 'set', 'lo', 'up');
  return {
    networkId: network.id,
    subnetId: subnet.id,
    subnet6Id: subnet6.id,
    namespace,
    address: `${prefix}.1`,
    address6: `${prefix6}:1`,
    close: remove,
  };
}
