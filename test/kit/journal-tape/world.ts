import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { createAmphoraStore } from '../../../src/adapters/storage/amphora-store.ts';
import { createFlavorStore } from '../../../src/adapters/storage/flavor-store.ts';
import { createJournal } from '../../../src/adapters/storage/journal.ts';
import { runFlow } from '../../../src/flows/engine/run-flow.ts';
import type { LoadBalancerDeps } from '../../../src/flows/load-balancer/deps.ts';
import { loadBalancerFlows } from '../../../src/flows/load-balancer/index.ts';
import type { Journal } from '../../../src/ports/journal.ts';
import { type ApiAnswer, createFakeVips, openStoredApiHarness } from '../api.ts';
import { createFakeLoadBalancerDeps } from '../fakes/fake-load-balancer-deps.ts';
import { sqliteIn } from '../sqlite.ts';
import { type Facts, readFacts, writeFacts } from './facts.ts';

const limits = { attempts: 2, firstPauseMs: 10, longestPauseMs: 100 };
const VIP_SUBNET = 'lb-vip-subnet';
const VIP_NETWORK = 'lb-vip-net';

/** Kiln's database in a file, its API, and a cloud in memory: all of it can be read, and put back, at any moment. */
export interface TapeWorld {
  deps: LoadBalancerDeps;
  journal: Journal;
  call(method: 'GET' | 'POST' | 'PUT' | 'DELETE', path: string, body?: unknown): Promise<ApiAnswer>;
  /** Of the newest operation that waits. */
  newest(): Promise<string>;
  /** Carries an operation to its end, wherever it stands. */
  carryOut(operationId: string, through?: { deps?: LoadBalancerDeps; journal?: Journal }): Promise<string>;
  read(): Facts;
  write(facts: Facts): void;
  close(): Promise<void>;
}

/** @param portsMade of the cloud before: MAC addresses of new ports are others. */
export async function openTapeWorld({ portsMade = 0 } = {}): Promise<TapeWorld> {
  const folder = mkdtempSync(join(tmpdir(), 'kiln-tape-'));
  const connection = await sqliteIn(folder);
  const fakes = createFakeLoadBalancerDeps({ antiAffinityPolicy: 'anti-affinity', portsMade });
  const { clock, log, network, compute, agent } = fakes;
  const vips = createFakeVips();
  const api = await openStoredApiHarness(
    {
      clock,
      networkReferences: { check: async () => {} },
      vips: {
        ...vips,
        async allocate({ loadBalancerId }) {
          const port = await network.createPort({
            name: `octavia-lb-${loadBalancerId}`,
            networkId: VIP_NETWORK,
            projectId: null,
            fixedIps: [{ subnetId: VIP_SUBNET, ipAddress: null }],
            deviceId: `lb-${loadBalancerId}`,
            deviceOwner: 'Octavia',
            adminStateUp: false,
            securityGroupIds: null,
            allowedAddressPairs: [],
            qosPolicyId: null,
          });
          const address = port.fixedIps[0]?.ipAddress ?? '';
          const vip = { address, networkId: VIP_NETWORK, subnetId: VIP_SUBNET, portId: port.id, octaviaOwned: true };
          return { vip, additionalVips: [], qosPolicyId: null };
        },
      },
    },
    { connection },
  );
  const journal = createJournal(api.database, clock);
  const deps: LoadBalancerDeps = {
    ...fakes.deps,
    loadBalancers: api.deps.store,
    amphorae: createAmphoraStore(api.database, clock),
    flavors: createFlavorStore(api.database, clock),
    // Whatever boots is heard.
    health: {
      ...fakes.deps.health,
      lastHeard: async () => clock.now().toISOString(),
      hearsAnyoneSince: async () => true,
    },
  };
  const file = new Database(join(folder, 'kiln.sqlite'));
  const cloud = { compute: compute.memory, network: network.memory, agent: agent.memory };

  return {
    deps,
    journal,
    call: (method, path, body) => api.call(method, path, body),
    async newest() {
      const [operation] = (await journal.list({ limit: 1_000 })).filter(({ status }) => status === 'queued');
      if (!operation) throw new Error('no operation waits');
      return operation.id;
    },
    async carryOut(operationId, through = {}) {
      const operation = (await journal.get(operationId))?.operation;
      const claimed = await journal.claim(operationId, 'next', operation?.fence);
      const flow = loadBalancerFlows.find(({ name }) => name === operation?.flow);
      if (!claimed || !flow) throw new Error(`operation ${operationId} (${operation?.flow}) is not to be had`);
      const engine = {
        ...{ journal: through.journal ?? journal, clock, log },
        ...{ doing: limits, undoing: limits, giveUpAfterMs: 900_000 },
      };
      return await runFlow(flow, through.deps ?? deps, claimed, engine, new AbortController().signal);
    },
    read: () => readFacts(file, cloud),
    write: (facts) => writeFacts(facts, file, cloud),
    async close() {
      file.close();
      await api.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
