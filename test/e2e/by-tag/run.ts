import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadConfiguration } from '../../../src/config/load.ts';
import type { Configuration } from '../../../src/config/options/index.ts';
import { freePort } from '../../kit/free-port.ts';
import { startNovaWithGuests } from '../../kit/nova-with-guests.ts';
import { type Case, type Need, SkipCase } from './case.ts';
import { type CloudUser, openCloudUser } from './cloud-user.ts';
import { createContext } from './context.ts';
import type { DerivedConfiguration } from './derived-configuration.ts';
import { type KilnSet, startKilnSet } from './kiln-set.ts';
import { removeLeftovers } from './leftovers.ts';
import type { LoadBalancerApi } from './load-balancer-api.ts';
import { createRunImages } from './run-images.ts';
import { openSharedState } from './shared-state.ts';
import { findVipSubnet } from './vip-network.ts';

export interface RunSettings {
  /** Cloud of clouds.yaml: the user that Kiln works as. */
  cloud: string;
  adminCloud: string | null;
  tenantCloud: string | null;
  configurationFile: string;
  /** Files of the old image and the new one; they may be the same. */
  images: { old: string; new: string };
  /** Name or ID; null: found or made. */
  vipSubnet: string | null;
  /** Null: where Nova says that its hypervisor pretends. */
  playGuests: boolean | null;
  /** Both, or none. */
  shared: { databaseUrl: string; transportUrl: string } | null;
  /** Leave everything in the cloud. */
  keep: boolean;
  /** A ctrl-C reaches this process alone, which then has to call `close`; else Kiln's processes end with it. */
  interruptible: boolean;
  /** Ends what is under way; `close` is still to be called. */
  signal: AbortSignal;
}

/** How a case ended. */
export type Outcome = { seconds: number } & (
  | { status: 'passed' }
  | { status: 'skipped'; reason: string }
  | { status: 'failed'; error: Error }
);

/** A run against one cloud. */
export interface Run {
  name: string;
  /**
   * Runs one, and then takes its tag off its images and lets its load balancers go. Never rejects. Only cases that are
   * `alongside` may run at the same time as others.
   */
  perform(one: Case): Promise<Outcome>;
  /** Removes all that was made; says what is still there, and is empty when nothing is. */
  close(): Promise<string[]>;
}

/** Begins those that are `alongside`; to be called before others are performed. */
export function performAlongside(run: Run, selected: readonly Case[]): ReadonlyMap<Case, Promise<Outcome>> {
  return new Map(selected.filter(({ alongside }) => alongside).map((one) => [one, run.perform(one)]));
}

