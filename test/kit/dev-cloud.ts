import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildAmphoraImage } from '../../src/adapters/amphora-image/build.ts';
import { createSystemClock } from '../../src/adapters/clock/system-clock.ts';
import { loadConfiguration } from '../../src/config/load.ts';
import { type Cloud, startCloud } from '../../src/dev-cloud/cloud.ts';
import { findAccess } from '../../src/main/cloud-access.ts';
import { createOpenStack, type OpenStack } from '../../src/main/openstack.ts';
import { createFakeLog } from './fakes/fake-log.ts';
import { runKiln } from './kiln-process.ts';

/** An embedded cloud in this process, with an amphora image that carries the tag, and clients of its services. */
export interface DevCloud {
  folder: string;
  cloud: Cloud;
  /** As Kiln's own service user. */
  openstack: OpenStack;
  /** The first image, tagged `amphora`. */
  imageId: string;
  /** Environment for `kiln` processes: they find octavia.conf and clouds.yaml. */
  environment: NodeJS.ProcessEnv;
  /** Builds and pushes one more image; returns its ID. */
  push(name: string, options?: PushOptions): Promise<string>;
  close(): Promise<void>;
}

interface PushOptions {
  tag?: string;
  /** A cloud of clouds.yaml to push as; Kiln's own if absent. */
  cloud?: string;
  /** An image that boots and whose agent never answers. */
  silent?: boolean;
}

export async function startDevCloud(): Promise<DevCloud> {
  const folder = await mkdtemp(join(tmpdir(), 'kiln-test-'));
  const cloud = await startCloud({ stateDirectory: join(folder, 'cloud') });
  const environment = { OS_CLIENT_CONFIG_FILE: cloud.cloudsFile, KILN_CONFIG_FILE: cloud.configurationFile };
  const { config } = loadConfiguration({ configFiles: [cloud.configurationFile], environment: {} });
  const parts = { clock: createSystemClock(), log: createFakeLog() };
  const openstack = createOpenStack(findAccess(config, null, {}), parts, { createLookupSeconds: 5 });

  async function push(name: string, options: PushOptions = {}): Promise<string> {
    const output = join(folder, `${name}.img`);
    const entry = options.silent ? { entry: join(import.meta.dirname, 'silent-agent.ts') } : {};
    await buildAmphoraImage({ output, name, version: '1.0', ...entry });
    const tagging = options.tag ? ['--tag', options.tag] : ['--no-tag'];
    const asCloud = options.cloud ? ['--os-cloud', options.cloud] : [];
    const pushed = await runKiln(
      [...asCloud, '--quiet', 'image', 'push', output, '--name', name, ...tagging],
      environment,
    );
    if (pushed.status !== 0) throw new Error(pushed.output);
    return pushed.stdout.trim();
  }
  return {
    folder,
    cloud,
    openstack,
    environment,
    push,
    imageId: await push('amphora-1', { tag: 'amphora' }),
    async close() {
      await openstack.close();
      await cloud.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
