import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createPolicy } from '../../src/api/policy/policy.ts';
import { openStoredApiHarness, otherProject, ownProject, type StoredApiHarness, subnetId } from '../kit/api.ts';
import { defaultApiSettings } from '../kit/api-settings.ts';

const quotaDefaults = { ...defaultApiSettings.quotaDefaults, loadbalancer: 2, healthmonitor: 7 };

let harness: StoredApiHarness;
beforeEach(async () => {
  harness = await openStoredApiHarness({ settings: () => ({ ...defaultApiSettings, quotaDefaults }) });
});
afterEach(() => harness.close());

const put = (project: string, quota: object) => harness.call('PUT', `/lbaas/quotas/${project}`, { quota });

describe('quotas', () => {
  it('are the defaults until they are set, in the order and the spellings of Octavia', async () => {
    const { body } = await harness.call('GET', '/lbaas/quotas/p1');
    expect(Object.entries(body.quota)).toEqual([
      ['project_id', 'p1'],
      ['loadbalancer', 2],
      ['load_balancer', 2],
      ['listener', -1],
      ['member', -1],
      ['pool', -1],
      ['healthmonitor', 7],
      ['health_monitor', 7],
      ['l7policy', -1],
      ['l7rule', -1],
      ['tenant_id', 'p1'],
    ]);
    expect((await harness.call('GET', '/lbaas/quotas/p1/default')).body).toEqual(body);
    const defaults = await harness.call('GET', '/lbaas/quotas/defaults');
    expect(defaults.body.quota).toEqual({ ...body.quota, project_id: 'defaults', tenant_id: 'defaults' });
    expect((await harness.call('GET', '/lbaas/quotas')).body).toEqual({ quotas: [], quotas_links: [] });
  });

  it('are set kind by kind under both spellings, listed, and reset', async () => {
    const set = await put('p1', { load_balancer: 5, listener: 0, health_monitor: 9, healthmonitor: 3 });
    expect([set.status, set.body.quota]).toMatchObject([
      202,
      { project_id: 'p1', loadbalancer: 5, listener: 0, healthmonitor: 3, pool: -1 },
    ]);
    expect((await put('p1', { pool: 4, listener: null })).body.quota).toMatchObject({
      loadbalancer: 5,
      listener: -1,
      pool: 4,
    });
    await put('p2', { member: 1 });
    const { body } = await harness.call('GET', '/lbaas/quotas');
    expect(body.quotas.map((one: { project_id: string }) => one.project_id)).toEqual(['p1', 'p2']);
    expect(body.quotas[1]).toMatchObject({ loadbalancer: null, member: 1 });
    const page = await harness.call('GET', '/lbaas/quotas?limit=1&marker=p1&fields=project_id');
    expect(page.body.quotas).toMatchObject([{ project_id: 'p2', member: 1 }]);
    expect((await harness.call('GET', '/lbaas/quotas?project_id=p2')).body.quotas).toHaveLength(1);

    const reset = await harness.call('DELETE', '/lbaas/quotas/p1');
    expect([reset.status, reset.body]).toEqual([202, '']);
    const again = await harness.call('DELETE', '/lbaas/quotas/p1');
    expect([again.status, again.body.faultstring]).toEqual([404, 'Quotas p1 not found.']);
    expect((await harness.call('GET', '/lbaas/quotas/p1')).body.quota).toMatchObject({ loadbalancer: 2, pool: -1 });
  });

  it('are filtered and sorted by every kind, under both spellings', async () => {
    await put('p1', { load_balancer: 5, pool: 2, health_monitor: 1 });
    await put('p2', { load_balancer: 5, pool: 1, health_monitor: 2 });
    await put('p3', { listener: 9, member: 8, l7policy: 7, l7rule: 6 });
    const list = async (query: string) =>
      (await harness.call('GET', `/lbaas/quotas?${query}`)).body.quotas.map(
        (one: { tenant_id: string }) => one.tenant_id,
      );
    for (const query of ['loadbalancer=5&sort=pool', 'load_balancer=5&sort=healthmonitor:desc', 'pool=1', 'pool=2'])
      expect([query, await list(query)]).toEqual([
        query,
        query === 'pool=1' ? ['p2'] : query === 'pool=2' ? ['p1'] : ['p2', 'p1'],
      ]);
    for (const query of ['listener=9', 'member=8', 'l7policy=7', 'l7rule=6', 'sort=tenant_id:desc&limit=1'])
      expect([query, await list(query)]).toEqual([query, ['p3']]);
    expect(await list('pool=many')).toEqual([]);
    expect((await harness.call('GET', '/lbaas/quotas?colour=1')).status).toBe(400);
  });

  it('have changes wait for each other only where what they make is limited', async () => {
    const made = await harness.call('POST', '/lbaas/loadbalancers', { loadbalancer: { vip_subnet_id: subnetId } });
    await harness.settleAll();
    const locks = () => harness.database.selectFrom('kiln_quota_lock').selectAll().execute();
    const before = await locks();
    expect(before).toEqual([{ project_id: ownProject, changes: 1 }]);
    const listener = { loadbalancer_id: made.body.loadbalancer.id, protocol: 'HTTP', protocol_port: 80 };
    expect(await harness.call('POST', '/lbaas/listeners', { listener })).toMatchObject({ status: 201 });
    expect(await locks()).toEqual(before);
  });

  it('refuse what is no number of things', async () => {
    for (const [quota, message] of [
      [{ pool: -2 }, 'Value should be greater or equal to -1'],
      [{ pool: 2_000_000_001 }, 'Value should be lower or equal to 2000000000'],
      [{ pool: 'many' }, 'Value should be an integer'],
      [{ colour: 1 }, 'Unknown attribute for argument quotas.quota: colour'],
    ] as const) {
      const { status, body } = await put('p', quota);
      expect([status, body.faultstring]).toEqual([400, expect.stringContaining(message)]);
    }
    expect((await put('p'.repeat(37), { pool: 1 })).body.faultstring).toContain('project_id');
    expect((await harness.call('GET', '/lbaas/quotas')).body.quotas).toEqual([]);
  });

  it('hold: the default, and what was set', async () => {
    const create = async () => {
      const loadbalancer = { vip_subnet_id: subnetId, listeners: [{ protocol: 'HTTP', protocol_port: 80 }] };
      const { status, body } = await harness.call('POST', '/lbaas/loadbalancers', { loadbalancer });
      return [status, body.faultstring ?? null];
    };
    const met = [403, 'Quota has been met for resources: Load Balancer'];
    expect([await create(), await create(), await create()]).toEqual([[201, null], [201, null], met]);
    await put(ownProject, { loadbalancer: 3, listener: 3 });
    expect([await create(), await create()]).toEqual([[201, null], met]);
    await put(ownProject, { loadbalancer: -1 });
    expect(await create()).toEqual([403, 'Quota has been met for resources: Listener']);
    await put(ownProject, { listener: -1 });
    expect(await create()).toEqual([201, null]);
  });

  it('are read by the project, listed whole and written by the quota administrator', async () => {
    await harness.close();
    harness = await openStoredApiHarness({ policy: createPolicy({}) });
    const member = { 'x-roles': 'load-balancer_member' };
    const quotaAdmin = { 'x-roles': 'load-balancer_quota_admin' };
    const quota = { quota: { pool: 1 } };
    const statuses = async (headers: Record<string, string>) => [
      (await harness.call('GET', `/lbaas/quotas/${ownProject}`, undefined, headers)).status,
      (await harness.call('GET', `/lbaas/quotas/${otherProject}`, undefined, headers)).status,
      (await harness.call('PUT', `/lbaas/quotas/${otherProject}`, quota, headers)).status,
      (await harness.call('GET', '/lbaas/quotas', undefined, headers)).body.quotas?.length,
      (await harness.call('DELETE', `/lbaas/quotas/${otherProject}`, undefined, headers)).status,
    ];
    expect(await statuses(member)).toEqual([200, 403, 403, 0, 403]);
    expect(await statuses(quotaAdmin)).toEqual([200, 200, 202, 1, 202]);
  });
});
