import { chmodSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { connectControl } from '../adapters/control/client.ts';
import { heartbeatMetrics } from '../adapters/metrics/heartbeats.ts';
import { endedOperationMetrics } from '../adapters/metrics/operations.ts';
import { releaseFailureMetric } from '../adapters/metrics/releases.ts';
import { giveMemoryBack } from '../adapters/process/give-memory-back.ts';
import { makeFolder } from '../adapters/process/make-folder.ts';
import { createServiceManager, type ServiceManager } from '../adapters/process/service-manager.ts';
import { migrationStatus } from '../adapters/storage/migrate.ts';
import { controlRoutes } from '../api/control/routes.ts';
import type { Configuration } from '../config/options/index.ts';
import { createReloadableConfiguration, type ReloadableConfiguration } from '../config/reload.ts';
import { imageWarnings } from '../core/amphora/image-warnings.ts';
import type { Worker } from '../flows/worker.ts';
import { runJobs } from '../housekeeping/run-jobs.ts';
import { limitedFastify } from '../http/limited-fastify.ts';
import { connectionLimits } from '../http/limited-server.ts';
import { aborted } from '../lib/aborted.ts';
import { createBell } from '../lib/bell.ts';
import { KilnError, toKilnError } from '../model/errors.ts';
import { type ServeRole, serveRoles } from '../model/serve-role.ts';
import type { Clock } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import type { OperationQueue } from '../ports/operation-queue.ts';
import type { WorkerIdentity } from '../ports/worker-identity.ts';
import { createVipAllocator } from '../services/vip-allocator.ts';
import { wireAbort } from './abort.ts';
import { wireAdoption, wireAmphoraOperations } from './amphora-operations.ts';
import { findAccess } from './cloud-access.ts';
import { createLog, logFileOf, type ProcessLog } from './log.ts';
import { wireMetrics } from './metrics.ts';
import type { OpenStack } from './openstack.ts';
import { troubledOwnCertificates, watchOwnCertificates } from './own-certificates.ts';
import { refuseUnsafe } from './refuse-unsafe.ts';
import { logRemarks } from './remarks.ts';
import { apiOfAdministrators, readPolicy, serveApi } from './roles/api.ts';
import { apiDeps } from './roles/api-deps.ts';
import { serveHealthCheck } from './roles/health-check.ts';
import { wireHealthManager } from './roles/health-manager.ts';
import { wireJobs } from './roles/housekeeping.ts';
import { whileSeen, wireRegistry } from './roles/seen-process.ts';
import { wireSilenceMonitor } from './roles/silence-monitor.ts';
import { wireQueue, wireWorker } from './roles/worker.ts';
import { serveStatus } from './serve-status.ts';
import { amphoraSettings, imageSettings } from './settings/amphora-settings.ts';
import { silenceView } from './silence-view.ts';
import { type ConfigurationSource, readConfiguration } from './source.ts';
import { openState, type State } from './state.ts';
import { type StatePaths, statePaths } from './state-paths.ts';
import { waitForState } from './wait-for-state.ts';
import { type RuntimeContext, secretStore, wireOpenStack, wireProcess } from './wire.ts';

/** Once it serves, what is done once has been done after so long. */
const START_ENDS_AFTER_MS = 2_000;
/** How often work that dead processes left is looked for. */
const ADOPTION_EVERY_MS = 30_000;

/** The long-running Kiln: runs until the signal is aborted, then lets what is under way come to rest, and ends. */
export async function serve(options: {
  source: ConfigurationSource;
  clock: Clock;
  signal: AbortSignal;
  version: string;
  /** Log at level debug, whatever the configuration says. */
  debug: boolean;
  roles: readonly ServeRole[];
}): Promise<void> {
  const { source, clock, signal, version, roles } = options;
  const configuration = createReloadableConfiguration(() => {
    const loaded = readConfiguration(source);
    amphoraSettings(loaded.config); // What every boot would stumble over is a fault now, and refuses a reload.
    refuseUnsafe(loaded.config, options.roles);
    return loaded;
  });
  const current = () => configuration.current().config;
  assertSharedState(current(), roles);
  const log = createLog({ debug: options.debug || current().DEFAULT.debug, file: logFileOf(current()) });
  const loading = { loadedAt: clock.now().toISOString() };
  const startedAt = loading.loadedAt;
  const paths = statePaths(current(), source.environment, process.getuid?.() === 0);
  const runtime = { clock, log, current };

  const openstack = wireOpenStack(findAccess(current(), null, source.environment), runtime);
  const stopReloading = reloadOnHangup(configuration, log, () => {
    loading.loadedAt = clock.now().toISOString();
    log.setDebug(options.debug || current().DEFAULT.debug);
    void warnAboutImage(openstack, configuration, log);
  });
  const endings: (() => Promise<unknown>)[] = [() => openstack.close()];
  const service = createServiceManager(source.environment, { clock, log, pid: process.pid });
  await service.status('waiting for the database');
  const state = await waitForState(() => openState(paths.database, clock, signal), { clock, log, signal });
  if (!state) {
    stopReloading();
    await openstack.close();
    return;
  }
  endings.push(() => state.close());
  /** What serves: all of it begins to stop at the same moment. */
  const services: (() => Promise<unknown>)[] = [];
  await warnAboutNewerTables(state, log);
  let served = false;
  try {
    const own = wireProcess(openstack, runtime);
    const { identity, resolver, agent } = own;
    const bell = createBell();
    let worker: Worker | null = null;
    const secrets = secretStore(current(), paths);
    const queue = wireQueue(state, runtime);
    const metrics = wireMetrics(state, runtime);

    const api = roles.includes('api')
      ? apiDeps(
          {
            openstack,
            state,
            identity,
            resolver,
            secrets,
            queue,
            policy: readPolicy(current(), configuration.current().files),
            metrics,
            bell,
          },
          runtime,
        )
      : null;

    if (api && roles.length === serveRoles.length) {
      const administrators = apiOfAdministrators(api);
      const self = { pid: process.pid, version };
      const control = await listen(paths, {
        self,
        publicApi: administrators.ready,
        amphorae: wireAmphoraOperations({ state, identity, queue, worker: () => worker, stopping: signal }, runtime),
        abortOperation: wireAbort(state, identity.self, log),
        status: serveStatus({
          self,
          startedAt,
          configuration: () => ({ loadedAt: loading.loadedAt, files: configuration.current().files }),
          resolver,
          countAmphorae: () => state.amphorae.countByStatus(),
          silence: silenceView(state, runtime).survey,
          certificates: () => troubledOwnCertificates(current(), clock.now()),
        }),
      });
      endings.push(async () => {
        await administrators.close(); // Streams of events end with it.
        await control.close(); // Last: who asked for a boot hears that it rests.
      });
    }
    if (roles.includes('health-manager')) {
      const healthManager = wireHealthManager(state, runtime);
      await healthManager.start();
      heartbeatMetrics(metrics, healthManager.stats);
      const { isRecording } = healthManager;
      const monitor = wireSilenceMonitor({ openstack, state, agent, queue, isRecording }, runtime);
      monitor.start();
      services.push(() => Promise.all([monitor.stop(), healthManager.stop()]));
    }
    if (roles.includes('worker')) {
      const started = wireWorker(
        { openstack, state, secrets, queue, own, roles, bell, onEnded: endedOperationMetrics(metrics, clock) },
        runtime,
      );
      worker = started;
      await started.start();
      services.push(() => started.stop());
    } else {
      services.push(() => queue.stop());
    }
    if (api) {
      const listening = await serveApi({ deps: api, configuration: current() });
      services.push(() => listening.close());
      log.info({ url: listening.url }, 'the load-balancer API listens');
    }

    const healthCheck = await serveHealthCheck({ ...state, metrics }, runtime);
    if (healthCheck) services.push(() => healthCheck.close());

    logRemarks(configuration.current(), log);
    void warnAboutImage(openstack, configuration, log);
    log.info({ socket: paths.controlSocket, files: configuration.current().files, version, roles }, 'serving');
    const background: Promise<unknown>[] = [watchOwnCertificates(runtime, signal)];
    if (roles.includes('worker')) background.push(adoptUntil({ state, identity, queue }, runtime, signal));
    if (roles.includes('housekeeping')) {
      const jobs = wireJobs(
        {
          ...state,
          inventory: openstack.inventory,
          vips: createVipAllocator({ network: openstack.network }),
          images: openstack.images,
          resolver,
          releaseFailed: releaseFailureMetric(metrics),
          bell,
        },
        runtime,
        identity,
        (operation) => queue.announce(operation),
        roles,
      );
      const run = () => runJobs(jobs, signal);
      background.push(roles.includes('worker') ? run() : whileSeen(jobs, run));
    } else if (!roles.includes('worker')) {
      background.push(whileSeen(wireRegistry(state.database, runtime, identity, roles), () => aborted(signal)));
    }
    void service.ready();
    void clock.sleep(START_ENDS_AFTER_MS, signal).then(giveMemoryBack, () => {});
    endings.push(keepAliveUntilEnded(service));
    await aborted(signal);
    void service.stopping();
    log.info({}, 'stopping: flows rest after their running steps');
    await Promise.all([...background, ...services.splice(0).map((stop) => stop())]);
    served = true;
  } finally {
    stopReloading();
    // In the order opposite to that in which they began; what serves first.
    for (const end of [...endings, ...services].reverse()) await end();
    // What could not begin has an error to tell, and nothing stopped.
    if (served) log.info({}, 'stopped');
  }
}

/** @returns what ends the signs of life: the last steps of flows may take a while, and are no reason to be killed. */
function keepAliveUntilEnded(service: ServiceManager): () => Promise<void> {
  const ended = new AbortController();
  const alive = service.keepAlive(ended.signal);
  return async () => {
    ended.abort();
    await alive;
  };
}

/** Several processes need a database and a broker that all of them reach. */
function assertSharedState({ DEFAULT, database }: Configuration, roles: readonly ServeRole[]): void {
  if (roles.length === serveRoles.length || roles.length === 0) return;
  const missing = [
    ...(DEFAULT.transport_url ? [] : ['[DEFAULT] transport_url']),
    ...(database.connection && !database.connection.startsWith('sqlite') ? [] : ['[database] connection']),
  ];
  if (missing.length === 0) return;
  throw new KilnError('CONFIGURATION_INVALID', `--role ${roles.join(',')} needs ${missing.join(' and ')}`, {
    advice: 'Name a RabbitMQ and a MySQL or MariaDB that all processes reach, or run `kiln serve` without --role.',
  });
}

async function listen(
  paths: StatePaths,
  control: Parameters<typeof controlRoutes>[1],
): Promise<{ close(): Promise<void> }> {
  const { controlSocket } = paths;
  makeFolder(dirname(controlSocket));
  const other = await connectControl(controlSocket);
  if (other) {
    await other.close();
    throw new KilnError(
      'STATE_UNUSABLE',
      `kiln serve already runs with this state (pid ${other.pid}, ${controlSocket})`,
      {
        advice: 'Stop it first, or give this one another [kiln] state_path.',
      },
    );
  }
  rmSync(controlSocket, { force: true }); // Left behind by a process that was killed: nobody answered there.
  // A boot is silent for as long as Nova builds.
  const app = limitedFastify({}, { limits: { ...connectionLimits, silenceSeconds: 0 } });
  await controlRoutes(app, control);
  const mask = process.umask(0o177);
  try {
    await app.listen({ path: controlSocket });
  } finally {
    process.umask(mask);
  }
  chmodSync(controlSocket, 0o600);
  return { close: () => app.close() };
}

/** SIGHUP reads the configuration again; one with faults is refused whole, and the old values stay. */
function reloadOnHangup(configuration: ReloadableConfiguration, log: ProcessLog, onReloaded: () => void): () => void {
  const reload = () => {
    log.reopen();
    try {
      const { changed, needRestart } = configuration.reload();
      onReloaded();
      log.info(
        { changed },
        `configuration read again: ${changed.length} ${changed.length === 1 ? 'option' : 'options'} changed`,
      );
      for (const { section, option } of needRestart) {
        log.warn({ section, option }, `[${section}] ${option} was changed and takes effect after a restart`);
      }
      logRemarks(configuration.current(), log);
    } catch (thrown) {
      const { message, details } = toKilnError(thrown);
      log.error({ faults: details.faults }, `configuration refused, the old one stays in force: ${message}`);
    }
  };
  process.on('SIGHUP', reload);
  return () => process.off('SIGHUP', reload);
}

async function warnAboutNewerTables({ database }: State, log: Log): Promise<void> {
  const newer = (await migrationStatus(database)).filter((one) => one.newer !== null).map(({ name }) => name);
  if (newer.length === 0) return;
  log.warn({ migrations: newer }, 'a newer Kiln changed the tables; the changes are compatible, and this one goes on');
}

/** Said at start and after each reload, which don't wait for it. A cloud that can't be asked makes the warning shorter. Never throws. */
async function warnAboutImage(openstack: OpenStack, configuration: ReloadableConfiguration, log: Log): Promise<void> {
  const settings = imageSettings(configuration.current().config);
  if (!settings.ampImageId && settings.ampImageOwnerId !== 'any') return;
  const [image, who] = await Promise.all([
    settings.ampImageId ? openstack.images.get(settings.ampImageId).catch(() => null) : null,
    openstack.identity.authenticatedAs().catch(() => null),
  ]);
  for (const warning of imageWarnings(settings, image, who?.projectId ?? null)) log.warn({}, warning);
}

async function adoptUntil(
  own: { state: State; identity: WorkerIdentity; queue: OperationQueue },
  runtime: RuntimeContext,
  signal: AbortSignal,
): Promise<void> {
  const { clock, log } = runtime;
  const adopt = wireAdoption(own, runtime);
  const failed = (err: unknown) => log.error({ err }, 'could not look for interrupted work; it will be tried again');
  while (!signal.aborted) {
    await adopt().catch(failed);
    await clock.sleep(ADOPTION_EVERY_MS, signal).catch(() => {});
  }
}
