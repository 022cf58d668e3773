import { type KilnProcess, startKiln } from './kiln-process.ts';
import { octaviaEndpoint, type TestbedAccess } from './testbed-access.ts';
import { bringUpOctavia, takeDownOctavia } from './testbed-octavia.ts';

/** Who boots the virtual machines, and makes load balancers of them; it has Octavia's API. */
export interface VmController {
  /** Of its API, with the version. */
  url: string;
  /** With which it takes requests for the site's project. */
  headers(): Promise<Record<string, string>>;
  start(): Promise<void>;
  stop(): Promise<void>;
  /** The last of what went wrong, as it logged it. */
  errors(): string;
}

/** `kiln serve`, without Keystone. */
export function kilnController(
  port: number,
  site: { octaviaConf: string; projectId: string },
  environment: Record<string, string>,
): VmController {
  let kiln: KilnProcess | null = null;
  return {
    url: `http://127.0.0.1:${port}/v2`,
    headers: async () => ({ 'x-project-id': site.projectId }),
    async start() {
      const settings = { OS_API_SETTINGS__AUTH_STRATEGY: 'noauth', OS_API_SETTINGS__BIND_PORT: `${port}` };
      kiln = startKiln(['serve', '--config-file', site.octaviaConf], { ...environment, ...settings });
      await kiln.line(/"msg":"serving"/);
    },
    stop: async () => void (await kiln?.stop()),
    errors: () => {
      const serious = (kiln?.lines ?? []).filter((line) => /"level":"(warn|error)"/.test(line));
      return serious.slice(-20).join('\n');
    },
  };
}

/** Octavia of the test bed, with its real drivers. @param tag of the images that it boots. */
export function octaviaController(bed: TestbedAccess, tag: string): VmController {
  return {
    url: `${octaviaEndpoint()}/v2`,
    headers: async () => ({ 'x-auth-token': await bed.token('kiln') }),
    async start() {
      const settings = { KILN_TESTBED_OCTAVIA_DRIVERS: 'real', KILN_TESTBED_OCTAVIA_TAG: tag };
      bringUpOctavia(settings, 'octavia', 'octavia-services');
    },
    stop: async () => takeDownOctavia(),
    errors: () => 'see octavia-worker.log of the test bed',
  };
}
