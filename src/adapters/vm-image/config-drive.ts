import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runTool } from './run-tool.ts';

export interface ConfigDrive {
  serverId: string;
  hostname: string;
  /** Absolute path → text. */
  files: Readonly<Record<string, string>>;
  userData: string | null;
  /** The only interface; its address comes from DHCP. */
  macAddress: string;
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
    availability_zone: 'nova',
    random_seed: '',
    project_id: '0'.repeat(32),
    devices: [],
    dedicated_cpus: [],
  };
  const network = {
    links: [{ id: 'tap0', vif_id: drive.serverId, type: 'ovs', mtu: 1450, ethernet_mac_address: drive.macAddress }],
    networks: [{ id: 'network0', type: 'ipv4_dhcp', link: 'tap0', network_id: drive.serverId }],
    services: [],
  };
  await writeFile(join(latest, 'meta_data.json'), JSON.stringify(meta));
  await writeFile(join(latest, 'network_data.json'), JSON.stringify(network));
  await writeFile(join(latest, 'vendor_data.json'), '{}');
  if (drive.userData !== null) await writeFile(join(latest, 'user_data'), drive.userData);
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
