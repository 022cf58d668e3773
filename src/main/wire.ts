/** The one place where ports meet their adapters. */
import { randomInt } from 'node:crypto';
import { createAmphoraAgentClient } from '../adapters/amphora-agent/client.ts';
import { createCertificateIssuer } from '../adapters/certificates/issuer.ts';
import { createNoopAgent } from '../adapters/noop/agent.ts';
import { createNoopCompute } from '../adapters/noop/compute.ts';
import { noopInventory } from '../adapters/noop/inventory.ts';
import { createNoopNetwork } from '../adapters/noop/network.ts';
import { createWorkerIdentity } from '../adapters/process/worker-identity.ts';
import { createLocalSecretStore } from '../adapters/secrets/local-secret-store.ts';
import { createUnsupportedSecretStore } from '../adapters/secrets/unsupported-secret-store.ts';
import { createBuildPlaces } from '../adapters/storage/build-places.ts';
import type { Configuration } from '../config/options/index.ts';
import { createBuildSlots } from '../flows/lib/build-slots.ts';
import type { LoadBalancerDeps } from '../flows/load-balancer/deps.ts';
import type { AmphoraAgent } from '../ports/amphora-agent.ts';
import type { Clock } from '../ports/clock.ts';
import type { ImageResolver } from '../ports/image-resolver.ts';
import type { Log } from '../ports/log.ts';
import type { ReleasePlanner, Releases } from '../ports/releases.ts';
import type { SecretStore } from '../ports/secret-store.ts';
import type { WorkerIdentity } from '../ports/worker-identity.ts';
import { createFleetView, type FleetView } from '../services/fleet-view.ts';
import { createImageResolver, createNoopResolver } from '../services/image-resolver.ts';
import { createReleaseFeed } from '../services/release-feed.ts';
import { createReleasePlanner } from '../services/release-planner.ts';
import { createReleases } from '../services/releases.ts';
import type { Access } from './cloud-access.ts';
import { createOpenStack, type OpenStack } from './openstack.ts';
import { secretsPath } from './secrets.ts';
import { agentSettings } from './settings/agent-settings.ts';
import { imageSettings } from './settings/amphora-settings.ts';
import { issuerSettings } from './settings/certificate-settings.ts';
import { fleetSettings, plannerSettings } from './settings/fleet-settings.ts';
import { loadBalancerSettings } from './settings/load-balancer-settings.ts';
import type { State } from './state.ts';
import type { StatePaths } from './state-paths.ts';

export interface RuntimeContext {
  clock: Clock;
  log: Log;
  /** In force now: what a reload changes takes effect with the next flow. */
  current: () => Configuration;
}

/** The cloud's services by the drivers that [controller_worker] names. */
export function wireOpenStack(access: Access, { clock, log, current }: RuntimeContext): OpenStack {
  const { kiln, controller_worker: worker } = current();
  const openstack = createOpenStack(access, { clock, log }, { createLookupSeconds: kiln.create_lookup_seconds });
  const compute = worker.compute_driver === 'compute_noop_driver' ? createNoopCompute() : null;
  const network = worker.network_driver === 'network_noop_driver' ? createNoopNetwork() : null;
  return {
    ...openstack,
    ...(compute && { compute }),
    ...(network && { network, networkAs: undefined }),
    inventory: makesNothing(current()) ? noopInventory : openstack.inventory,
    patient: { compute: compute ?? openstack.patient.compute, network: network ?? openstack.patient.network },
  };
}

/** What a driver that does nothing has made is not in the cloud. */
export function makesNothing({ controller_worker: worker }: Configuration): boolean {
  return worker.compute_driver === 'compute_noop_driver' || worker.network_driver === 'network_noop_driver';
}

export function wireResolver(openstack: OpenStack, runtime: RuntimeContext): ImageResolver {
  if (runtime.current().controller_worker.image_driver === 'image_noop_driver')
    return createNoopResolver(runtime.clock);
  const { images, identity, compute } = openstack;
  const { clock, log, current } = runtime;
  return createImageResolver({ images, identity, compute, clock, log, settings: () => imageSettings(current()) });
}

/** Which images the amphorae run, by the database and Glance. */
export function wireFleet(
  { images }: OpenStack,
  state: State,
  resolver: ImageResolver,
  { clock, current }: RuntimeContext,
): FleetView {
  return createFleetView({
    fleet: state.fleet,
    resolver,
    images: current().controller_worker.image_driver === 'image_noop_driver' ? null : images,
    clock,
    settings: () => fleetSettings(current()),
  });
}

/** Releases of images, in the database and Glance. @param changed is called when an operator has started one, or has spoken to it. */
export function wireReleases(
  openstack: OpenStack,
  state: State,
  resolver: ImageResolver,
  runtime: RuntimeContext,
  changed?: () => void,
): Releases {
  const { releases: store } = state;
  const { clock } = runtime;
  const planner = wireReleasePlanner(openstack, state, resolver, runtime);
  const feed = createReleaseFeed(store, clock);
  return createReleases({ planner, store, feed, resolver, clock, ...(changed && { changed }) });
}

function wireReleasePlanner(
  openstack: OpenStack,
  state: State,
  resolver: ImageResolver,
  { clock, current }: RuntimeContext,
): ReleasePlanner {
  return createReleasePlanner({
    releases: state.releases,
    flavors: state.flavors,
    resolver,
    images: current().controller_worker.image_driver === 'image_noop_driver' ? null : openstack.images,
    clock,
    settings: () => plannerSettings(current()),
  });
}

/** What a process builds once. */
export interface ProcessDeps {
  identity: WorkerIdentity;
  resolver: ImageResolver;
  agent: AmphoraAgent;
}

export function wireProcess(openstack: OpenStack, runtime: RuntimeContext): ProcessDeps {
  return { identity: createWorkerIdentity(), resolver: wireResolver(openstack, runtime), agent: wireAgent(runtime) };
}

/** What flows act through, over the real cloud and the real state. */
export function loadBalancerDeps(
  { resolver, agent }: ProcessDeps,
  openstack: OpenStack,
  state: State,
  secrets: SecretStore,
  runtime: RuntimeContext,
): LoadBalancerDeps {
  const { clock, log, current } = runtime;
  return {
    resolver,
    compute: openstack.patient.compute,
    network: openstack.patient.network,
    certificates: createCertificateIssuer(issuerSettings(current()), clock),
    agent,
    amphorae: state.amphorae,
    loadBalancers: state.loadBalancers,
    secrets,
    flavors: state.flavors,
    health: state.health,
    builds: createBuildSlots({
      places: createBuildPlaces(state.database, clock),
      clock,
      limit: () => current().haproxy_amphora.build_rate_limit,
    }),
    clock,
    log,
    settings: () => loadBalancerSettings(current()),
    randomInteger: randomInt,
  };
}

/** The client of amphorae's agents. */
function wireAgent({ current }: RuntimeContext): AmphoraAgent {
  if (current().controller_worker.amphora_driver === 'amphora_noop_driver') return createNoopAgent();
  return createAmphoraAgentClient(() => agentSettings(current()));
}

/** [certificates] cert_manager. */
export function secretStore(configuration: Configuration, paths: StatePaths): SecretStore {
  const { cert_manager: manager } = configuration.certificates;
  if (manager !== 'local_cert_manager') return createUnsupportedSecretStore(manager);
  return createLocalSecretStore(secretsPath(configuration, paths));
}
