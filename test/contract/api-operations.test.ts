import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createAmphoraStore } from '../../src/adapters/storage/amphora-store.ts';
import { createJournal } from '../../src/adapters/storage/journal.ts';
import { createLoadBalancerStore } from '../../src/adapters/storage/load-balancer-store.ts';
import { createPolicy } from '../../src/api/policy/policy.ts';
import { abortOperation } from '../../src/flows/abort-operation.ts';
import { loadBalancerFlows } from '../../src/flows/load-balancer/index.ts';
import { openStoredApiHarness, otherProject, ownProject, type StoredApiHarness, subnetId } from '../kit/api.ts';
import { storedAmphora } from '../kit/contract/amphora-store.ts';
import { createFakeLog } from '../kit/fakes/fake-log.ts';

/** `/v2/kiln/operations`, `/v2/kiln/amphorae/health` and `/v2/kiln/permissions`, over a real database. */

const loadBalancerId = 'b5a1d6f0-0000-4000-8000-00000000000a';
let harness: StoredApiHarness;
let log: ReturnType<typeof createFakeLog>;
beforeEach(async () => {
  log = createFakeLog();
  harness = await openStoredApiHarness({
    abortOperation: (id, by) => {
      const { database } = harness;
      const { clock } = harness.deps;
      const deps = {
        journal: createJournal(database, clock),
        loadBalancers: createLoadBalancerStore(database, clock),
        amphorae: createAmphoraStore(database, clock),
        flows: loadBalancerFlows,
        self: 'api',
        log,
      };
      return abortOperation(deps, id, by);
    },
  });
});
afterEach(() => harness.close());

const journal = () => createJournal(harness.database, harness.deps.clock);
const enqueue = (id: string, over: { subject?: string; flow?: string; input?: object } = {}) =>
  harness.deps.clock.sleep(1_000).then(() => enqueueNow(id, over));
const enqueueNow = (id: string, over: object) =>
  journal().enqueue({
    id,
    flow: 'fail-over-load-balancer',
    subject: loadBalancerId,
    input: { loadBalancerId },
    priority: 0,
    ...over,
  } as never);
const list = async (query = '') => {
  const { body } = await harness.call('GET', `/v2/kiln/operations${query}`);
  return body.operations?.map(({ id }: { id: string }) => id) ?? body.faultstring;
};

describe('operations', () => {
  it('are listed, the newest first, by status, load balancer and whether they have ended, in one statement', async () => {
    await enqueue('one');
    await enqueue('two', { subject: 'another' });
    await enqueue('three', { subject: 'third', flow: 'create-load-balancer' });
    const claimed = await journal().claim('two', 'w');
    await journal().finish('two', claimed?.operation.fence ?? 0, 'done');
    const before = harness.statements();
    expect(await list()).toEqual(['three', 'two', 'one']);
    expect(harness.statements() - before).toBe(1);
    expect(await list('?ended=false')).toEqual(['three', 'one']);
    expect(await list('?ended=true')).toEqual(['two']);
    expect(await list('?status=done')).toEqual(['two']);
    expect(await list('?status=done&ended=false')).toEqual([]);
    expect(await list(`?loadbalancer_id=${loadBalancerId}`)).toEqual(['one']);
    expect(await list('?flow=create-load-balancer')).toEqual(['three']);
    expect(await list('?sort=created_at:asc')).toEqual(['one', 'two', 'three']);
    expect(await list('?limit=1')).toEqual(['three']);
    expect(await list('?limit=1&marker=three')).toEqual(['two']);
    expect(await list('?marker=x')).toMatch(/pagination marker/);
    expect(await list('?colour=red')).toMatch(/duplicate or invalid/);
    const { body } = await harness.call('GET', '/v2.0/kiln/operations?limit=2');
    expect(body.operations_links[0].href).toContain('marker=two');
    expect(body.operations[1]).toEqual({
      id: 'two',
      flow: 'fail-over-load-balancer',
      loadbalancer_id: loadBalancerId,
      subject: 'another',
      status: 'done',
      priority: 0,
      worker: null,
      reason: null,
      created_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$/),
      updated_at: expect.any(String),
    });
  });

  it('are shown with their journal, but never with what steps made: that may be secret', async () => {
    await enqueue('one');
    const claimed = await journal().claim('one', 'w');
    const reason = { code: 'SERVICE_FAILED', message: 'Nova is down', advice: 'wait' };
    await journal().record(
      'one',
      claimed?.operation.fence ?? 0,
      { kind: 'done', step: 'make', output: { key: 'geheim' } },
      { kind: 'note', step: 'make', message: 'took long' },
      { kind: 'left', step: 'make', reason, leftovers: [{ kind: 'port', id: 'p', name: null }] },
    );
    const { status, body } = await harness.call('GET', '/v2/kiln/operations/one');
    expect(status).toBe(200);
    expect(JSON.stringify(body)).not.toContain('geheim');
    const nothing = { reason: null, message: null, leftovers: [] };
    expect(body.operation).toMatchObject({ id: 'one', status: 'running', worker: 'w' });
    expect(body.operation.journal).toEqual([
      { step: 'make', kind: 'done', ...nothing },
      { step: 'make', kind: 'note', ...nothing, message: 'took long' },
      { step: 'make', kind: 'left', ...nothing, reason, leftovers: [{ kind: 'port', id: 'p', name: null }] },
    ]);
    const absent = await harness.call('GET', '/v2/kiln/operations/x');
    expect([absent.status, absent.body.faultstring]).toEqual([404, 'Operation x not found.']);
  });

  it('are aborted with who did it, and why', async () => {
    await enqueue('one');
    const answer = await harness.call(
      'POST',
      '/v2/kiln/operations/one/abort',
      { reason: ' the host burned ' },
      {
        'x-user-name': 'eve',
      },
    );
    expect([answer.status, answer.body.operation.status]).toEqual([200, 'undone']);
    expect(answer.body.operation.reason).toMatchObject({
      code: 'OPERATION_ABORTED',
      message: 'an operator ended the operation: the host burned',
    });
    expect(JSON.stringify(log.lines)).toContain('"who":"eve"');
    expect(await list('?ended=false')).toEqual([]);
    const again = await harness.call('POST', '/v2/kiln/operations/one/abort', { reason: 'r' });
    expect([again.status, again.body.faultstring]).toEqual([409, expect.stringContaining('has ended')]);
    const absent = await harness.call('POST', '/v2/kiln/operations/x/abort', { reason: 'r' });
    expect((await harness.call('POST', '/v2/kiln/operations/x/abort', {})).status).toBe(400);
    expect([absent.status, absent.body.faultstring]).toEqual([404, 'Operation x not found.']);
    const long = await harness.call('POST', '/v2/kiln/operations/x/abort', { reason: 'x'.repeat(256) });
    expect(long.status).toBe(400);
  });
});

