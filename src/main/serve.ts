import { chmodSync, mkdirSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import Fastify from 'fastify';
import { connectControl } from '../adapters/control/client.ts';
import { controlRoutes } from '../api/control/routes.ts';
import { createReloadableConfiguration, type ReloadableConfiguration } from '../config/reload.ts';
import { imageWarnings } from '../core/amphora/image-warnings.ts';
import { createAmphoraOperations, recoverAmphorae } from '../flows/index.ts';
import type { AmphoraParts } from '../flows/parts.ts';
import type { ServeStatus } from '../model/control.ts';
import { KilnError, toKilnError } from '../model/errors.ts';
import type { Clock } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import { amphoraSettings, imageSettings } from './amphora-settings.ts';
import { findAccess } from './cloud-access.ts';
import { aborted } from './dev.ts';
import { createLog, logFileOf, type ProcessLog } from './log.ts';
import { createOpenStack, type OpenStack } from './openstack.ts';
import { type ConfigurationSource, readConfiguration } from './source.ts';
import { type StatePaths, statePaths } from './state-paths.ts';
import { wireAmphorae } from './wire.ts';

/** How often work that dead processes left is looked for. */
const RECOVERY_EVERY_MS = 30_000;

/** The long-running Kiln: runs until the signal is aborted, then lets what is under way be undone, and ends. */
export async function serve(options: {
  source: ConfigurationSource;
  clock: Clock;
  signal: AbortSignal;
  version: string;
  /** Log at level debug, whatever the configuration says. */
  debug: boolean;
}): Promise<void> {
  const { source, clock, signal, version } = options;
  const configuration = createReloadableConfiguration(() => {
    const loaded = readConfiguration(source);
    amphoraSettings(loaded.config); // What every boot would stumble over is a fault now, and refuses a reload.
    return loaded;
  });
  const current = () => configuration.current().config;
  const log = createLog({ debug: options.debug || current().DEFAULT.debug, file: logFileOf(current()) });
  const loading = { loadedAt: clock.now().toISOString() };
  const startedAt = loading.loadedAt;
  const paths = statePaths(current(), source.environment, process.getuid?.() === 0);

  const access = findAccess(current(), null, source.environment);
  const openstack = createOpenStack(
    access,
    { clock, log },
    { createLookupSeconds: current().kiln.create_lookup_seconds },
  );
  const stopReloading = reloadOnHangup(configuration, log, () => {
    loading.loadedAt = clock.now().toISOString();
    log.setDebug(options.debug || current().DEFAULT.debug);
    void warnAboutImage(openstack, configuration, log);
  });
  const { parts, close } = await wireAmphorae(openstack, paths, { clock, log, current });
  const underWay = trackBoots(parts, signal);
  const control = await listen(paths, {
    amphorae: underWay.operations,
    status: () => describe({ parts, configuration, version, startedAt, loadedAt: loading.loadedAt }),
  });
  try {
    remarkOnConfiguration(configuration, log);
    void warnAboutImage(openstack, configuration, log);
    log.info({ socket: paths.controlSocket, files: configuration.current().files, version }, 'serving');
    const recovery = recoverUntil(parts, clock, signal);
    await aborted(signal);
    log.info({}, 'stopping: boots under way are undone');
    await Promise.all([recovery, underWay.settled()]);
  } finally {
    stopReloading();
    await control.close();
    await close();
    await openstack.close();
    log.info({}, 'stopped');
  }
}

/** Boots obey the process's signal and that of whoever asked for them, and can be waited for. */
function trackBoots(parts: AmphoraParts, signal: AbortSignal) {
  const operations = createAmphoraOperations(parts);
  const boots = new Set<Promise<unknown>>();
  return {
    operations: {
      ...operations,
      boot: (...[request, onEvent, own]: Parameters<typeof operations.boot>) => {
        const boot = operations.boot(request, onEvent, own ? AbortSignal.any([signal, own]) : signal);
        boots.add(boot);
        const forget = () => boots.delete(boot);
        boot.then(forget, forget);
        return boot;
      },
    },
    settled: () => Promise.allSettled(boots),
  };
}

async function listen(
  paths: StatePaths,
  control: Parameters<typeof controlRoutes>[1],
): Promise<{ close(): Promise<void> }> {
  const { controlSocket } = paths;
  mkdirSync(dirname(controlSocket), { recursive: true, mode: 0o700 });
  const other = await connectControl(controlSocket);
  if (other) {
    const { pid } = await other.status();
    await other.close();
    throw new KilnError('STATE_UNUSABLE', `kiln serve already runs with this state (pid ${pid}, ${controlSocket})`, {
      advice: 'Stop it first, or give this one another [kiln] state_path.',
    });
  }
  rmSync(controlSocket, { force: true }); // Left behind by a process that was killed: nobody answered there.
  const app = Fastify({ forceCloseConnections: true });
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
      remarkOnConfiguration(configuration, log);
    } catch (thrown) {
      const { message, details } = toKilnError(thrown);
      log.error({ faults: details.faults }, `configuration refused, the old one stays in force: ${message}`);
    }
  };
  process.on('SIGHUP', reload);
  return () => process.off('SIGHUP', reload);
}

function remarkOnConfiguration(configuration: ReloadableConfiguration, log: Log): void {
  const { unknown, deprecated } = configuration.current();
  for (const { section, option, message } of [...unknown, ...deprecated]) {
    // The image options have a warning of their own, with the commands to run.
    if (option !== 'amp_image_id') log.warn({ section, option }, message);
  }
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

async function recoverUntil(parts: AmphoraParts, clock: Clock, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await recoverAmphorae(parts).catch((err: unknown) => {
      parts.log.error({ err }, 'could not look for interrupted work; it will be tried again');
    });
    await clock.sleep(RECOVERY_EVERY_MS, signal).catch(() => {});
  }
}

async function describe(facts: {
  parts: AmphoraParts;
  configuration: ReloadableConfiguration;
  version: string;
  startedAt: string;
  loadedAt: string;
}): Promise<ServeStatus> {
  const { parts, configuration, version, startedAt, loadedAt } = facts;
  const amphorae = await parts.store.list();
  const byStatus: Record<string, number> = {};
  for (const { status } of amphorae) byStatus[status] = (byStatus[status] ?? 0) + 1;
  return {
    pid: process.pid,
    version,
    startedAt,
    configuration: { loadedAt, files: configuration.current().files },
    amphorae: { total: amphorae.length, byStatus },
    imageChoices: parts.resolver.status(),
  };
}
