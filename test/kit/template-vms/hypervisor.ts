import { execFile } from 'node:child_process';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { parse, stringify } from 'yaml';
import { writeConfigDrive } from '../../../src/adapters/vm-image/config-drive.ts';
import {
  GuestEndedError,
  type GuestPort,
  type GuestSpec,
  type Hypervisor,
} from '../../../src/dev-cloud/hypervisor/index.ts';
import { readConsoleTail } from '../../../src/dev-cloud/hypervisor/server-folder.ts';
import { type Bridges, within } from '../bridged-network.ts';
import { consoleFile, type Machine, memoryMiB, startMachine } from './machine.ts';
import { leaveMemoryAlone, type openTemplates } from './template.ts';

const run = promisify(execFile);

/** A server of the embedded cloud that is a virtual machine. */
interface Guest {
  folder: string;
  memory: string;
  ports: Map<string, GuestPort>;
  machine: Machine | null;
}

/** Virtual machines, and which process runs each. */
export interface VirtualMachines extends Hypervisor {
  pidOf(serverId: string): number;
}

/** How long a guest may take to let a network card go. */
const unplugMs = 30_000;

/**
 * Runs servers as QEMU machines that go on from a template of their image, each with memory and disk of its own (copy on write), with
 * their network cards as TAPs on `bridges` and the config drive as a CD, as Nova has it. Needs root. Security groups are not enforced.
 */
