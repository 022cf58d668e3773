import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runTool } from './run-tool.ts';

export interface ConfigDrive {
  serverId: string;
  hostname: string;
  /** Absolute path → text. */
  files: Readonly<Record<string, string>>;
  userData: string | null;
  /** Of SSH, by the name of the key pair. */
  publicKeys?: Readonly<Record<string, string>>;
  /** In the order of the server's ports. */
  interfaces: readonly ConfigDriveInterface[];
}

export interface ConfigDriveInterface {
  portId: string;
  networkId: string;
  macAddress: string;
  mtu: number;
  /** As Nova has them of subnets without DHCP. */
  addresses: 'dhcp' | readonly { address: string; prefixLength: number; gateway: string | null }[];
}

/**
 * Writes a config drive as Nova makes it for a server with injected files (nova/api/metadata/base.py, nova/virt/configdrive.py): an
 * ISO 9660 file system named config-2. The order of keys is Nova's, `path` before `content_path`.
 */
export async function writeConfigDrive(
  drive: ConfigDrive,
  folder: string,
  output: string,
  signal: AbortSignal,
): Promise<void> {
  await fillConfigDrive(drive, folder);
  await runTool(
    'genisoimage',
    // As nova/virt/configdrive.py calls it.
    [
      ...['-quiet', '-o', output, '-ldots', '-allow-lowercase', '-allow-multidot', '-l'],
      ...['-publisher', 'OpenStack Nova', '-J', '-r', '-V', 'config-2', folder],
    ],
    { signal },
  );
}

/** What is on it, into a folder. */
export async function fillConfigDrive(drive: ConfigDrive, folder: string): Promise<void> {
  const latest = join(folder, 'openstack/latest');
  const content = join(folder, 'openstack/content');
  await Promise.all([mkdir(latest, { recursive: true }), mkdir(content, { recursive: true })]);
  const files = await Promise.all(
    Object.entries(drive.files).map(async ([path, text], index) => {
      const name = String(index).padStart(4, '0');
      await writeFile(join(content, name), text, { mode: 0o600 });
      return { path, content_path: `/content/${name}` };
    }),
  );
  const meta = {
    uuid: drive.serverId,
    files,
    hostname: drive.hostname,
    name: drive.hostname,
    launch_index: 0,
    ...(drive.publicKeys ? { public_keys: drive.publicKeys } : {}),
    availability_zone: 'nova',
    random_seed: '',
    project_id: '0'.repeat(32),
    devices: [],
    dedicated_cpus: [],
  };
  await writeFile(join(latest, 'meta_data.json'), JSON.stringify(meta));
  await writeFile(join(latest, 'network_data.json'), JSON.stringify(networkData(drive.interfaces)));
  await writeFile(join(latest, 'vendor_data.json'), '{}');
  if (drive.userData !== null) await writeFile(join(latest, 'user_data'), drive.userData);
}

/** network_data.json as Nova writes it (nova/virt/netutils.py). */
function networkData(interfaces: readonly ConfigDriveInterface[]) {
  const named = interfaces.map((one) => ({ ...one, link: `tap${one.portId.slice(0, 11)}` }));
  const links = named.map(({ link, portId, mtu, macAddress }) => ({
    ...{ id: link, vif_id: portId, type: 'ovs', mtu, ethernet_mac_address: macAddress },
  }));
  const networks = named.flatMap(({ link, networkId, addresses }) => {
    if (addresses === 'dhcp') return [{ type: 'ipv4_dhcp', link, network_id: networkId }];
    return addresses.map(({ address, prefixLength, gateway }) => {
      const isV6 = address.includes(':');
      const any = isV6 ? '::' : '0.0.0.0';
      return {
        ...{ type: isV6 ? 'ipv6' : 'ipv4', link, network_id: networkId, ip_address: address },
        netmask: netmask(prefixLength, isV6),
        routes: gateway === null ? [] : [{ network: any, netmask: any, gateway }],
        services: [],
      };
    });
  });
  return { links, networks: networks.map((one, index) => ({ id: `network${index}`, ...one })), services: [] };
}

function netmask(prefixLength: number, isV6: boolean): string {
  const [count, bits] = isV6 ? [8, 16] : [4, 8];
  const parts = Array.from({ length: count }, (_, index) => {
    const ones = Math.min(bits, Math.max(0, prefixLength - index * bits));
    return 2 ** bits - 2 ** (bits - ones);
  });
  return isV6 ? parts.map((part) => part.toString(16)).join(':') : parts.join('.');
}
