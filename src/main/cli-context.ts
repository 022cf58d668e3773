import { hostname, userInfo } from 'node:os';
import type { ControlClient } from '../adapters/control/client.ts';
import type { CliContext, CliEnvironment, GlobalOptions } from '../cli/context.ts';
import type { LoadedConfiguration } from '../config/load.ts';
import type { CloudInventory } from '../ports/cloud-inventory.ts';
import type { Log } from '../ports/log.ts';
import { configurationView } from './configuration-view.ts';
import { createLog, createRemarkLog } from './log.ts';
import type { OpenStack } from './openstack.ts';
import type { HousekeepingDeps } from './roles/housekeeping.ts';
import { cliSettings } from './settings/cli-settings.ts';
import { readConfiguration, viewConfiguration } from './source.ts';
import { type StatePaths, statePaths } from './state-paths.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * What the commands act through, over the real things. Each is made when a command first asks for it, and what it is
 * made of is loaded then as well: showing an image shall not wait for a database driver and a bundler.
 */
export function createCliContext(options: GlobalOptions, cli: CliEnvironment, environment: Environment): CliContext {
  const { clock, signal } = cli;
  const source = { options, environment };
  const endings: (() => Promise<unknown>)[] = [];

  const log = lazily((): Log => {
    if (options.debug) return createLog({ debug: true, file: null });
    return createRemarkLog(options.quiet ? () => {} : cli.terminal.stderr.write);
  });
  const loaded = lazily((): LoadedConfiguration => readConfiguration(source));
  const current = () => loaded().config;
  const paths = lazily((): StatePaths => statePaths(current(), environment, process.getuid?.() === 0));
  const openstack = lazily(async (): Promise<OpenStack> => {
    const [{ findAccess }, { createOpenStack }] = await Promise.all([
      import('./cloud-access.ts'),
      import('./openstack.ts'),
    ]);
    const access = findAccess(current(), options.osCloud, environment);
    const { create_lookup_seconds: createLookupSeconds } = current().kiln;
    const made = createOpenStack(access, { clock, log: log() }, { createLookupSeconds });
    endings.push(() => made.close());
    return made;
  });
  const operator = () => `${environment.SUDO_USER ?? userInfo().username}@${hostname()}`;
  const control = lazily(async (): Promise<ControlClient | null> => {
    const { connectControl } = await import('../adapters/control/client.ts');
    const client = await connectControl(paths().controlSocket);
    if (client) endings.push(() => client.close());
    return client;
  });

  const state = lazily(async () => {
    const { openState } = await import('./state.ts');
    const opened = await openState(paths().database, clock);
    endings.push(() => opened.close());
    return opened;
  });

  return {
    images: async () => (await openstack()).images,
    compute: async () => (await openstack()).compute,
    network: async () => (await openstack()).network,
    identity: async () => (await openstack()).identity,

    async resolver() {
      const { wireResolver } = await import('./wire.ts');
      return wireResolver(await openstack(), { clock, log: log(), current });
    },

    async amphorae() {
      const client = await control();
      if (client) return { operations: client.amphorae, servedBy: `kiln serve (pid ${client.pid})` };
      const [{ wireOwnAmphoraOperations }, { secretStore }] = await Promise.all([
        import('./amphora-operations.ts'),
        import('./wire.ts'),
      ]);
      const { operations, close } = wireOwnAmphoraOperations(
        {
          openstack: await openstack(),
          state: await state(),
          secrets: secretStore(current(), paths()),
        },
        { clock, log: log(), current },
      );
      endings.push(close);
      return { operations, servedBy: null };
    },

    async secrets() {
      const { secretFolder } = await import('./secrets.ts');
      return await secretFolder(current(), paths());
    },

    async secretUsers() {
      const { createSecretUsers } = await import('../adapters/storage/secret-users.ts');
      return createSecretUsers((await state()).database, clock);
    },

    settings: async () => cliSettings(loaded()),
    configuration: async () => configurationView(viewConfiguration(source)),

    async inspectCertificate(role) {
      const { inspectByRole } = await import('./inspect-certificate.ts');
      return inspectByRole(current(), role);
    },

    async controller() {
      const { controllerView } = await import('./controller-view.ts');
      return controllerView({ clock, current, state });
    },

    async buildImage({ outputFile, name, version }) {
      const { buildAmphoraImage } = await import('../adapters/amphora-image/build.ts');
      const named = { name: name ?? 'amphora', version: version ?? cli.build.version };
      const output = outputFile ?? `${named.name}-${named.version}.img`;
      return { ...(await buildAmphoraImage({ ...named, output })), ...named };
    },

    async buildVmImage(options, report) {
      const { buildAndCheckVmImage } = await import('./build-vm-image.ts');
      return await buildAndCheckVmImage(options, { clock, signal, report, kilnVersion: cli.build.version });
    },

    status: async () => (await control())?.status() ?? null,

    async serve(roles) {
      const { serve } = await import('./serve.ts');
      await serve({ source, clock, signal, version: cli.build.version, debug: options.debug, roles });
    },

    journal: async () => (await state()).journal,

    async knownFlows() {
      const { loadBalancerFlows } = await import('../flows/load-balancer/index.ts');
      return new Map(loadBalancerFlows.map(({ name, steps }) => [name, new Set(steps.map((step) => step.name))]));
    },

    async housekeeping() {
      const { housekeepingCommands } = await import('./housekeeping-commands.ts');
      const { makesNothing, wireResolver } = await import('./wire.ts');
      const { noopInventory } = await import('../adapters/noop/inventory.ts');
      // Most jobs need no cloud, which may not even be configured here.
      const found = async () => (makesNothing(current()) ? noopInventory : (await openstack()).inventory);
      const inventory: CloudInventory = {
        list: async (...asked) => (await found()).list(...asked),
        find: async (...asked) => (await found()).find(...asked),
        remove: async (...asked) => (await found()).remove(...asked),
      };
      const glance = async () => (await openstack()).images;
      const images: HousekeepingDeps['images'] = {
        get: async (...asked) => (await glance()).get(...asked),
        list: async (...asked) => (await glance()).list(...asked),
        addTag: async (...asked) => (await glance()).addTag(...asked),
        removeTag: async (...asked) => (await glance()).removeTag(...asked),
      };
      const runtime = { clock, log: log(), current };
      const resolver: HousekeepingDeps['resolver'] = {
        resolveAssigned: async (...asked) => await wireResolver(await openstack(), runtime).resolveAssigned(...asked),
        releasable: async (...asked) => await wireResolver(await openstack(), runtime).releasable(...asked),
        trustedOwner: async () => await wireResolver(await openstack(), runtime).trustedOwner(),
      };
      const vips: HousekeepingDeps['vips'] = {
        async release(loadBalancerId) {
          const { createVipAllocator } = await import('../services/vip-allocator.ts');
          await createVipAllocator({ network: (await openstack()).network }).release(loadBalancerId);
        },
      };
      return housekeepingCommands({ ...(await state()), inventory, vips, images, resolver }, runtime, signal);
    },

    async abortOperation(operationId) {
      const client = await control();
      if (client) return await client.abortOperation(operationId);
      const [{ wireAbort }, { createWorkerIdentity }] = await Promise.all([
        import('./abort.ts'),
        import('../adapters/process/worker-identity.ts'),
      ]);
      return await wireAbort(await state(), createWorkerIdentity().self, log())(operationId);
    },

    async silence() {
      const { silenceView } = await import('./silence-view.ts');
      return silenceView(await state(), { clock, current });
    },

    async fleet() {
      const { wireFleet, wireResolver } = await import('./wire.ts');
      const [cloud, runtime] = [await openstack(), { clock, log: log(), current }];
      return wireFleet(cloud, await state(), wireResolver(cloud, runtime), runtime);
    },

    async releases() {
      const { wireReleases, wireResolver } = await import('./wire.ts');
      const [cloud, runtime] = [await openstack(), { clock, log: log(), current }];
      return wireReleases(cloud, await state(), wireResolver(cloud, runtime), runtime);
    },

    async octaviaReleases() {
      const { wireOctaviaReleases } = await import('./octavia-releases.ts');
      return wireOctaviaReleases(await openstack(), clock, operator());
    },
    operator,

    async knownImages() {
      const [{ databaseStatus }, { knownImages }] = await Promise.all([
        import('../adapters/storage/database.ts'),
        import('../core/fleet/image-use.ts'),
      ]);
      // Looking must not make a database, nor change its tables.
      const { migrations } = await databaseStatus(paths().database);
      if (migrations.some(({ executedAt }) => executedAt === null)) return null;
      const { fleet, releases } = await state();
      return async () => knownImages(await fleet.survey(clock.now().toISOString()), await releases.neededImages());
    },

    async tagHistory(limit) {
      const { createTagHistory } = await import('../adapters/storage/tag-history.ts');
      return await createTagHistory((await state()).database, clock).list(limit);
    },

    async resizeLoadBalancer(loadBalancerId, flavorId) {
      const { resizeLoadBalancer } = await import('./resize.ts');
      const runtime = { clock, log: log(), current };
      await resizeLoadBalancer({ openstack: await openstack(), state: await state(), paths: paths() }, runtime, {
        loadBalancerId,
        flavorId,
      });
    },

    async databaseStatus() {
      const { databaseStatus } = await import('../adapters/storage/database.ts');
      return await databaseStatus(paths().database);
    },

    async upgradeDatabase() {
      const { databaseStatus, openDatabase } = await import('../adapters/storage/database.ts');
      await (await openDatabase(paths().database, clock)).destroy();
      return await databaseStatus(paths().database);
    },

    async dev(devOptions, onReady) {
      const { dev } = await import('./dev.ts');
      await dev({ devOptions, onReady, environment, signal, log: log() });
    },

    async ui(localPageOptions) {
      const { serveLocalPage } = await import('./local-page.ts');
      await serveLocalPage(localPageOptions, { controlSocket: paths().controlSocket, who: operator(), clock, signal });
    },

    async close() {
      // What was made last needs what was made before it.
      for (const end of endings.reverse()) await end().catch(() => {});
    },
  };
}

/** Made once, when first asked for. */
function lazily<Value>(make: () => Value): () => Value {
  let made: { value: Value } | null = null;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}
