import type { Table } from '../state.ts';

interface Plugged {
  id: string;
  network_id: string;
  mac_address: string;
  device_id: string;
  fixed_ips: readonly { ip_address: string }[];
}

/** Ports, with what is asked of them again and again at hand: a cloud may have thousands. */
export interface PortTable<Row extends Plugged> extends Table<Row> {
  /** The port of a network that has an address, or a hardware address; undefined when none does. */
  holderOf(networkId: string, address: string): string | undefined;
  ofDevice(deviceId: string): Row[];
}

const known = new WeakMap<object, unknown>();

/** The same one for the same table: whoever writes through it keeps everybody's index right. */
export function indexPorts<Row extends Plugged>(table: Table<Row>): PortTable<Row> {
  const found = known.get(table) as PortTable<Row> | undefined;
  if (found) return found;

  const holders = new Map<string, string>();
  const devices = new Map<string, Set<string>>();
  const keysOf = (row: Row) =>
    [row.mac_address, ...row.fixed_ips.map((ip) => ip.ip_address)].map((address) => `${row.network_id} ${address}`);
  function add(row: Row): void {
    for (const key of keysOf(row)) holders.set(key, row.id);
    const ofDevice = devices.get(row.device_id) ?? new Set();
    devices.set(row.device_id, ofDevice.add(row.id));
  }
  function remove(id: string): void {
    const row = table.get(id);
    if (!row) return;
    for (const key of keysOf(row)) holders.delete(key);
    devices.get(row.device_id)?.delete(id);
    if (devices.get(row.device_id)?.size === 0) devices.delete(row.device_id);
  }
  for (const row of table.all()) add(row);

  const indexed: PortTable<Row> = {
    get: table.get,
    all: table.all,
    put(row) {
      remove(row.id);
      table.put(row);
      add(row);
    },
    delete(id) {
      remove(id);
      table.delete(id);
    },
    holderOf: (networkId, address) => holders.get(`${networkId} ${address}`),
    ofDevice: (deviceId) => [...(devices.get(deviceId) ?? [])].flatMap((id) => table.get(id) ?? []),
  };
  known.set(table, indexed);
  return indexed;
}
