import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createSystemClock } from '../../src/adapters/clock/system-clock.ts';
import { createPolicy } from '../../src/api/policy/policy.ts';
import { createApi } from '../../src/api/v2/server.ts';
import { loadConfiguration } from '../../src/config/load.ts';
import { findAccess } from '../../src/main/cloud-access.ts';
import { wireMetrics } from '../../src/main/metrics.ts';
import { apiDeps } from '../../src/main/roles/api-deps.ts';
import { wireQueue, wireWorker } from '../../src/main/roles/worker.ts';
import { openState } from '../../src/main/state.ts';
import { statePaths } from '../../src/main/state-paths.ts';
import { secretStore, wireOpenStack, wireProcess } from '../../src/main/wire.ts';
import { createTestAuthority } from './certificate-authority.ts';
import type { DatabaseSubject } from './contract/amphora-store.ts';
import { createFakeLog } from './fakes/fake-log.ts';

/** Asked at intervals, whatever is created. */
const background = /kiln_process|`worker` is (?:not )?null|where "worker" is (?:not )?null/;

/**
 * How many statements a load balancer costs from its POST to ACTIVE, API and worker together, with drivers that touch no cloud: those
 * that begin and end transactions as well. What is added here is paid by every creation.
 */
export function describeCreationCost(
  name: string,
  makeSubject: () => Promise<DatabaseSubject>,
  most: { empty: number; full: number },
): void {
  describe(`statements of a creation: ${name}`, () => {
    it.each([
      { what: 'empty', body: {}, most: most.empty },
      { what: 'with a listener, a pool and two members', body: { listeners: [listener] }, most: most.full },
    ])('$what: at most $most', { timeout: 60_000 }, async ({ body, most }) => {
      const subject = await makeSubject();
      const controller = await startController(subject.connection);
      try {
        await controller.create(body);
        const statements = await controller.create(body);
        expect(statements.length, statements.join('\n')).toBeLessThanOrEqual(most);
        expect(statements.length).toBeGreaterThan(most / 2);
      } finally {
        await controller.close();
        await subject.close();
      }
    });
  });
}

const member = (address: string) => ({ address, protocol_port: 80 });
const listener = {
  protocol: 'HTTP',
  protocol_port: 80,
  default_pool: {
    protocol: 'HTTP',
    name: 'pool',
    lb_algorithm: 'ROUND_ROBIN',
    members: [member('192.0.2.10'), member('192.0.2.11')],
  },
};

/** API and worker in this process, wired as `kiln serve` wires them. */
async function startController(connection: string) {
  const folder = mkdtempSync(join(tmpdir(), 'kiln-creation-'));
  const authority = await createTestAuthority(folder, 'authority');
  const noop = ['amphora', 'compute', 'network', 'image'].map((driver) => `${driver}_driver = ${driver}_noop_driver`);
  const configurationFile = join(folder, 'octavia.conf');
  writeFileSync(
    configurationFile,
    [
      '[kiln]',
      `state_path = ${folder}/state`,
      '[database]',
      `connection = ${connection}`,
      '[api_settings]',
      'auth_strategy = noauth',
      '[controller_worker]',
      ...noop,
      'amp_image_tag = amphora',
      'amp_flavor_id = 65',
      `client_ca = ${authority.certificateFile}`,
      '[certificates]',
      `ca_certificate = ${authority.certificateFile}`,
      `ca_private_key = ${authority.keyFile}`,
      '[health_manager]',
      'heartbeat_key = key',
      '[service_auth]',
      'auth_url = http://127.0.0.1:1/',
      'username = kiln',
      'password = kiln',
      'project_name = service',
      '',
    ].join('\n'),
  );
  const { config } = loadConfiguration({ configFiles: [configurationFile], environment: {} });
  const clock = createSystemClock();
  const runtime = { clock, log: createFakeLog(), current: () => config };
  const statements: string[] = [];
  const state = await openState(connection, clock, undefined, ({ query }) => void statements.push(query.sql));
  const openstack = wireOpenStack(findAccess(config, null, {}), runtime);
  const own = wireProcess(openstack, runtime);
  const queue = wireQueue(state, runtime);
  const secrets = secretStore(config, statePaths(config, {}, false));
  const policy = createPolicy({ everybodyIsAdmin: true });
  const metrics = wireMetrics(state, runtime);
  const app = createApi(apiDeps({ openstack, state, ...own, secrets, queue, policy, metrics }, runtime));
  let ended = Promise.withResolvers<void>();
  const onEnded = () => ended.resolve();
  const worker = wireWorker({ openstack, state, secrets, queue, own, onEnded }, runtime);
  await worker.start();
  return {
    /** @returns the statements of a new load balancer, until its worker has let go of it. */
    async create(body: object): Promise<string[]> {
      ended = Promise.withResolvers();
      statements.length = 0;
      const { statusCode, body: answer } = await app.inject({
        method: 'POST',
        url: '/v2/lbaas/loadbalancers',
        headers: { 'content-type': 'application/json' },
        payload: JSON.stringify({
          loadbalancer: { project_id: 'p', vip_subnet_id: 'b5a1d6f0-0000-4000-8000-000000000001', ...body },
        }),
      });
      expect([statusCode, answer]).toEqual([201, expect.any(String)]);
      await ended.promise;
      await expect.poll(() => worker.running()).toEqual([]);
      const { id } = (JSON.parse(answer) as { loadbalancer: { id: string } }).loadbalancer;
      const own = statements.filter((statement) => !background.test(statement));
      expect(await state.loadBalancers.get('loadbalancer', id)).toMatchObject({ provisioningStatus: 'ACTIVE' });
      return own;
    },
    async close() {
      await worker.stop();
      await queue.stop();
      await app.close();
      await openstack.close();
      await state.close();
      rmSync(folder, { recursive: true });
    },
  };
}
