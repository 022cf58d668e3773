import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { createSystemClock } from '../src/adapters/clock/system-clock.ts';
import { loadConfiguration } from '../src/config/load.ts';
import type { Configuration } from '../src/config/options/index.ts';
import { findAccess } from '../src/main/cloud-access.ts';
import { createOpenStack, type OpenStack } from '../src/main/openstack.ts';
import { createFakeLog } from '../test/kit/fakes/fake-log.ts';
import { end, kilnMain } from './serve-process.ts';

/** An embedded cloud in a process of its own, so that its work is not ours, with one tagged image. */
export interface BenchCloud {
  folder: string;
  configuration: Configuration;
  configurationFile: string;
  /** New clients, with no token and no connection yet. */
  connect(): OpenStack;
  close(): Promise<void>;
}

export async function startBenchCloud(): Promise<BenchCloud> {
  const folder = mkdtempSync(join(tmpdir(), 'kiln-bench-'));
  const child = spawn(process.execPath, [kilnMain, 'dev', '--state-dir', folder], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  for await (const line of createInterface({ input: child.stdout })) if (/is ready/.test(line)) break;
  child.stdout.resume();

  const configurationFile = join(folder, 'octavia.conf');
  const { config } = loadConfiguration({ configFiles: [configurationFile], environment: {} });
  const parts = { clock: createSystemClock(), log: createFakeLog() };
  const connect = () => createOpenStack(findAccess(config, null, {}), parts, { createLookupSeconds: 5 });

  const openstack = connect();
  const image = await openstack.images.create({ name: 'amphora', diskFormat: 'raw', containerFormat: 'bare' });
  await openstack.images.upload(image.id, Readable.from([Buffer.alloc(1024)]), 1024);
  await openstack.images.addTag(image.id, config.controller_worker.amp_image_tag ?? '');
  await openstack.close();

  return {
    folder,
    configuration: config,
    configurationFile,
    connect,
    async close() {
      await end(child);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
