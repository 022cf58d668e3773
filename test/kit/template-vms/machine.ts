import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { connectQmp, type Qmp } from './qmp.ts';

/** A QEMU process. */
export interface Machine {
  pid: number;
  qmp: Qmp;
  /** Resolves when it has ended, by whatever. */
  ended: Promise<void>;
  isOver(): boolean;
  /** As a power cut, but the disk is as the guest has written it. */
  stop(): Promise<void>;
}

export interface MachineOptions {
  /** Its control socket and its console are in there. */
  folder: string;
  /** Memory of the guest, a file. */
  memory: { file: string; isShared: boolean };
  disk: { file: string; format: 'raw' | 'qcow2' };
  /** The network namespace that its TAPs are in; null for the machine's own. */
  namespace: string | null;
  /** How it begins: it boots at once; or it waits for the state of another one, and stays stopped then. */
  from: 'disk' | 'state';
}

/** All that Kiln's images need. */
export const memoryMiB = 512;
/** Of all machines, whose state they hand over: what is changed here makes a new template. */
const hardware = [
  ...['-nodefaults', '-no-user-config', '-display', 'none', '-machine', 'pc,memory-backend=ram'],
  // Emulated on every machine: what one has saved any other can go on with.
  ...['-accel', 'tcg,tb-size=128', '-cpu', 'max', '-smp', '1', '-m', String(memoryMiB)],
  ...['-device', 'virtio-blk-pci,drive=disk,addr=4,bootindex=0', '-device', 'virtio-scsi-pci,id=scsi,addr=5'],
  // Each guest has random numbers of its own, though it begins with another one's memory.
  ...['-device', 'virtio-rng-pci,addr=6', '-device', 'vmgenid,guid=auto'],
];
export const hardwareKey = hardware.join(' ');

export const consoleFile = (folder: string) => join(folder, 'console.log');

export async function startMachine({ folder, memory, disk, namespace, from }: MachineOptions): Promise<Machine> {
  const socket = join(folder, 'qmp.sock');
  const [command, ...words] = [
    ...(namespace === null ? [] : ['ip', 'netns', 'exec', namespace]),
    ...['qemu-system-x86_64', ...hardware],
    ...[
      '-object',
      `memory-backend-file,id=ram,size=${memoryMiB}M,mem-path=${memory.file},share=${memory.isShared ? 'on' : 'off'}`,
    ],
    // What is written is lost with the machine anyway.
    ...[
      '-blockdev',
      `driver=${disk.format},node-name=disk,file.driver=file,file.filename=${disk.file},cache.no-flush=on`,
    ],
    ...['-serial', `file:${consoleFile(folder)}`, '-qmp', `unix:${socket},server=on,wait=off`],
    ...(from === 'state' ? ['-S', '-incoming', 'defer'] : []),
  ] as [string, ...string[]];
  const child = spawn(command, words, { stdio: ['ignore', 'ignore', 'pipe'] });
  let complaint = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaint = (complaint + text).slice(-1000);
  });
  let isOver = false;
  const ended = once(child, 'close')
    .catch(() => undefined)
    .then(() => {
      isOver = true;
    });
  const qmp = await connectQmp(socket, () => isOver).catch((error: unknown) => {
    throw new Error(`QEMU does not start: ${complaint}`, { cause: error });
  });
  return {
    pid: child.pid ?? 0,
    qmp,
    ended,
    isOver: () => isOver,
    async stop() {
      child.kill('SIGTERM');
      await ended;
      qmp.close();
    },
  };
}
