import { describe, expect, it } from 'vitest';
import { createPolicy } from '../../src/api/policy/policy.ts';
import { type ApiHarness, openApiHarness, otherProject, subnetId } from '../kit/api.ts';
import { defaultApiSettings } from '../kit/api-settings.ts';

const rule = { type: 'PATH', compare_type: 'STARTS_WITH', value: '/api' };
const member = { 'x-roles': 'member,reader' };
const unknownId = '6d2f6a0e-0000-4000-8000-00000000dead';

/** A listener of HTTP, a pool that it may send to and one that it may not. */
async function openListener(overrides: Parameters<typeof openApiHarness>[0] = {}, protocol = 'HTTP') {
  const harness = openApiHarness(overrides);
  const pool = (name: string, poolProtocol: string) => ({
    name,
    protocol: poolProtocol,
    lb_algorithm: 'ROUND_ROBIN',
  });
  const loadbalancer = {
    vip_subnet_id: subnetId,
    listeners: [{ protocol, protocol_port: 80 }],
    pools: [pool('web', 'HTTP'), pool('raw', 'TCP')],
  };
  const { body } = await harness.call('POST', '/lbaas/loadbalancers', { loadbalancer }, member);
  harness.store.settleAll();
  const idOf = (name: string): string => body.loadbalancer.pools.find((one: { name: string }) => one.name === name).id;
  const listener_id: string = body.loadbalancer.listeners[0].id;
  return {
    ...harness,
    listener_id,
    loadBalancerId: body.loadbalancer.id as string,
    web: idOf('web'),
    raw: idOf('raw'),
  };
}
type Harness = Awaited<ReturnType<typeof openListener>>;

async function refusal({ call }: Pick<ApiHarness, 'call'>, ...asked: Parameters<ApiHarness['call']>) {
  const { status, body } = await call(...asked);
  return [status, body.faultstring];
}

/** Makes a policy and waits until it is there. */
async function addPolicy({ call, store, listener_id }: Harness, fields: Record<string, unknown>): Promise<string> {
  const { status, body } = await call('POST', '/lbaas/l7policies', {
    l7policy: { listener_id, action: 'REJECT', ...fields },
  });
  expect([status, body.faultstring]).toEqual([201, undefined]);
  store.settleAll();
  return body.l7policy.id;
}

async function order({ call }: Harness) {
  const { body } = await call('GET', '/lbaas/l7policies');
  const policies: { name: string; position: number }[] = body.l7policies;
  return policies
    .sort((a, b) => a.position - b.position)
    .map(({ name, position }) => `${position}${name}`)
    .join(' ');
}