/** Rejects, with all undone, when the cloud can't be used as it is. */
export async function openRun(settings: RunSettings): Promise<Run> {
  const { signal } = settings;
  const name = `kiln-e2e-${randomBytes(4).toString('hex')}`;
  const folder = mkdtempSync(join(tmpdir(), `${name}-`));
  const { config } = loadConfiguration({ configFiles: [settings.configurationFile] });
  const patience = { timeoutMs: patienceMs(config), signal };
  const users: CloudUser[] = [];
  /** Those that are being started, too. */
  const starting: Promise<KilnSet>[] = [];
  /** Cases that have not come to their end. */
  const underWay = new Set<Promise<Outcome>>();
  /** What ends in the order opposite to that in which it began. */
  const endings: (() => Promise<unknown>)[] = [];
  const loadBalancers = new Map<string, LoadBalancerApi>();
  const marks = {
    ...{ runName: name, loadBalancerIds: new Set<string>(), amphoraIds: new Set<string>() },
    ...{ imageIds: new Set<string>(), networkId: null as string | null },
  };

  async function close(): Promise<string[]> {
    await Promise.all(underWay);
    const sets = (await Promise.allSettled(starting))
      .filter((one) => one.status === 'fulfilled')
      .map(({ value }) => value);
    // What was interrupted may have made some that nobody was notified of.
    const problems = await Promise.all(sets.map((set) => notingFailure('Kiln', () => noteAll(set))));
    if (!settings.keep) {
      const gone = [...loadBalancers].map(([id, api]) =>
        notingFailure(`load balancer ${id}`, () => removeLoadBalancer(api, id)),
      );
      problems.push(...(await Promise.all(gone)));
    }
    await Promise.all(sets.map((set) => set.stop()));
    const left = settings.keep ? [] : await removeLeftovers(users, marks);
    for (const end of endings.reverse()) problems.push(await notingFailure('at the end', end));
    for (const user of users) await user.close();
    if (!settings.keep) rmSync(folder, { recursive: true, force: true });
    // What Kiln could not remove and this could is Kiln's failure all the same.
    return [...problems.filter((problem) => problem !== null), ...left];
  }
  async function noteAll({ apis: [api] }: KilnSet): Promise<void> {
    for (const { id } of await api.list()) noteLoadBalancer(id, api);
    for (const { id } of await api.amphorae()) marks.amphoraIds.add(id);
  }
  function noteLoadBalancer(id: string, api: LoadBalancerApi): void {
    if (!loadBalancers.has(id)) loadBalancers.set(id, api);
    marks.loadBalancerIds.add(id);
  }

  try {
    const operator = await openCloudUser(settings.cloud, config);
    users.push(operator);
    await demandSameProject(operator, config, settings);
    const others = await Promise.all(
      [settings.adminCloud, settings.tenantCloud].map(async (cloud) =>
        cloud ? await openCloudUser(cloud, config) : null,
      ),
    );
    const [adminUser = null, tenant = null] = others;
    users.push(...others.filter((user) => user !== null));
    demandTenant(tenant, operator);
    const admin = [operator, adminUser].find((user) => user?.roles.includes('admin')) ?? null;
    const caller = [operator, adminUser].find((user) => mayAdministerLoadBalancers(user));
    if (!caller) throw new Error(`${settings.cloud} has not the role admin: name a cloud that has by --admin-cloud`);

    const hypervisor = await hypervisorOf(admin);
    const played = settings.playGuests ?? hypervisor === 'fake';
    const guests = played
      ? await startNovaWithGuests({
          compute: await operator.endpoint('compute'),
          image: await operator.endpoint('image'),
        })
      : null;
    if (guests) endings.push(() => guests.close());
    const shared = settings.shared
      ? await openSharedState(settings.shared.databaseUrl, settings.shared.transportUrl, name)
      : null;
    if (shared) endings.push(() => shared.close());

    const derive = async (part: string, state: typeof shared): Promise<DerivedConfiguration> => ({
      ...{ given: settings.configurationFile, folder: join(folder, part), tag: name },
      ...{ heartbeatPort: await freePort(), computeEndpoint: guests?.url ?? null },
      ...{ databaseUrl: state?.databaseUrl ?? '', transportUrl: state?.transportUrl ?? '' },
    });
    const start = async (part: string, state: typeof shared): Promise<KilnSet> => {
      const set = derive(part, state).then((derived) =>
        startKilnSet({ derived, user: caller, patience, ownGroup: settings.interruptible }),
      );
      starting.push(set);
      return await set;
    };
    const vip = await findVipSubnet(operator, {
      ...{ wanted: settings.vipSubnet, runName: name },
      onThisMachine: played || hypervisor === 'process',
    });
    if (vip.own) marks.networkId = vip.networkId;
    const kiln = await start('main', shared);
    const images = createRunImages({
      ...{ runName: name, operator, tenant, files: settings.images },
      made: (id) => marks.imageIds.add(id),
    });
    let variant: Promise<KilnSet> | null = null;
    let flavors = 0;
    /** @param ofCase is called with the load balancers that the case asked for. */
    const contextOf = (one: Case, ofCase: [string, LoadBalancerApi][]) =>
      createContext({
        ...{ runName: name, operator, tenant, admin, images, kiln, vipSubnetId: vip.id },
        tag: one.alongside ? { value: `${name}-${++flavors}`, ofFlavor: true } : { value: name, ofFlavor: false },
        variant: () => {
          variant ??= start('variant', null);
          return variant;
        },
        made: (id, api) => {
          noteLoadBalancer(id, api);
          ofCase.push([id, api]);
        },
      });
    const reasons: Record<Need, string | null> = {
      admin: admin ? null : 'nobody here has the role admin: name a cloud by --admin-cloud',
      tenant: tenant ? null : 'there is no tenant: name a cloud by --tenant-cloud',
      several: shared ? null : 'one process does everything: name a MySQL and a RabbitMQ for more',
    };
    const perform = async (one: Case): Promise<Outcome> => {
      const startMs = performance.now();
      const seconds = () => (performance.now() - startMs) / 1_000;
      const lacking = one.needs.map((need) => reasons[need]).find((reason) => reason !== null);
      if (lacking) return { status: 'skipped', reason: lacking, seconds: 0 };
      const ofCase: [string, LoadBalancerApi][] = [];
      const context = contextOf(one, ofCase);
      try {
        await one.run(context);
        return { status: 'passed', seconds: seconds() };
      } catch (error) {
        if (error instanceof SkipCase) return { status: 'skipped', reason: error.message, seconds: seconds() };
        return { status: 'failed', error: error as Error, seconds: seconds() };
      } finally {
        // What can't be removed now is tried again, and reported, at the end.
        await images.carry(context.tag).catch(() => {});
        await Promise.all(ofCase.map(([id, api]) => letGo(id, api).catch(() => {})));
      }
    };
    return {
      name,
      perform(one) {
        const outcome = perform(one);
        underWay.add(outcome);
        void outcome.then(() => underWay.delete(outcome));
        return outcome;
      },
      close,
    };
  } catch (error) {
    const left = await close();
    for (const one of left) console.error(`left behind: ${one}`);
    throw error;
  }

  /** Does not wait for the end of it. */
  async function letGo(id: string, api: LoadBalancerApi): Promise<void> {
    for (const amphora of await api.amphorae(id)) marks.amphoraIds.add(amphora.id);
    if (!settings.keep) await api.startRemoving(id);
  }
  async function removeLoadBalancer(api: LoadBalancerApi, id: string): Promise<void> {
    // Not the run's own signal: a run that is stopped still removes.
    const endMs = performance.now() + patience.timeoutMs;
    while (performance.now() < endMs) {
      const found = await api.show(id);
      if (!found) return;
      if (!found.provisioning_status.startsWith('PENDING_')) await api.startRemoving(id).catch(() => {});
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    throw new Error('was not gone in time');
  }
}

/** Null when the work was done. */
async function notingFailure(what: string, work: () => Promise<unknown>): Promise<string | null> {
  return await work().then(
    () => null,
    (error: Error) => `${what}: ${error.message}`,
  );
}

/** Kiln trusts its own project's images; a run that pushed them elsewhere would show nothing. */
async function demandSameProject(operator: CloudUser, config: Configuration, settings: RunSettings): Promise<void> {
  const { project_id: id, project_name: name } = config.service_auth;
  if (id ? id === operator.projectId : !name || name === operator.projectName) return;
  throw new Error(
    `cloud ${settings.cloud} is project ${operator.projectName}, and [service_auth] of ${settings.configurationFile} is ` +
      `project ${name ?? id}: name the cloud that is the service user's project`,
  );
}

function demandTenant(tenant: CloudUser | null, operator: CloudUser): void {
  if (!tenant) return;
  if (tenant.projectId === operator.projectId)
    throw new Error(`${tenant.cloudName} is no tenant: its project is Kiln's`);
  if (tenant.roles.includes('admin')) throw new Error(`${tenant.cloudName} is no tenant: it has the role admin`);
}

function mayAdministerLoadBalancers(user: CloudUser | null): boolean {
  return user?.roles.some((role) => role === 'admin' || role === 'load-balancer_admin') ?? false;
}

/** `fake` where servers are only pretended, `process` in the embedded cloud; null when nobody may ask. */
async function hypervisorOf(admin: CloudUser | null): Promise<string | null> {
  const answer = await admin?.call('compute', 'GET', '/os-hypervisors/detail').catch(() => null);
  return answer?.hypervisors[0]?.hypervisor_type ?? null;
}

/** As long as Kiln itself has for a boot, twice (a failover's old amphora may be slow to go), and a minute. */
function patienceMs({ controller_worker: worker, haproxy_amphora: agent }: Configuration): number {
  const active = worker.amp_active_retries * worker.amp_active_wait_sec;
  const answering = agent.connection_max_retries * agent.connection_retry_interval;
  return (2 * (active + answering) + 60) * 1_000;
}
