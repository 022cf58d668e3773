import { randomUUID } from 'node:crypto';
import { createWorkerRegistry } from '../../src/adapters/storage/worker-registry.ts';
import type { Window } from '../../src/core/releases/window.ts';
import { runFlow } from '../../src/flows/engine/run-flow.ts';
import { rememberTrees } from '../../src/flows/lib/remember-trees.ts';
import type { LoadBalancerDeps } from '../../src/flows/load-balancer/deps.ts';
import { loadBalancerFlows } from '../../src/flows/load-balancer/index.ts';
import { openState } from '../../src/main/state.ts';
import {
  endedPhases,
  type HealthSample,
  type Intent,
  type ReleasePolicy,
  type Target,
} from '../../src/model/release.ts';
import type { StoredRelease } from '../../src/ports/release-store.ts';
import { type CarryOn, createCarryOn } from '../../src/releases/carry-on.ts';
import { createGlanceLook } from '../../src/releases/glance-look.ts';
import type { ReleaseHealth } from '../../src/services/release-health.ts';
import { createReleasePlanner } from '../../src/services/release-planner.ts';
import { createReleases } from '../../src/services/releases.ts';
import { anImage } from './builders.ts';
import { createFakeLoadBalancerDeps } from './fakes/fake-load-balancer-deps.ts';
import { newSqlite } from './sqlite.ts';
import { storedLoadBalancer } from './stored-resources.ts';

export const former = 'image-1';
export const released = 'image-2';
const limits = { attempts: 2, firstPauseMs: 10, longestPauseMs: 100 };
const never = new AbortController().signal;
/** Whatever takes longer does not end. */
const MOST_PASSES = 300;

/** Controller, planner, engine, flows and database as they are; a cloud in memory, and a time of its own. */
export type CarriedRelease = Awaited<ReturnType<typeof openCarriedRelease>>;

