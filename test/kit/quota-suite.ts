import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { resourceKinds, tableOf } from '../../src/adapters/storage/resource-tables.ts';
import { kindTitle } from '../../src/core/lbaas/resource-names.ts';
import type { ResourceKind } from '../../src/model/load-balancer.ts';
import { openStoredApiHarness, ownProject, type StoredApiHarness, subnetId } from './api.ts';
import type { DatabaseSubject } from './contract/amphora-store.ts';

const CLIENTS = 8;

/** What is there of one client before all ask at once. */
interface Place {
  lb: string;
  listener: string;
  pool: string;
  policy: string;
}
type Counts = Partial<Record<ResourceKind, number>>;
interface Creation {
  /** How many of each kind one of these requests makes. */
  makes: Counts;
  of(place: Place): [method: 'POST' | 'PUT', path: string, body: object];
  /** Where one of them alone is, without its ID; of what makes several, nothing. */
  path?(place: Place): string;
}

const http = { protocol: 'HTTP' };
const pool = { ...http, lb_algorithm: 'ROUND_ROBIN' };
const monitor = { type: 'TCP', delay: 5, timeout: 3, max_retries: 2 };
const rule = { type: 'PATH', compare_type: 'EQUAL_TO', value: '/' };
const members = [1, 2, 3].map((port) => ({ address: '10.0.0.9', protocol_port: port }));
const rules = ['/a', '/b'].map((value) => ({ ...rule, value }));

const inUseNames: Readonly<Record<ResourceKind, string>> = {
  loadbalancer: 'load_balancer',
  listener: 'listener',
  pool: 'pool',
  member: 'member',
  healthmonitor: 'health_monitor',
  l7policy: 'l7policy',
  l7rule: 'l7rule',
};

/** Each way to make something, by what is made, alone or within something else. */
const creations: Readonly<Record<string, Creation>> = {
  loadbalancer: {
    makes: { loadbalancer: 1 },
    path: () => '/loadbalancers',
    of: () => ['POST', '/loadbalancers', { loadbalancer: { vip_subnet_id: subnetId } }],
  },
  listener: {
    makes: { listener: 1 },
    path: () => '/listeners',
    of: ({ lb }) => ['POST', '/listeners', { listener: { loadbalancer_id: lb, ...http, protocol_port: 81 } }],
  },
  pool: {
    makes: { pool: 1 },
    path: () => '/pools',
    of: ({ lb }) => ['POST', '/pools', { pool: { loadbalancer_id: lb, ...pool } }],
  },
  member: {
    makes: { member: 1 },
    path: ({ pool }) => `/pools/${pool}/members`,
    of: ({ pool }) => ['POST', `/pools/${pool}/members`, { member: members[0] }],
  },
  healthmonitor: {
    makes: { healthmonitor: 1 },
    path: () => '/healthmonitors',
    of: ({ pool }) => ['POST', '/healthmonitors', { healthmonitor: { pool_id: pool, ...monitor } }],
  },
  l7policy: {
    makes: { l7policy: 1 },
    path: () => '/l7policies',
    of: ({ listener }) => ['POST', '/l7policies', { l7policy: { listener_id: listener, action: 'REJECT' } }],
  },
  l7rule: {
    makes: { l7rule: 1 },
    path: ({ policy }) => `/l7policies/${policy}/rules`,
    of: ({ policy }) => ['POST', `/l7policies/${policy}/rules`, { rule }],
  },
  'batch of members': {
    makes: { member: 3 },
    of: ({ pool }) => ['PUT', `/pools/${pool}/members?additive_only=true`, { members }],
  },
  'pool with members and a monitor': {
    makes: { pool: 1, member: 3, healthmonitor: 1 },
    of: ({ lb }) => ['POST', '/pools', { pool: { loadbalancer_id: lb, ...pool, members, healthmonitor: monitor } }],
  },
  'policy with rules': {
    makes: { l7policy: 1, l7rule: 2 },
    of: ({ listener }) => ['POST', '/l7policies', { l7policy: { listener_id: listener, action: 'REJECT', rules } }],
  },
  'whole load balancer': {
    makes: { loadbalancer: 1, listener: 2, pool: 1, member: 3, healthmonitor: 1, l7policy: 1, l7rule: 2 },
    of: () => [
      'POST',
      '/loadbalancers',
      {
        loadbalancer: {
          vip_subnet_id: subnetId,
          listeners: [
            {
              ...http,
              protocol_port: 80,
              default_pool: { name: 'p', ...pool, members, healthmonitor: monitor },
              l7policies: [{ action: 'REJECT', rules }],
            },
            { ...http, protocol_port: 81 },
          ],
        },
      },
    ],
  },
};

/** Of each kind the ways to make it: eight clients at once, over two processes of the API. */
const cases = Object.entries(creations).flatMap(([name, { makes }]) => {
  return (Object.keys(makes) as ResourceKind[]).map((kind) => [name, kind] as const);
});

