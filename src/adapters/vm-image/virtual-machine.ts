import { type ChildProcess, spawn } from 'node:child_process';
import { accessSync, constants, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { KilnError } from '../../model/errors.ts';
import type { Clock } from '../../ports/clock.ts';
import { toolPath } from './run-tool.ts';

export interface VirtualMachineOptions {
  /** qcow2; what the guest writes is thrown away. */
  disk: string;
  configDrive: string;
  macAddress: string;
  memoryMiB: number;
  /** Port of the guest that is reached at `agentPort` of the loopback address. */
  guestPort: number;
  serialLog: string;
  clock: Clock;
}

export interface VirtualMachine {
  /** On 127.0.0.1. */
  agentPort: number;
  /** Whether the processor runs the guest, or QEMU emulates it. */
  accelerated(): boolean;
  /** Null while it runs; else what became of it. */
  ended(): string | null;
  stop(): Promise<void>;
}

/** A guest that KVM runs has said something on its console in a few seconds. */
const FIRST_WORD_MS = 30_000;

/**
 * Boots a disk under QEMU as a server of Nova: virtio disk and network, the config drive as a CD
 * of virtio-scsi, which the image's properties ask for. The guest reaches nothing outside,
 * and is reached on the loopback address alone. It gives way to what else this machine does.
 * Where KVM is there and QEMU ends before the guest has said a word, or the guest says none (nested virtualization of some clouds), the
 * processor is emulated.
 */
export async function startVirtualMachine(options: VirtualMachineOptions): Promise<VirtualMachine> {
  const agentPort = await freePort();
  let accelerated = mayUse('/dev/kvm');
  let ended: string | null = null;
  let isStopped = false;
  let child: ChildProcess;
  const closed = new Promise<void>((resolve) => {
    function start(): void {
      let complaint = '';
      let isOver = false;
      const listening = new AbortController();
      const over = (why: string): void => {
        if (isOver) return;
        isOver = true;
        listening.abort();
        if (accelerated && !isStopped && saidNothing(options.serialLog)) {
          accelerated = false;
          start();
          return;
        }
        ended = `${why}${complaint ? `: ${complaint.trim()}` : ''}`;
        resolve();
      };
      const started = spawnQemu(options, agentPort, accelerated);
      const endSilent = () => {
        if (accelerated && saidNothing(options.serialLog)) started.kill('SIGKILL');
      };
      options.clock.sleep(FIRST_WORD_MS, listening.signal).then(endSilent, () => {});
      started.stderr.setEncoding('utf8').on('data', (text: string) => {
        complaint = (complaint + text).slice(-1000);
      });
      started.once('error', (error) => over(error.message));
      started.once('close', (status, signal) => over(`QEMU ended with ${signal ?? `status ${status}`}`));
      child = started;
    }
    start();
  });
  return {
    agentPort,
    accelerated: () => accelerated,
    ended: () => ended,
    async stop() {
      isStopped = true;
      child.kill('SIGKILL');
      await closed;
    },
  };
}

function spawnQemu(options: VirtualMachineOptions, agentPort: number, accelerated: boolean) {
  return spawn(
    'nice',
    [
      ...['-n', '2', 'qemu-system-x86_64', '-nodefaults', '-no-user-config', '-display', 'none'],
      ...[
        '-machine',
        'pc',
        ...(accelerated ? ['-accel', 'kvm', '-cpu', 'host'] : ['-accel', 'tcg,thread=multi', '-cpu', 'max']),
      ],
      ...['-smp', '1', '-m', String(options.memoryMiB)],
      ...['-drive', `file=${comma(options.disk)},format=qcow2,if=virtio,snapshot=on`],
      ...['-device', 'virtio-scsi-pci', '-device', 'scsi-cd,drive=config'],
      ...['-drive', `file=${comma(options.configDrive)},format=raw,if=none,id=config,media=cdrom,readonly=on`],
      ...['-netdev', `user,id=management,restrict=on,hostfwd=tcp:127.0.0.1:${agentPort}-:${options.guestPort}`],
      ...['-device', `virtio-net-pci,netdev=management,mac=${options.macAddress},romfile=`],
      ...['-device', 'virtio-rng-pci', '-serial', `file:${comma(options.serialLog)}`],
    ],
    // QEMU puts what the guest writes into TMPDIR.
    { stdio: ['ignore', 'ignore', 'pipe'], env: { PATH: toolPath, TMPDIR: '/var/tmp' } },
  );
}

function saidNothing(serialLog: string): boolean {
  return (statSync(serialLog, { throwIfNoEntry: false })?.size ?? 0) === 0;
}

/** QEMU takes a comma for the end of a value, and two for one. */
const comma = (path: string): string => path.replaceAll(',', ',,');

function mayUse(device: string): boolean {
  try {
    accessSync(device, constants.R_OK | constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string')
    throw new KilnError('INTERNAL', 'no port of the loopback address');
  return address.port;
}