export async function openCarriedRelease({ singles = 3, pairs = 0, workers = 1, maxWorkers = 10 } = {}) {
  const fakes = createFakeLoadBalancerDeps();
  const { clock, log, images, network, agent, compute } = fakes;
  images.put(anImage({ id: former, name: 'amphora-1', hashValue: 'h1' }));
  images.put(
    anImage({ id: released, name: 'amphora-2', hashValue: 'h2', tags: [], createdAt: '2026-11-22T13:00:00Z' }),
  );
  const database = await newSqlite();
  const state = await openState(database.connection, clock);
  const { journal } = state;
  const deps: LoadBalancerDeps = {
    ...fakes.deps,
    loadBalancers: state.loadBalancers,
    amphorae: state.amphorae,
    // Whoever asks has heard of it again.
    health: { ...state.health, lastHeard: async () => clock.now().toISOString() },
  };
  const engine = { journal, clock, log, doing: limits, undoing: limits, giveUpAfterMs: 60_000 };
  for (let n = 0; n < workers; n++) {
    const identity = { self: `host:${n}/worker`, isAlive: () => true };
    await createWorkerRegistry(state.database, clock, { identity, roles: ['worker'], leaseMs: 1_000_000 }).beat();
  }

  /** What workers do, until nothing is left to be done. @returns how operations ended, by their flow. */
  async function work(): Promise<string[]> {
    const ends: string[] = [];
    for (let life = 0; ; life++) {
      const [operation] = await journal.unclaimed(1);
      if (!operation) return ends;
      const flow = loadBalancerFlows.find(({ name }) => name === operation.flow);
      const claimed = await journal.claim(operation.id, `w${life}`);
      if (!flow || !claimed) throw new Error(`${operation.flow} is not to be had`);
      const acting = { ...deps, loadBalancers: rememberTrees(deps.loadBalancers) };
      const end = await runFlow(flow, acting, claimed, engine, never);
      if (end === 'released') await clock.sleep(30_000);
      else ends.push(`${flow.name} ${end}`);
    }
  }

  const ids: string[] = [];
  async function create(id: string, topology: 'SINGLE' | 'ACTIVE_STANDBY'): Promise<string> {
    const vip = { address: `10.100.0.${ids.length + 9}`, networkId: 'lb-vip-net', subnetId: 'lb-vip-subnet' };
    ids.push(id);
    const port = await network.createPort({
      ...{ name: `octavia-lb-${id}`, networkId: vip.networkId, projectId: null },
      ...{ deviceId: `lb-${id}`, deviceOwner: 'Octavia', adminStateUp: false, securityGroupIds: null },
      ...{ allowedAddressPairs: [], qosPolicyId: null },
      fixedIps: [{ subnetId: vip.subnetId, ipAddress: vip.address }],
    });
    const provisioningStatus = 'PENDING_CREATE';
    const createdAt = clock.now().toISOString();
    const put = {
      provisioningStatus,
      topology,
      createdAt,
      vip: { ...vip, portId: port.id, octaviaOwned: true },
    } as const;
    const flow = topology === 'SINGLE' ? 'create-load-balancer' : 'create-load-balancer-pair';
    const input = { loadBalancerId: id, resourceId: id };
    await state.loadBalancers.apply({
      loadBalancerId: id,
      mutableFrom: [],
      rows: [{ kind: 'loadbalancer', put: storedLoadBalancer(id, put) }],
      operation: { id: randomUUID(), flow, subject: id, input, priority: 0 },
    });
    return id;
  }

  for (let n = 1; n <= singles; n++) await create(`single-${n}`, 'SINGLE');
  for (let n = 1; n <= pairs; n++) await create(`pair-${n}`, 'ACTIVE_STANDBY');
  await work();

  /** Load balancers that are worse on the new image than before. */
  const worse = new Set<string>();
  const sampleOf = ({ loadBalancerId, state: of, watchUntilMs }: Target): HealthSample => {
    const isWatched = of === 'watching';
    const isBad = isWatched && worse.has(loadBalancerId);
    return {
      fromMs: 0,
      toMs: watchUntilMs ?? clock.now().getTime(),
      imageIds: [isWatched ? released : former],
      heartbeats: { count: 9, intervalMs: 10_000, longestGapMs: 10_000, sequenceRestarts: 0 },
      listeners: {},
      members: { one: 'UP', two: isBad ? 'DOWN' : 'UP' },
      operatingStatus: isBad ? 'DEGRADED' : 'ONLINE',
      configuration: 'one',
      traffic: null,
    };
  };
  /** What those that have moved, and those that have not, tell; changed in place. */
  const groups: { cohorts: Window['cohorts'] } = { cohorts: null };
  const health: ReleaseHealth = { observe: async () => ({ sampleOf, ...groups, againAtMs: null }) };
  const announced: string[] = [];
  /** Classes of failures, as metrics count them. */
  const failures: (string | null)[] = [];

  /** A controller as each process has one: what it remembers dies with it. */
  const controller = (
    over: {
      commit?: typeof state.releases.commit;
      addTag?: typeof images.addTag;
      removeTag?: typeof images.removeTag;
    } = {},
  ): CarryOn => {
    const releases = { ...state.releases, commit: over.commit ?? state.releases.commit };
    return createCarryOn({
      releases,
      amphorae: state.amphorae,
      health,
      glance: createGlanceLook({ images, resolver: deps.resolver, clock, log }),
      images: { addTag: over.addTag ?? images.addTag, removeTag: over.removeTag ?? images.removeTag },
      clock,
      log,
      newId: randomUUID,
      settings: () => ({ heartbeatTimeoutSeconds: 1e8, workerLeaseSeconds: 1e8, maxWorkers, tag: 'amphora' }),
      announce: ({ id }) => announced.push(id),
      failed: (failureClass) => failures.push(failureClass),
    });
  };

  const releases = createReleases({
    planner: createReleasePlanner({
      releases: state.releases,
      flavors: state.flavors,
      resolver: deps.resolver,
      images,
      clock,
      settings: () => ({ tag: 'amphora', imageId: '', flavorId: '65' }),
    }),
    store: state.releases,
    feed: { follow: () => (async function* nothing() {})() } as never,
    resolver: deps.resolver,
    clock,
  });

  async function start(policy: Partial<Omit<ReleasePolicy, 'isAgain'>> = {}): Promise<string> {
    const request = { imageId: released, tag: null, isAgain: false, policy };
    const { digest } = await releases.plan(request);
    return (await releases.start({ ...request, planDigest: digest }, { by: 'alice', reason: 'a patch' })).spec.id;
  }
  async function say(id: string, want: Intent['want']): Promise<void> {
    const { intent } = await releases.get(id);
    await releases.instruct(id, { want, by: 'alice', reason: 'because', revision: intent.revision });
  }

  const ofImages = async (id: string) =>
    (await state.amphorae.list({ loadBalancerId: id })).map(({ imageId }) => imageId ?? '').sort();

  /**
   * Carries on, works, and lets time pass, until it is so.
   * @param options.each before every pass: what happens meanwhile.
   */
  async function carryOnUntil(
    id: string,
    isSo: (release: StoredRelease) => boolean | Promise<boolean>,
    options: { carryOn?: CarryOn; each?: (release: StoredRelease) => Promise<void> } = {},
  ): Promise<StoredRelease> {
    const carryOn = options.carryOn ?? controller();
    for (let pass = 0; pass < MOST_PASSES; pass++) {
      const release = await releases.get(id);
      if (await isSo(release)) return release;
      await options.each?.(release);
      const { wakeInMs } = await carryOn(id, async () => {});
      await work();
      await clock.sleep(wakeInMs ?? 1_000);
    }
    const { phase, wave, holds } = (await releases.get(id)).progress;
    throw new Error(`it does not come to be: ${phase}, wave ${wave}, ${JSON.stringify(holds)}`);
  }
  const hasEnded = ({ progress }: StoredRelease) => endedPhases.includes(progress.phase);
  const heldBy =
    (code: string) =>
    ({ progress }: StoredRelease): boolean =>
      progress.holds.some((hold) => hold.code === code);
  const tagged = async () => (await images.list({ tags: ['amphora'] })).map(({ id }) => id).sort();
  const kindsOf = async (id: string) => (await releases.events(id, 0, 1000)).map(({ kind }) => kind);

  return {
    state,
    /** Which images are trusted. */
    imageSettings: fakes.imageSettings,
    clock,
    log,
    images,
    agent,
    compute,
    deps,
    loadBalancers: ids,
    worse,
    groups,
    announced,
    failures,
    controller,
    releases,
    create,
    work,
    start,
    say,
    ofImages,
    carryOnUntil,
    hasEnded,
    heldBy,
    tagged,
    kindsOf,
    async view(id: string): Promise<StoredRelease> {
      return await releases.get(id);
    },
    async close() {
      await state.close();
      await database.close();
    },
  };
}