/** Quotas hold whoever asks at the same time, of whichever process: on any database. */
export function describeQuotasAtOnce(name: string, makeSubject: () => Promise<DatabaseSubject>): void {
  describe(`quotas, asked of two processes at once: ${name}`, () => {
    let subject: DatabaseSubject;
    /** What ends operations, and looks. */
    let harness: StoredApiHarness;
    const processes: ChildProcess[] = [];
    const urls: string[] = [];
    const places: Place[] = [];

    beforeAll(async () => {
      subject = await makeSubject();
      harness = await openStoredApiHarness({}, { connection: subject.connection });
      for (let number = 0; number < 2; number++) {
        const script = join(import.meta.dirname, 'api-process.ts');
        const child = spawn(process.execPath, [script, subject.connection], { stdio: ['ignore', 'pipe', 'inherit'] });
        processes.push(child);
        const [port] = await once(child.stdout, 'data');
        urls.push(`http://127.0.0.1:${String(port).trim()}/v2/lbaas`);
      }
      for (let client = 0; client < CLIENTS; client++) {
        const loadbalancer = {
          vip_subnet_id: subnetId,
          pools: [{ name: 'p', ...pool }],
          listeners: [{ ...http, protocol_port: 80, l7policies: [{ action: 'REJECT' }] }],
        };
        const { body } = await harness.call('POST', '/lbaas/loadbalancers', { loadbalancer });
        const { id, listeners, pools } = body.loadbalancer;
        places.push({ lb: id, listener: listeners[0].id, pool: pools[0].id, policy: listeners[0].l7policies[0].id });
      }
      await harness.settleAll();
    });
    afterAll(async () => {
      for (const child of processes) {
        child.kill('SIGTERM');
        if (child.exitCode === null) await once(child, 'exit');
      }
      await harness?.close();
      await subject?.close();
    });

    async function ask(client: number, { of }: Creation): Promise<[status: number, fault: string | null]> {
      const [method, path, body] = of(places[client] as Place);
      const answer = await fetch(`${urls[client % urls.length]}${path}`, {
        method,
        headers: { 'content-type': 'application/json', 'x-project-id': ownProject },
        body: JSON.stringify(body),
      });
      const text = await answer.text();
      return [answer.status, answer.status < 300 ? null : JSON.parse(text).faultstring];
    }
    const askAll = (creation: Creation) => Promise.all(places.map((_place, client) => ask(client, creation)));
    const limit = (kind: ResourceKind, most: number) =>
      harness.call('PUT', `/lbaas/quotas/${ownProject}`, { quota: { [kind]: most } });
    const tableOfKind = (kind: ResourceKind) => tableOf(kind).table as 'kiln_listener';
    async function rows(): Promise<Record<ResourceKind, string[]>> {
      const ids = {} as Record<ResourceKind, string[]>;
      for (const kind of resourceKinds) {
        const found = await harness.database.selectFrom(tableOfKind(kind)).select('id').execute();
        ids[kind] = found.map(({ id }) => id);
      }
      return ids;
    }
    async function removeAllBut(kept: Record<ResourceKind, string[]>): Promise<void> {
      for (const kind of resourceKinds) {
        await harness.database
          .deleteFrom(tableOfKind(kind))
          .where('id', 'not in', [...kept[kind], ''])
          .execute();
      }
    }
    /** What the project has in use, as its quotas are found by it, is what is there. */
    async function expectInUse(there: Record<ResourceKind, string[]>): Promise<void> {
      for (const kind of resourceKinds) {
        const { body } = await harness.call('GET', `/lbaas/quotas?in_use_${inUseNames[kind]}=${there[kind].length}`);
        const projects = body.quotas.map(({ project_id }: { project_id: string }) => project_id);
        expect([kind, projects]).toEqual([kind, [ownProject]]);
      }
    }

    /** What could not be made is there, in ERROR, until its owner deletes it; what is being deleted is there until it is gone. */
    async function expectRoomOnlyWhenGone(
      kind: ResourceKind,
      creation: Creation,
      before: readonly string[],
      after: readonly string[],
    ): Promise<void> {
      const met = [403, `Quota has been met for resources: ${kindTitle[kind]}`];
      await limit(kind, after.length);
      await harness.settleAll();
      const [id = ''] = after.filter((one) => !before.includes(one));
      const table = tableOfKind(kind);
      await harness.database
        .updateTable(table)
        .set({ provisioning_status: 'ERROR', updated_at: null })
        .where('id', '=', id)
        .execute();
      expect(await askAll(creation)).toEqual(places.map(() => met));
      const statuses = await Promise.all(
        places.map(async (place) => (await harness.call('DELETE', `/lbaas${creation.path?.(place)}/${id}`)).status),
      );
      expect(statuses.filter((status) => status === 204)).not.toEqual([]);
      expect(await askAll(creation)).toEqual(places.map(() => met));
      await harness.settleAll();
      const again = await askAll(creation);
      expect(again.filter(([status]) => status === 201)).toHaveLength(1);
      await expectInUse(await rows());
    }

    it.each(cases)('%s: the quota of %s', async (way, kind) => {
      const creation = creations[way] as Creation;
      const each = creation.makes[kind] ?? 0;
      const before = await rows();
      // Room for two of them, and for all but one piece of a third one.
      await limit(kind, before[kind].length + 2 * each + (each - 1));
      const answers = await askAll(creation);
      expect(answers.filter(([, fault]) => fault === null)).toHaveLength(2);
      const refused = new Set(answers.filter(([, fault]) => fault !== null).map(String));
      expect([...refused]).toEqual([`403,Quota has been met for resources: ${kindTitle[kind]}`]);

      const after = await rows();
      for (const one of resourceKinds) {
        expect([one, after[one].length - before[one].length]).toEqual([one, 2 * (creation.makes[one] ?? 0)]);
      }
      await expectInUse(after);

      if (creation.path) await expectRoomOnlyWhenGone(kind, creation, before[kind], after[kind]);
      await limit(kind, -1);
      await removeAllBut(before);
      await harness.settleAll();
    });
  });
}
