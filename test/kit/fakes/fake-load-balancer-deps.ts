import { createBuildSlots } from '../../../src/flows/lib/build-slots.ts';
import type { LoadBalancerDeps } from '../../../src/flows/load-balancer/deps.ts';
import type { Amphora } from '../../../src/model/amphora.ts';
import type { ServerGroupPolicy } from '../../../src/model/compute.ts';
import { KilnError } from '../../../src/model/errors.ts';
import type { FlavorCapabilities, ZoneCapabilities } from '../../../src/model/flavor.ts';
import type { AmphoraSettlement, AmphoraStore, AmphoraWrite } from '../../../src/ports/amphora-store.ts';
import { createFakeDeps } from './fake-amphora-deps.ts';
import { createFakeBuildPlaces } from './fake-build-places.ts';
import { createFakeCompute } from './fake-compute.ts';
import { createFakeJournal } from './fake-journal.ts';
import { createFakeLoadBalancerStore } from './fake-load-balancer-store.ts';
import { createFakeNetwork } from './fake-network.ts';

/** Everything that a flow of a load balancer acts through, in memory, with the switches of the fakes. */
export function createFakeLoadBalancerDeps(
  options: { buildRateLimit?: number; antiAffinityPolicy?: ServerGroupPolicy; portsMade?: number } = {},
) {
  const { antiAffinityPolicy = null, portsMade = 0 } = options;
  const {
    deps: amphoraDeps,
    settings,
    clock,
    log,
    agent,
    images,
    store,
    rows,
    assigned,
  } = createFakeDeps({ antiAffinityPolicy });
  const network = createFakeNetwork({ portsMade });
  const compute = createFakeCompute({ network });
  const loadBalancers = createFakeLoadBalancerStore();
  const offered: { flavor: FlavorCapabilities; zone: ZoneCapabilities | null } = { flavor: {}, zone: null };
  const forgotten: string[] = [];
  const noSecret = async () => {
    throw new KilnError('SECRET_NOT_FOUND', 'there is no secret');
  };
  const { resolver, certificates, randomInteger } = amphoraDeps;
  const deps: LoadBalancerDeps = {
    resolver,
    certificates,
    randomInteger,
    compute,
    agent,
    clock,
    log,
    network,
    loadBalancers,
    amphorae: store,
    secrets: { getCertificate: noSecret, getCaCertificates: noSecret, getRevocationList: noSecret },
    flavors: {
      list: async () => [],
      get: async () => null,
      insert: async () => {},
      update: async () => {
        throw new KilnError('RESOURCE_NOT_FOUND', 'there is none');
      },
      delete: async () => {},
      flavorCapabilities: async () => offered.flavor,
      zoneCapabilities: async () => offered.zone,
    },
    health: {
      record: async () => {},
      statisticsOfLoadBalancer: async () => noTraffic,
      statisticsOfListener: async () => noTraffic,
      statisticsOfAmphora: async () => [],
      lastHeard: async () => null,
      hearsAnyoneSince: async () => false,
      watch: async () => {},
      forget: async (amphoraId) => {
        forgotten.push(amphoraId);
      },
    },
    builds: createBuildSlots({ places: createFakeBuildPlaces(), clock, limit: () => options.buildRateLimit ?? -1 }),
    settings: () => ({
      ...settings,
      server: { ...settings.server, bootNetworkIds: ['lb-mgmt-net'] },
      haproxy: {
        basePath: '/var/lib/octavia',
        logging: {
          address: '/run/rsyslog/octavia/log',
          userFacility: 0,
          administrativeFacility: 1,
          logsConnections: true,
          format: '%f',
        },
        defaultConnectionLimit: 50_000,
        stickTableSize: '10k',
        defaultTimeouts: {
          clientDataMilliseconds: 50_000,
          memberConnectMilliseconds: 5_000,
          memberDataMilliseconds: 50_000,
          tcpInspectMilliseconds: 0,
        },
        defaultListenerCiphers: 'DEFAULT',
        defaultPoolCiphers: 'DEFAULT',
      },
      vrrp: {
        advertIntervalSeconds: 1,
        checkIntervalSeconds: 5,
        failCount: 2,
        successCount: 2,
        garpRefreshIntervalSeconds: 5,
        garpRefreshCount: 2,
        authenticationKey: 'insecure',
      },
      baseCertDir: '/var/lib/octavia/certs',
    }),
  };
  return {
    deps,
    imageSettings: settings.image,
    clock,
    log,
    compute,
    agent,
    images,
    network,
    loadBalancers,
    amphorae: store,
    /** Rows of the store, for hands that reach behind it. */
    amphoraRows: rows,
    /** What all of them know, but for the journal, to be put back as a whole. */
    memories: [compute.memory, network.memory, agent.memory, loadBalancers.memory, { rows, assigned }],
    offered,
    forgotten,
    journal: createFakeJournal(
      clock,
      (settlement) => {
        if ('amphoraId' in settlement) settleAmphora(rows, settlement);
        else loadBalancers.settle(settlement);
      },
      // What is gone stays gone.
      (write) => void writeAmphora(store, write).catch(() => {}),
    ),
  };
}

function settleAmphora(rows: Map<string, Amphora>, { amphoraId, status, reason }: AmphoraSettlement): void {
  const row = rows.get(amphoraId);
  if (row && row.status !== 'DELETED') rows.set(amphoraId, { ...row, status, reason, worker: null });
}

async function writeAmphora(store: AmphoraStore, write: AmphoraWrite): Promise<void> {
  if ('insert' in write) await store.insert(write.insert);
  else if ('allocate' in write) await store.allocate(write.allocate.amphoraId);
  else await store.update(write.amphoraId, write.patch);
}

const noTraffic = { bytesIn: 0, bytesOut: 0, activeConnections: 0, totalConnections: 0, requestErrors: 0 };
