import type { AmphoraSettings } from '../../../src/flows/deps.ts';
import type { LoadBalancerDeps } from '../../../src/flows/load-balancer/deps.ts';
import type { Amphora } from '../../../src/model/amphora.ts';
import { KilnError } from '../../../src/model/errors.ts';
import type { AmphoraStore } from '../../../src/ports/amphora-store.ts';
import { createImageResolver } from '../../../src/services/image-resolver.ts';
import { anImage } from '../builders.ts';
import { withSwitches } from '../fault-injection.ts';
import { defaultServerSettings } from '../server-settings.ts';
import { createFakeAmphoraAgent } from './fake-amphora-agent.ts';
import { createFakeClock } from './fake-clock.ts';
import { createFakeCompute } from './fake-compute.ts';
import { createFakeIdentity } from './fake-identity.ts';
import { createFakeImages } from './fake-images.ts';
import { createFakeLog } from './fake-log.ts';

/** Everything a flow acts through, in memory, with the switches of the fakes. Time passes by itself. */
export function createFakeDeps(over: Partial<AmphoraSettings> = {}) {
  const clock = createFakeClock({ autoAdvance: true });
  const log = createFakeLog();
  const image = anImage({ id: 'image-1', name: 'amphora-1' });
  const images = createFakeImages({ images: [image] });
  const compute = createFakeCompute();
  const identity = createFakeIdentity();
  const rows = new Map<string, Amphora>();
  const assigned = new Map<string, string | null>();
  const store = withSwitches<AmphoraStore>(createMemoryStore({ rows, assigned }, () => clock.now().toISOString()));
  const agent = createFakeAmphoraAgent();
  const settings: AmphoraSettings = {
    image: { ampImageId: '', ampImageTag: 'amphora', ampImageOwnerId: '', ampImageTagPolicy: 'newest' },
    server: defaultServerSettings,
    flavorId: '65',
    topology: 'SINGLE',
    randomNameLength: 0,
    antiAffinityPolicy: null,
    certificateValiditySeconds: 3600,
    clientCaPem: async () => 'client ca\n',
    activeWaitSeconds: 30,
    activePauseSeconds: 10,
    agentWaitSeconds: 30,
    agentPauseSeconds: 5,
    createLookupSeconds: 5,
    ...over,
  };
  const resolver = createImageResolver({ images, identity, compute, clock, log, settings: () => settings.image });
  const deps: Pick<
    LoadBalancerDeps,
    'resolver' | 'compute' | 'certificates' | 'agent' | 'clock' | 'log' | 'randomInteger'
  > = {
    resolver,
    compute,
    certificates: {
      issueAgentCertificate: async (amphoraId) => ({
        certificatePem: `certificate of ${amphoraId}\n`,
        privateKeyPem: 'key\n',
        notAfter: '2026-12-22T12:00:00.000Z',
      }),
    },
    agent,
    clock,
    log,
    randomInteger: () => 0,
  };
  return { deps, settings, clock, log, images, compute, identity, store, rows, assigned, agent, resolver, image };
}

function createMemoryStore(
  { rows, assigned }: { rows: Map<string, Amphora>; assigned: Map<string, string | null> },
  now: () => string,
): AmphoraStore {
  return {
    async allocate(id) {
      const row = rows.get(id);
      if (!row) throw new KilnError('AMPHORA_NOT_FOUND', `there is no amphora ${id}`);
      rows.set(id, { ...row, status: 'ALLOCATED', updatedAt: now() });
      if (row.loadBalancerId) assigned.set(row.loadBalancerId, row.imageId);
    },
    assignedImageId: async (loadBalancerId) => assigned.get(loadBalancerId) ?? null,
    async insert(amphora) {
      rows.set(amphora.id, amphora);
    },
    async update(id, patch) {
      const row = rows.get(id);
      if (!row) throw new KilnError('AMPHORA_NOT_FOUND', `there is no amphora ${id}`);
      rows.set(id, { ...row, ...patch, updatedAt: now() });
    },
    get: async (id) => rows.get(id) ?? null,
    list: async ({ includeDeleted = false, loadBalancerId } = {}) =>
      [...rows.values()]
        .filter((row) => includeDeleted || row.status !== 'DELETED')
        .filter((row) => loadBalancerId === undefined || row.loadBalancerId === loadBalancerId)
        .reverse(),
    listWithoutOperation: async () => [],
    countByStatus: async () => {
      const counts: Record<string, number> = {};
      for (const { status } of rows.values()) if (status !== 'DELETED') counts[status] = (counts[status] ?? 0) + 1;
      return counts;
    },
  };
}