describe('L7 policies', () => {
  it('stand from 1 without gaps, whichever is made, moved or deleted', async () => {
    const harness = await openListener();
    const a = await addPolicy(harness, { name: 'a' });
    const b = await addPolicy(harness, { name: 'b', position: 7 });
    await addPolicy(harness, { name: 'c', position: 1 });
    expect(await order(harness)).toBe('1c 2a 3b');

    const { call, store } = harness;
    const moved = await call('PUT', `/lbaas/l7policies/${b}`, { l7policy: { position: 2 } });
    expect([moved.status, moved.body.l7policy.position]).toEqual([200, 2]);
    const neighbour = await call('GET', `/lbaas/l7policies/${a}`);
    expect(neighbour.body.l7policy).toMatchObject({ position: 3, provisioning_status: 'ACTIVE' });
    store.settleAll();
    await call('PUT', `/lbaas/l7policies/${b}`, { l7policy: { position: null, name: 'B' } });
    store.settleAll();
    expect(await order(harness)).toBe('1c 2B 3a');

    expect((await call('DELETE', `/lbaas/l7policies/${b}`)).status).toBe(204);
    store.settleAll();
    expect(await order(harness)).toBe('1c 2a');
    expect(store.operations.slice(1).map(({ flow }) => flow)).toEqual([
      'create-l7-policy',
      'create-l7-policy',
      'create-l7-policy',
      'update-l7-policy',
      'update-l7-policy',
      'delete-l7-policy',
    ]);
  });

  it('may bring their rules, and lock what they hang on', async () => {
    const harness = await openListener();
    const { call, store, listener_id, loadBalancerId, web } = harness;
    const { status, body } = await call('POST', '/lbaas/l7policies', {
      l7policy: { listener_id, action: 'REDIRECT_TO_POOL', redirect_pool_id: web, rules: [rule, rule] },
    });
    expect([status, body.l7policy.rules.length]).toEqual([201, 2]);
    expect(body.l7policy).toMatchObject({ redirect_pool_id: web, provisioning_status: 'PENDING_CREATE', position: 1 });
    const listener = await call('GET', `/lbaas/listeners/${listener_id}`);
    expect(listener.body.listener.provisioning_status).toBe('PENDING_UPDATE');
    const path = `/lbaas/l7policies/${body.l7policy.id}`;
    const busy = [409, `Load Balancer ${loadBalancerId} is immutable and cannot be updated.`];
    expect(await refusal(harness, 'PUT', path, { l7policy: { name: 'x' } })).toEqual(busy);
    expect(await refusal(harness, 'DELETE', path)).toEqual(busy);
    expect(
      await refusal(harness, 'POST', '/lbaas/l7policies', { l7policy: { listener_id, action: 'REJECT' } }),
    ).toEqual(busy);
    store.settleAll();
    expect((await call('GET', `${path}/rules`)).body.rules).toHaveLength(2);
    // What openstacksdk and Horizon send.
    const ofPolicy = path.split('/').at(-1);
    expect((await call('GET', `${path}/rules?l7policy_id=${ofPolicy}`)).body.rules).toHaveLength(2);
    expect((await call('GET', `${path}/rules?l7policy_id=zz`)).body.rules).toEqual([]);
  });

  it('do what the last request says', async () => {
    const harness = await openListener();
    const { call, store, web } = harness;
    const redirect_url = 'http://example.com/';
    const id = await addPolicy(harness, { action: 'REDIRECT_TO_URL', redirect_url, redirect_http_code: 301 });
    const change = async (l7policy: object) => {
      const { body } = await call('PUT', `/lbaas/l7policies/${id}`, { l7policy });
      store.settleAll();
      const { action, redirect_pool_id: pool, redirect_url: url, redirect_http_code: code } = body.l7policy;
      return [action, pool, url, code];
    };
    expect(await change({ name: 'n' })).toEqual(['REDIRECT_TO_URL', null, redirect_url, 301]);
    // A new URL without a code is a new redirection: sanitize_l7policy_api_args sets 302.
    expect(await change({ redirect_url: `${redirect_url}b` })).toEqual([
      'REDIRECT_TO_URL',
      null,
      `${redirect_url}b`,
      302,
    ]);
    expect(await change({ redirect_pool_id: web })).toEqual(['REDIRECT_TO_POOL', web, null, null]);
    expect(await change({ action: 'REJECT' })).toEqual(['REJECT', null, null, null]);
  });

  it('are refused in the words and the order of Octavia', async () => {
    const none = { loadbalancer: -1, listener: -1, pool: -1, member: -1, healthmonitor: -1, l7policy: 0, l7rule: -1 };
    const harness = await openListener({ settings: () => ({ ...defaultApiSettings, quotaDefaults: none }) });
    const { listener_id, raw, store } = harness;
    const before = store.operations.length;
    const asking = (fields: object) =>
      refusal(harness, 'POST', '/lbaas/l7policies', {
        l7policy: { listener_id, action: 'REDIRECT_TO_POOL', ...fields },
      });
    expect(await asking({ listener_id: unknownId })).toEqual([404, `Listener ${unknownId} not found.`]);
    expect(await asking({ redirect_pool_id: unknownId })).toEqual([404, `Pool ${unknownId} not found.`]);
    expect(await asking({ redirect_pool_id: raw })).toEqual([
      400,
      "Validation failure: The pool protocol 'TCP' is invalid while the listener protocol is 'HTTP'.",
    ]);
    // No pool is named, but the quota is looked at first.
    expect(await asking({})).toEqual([403, 'Quota has been met for resources: L7 Policy']);
    for (const method of ['PUT', 'DELETE'] as const) {
      const body = method === 'PUT' ? { l7policy: {} } : undefined;
      expect(await refusal(harness, method, `/lbaas/l7policies/${unknownId}`, body)).toEqual([
        404,
        `L7 Policy ${unknownId} not found.`,
      ]);
    }
    expect(store.operations).toHaveLength(before);
  });

  it('are not changed to what does not fit together', async () => {
    const harness = await openListener();
    const { raw } = harness;
    const path = `/lbaas/l7policies/${await addPolicy(harness, {})}`;
    const changing = (l7policy: object) => refusal(harness, 'PUT', path, { l7policy });
    expect(await changing({ action: 'REDIRECT_TO_URL' })).toEqual([
      400,
      'Invalid L7 Policy arguments: redirect_url must not be None',
    ]);
    expect(await changing({ redirect_pool_id: unknownId })).toEqual([404, `Pool ${unknownId} not found.`]);
    expect((await changing({ redirect_pool_id: raw }))[0]).toBe(400);
    expect((await changing({ position: 0 }))[0]).toBe(400);
    expect((await changing({ listener_id: unknownId }))[0]).toBe(400);
  });

  it('do not hang on a listener for Prometheus', async () => {
    const harness = await openListener({}, 'PROMETHEUS');
    const l7policy = { listener_id: harness.listener_id, action: 'REJECT' };
    expect(await refusal(harness, 'POST', '/lbaas/l7policies', { l7policy })).toEqual([
      400,
      'Protocol PROMETHEUS listeners cannot have child objects.',
    ]);
  });
});