export function createVirtualMachines(
  folder: string,
  bridges: Bridges,
  templates: ReturnType<typeof openTemplates>,
): VirtualMachines {
  const guests = new Map<string, Guest>();
  const listeners: ((serverId: string) => void)[] = [];
  const ip = (...words: string[]) => run('ip', [...within(bridges.namespace), ...words]);
  const tapOf = (portId: string) => `tap${portId.slice(0, 11)}`;
  const diskOf = (guest: Guest) => ({ file: join(guest.folder, 'disk.qcow2'), format: 'qcow2' as const });
  const driveOf = (guest: Guest) => join(guest.folder, 'config-drive.iso');

  function find(serverId: string): Guest {
    const guest = guests.get(serverId);
    if (!guest) throw new GuestEndedError('is not known to this hypervisor');
    return guest;
  }

  function watch(serverId: string, guest: Guest, machine: Machine): void {
    guest.machine = machine;
    void machine.ended.then(() => {
      if (guest.machine !== machine) return;
      guest.machine = null;
      for (const listener of listeners) listener(serverId);
    });
  }

  async function addCard({ qmp }: Machine, port: GuestPort): Promise<void> {
    const tap = tapOf(port.id);
    await ip('link', 'delete', tap).catch(() => undefined);
    await ip('tuntap', 'add', tap, 'mode', 'tap');
    await ip('link', 'set', tap, 'master', bridges.nameOf(port.networkId), 'up');
    await qmp.run('netdev_add', { type: 'tap', id: tap, ifname: tap, script: 'no', downscript: 'no' });
    const card = { driver: 'virtio-net-pci', id: `card-${tap}`, netdev: tap, mac: port.macAddress, romfile: '' };
    await qmp.run('device_add', card);
  }

  /** While the machine is stopped: it finds all of them at once. */
  async function addDevices(guest: Guest, machine: Machine): Promise<void> {
    for (const port of guest.ports.values()) await addCard(machine, port);
    const file = { driver: 'file', filename: driveOf(guest) };
    await machine.qmp.run('blockdev-add', { driver: 'raw', 'node-name': 'config', 'read-only': true, file });
    await machine.qmp.run('device_add', { driver: 'scsi-cd', drive: 'config', id: 'config-drive', bus: 'scsi.0' });
  }

  async function goOn(guest: Guest, machine: Machine, state: string): Promise<void> {
    const { qmp } = machine;
    await leaveMemoryAlone(machine);
    await qmp.run('migrate-incoming', { uri: `exec:cat '${state}'` });
    while ((await qmp.run<{ status: string }>('query-status')).status === 'inmigrate') await sleep(20);
    await addDevices(guest, machine);
    await qmp.run('cont');
  }

  async function stop(serverId: string): Promise<void> {
    const guest = guests.get(serverId);
    const machine = guest?.machine;
    if (!guest || !machine) return;
    guest.machine = null;
    await machine.stop();
  }

  return {
    addresses: 'any',
    async build(spec) {
      if (spec.memoryMiB !== memoryMiB) throw new Error(`all machines of a template have ${memoryMiB} MiB of memory`);
      const template = await templates.of(spec.imageFile);
      const guest: Guest = {
        folder: join(folder, spec.serverId),
        memory: template.memory,
        ports: new Map(spec.ports.map((port) => [port.id, port])),
        machine: null,
      };
      await mkdir(guest.folder, { recursive: true, mode: 0o700 });
      guests.set(spec.serverId, guest);
      const disk = diskOf(guest);
      await run('qemu-img', ['create', '-q', '-f', 'qcow2', '-b', template.disk, '-F', 'raw', disk.file]);
      await writeDrive(spec, guest.folder, driveOf(guest));
      const machine = await startMachine({
        ...{ folder: guest.folder, disk, namespace: bridges.namespace, from: 'state' },
        memory: { file: template.memory, isShared: false },
      });
      watch(spec.serverId, guest, machine);
      await goOn(guest, machine, template.state);
    },
    async start(serverId) {
      const guest = find(serverId);
      if (guest.machine) return;
      const machine = await startMachine({
        ...{ folder: guest.folder, disk: diskOf(guest), namespace: bridges.namespace, from: 'disk' },
        memory: { file: guest.memory, isShared: false },
      });
      watch(serverId, guest, machine);
      await addDevices(guest, machine);
    },
    stop,
    reboot: async (serverId) => {
      await find(serverId).machine?.qmp.run('system_reset');
    },
    async plug(serverId, port) {
      const guest = find(serverId);
      guest.ports.set(port.id, port);
      if (guest.machine) await addCard(guest.machine, port);
    },
    async unplug(serverId, portId) {
      const guest = find(serverId);
      if (!guest.ports.delete(portId) || !guest.machine) return;
      const { qmp } = guest.machine;
      const tap = tapOf(portId);
      const gone = qmp.event('DEVICE_DELETED', ({ device }) => device === `card-${tap}`);
      await qmp.run('device_del', { id: `card-${tap}` });
      await Promise.race([gone, sleep(unplugMs), guest.machine.ended]);
      await qmp.run('netdev_del', { id: tap }).catch(() => undefined);
      await ip('link', 'delete', tap).catch(() => undefined);
    },
    async destroy(serverId) {
      await stop(serverId);
      const guest = guests.get(serverId);
      if (!guest) return;
      guests.delete(serverId);
      for (const portId of guest.ports.keys()) await ip('link', 'delete', tapOf(portId)).catch(() => undefined);
      await rm(guest.folder, { recursive: true, force: true });
    },
    isRunning: (serverId) => guests.get(serverId)?.machine != null,
    pidOf: (serverId) => find(serverId).machine?.pid ?? 0,
    onEnded: (listener) => void listeners.push(listener),
    consoleOutput: (serverId, lines) => readConsoleTail({ consoleFile: consoleFile(find(serverId).folder) }, lines),
    close: async () => {
      await Promise.all([...guests.keys()].map(stop));
    },
  };
}

/**
 * The guest's clock goes on from when the template was made. It is set as soon as the guest runs commands, a moment after its agent has
 * started, which by then finds that certificates are not yet valid.
 */
function settingClock(userData: string | null): string {
  const { runcmd = [], ...rest } = (userData === null ? {} : parse(userData)) as { runcmd?: unknown[] };
  return `#cloud-config\n${stringify({ ...rest, runcmd: ['hwclock --hctosys --utc', ...runcmd] })}`;
}

async function writeDrive(spec: GuestSpec, folder: string, output: string): Promise<void> {
  const content = join(folder, 'config-drive');
  await mkdir(content);
  const files = Object.fromEntries(spec.files.map(({ path, contents }) => [path, contents.toString('utf8')]));
  const interfaces = spec.ports.map(({ id: portId, ...port }) => ({ portId, ...port }));
  const { serverId, hostname, publicKeys } = spec;
  const signal = new AbortController().signal;
  const drive = { serverId, hostname, publicKeys, files, userData: settingClock(spec.userData), interfaces };
  await writeConfigDrive(drive, content, output, signal);
  await rm(content, { recursive: true });
}
