import { readFile, statfs } from 'node:fs/promises';

/** Load and size of the machine, in the shape that `GET /1.0/details` has: kB of memory, bytes of disk, ticks of CPU. */
export interface MachineState {
  networks: Record<string, { network_tx: number; network_rx: number }>;
  cpu: { total: number; user: string; system: string; soft_irq: string };
  memory: Record<'total' | 'free' | 'buffers' | 'cached' | 'swap_used' | 'shared' | 'slab', number>;
  disk: { used: number; available: number };
  load: string[];
}

/**
 * Reads /proc and the file system that `root` is on.
 * @param networkCounters of the interfaces that count, in the format of /proc/net/dev.
 */
export async function readMachineState(root: string, networkCounters: string): Promise<MachineState> {
  const [meminfo, stat, loadavg, disk] = await Promise.all([
    readFile('/proc/meminfo', 'utf8'),
    readFile('/proc/stat', 'utf8'),
    readFile('/proc/loadavg', 'utf8'),
    statfs(root),
  ]);
  return {
    networks: parseNetworks(networkCounters),
    cpu: parseCpu(stat),
    memory: parseMemory(meminfo),
    disk: { used: (disk.blocks - disk.bfree) * disk.bsize, available: disk.bavail * disk.bsize },
    load: loadavg.split(' ').slice(0, 3),
  };
}

/** Sum and parts of the first line of /proc/stat. The parts are text and the sum a number, as Octavia's agent has it. */
export function parseCpu(stat: string): MachineState['cpu'] {
  const ticks = (stat.split('\n', 1)[0] ?? '').trim().split(/\s+/).slice(1);
  const [user = '0', , system = '0', , , , softIrq = '0'] = ticks;
  return { total: ticks.reduce((sum, value) => sum + Number(value), 0), user, system, soft_irq: softIrq };
}

/** Fields of /proc/meminfo in kB. `swap_used` is SwapCached, as Octavia's agent has it. */
export function parseMemory(meminfo: string): MachineState['memory'] {
  const kilobytes = new Map(
    [...meminfo.matchAll(/^(\S+):\s+(\d+) kB$/gm)].map(([, key, value]) => [key, Number(value)]),
  );
  const field = (name: string): number => kilobytes.get(name) ?? 0;
  return {
    total: field('MemTotal'),
    free: field('MemFree'),
    buffers: field('Buffers'),
    cached: field('Cached'),
    swap_used: field('SwapCached'),
    shared: field('Shmem'),
    slab: field('Slab'),
  };
}

/** Bytes sent and received by each interface named eth…, out of /proc/net/dev. */
export function parseNetworks(netDev: string): MachineState['networks'] {
  const networks: MachineState['networks'] = {};
  for (const [, name, counters] of netDev.matchAll(/^\s*(eth[^:\s]*):\s*(.+)$/gm)) {
    const values = (counters ?? '').trim().split(/\s+/).map(Number);
    if (name) networks[name] = { network_tx: values[8] ?? 0, network_rx: values[0] ?? 0 };
  }
  return networks;
}