describe('L7 rules', () => {
  it('are made, changed and deleted, their policy being locked meanwhile', async () => {
    const harness = await openListener();
    const { call, store } = harness;
    const policyId = await addPolicy(harness, {});
    const path = `/lbaas/l7policies/${policyId}/rules`;
    const made = await call('POST', path, { rule });
    expect([made.status, made.body.rule]).toMatchObject([201, { ...rule, key: null, invert: false }]);
    const one = `${path}/${made.body.rule.id}`;
    const busy = [409, `L7Policy ${policyId} is immutable and cannot be updated.`];
    expect(await refusal(harness, 'POST', path, { rule })).toEqual(busy);
    expect(await refusal(harness, 'PUT', one, { rule: {} })).toEqual(busy);
    expect(await refusal(harness, 'DELETE', one)).toEqual(busy);
    store.settleAll();
    const changed = await call('PUT', one, { rule: { value: '/v2', invert: true } });
    expect([changed.status, changed.body.rule]).toMatchObject([
      200,
      { ...rule, value: '/v2', invert: true, provisioning_status: 'PENDING_UPDATE' },
    ]);
    store.settleAll();
    expect((await call('DELETE', one)).status).toBe(204);
    store.settleAll();
    expect((await call('GET', path)).body.rules).toEqual([]);
    expect(store.operations.slice(-3).map(({ flow }) => flow)).toEqual([
      'create-l7-rule',
      'update-l7-rule',
      'delete-l7-rule',
    ]);
  });

  it('are refused in the words and the order of Octavia', async () => {
    let l7rule = 0;
    const quotaDefaults = {
      ...defaultApiSettings.quotaDefaults,
      get l7rule() {
        return l7rule;
      },
    };
    const harness = await openListener({ settings: () => ({ ...defaultApiSettings, quotaDefaults }) });
    const policyId = await addPolicy(harness, {});
    const path = `/lbaas/l7policies/${policyId}/rules`;
    const bad = { type: 'HEADER', compare_type: 'EQUAL_TO', value: 'x' };
    expect(await refusal(harness, 'POST', path, { rule: bad })).toEqual([
      400,
      'Error parsing L7Rule: Invalid L7 Rule: L7 rule type requires a key',
    ]);
    expect(await refusal(harness, 'POST', path, { rule })).toEqual([403, 'Quota has been met for resources: L7 Rule']);
    const whole = { listener_id: harness.listener_id, action: 'REJECT', rules: [rule] };
    expect((await refusal(harness, 'POST', '/lbaas/l7policies', { l7policy: whole }))[0]).toBe(403);
    l7rule = -1;
    const full = await addPolicy(harness, { rules: Array.from({ length: 50 }, () => rule) });
    l7rule = 0;
    expect(await refusal(harness, 'POST', `/lbaas/l7policies/${full}/rules`, { rule })).toEqual([
      409,
      `Too many rules on L7 policy ${full}`,
    ]);
    const { body } = await harness.call('GET', `/lbaas/l7policies/${full}/rules?limit=1`);
    const [elsewhere] = body.rules;
    const changing = (at: string, change: object) => refusal(harness, 'PUT', at, { rule: change });
    expect(await changing(`${path}/${elsewhere.id}`, {})).toEqual([404, `L7 Rule ${elsewhere.id} not found.`]);
    expect(await refusal(harness, 'DELETE', `${path}/${unknownId}`)).toEqual([404, `L7 Rule ${unknownId} not found.`]);
    expect(await changing(`/lbaas/l7policies/${unknownId}/rules/${elsewhere.id}`, {})).toEqual([
      404,
      `L7Policy ${unknownId} not found.`,
    ]);
    expect((await changing(`/lbaas/l7policies/${full}/rules/${elsewhere.id}`, { type: 'COOKIE' }))[0]).toBe(400);
  });

  it('are for those alone who may change the load balancer, as policies are', async () => {
    const harness = await openListener({ policy: createPolicy({}) });
    const { call, listener_id, store } = harness;
    const create = { listener_id, action: 'REJECT', rules: [rule] };
    const { body } = await call('POST', '/lbaas/l7policies', { l7policy: create }, member);
    store.settleAll();
    const path = `/lbaas/l7policies/${body.l7policy.id}`;
    const ofRule = `${path}/rules/${body.l7policy.rules[0].id}`;
    const asks: Parameters<ApiHarness['call']>[] = [
      ['POST', '/lbaas/l7policies', { l7policy: create }],
      ['PUT', path, { l7policy: { name: 'n' } }],
      ['DELETE', path],
      ['POST', `${path}/rules`, { rule }],
      ['PUT', ofRule, { rule: { value: '/x' } }],
      ['DELETE', ofRule],
    ];
    const before = store.operations.length;
    for (const [method, url, sent] of asks) {
      for (const headers of [{ ...member, 'x-project-id': otherProject }, { 'x-roles': 'reader' }]) {
        expect([method, url, (await call(method, url, sent, headers)).status]).toEqual([method, url, 403]);
      }
    }
    expect(store.operations).toHaveLength(before);
    expect((await call('DELETE', ofRule, undefined, member)).status).toBe(204);
  });
});
