import { describe, expect, it } from 'vitest';
import { canonicalAddress } from '../../src/core/network/address.ts';
import { createFakeVips, openApiHarness, subnetId } from '../kit/api.ts';
import { defaultApiSettings } from '../kit/api-settings.ts';

const whole = {
  name: 'full',
  vip_subnet_id: subnetId,
  listeners: [
    {
      protocol: 'HTTP',
      protocol_port: '80',
      name: 'l',
      default_pool: {
        name: 'p',
        protocol: 'HTTP',
        lb_algorithm: 'ROUND_ROBIN',
        healthmonitor: { type: 'HTTP', delay: '5', timeout: 1, max_retries: 1 },
        members: [{ address: '10.0.0.1', protocol_port: 80 }],
      },
      l7policies: [
        { action: 'REJECT', rules: [{ type: 'PATH', compare_type: 'EQUAL_TO', value: '/' }] },
        { action: 'REDIRECT_TO_POOL', redirect_pool: { name: 'p' }, position: 1 },
      ],
    },
  ],
};

describe('writing', () => {
  it('makes a whole load balancer in one request, one change and one operation', async () => {
    const { call, store, queued } = openApiHarness();
    const { status, body } = await call('POST', '/lbaas/loadbalancers', { loadbalancer: whole });
    expect(status).toBe(201);
    const [listener] = body.loadbalancer.listeners;
    const [pool] = body.loadbalancer.pools;
    // The order of fields was recorded from Octavia 11.
    expect(Object.keys(body.loadbalancer).slice(0, 4)).toEqual(['listeners', 'pools', 'id', 'name']);
    expect(Object.keys(listener).slice(0, 2)).toEqual(['l7policies', 'id']);
    expect(Object.keys(pool).slice(0, 3)).toEqual(['members', 'healthmonitor', 'id']);
    expect(listener).toMatchObject({ protocol_port: 80, default_pool_id: pool.id, timeout_client_data: 50_000 });
    expect(pool.healthmonitor).toMatchObject({ delay: 5, http_method: 'GET', url_path: '/', expected_codes: '200' });
    expect(pool.members[0].operating_status).toBe('OFFLINE');
    expect(listener.l7policies.map((one: { action: string; position: number }) => [one.action, one.position])).toEqual([
      ['REDIRECT_TO_POOL', 1],
      ['REJECT', 2],
    ]);
    expect(store.operations.map(({ flow }) => flow)).toEqual(['create-load-balancer']);
    expect(queued).toEqual(store.operations.map(({ id }) => id));
    const shown = await call('GET', `/lbaas/loadbalancers/${body.loadbalancer.id}/status`);
    expect(shown.body.statuses.loadbalancer.listeners[0].pools[0].members).toHaveLength(1);
  });

  it('lets nothing be changed while something goes on, in the words of Octavia', async () => {
    const { call, store } = openApiHarness();
    const { body } = await call('POST', '/lbaas/loadbalancers', { loadbalancer: whole });
    const { id } = body.loadbalancer;
    const faultOf = async (...asked: Parameters<typeof call>) => {
      const { status, body: answer } = await call(...asked);
      return [status, answer.faultstring];
    };
    const path = `/lbaas/loadbalancers/${id}`;
    expect(await faultOf('PUT', path, { loadbalancer: { name: 'n' } })).toEqual([
      409,
      `Invalid state PENDING_CREATE of loadbalancer resource ${id}`,
    ]);
    const listener = { loadbalancer_id: id, protocol: 'HTTP', protocol_port: 81 };
    const busy = [409, `Load Balancer ${id} is immutable and cannot be updated.`];
    expect(await faultOf('POST', '/lbaas/listeners', { listener })).toEqual(busy);
    expect(await faultOf('PUT', `/lbaas/pools/${body.loadbalancer.pools[0].id}`, { pool: { name: 'x' } })).toEqual(
      busy,
    );
    store.settleAll();
    expect(await faultOf('DELETE', path)).toEqual([
      400,
      `Validation failure: Cannot delete Load Balancer ${id} - it has children`,
    ]);
    const taken = { loadbalancer_id: id, protocol: 'TCP', protocol_port: 80 };
    expect(await faultOf('POST', '/lbaas/listeners', { listener: taken })).toEqual([
      409,
      'Another Listener on this Load Balancer is already using protocol HTTP and protocol_port 80',
    ]);
    expect((await call('POST', '/lbaas/listeners', { listener })).status).toBe(201);
    store.settleAll();
    expect(
      (await call('PUT', path, { loadbalancer: { name: null, tags: ['a', 'a'] } })).body.loadbalancer,
    ).toMatchObject({
      name: '',
      tags: ['a'],
      provisioning_status: 'PENDING_UPDATE',
    });
    store.settleAll();
    expect((await call('PUT', `${path}/failover`)).status).toBe(202);
    store.settleAll();
    expect((await call('DELETE', `${path}?cascade=true`)).status).toBe(204);
    expect(store.operations.at(-1)).toMatchObject({ flow: 'delete-load-balancer', input: { cascade: true } });
  });

  it('tells who comes second when two ask at once', async () => {
    const { call, store } = openApiHarness();
    const { body } = await call('POST', '/lbaas/loadbalancers', { loadbalancer: { vip_subnet_id: subnetId } });
    const { id } = body.loadbalancer;
    store.settleAll();
    const asks = [81, 82].map((port) =>
      call('POST', '/lbaas/listeners', { listener: { loadbalancer_id: id, protocol: 'TCP', protocol_port: port } }),
    );
    expect((await Promise.all(asks)).map(({ status }) => status).sort()).toEqual([201, 409]);
    expect((await call('GET', '/lbaas/listeners')).body.listeners).toHaveLength(1);
  });

  it('gives the address back when the load balancer is refused after all', async () => {
    const vips = createFakeVips();
    const { call, store } = openApiHarness({ vips });
    const listeners = [{ protocol: 'HTTP', protocol_port: 80, allowed_cidrs: ['2001:db8::/32'] }];
    const { status, body } = await call('POST', '/lbaas/loadbalancers', {
      loadbalancer: { vip_subnet_id: subnetId, listeners },
    });
    expect(status).toBe(400);
    expect(body.faultstring).toContain('IP version incompatible with all VIPs');
    expect([vips.released, store.operations.length]).toEqual([1, 0]);
  });

  it('obeys quotas', async () => {
    const none = { loadbalancer: 0, listener: -1, pool: -1, member: -1, healthmonitor: -1, l7policy: -1, l7rule: -1 };
    const { call } = openApiHarness({ settings: () => ({ ...defaultApiSettings, quotaDefaults: none }) });
    const { status, body } = await call('POST', '/lbaas/loadbalancers', { loadbalancer: { vip_subnet_id: subnetId } });
    expect([status, body.faultstring]).toEqual([403, 'Quota has been met for resources: Load Balancer']);
  });

  it('makes a pool the default one of its listener and guards it from the wrong protocol', async () => {
    const { call, store } = openApiHarness();
    const { body } = await call('POST', '/lbaas/loadbalancers', {
      loadbalancer: { vip_subnet_id: subnetId, listeners: [{ protocol: 'HTTP', protocol_port: 80 }] },
    });
    store.settleAll();
    const listener_id = body.loadbalancer.listeners[0].id;
    const pool = { listener_id, protocol: 'HTTPS', lb_algorithm: 'ROUND_ROBIN' };
    expect((await call('POST', '/lbaas/pools', { pool })).body.faultstring).toBe(
      "Validation failure: The pool protocol 'HTTPS' is invalid while the listener protocol is 'HTTP'.",
    );
    const made = await call('POST', '/lbaas/pools', { pool: { ...pool, protocol: 'HTTP' } });
    expect([made.status, made.body.pool.listeners]).toEqual([201, [{ id: listener_id }]]);
    store.settleAll();
    expect((await call('DELETE', `/lbaas/pools/${made.body.pool.id}`)).status).toBe(204);
  });

  it("refuses what the amphora provider can't do with Octavia's 501, and changes nothing", async () => {
    const { call, store, queued } = openApiHarness();
    const algorithm = { lb_algorithm: 'SOURCE_IP_PORT' };
    const refused = {
      status: 501,
      body: {
        faultcode: 'Server',
        faultstring:
          "Provider 'amphora' does not support a requested option: Amphora provider does not support SOURCE_IP_PORT algorithm.",
        debuginfo: null,
      },
    };
    const pool = { name: 'p', protocol: 'TCP', ...algorithm };
    const inside = { loadbalancer: { vip_subnet_id: subnetId, pools: [pool] } };
    expect(await call('POST', '/lbaas/loadbalancers', inside)).toMatchObject(refused);
    expect(queued).toEqual([]);

    const { body } = await call('POST', '/lbaas/loadbalancers', { loadbalancer: whole });
    store.settleAll();
    const [{ id }] = body.loadbalancer.pools;
    const [listener] = body.loadbalancer.listeners;
    const beside = { pool: { ...pool, loadbalancer_id: body.loadbalancer.id } };
    expect(await call('POST', '/lbaas/pools', beside)).toMatchObject(refused);
    expect(await call('PUT', `/lbaas/pools/${id}`, { pool: algorithm })).toMatchObject(refused);
    const after = await call('GET', `/lbaas/pools/${id}`);
    expect(after.body.pool).toMatchObject({ lb_algorithm: 'ROUND_ROBIN', provisioning_status: 'ACTIVE' });
    expect((await call('GET', `/lbaas/listeners/${listener.id}`)).body.listener.provisioning_status).toBe('ACTIVE');
  });

  it('replaces the members of a pool at once', async () => {
    const { call, store } = openApiHarness();
    const { body } = await call('POST', '/lbaas/loadbalancers', { loadbalancer: whole });
    store.settleAll();
    const path = `/lbaas/pools/${body.loadbalancer.pools[0].id}/members`;
    const old = body.loadbalancer.pools[0].members[0].id;
    const taken = await call('POST', path, { member: { address: '10.0.0.1', protocol_port: 80 } });
    expect([taken.status, taken.body.faultstring]).toEqual([
      409,
      'Another member on this pool is already using ip 10.0.0.1 on protocol_port 80',
    ]);
    const members = [
      { address: '10.0.0.1', protocol_port: 80, weight: 7 },
      { address: '10.0.0.2', protocol_port: 80 },
    ];
    expect((await call('PUT', path, { members: [members[0], members[0]] })).status).toBe(400);
    expect((await call('PUT', path, { members })).status).toBe(202);
    expect(store.operations.at(-1)).toMatchObject({ flow: 'update-members', input: { updated: [old], deleted: [] } });
    expect((await call('PUT', path, { members: [] })).status).toBe(409);
    store.settleAll();
    expect((await call('GET', `${path}/${old}`)).body.member.weight).toBe(7);
    expect((await call('PUT', path, { members: [members[1]] })).status).toBe(202);
    store.settleAll();
    expect((await call('GET', path)).body.members).toHaveLength(1);
  });

  it('gives members that a batch names their defaults again, but for name and tags', async () => {
    const { call, store } = openApiHarness();
    const { body } = await call('POST', '/lbaas/loadbalancers', { loadbalancer: whole });
    store.settleAll();
    const path = `/lbaas/pools/${body.loadbalancer.pools[0].id}/members`;
    const endpoint = { address: '10.0.0.1', protocol_port: 80 };
    const given = { weight: 7, backup: true, admin_state_up: false, monitor_port: 81, monitor_address: '10.0.0.9' };
    const kept = { name: 'm', tags: ['t'] };
    expect((await call('PUT', path, { members: [{ ...endpoint, ...given, ...kept }] })).status).toBe(202);
    store.settleAll();
    expect((await call('GET', path)).body.members).toMatchObject([{ ...given, ...kept }]);
    expect((await call('PUT', path, { members: [endpoint] })).status).toBe(202);
    store.settleAll();
    const defaults = { weight: 1, backup: false, admin_state_up: true, monitor_port: null, monitor_address: null };
    expect((await call('GET', path)).body.members).toMatchObject([{ ...defaults, ...kept }]);
    // The subnet stays where it is not named, and becomes what a batch says, as in Octavia.
    for (const [said, subnet_id] of [
      [{ subnet_id: subnetId }, subnetId],
      [{}, subnetId],
      [{ subnet_id: null }, null],
    ] as const) {
      expect((await call('PUT', path, { members: [{ ...endpoint, ...said }] })).status).toBe(202);
      store.settleAll();
      expect((await call('GET', path)).body.members).toMatchObject([{ ...defaults, ...kept, subnet_id }]);
    }
  });

  it.each([
    ['fe80::a9fe:a9fe', 'FE80:0:0:0:0:0:169.254.169.254'],
    ['127.0.0.77', '::ffff:127.0.0.77'],
    ['169.254.169.254', '::FFFF:A9FE:A9FE'],
    ['::ffff:10.0.0.5', '10.0.0.5'],
    ['169.254.169.254', '64:ff9b::169.254.169.254'],
    ['169.254.169.254', '2002:A9FE:A9FE::1'],
  ])('%s is reserved however it is written: %s', async (reserved, written) => {
    const settings = { ...defaultApiSettings, reservedAddresses: [canonicalAddress(reserved)] };
    const { call, store } = openApiHarness({ settings: () => settings });
    const { body } = await call('POST', '/lbaas/loadbalancers', { loadbalancer: whole });
    store.settleAll();
    const pool = body.loadbalancer.pools[0].id;
    const path = `/lbaas/pools/${pool}/members`;
    const refused = { status: 400, body: { faultstring: `${written} is not a valid option for member address` } };
    const member = { address: written, protocol_port: 80 };
    const made = { protocol: 'HTTP', lb_algorithm: 'ROUND_ROBIN' };
    const watched = { address: '10.0.0.7', protocol_port: 80, monitor_address: written };
    const notWatched = { faultstring: `${written} is not a valid option for member monitor_address` };
    expect(await call('POST', path, { member })).toMatchObject(refused);
    expect(await call('PUT', path, { members: [member] })).toMatchObject(refused);
    const inPool = { pool: { ...made, loadbalancer_id: body.loadbalancer.id, members: [member] } };
    expect(await call('POST', '/lbaas/pools', inPool)).toMatchObject(refused);
    const loadbalancer = { vip_subnet_id: subnetId, pools: [{ ...made, name: 'p', members: [member] }] };
    expect(await call('POST', '/lbaas/loadbalancers', { loadbalancer })).toMatchObject(refused);
    expect(await call('POST', path, { member: watched })).toMatchObject({ status: 400, body: notWatched });
    const one = body.loadbalancer.pools[0].members[0].id;
    const change = { member: { monitor_address: written } };
    expect(await call('PUT', `${path}/${one}`, change)).toMatchObject({ status: 400, body: notWatched });
  });

  it.each([
    ['{', 400, 'Request is not in valid JSON format'],
    ['', 400, 'Missing argument: "load_balancer"'],
    [`{"loadbalancer":{"name":"${'x'.repeat(120_000)}"}}`, 413, 'Request body is too large'],
    ['['.repeat(50_000), 400, 'Request is not in valid JSON format'],
  ])('refuses the body %.20s', async (text, status, faultstring) => {
    const { app, store } = openApiHarness();
    const answer = await app.inject({
      method: 'POST',
      url: '/v2/lbaas/loadbalancers',
      headers: { 'content-type': 'application/json' },
      payload: text,
    });
    expect([answer.statusCode, answer.json()]).toEqual([status, { faultcode: 'Client', faultstring, debuginfo: null }]);
    expect(store.operations).toEqual([]);
  });
});