describe('amphorae', () => {
  it('are listed with when they were last heard of, at the cost of two statements', async () => {
    const { body: made } = await harness.call('POST', '/lbaas/loadbalancers', {
      loadbalancer: { vip_subnet_id: subnetId },
    });
    const { id } = made.loadbalancer;
    const amphorae = createAmphoraStore(harness.database, harness.deps.clock);
    const now = harness.deps.clock.now().getTime();
    for (const [name, heardBeforeMs] of Object.entries({ loud: 1_000, silent: 120_000 })) {
      await amphorae.insert(storedAmphora(name, { loadBalancerId: id, status: 'ALLOCATED', role: 'MASTER' }));
      const lastHeard = new Date(now - heardBeforeMs).toISOString();
      await harness.database
        .insertInto('kiln_amphora_health')
        .values({ amphora_id: name, last_heard: lastHeard })
        .execute();
    }
    await amphorae.insert(storedAmphora('spare', { status: 'READY' }));
    const before = harness.statements();
    const { body } = await harness.call('GET', `/v2/kiln/amphorae/health?loadbalancer_id=${id}`);
    expect(harness.statements() - before).toBe(2);
    const seen = Object.fromEntries(body.amphorae.map((one: { id: string }) => [one.id, one]));
    expect(seen.loud).toMatchObject({ is_silent: false, loadbalancer_id: id, role: 'MASTER', finding: null });
    expect(seen.silent).toMatchObject({
      is_silent: true,
      last_heartbeat_at: new Date(now - 120_000).toISOString().slice(0, 19),
    });
    expect(Object.keys(seen).toSorted()).toEqual(['loud', 'silent']);
    const all = (await harness.call('GET', '/v2/kiln/amphorae/health')).body.amphorae;
    expect(all.find((one: { id: string }) => one.id === 'spare')).toMatchObject({
      last_heartbeat_at: null,
      is_silent: false,
    });
  });
});

describe('permissions', () => {
  it('are what the policies let the caller do in their project', async () => {
    const guarded = await openStoredApiHarness({ policy: createPolicy({}) });
    try {
      const of = async (roles: string, projectId = ownProject) => {
        const headers = { 'x-roles': roles, 'x-project-id': projectId, 'x-user-name': 'u', 'x-project-name': 'p' };
        return (await guarded.call('GET', '/v2/kiln/permissions', undefined, headers)).body.permissions;
      };
      const admin = await of('admin');
      expect(admin).toMatchObject({ user_name: 'u', project_id: ownProject, project_name: 'p', roles: ['admin'] });
      expect(admin.actions).toEqual(expect.arrayContaining(['attention:get_one', 'operation:post_abort']));
      const member = await of('member', otherProject);
      expect(member.actions).toContain('loadbalancer:get_all');
      expect(member.actions).not.toContain('loadbalancer:get_all-global');
      expect(member.actions).not.toContain('operation:get_all');
      expect((await of('')).actions).toEqual([]);
    } finally {
      await guarded.close();
    }
  });
});
