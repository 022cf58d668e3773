/**
 * Every option that is declared to take effect at a reload is asked for anew where it is used. What is wired with one
 * configuration is used with another one; nobody may have taken a value of such an option at the start, and everybody's use
 * must read it again. A new option that is kept from the start fails here, and so does one whose user this test doesn't know.
 */
import { createSocket } from 'node:dgram';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createFakeClock } from '../../test/kit/fakes/fake-clock.ts';
import { createFakeLog } from '../../test/kit/fakes/fake-log.ts';
import { createPolicy } from '../api/policy/policy.ts';
import { eachOption } from '../config/describe.ts';
import { loadConfiguration } from '../config/load.ts';
import type { Configuration } from '../config/options/index.ts';
import { findAccess } from './cloud-access.ts';
import { wireMetrics } from './metrics.ts';
import { apiDeps } from './roles/api-deps.ts';
import { wireHealthManager } from './roles/health-manager.ts';
import { wireJobs } from './roles/housekeeping.ts';
import { wireSilenceMonitor } from './roles/silence-monitor.ts';
import { engineOf, wireQueue } from './roles/worker.ts';
import { silenceView } from './silence-view.ts';
import { openState, type State } from './state.ts';
import { statePaths } from './state-paths.ts';
import { loadBalancerDeps, type RuntimeContext, secretStore, wireOpenStack, wireProcess } from './wire.ts';

const folder = mkdtempSync(join(tmpdir(), 'kiln-reload-'));
let state: State;
beforeAll(async () => {
  state = await openState(`sqlite:///${folder}/kiln.sqlite`, createFakeClock());
});
afterAll(async () => {
  await state.close();
  rmSync(folder, { recursive: true });
});

/** The configuration, with note taken of each option that is read from it. */
function watched(configuration: Configuration, read: Set<string>): Configuration {
  return new Proxy(configuration, {
    get(sections, section: string) {
      const options = sections[section as keyof Configuration];
      return new Proxy(options as object, {
        get(values, option: string) {
          read.add(`${section}.${option}`);
          return values[option as keyof typeof values];
        },
      });
    },
  }) as Configuration;
}

it('every option that a reload changes reaches its user, and is kept by nobody', { timeout: 60_000 }, async () => {
  const environment = {
    OS_HEALTH_MANAGER__BIND_IP: '127.0.0.1',
    OS_HEALTH_MANAGER__BIND_PORT: '25557',
    OS_HEALTH_MANAGER__HEARTBEAT_KEY: 'key',
    OS_CONTROLLER_WORKER__AMP_FLAVOR_ID: 'flavor',
    OS_KILN__STATE_PATH: folder,
    OS_NOVA__ENABLE_ANTI_AFFINITY: 'true',
    OS_SERVICE_AUTH__AUTH_URL: 'http://127.0.0.1:1/v3',
    OS_SERVICE_AUTH__USERNAME: 'kiln',
    OS_SERVICE_AUTH__PASSWORD: 'x',
    OS_SERVICE_AUTH__PROJECT_NAME: 'service',
    OS_SERVICE_AUTH__USER_DOMAIN_NAME: 'Default',
    OS_SERVICE_AUTH__PROJECT_DOMAIN_NAME: 'Default',
  };
  const { config } = loadConfiguration({ configFiles: [], environment });
  const atStart = new Set<string>();
  const afterReload = new Set<string>();
  let inForce = watched(config, atStart);
  const runtime: RuntimeContext = {
    clock: createFakeClock({ autoAdvance: true }),
    log: createFakeLog(),
    current: () => inForce,
  };

  const openstack = wireOpenStack(findAccess(config, null, environment), runtime);
  const secrets = secretStore(config, statePaths(config, environment, false));
  const queue = wireQueue(state, runtime);
  const own = wireProcess(openstack, runtime);
  const flows = loadBalancerDeps(own, openstack, state, secrets, runtime);
  const api = apiDeps(
    {
      openstack,
      state,
      ...own,
      secrets,
      queue,
      policy: createPolicy({}),
      metrics: wireMetrics(state, runtime),
    },
    runtime,
  );
  const healthManager = wireHealthManager(state, runtime);
  const { agent } = flows;
  const monitor = wireSilenceMonitor({ openstack, state, agent, queue, isRecording: () => true }, runtime);
  const jobs = wireJobs(
    {
      ...state,
      inventory: openstack.inventory,
      vips: { release: async () => {} },
      images: openstack.images,
      resolver: own.resolver,
    },
    runtime,
    own.identity,
    () => {},
    [],
  );
  const engine = engineOf(state.journal, runtime);
  const silence = silenceView(state, runtime);
  await healthManager.start();

  // The reload: everything that is used from here on has to be of the new configuration.
  inForce = watched(config, afterReload);
  const used = [
    () => api.settings(),
    () => api.profileChecker,
    () => api.fleet(),
    () => flows.settings().clientCaPem(),
    () => engine.giveUpAfterMs,
    () => silence.survey(),
    () => flows.builds.acquire('operation', ['amphora'], new AbortController().signal),
    () => flows.agent.getInfo({ managementAddress: '127.0.0.1', amphoraId: 'a' } as never),
    ...jobs.jobs.flatMap((job) => [
      () => job.intervalSeconds(),
      () => job.run({ dryRun: true, byHand: false, stop: AbortSignal.timeout(5_000), assertHeld: async () => {} }),
    ]),
    () => beat(25557),
    () => monitor.start(),
  ];
  // Whether it succeeds is nothing to this test: there is no cloud.
  for (const use of used)
    await Promise.resolve()
      .then(use)
      .catch(() => {});

  const reloadable = [...eachOption()]
    .filter(([, , { mutable, withoutEffect }]) => mutable && withoutEffect === null)
    .map(([section, option]) => `${section}.${option}`);
  expect(reloadable.length).toBeGreaterThan(50);
  expect(
    reloadable.filter((name) => atStart.has(name)),
    'kept from the start',
  ).toEqual([]);
  await expect.poll(() => reloadable.filter((name) => !afterReload.has(name)), { timeout: 60_000 }).toEqual([]);
  await monitor.stop();
  await healthManager.stop();
  await queue.stop();
  await openstack.close();
});

async function beat(port: number): Promise<void> {
  const socket = createSocket('udp4');
  await new Promise<void>((resolve) => socket.send('not a heartbeat', port, '127.0.0.1', () => resolve()));
  socket.close();
}
