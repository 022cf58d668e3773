import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createJournal } from '../../src/adapters/storage/journal.ts';
import type { AmphoraStore } from '../../src/ports/amphora-store.ts';
import { openStoredApiHarness, type StoredApiHarness, subnetId } from '../kit/api.ts';
import { storedAmphora } from '../kit/contract/amphora-store.ts';

const counters = { bytesIn: 1, bytesOut: 2, activeConnections: 3, totalConnections: 4, requestErrors: 5 };
const healthStore = {
  statisticsOfLoadBalancer: async () => counters,
  statisticsOfListener: async () => ({ ...counters, bytesIn: 10 }),
  statisticsOfAmphora: async (amphoraId: string) =>
    amphoraId === 'a' ? [{ amphoraId, listenerId: 'li', ...counters }] : [],
};

let harness: StoredApiHarness;
let amphorae: AmphoraStore;
let loadBalancerId: string;
beforeEach(async () => {
  harness = await openStoredApiHarness({ healthStore });
  amphorae = harness.deps.amphorae as unknown as AmphoraStore;
  const { body } = await harness.call('POST', '/lbaas/loadbalancers', { loadbalancer: { vip_subnet_id: subnetId } });
  loadBalancerId = body.loadbalancer.id;
  await harness.settleAll();
  harness.queued.length = 0;
});
afterEach(() => harness.close());

const operations = () => createJournal(harness.database, harness.deps.clock).list({ limit: 10 });

describe('amphorae', () => {
  it('are shown in the shape that Octavia gives them', async () => {
    await amphorae.insert(
      storedAmphora('a', {
        loadBalancerId,
        status: 'ALLOCATED',
        role: 'STANDALONE',
        vrrpPortId: 'vp',
        vrrpIp: '192.0.2.7',
        haPortId: 'hp',
        haIp: '192.0.2.8',
        computeId: 'c',
        lbNetworkIp: '192.0.2.9',
        imageId: 'i',
        cachedZone: 'nova',
        certExpiration: '2026-12-23T11:00:00.000Z',
      }),
    );
    const { status, body } = await harness.call('GET', '/octavia/amphorae/a');
    expect([status, Object.entries(body.amphora)]).toEqual([
      200,
      [
        ['id', 'a'],
        ['loadbalancer_id', loadBalancerId],
        ['compute_id', 'c'],
        ['lb_network_ip', '192.0.2.9'],
        ['vrrp_ip', '192.0.2.7'],
        ['ha_ip', '192.0.2.8'],
        ['vrrp_port_id', 'vp'],
        ['ha_port_id', 'hp'],
        ['cert_expiration', '2026-12-23T11:00:00'],
        ['cert_busy', false],
        ['role', 'STANDALONE'],
        ['status', 'ALLOCATED'],
        ['vrrp_interface', null],
        ['vrrp_id', 1],
        ['vrrp_priority', null],
        ['cached_zone', 'nova'],
        ['created_at', '2026-11-23T11:00:00'],
        ['updated_at', '2026-11-23T11:00:00'],
        ['image_id', 'i'],
        ['compute_flavor', '65'],
      ],
    ]);
    expect((await harness.call('GET', '/octavia/amphorae/a?fields=id&fields=status')).body.amphora).toEqual({
      id: 'a',
      status: 'ALLOCATED',
    });
    expect((await harness.call('GET', '/v2/octavia/amphorae/a')).status).toBe(200);
    expect((await harness.call('GET', '/lbaas/octavia/amphorae/a')).status).toBe(404);
    expect((await harness.call('GET', '/octavia/amphorae/b')).body.faultstring).toBe('Amphora b not found.');
  });

  it('are listed by image, by load balancer and by project, in pages, in one statement', async () => {
    for (const [id, over] of [
      ['a', { imageId: 'i', loadBalancerId, createdAt: '2026-11-23T11:00:03.000Z' }],
      ['b', { imageId: 'j', createdAt: '2026-11-23T11:00:02.000Z' }],
      ['c', { imageId: 'i', createdAt: '2026-11-23T11:00:01.000Z' }],
      ['d', { imageId: 'i', status: 'DELETED' as const }],
    ] as const) {
      await amphorae.insert(storedAmphora(id, over));
    }
    const ids = async (query: string) => {
      const { body } = await harness.call('GET', `/octavia/amphorae?${query}`);
      return body.amphorae?.map((one: { id: string }) => one.id) ?? body.faultstring;
    };
    const before = harness.statements();
    expect(await ids('')).toEqual(['c', 'b', 'a']);
    expect(harness.statements() - before).toBe(1);
    expect(await ids('image_id=i')).toEqual(['c', 'a']);
    expect(await ids(`loadbalancer_id=${loadBalancerId}`)).toEqual(['a']);
    expect(await ids('project_id=11111111111111111111111111111111')).toEqual(['a']);
    expect(await ids('project_id=p')).toEqual([]);
    expect(await ids('sort=image_id:desc,id:desc')).toEqual(['b', 'c', 'a']);
    expect(await ids('limit=1&marker=c')).toEqual(['b']);
    expect(await ids('colour=red')).toMatch(/duplicate or invalid/);
    expect(await ids('marker=x')).toMatch(/pagination marker/);
    const { body } = await harness.call('GET', '/octavia/amphorae?limit=2');
    expect(body.amphorae_links).toEqual([{ rel: 'next', href: expect.stringMatching(/amphorae\?limit=2&marker=b$/) }]);
  });

  it('fail over before everything else', async () => {
    await amphorae.insert(storedAmphora('a', { loadBalancerId, status: 'ALLOCATED' }));
    const path = '/octavia/amphorae/a/failover';
    expect(await harness.call('PUT', path)).toMatchObject({ status: 202, body: '' });
    const operation = (await operations()).find(({ flow }) => flow === 'failover-amphora');
    expect(operation).toMatchObject({
      subject: loadBalancerId,
      input: { loadBalancerId, resourceId: loadBalancerId, amphoraId: 'a' },
      priority: 10,
    });
    expect(harness.queued).toEqual([operation?.id]);
    const again = await harness.call('PUT', path);
    expect([again.status, again.body.faultstring]).toEqual([
      409,
      `Load Balancer ${loadBalancerId} is immutable and cannot be updated.`,
    ]);
  });

  it('get their configuration anew, whatever goes on', async () => {
    await amphorae.insert(storedAmphora('a', { loadBalancerId, status: 'ALLOCATED' }));
    expect((await harness.call('PUT', '/octavia/amphorae/a/failover')).status).toBe(202);
    expect((await harness.call('PUT', '/octavia/amphorae/a/config')).status).toBe(202);
    expect((await operations()).map(({ flow, input }) => [flow, input])).toContainEqual([
      'configure-amphora',
      { loadBalancerId, resourceId: loadBalancerId, amphoraId: 'a' },
    ]);
    expect(await harness.deps.store.get('loadbalancer', loadBalancerId)).toMatchObject({
      provisioningStatus: 'PENDING_UPDATE',
    });
  });

  it('that serve nobody do neither', async () => {
    await amphorae.insert(storedAmphora('a', { status: 'READY' }));
    for (const action of ['failover', 'config']) {
      const { status, body } = await harness.call('PUT', `/octavia/amphorae/a/${action}`);
      expect([status, body.faultstring]).toEqual([409, 'Amphora a serves no load balancer.']);
    }
    expect((await harness.call('PUT', '/octavia/amphorae/x/failover')).status).toBe(404);
    expect(harness.queued).toEqual([]);
  });

  it('are deleted in ERROR alone', async () => {
    await amphorae.insert(storedAmphora('a', { status: 'ERROR', loadBalancerId }));
    await amphorae.insert(storedAmphora('b', { status: 'READY' }));
    expect(await harness.call('DELETE', '/octavia/amphorae/a')).toMatchObject({ status: 204 });
    const refused = async (id: string) => {
      const { status, body } = await harness.call('DELETE', `/octavia/amphorae/${id}`);
      return [status, body.faultstring];
    };
    expect(await refused('a')).toEqual([409, 'Amphora a is immutable and cannot be updated.']);
    expect(await refused('b')).toEqual([409, 'Amphora b is immutable and cannot be updated.']);
    expect(await refused('c')).toEqual([404, 'Amphora c not found.']);
    expect((await harness.call('GET', '/octavia/amphorae/a')).body.amphora.status).toBe('PENDING_DELETE');
    const [operation, ...creation] = (await operations()).filter(({ flow }) => flow === 'delete-amphora');
    expect(operation).toMatchObject({ subject: loadBalancerId, input: { amphoraId: 'a' } });
    expect([creation, harness.queued]).toEqual([[], [operation?.id]]);
  });
});

describe('statistics', () => {
  it('of a load balancer, a listener, an amphora', async () => {
    const { body: made } = await harness.call('POST', '/lbaas/listeners', {
      listener: { loadbalancer_id: loadBalancerId, protocol: 'HTTP', protocol_port: 80 },
    });
    const { body } = await harness.call('GET', `/lbaas/loadbalancers/${loadBalancerId}/stats`);
    expect(JSON.stringify(body)).toBe(
      '{"stats":{"bytes_in":1,"bytes_out":2,"active_connections":3,"total_connections":4,"request_errors":5}}',
    );
    const listener = await harness.call('GET', `/lbaas/listeners/${made.listener.id}/stats`);
    expect(listener.body.stats).toMatchObject({ bytes_in: 10 });
    expect((await harness.call('GET', '/lbaas/listeners/x/stats')).body.faultstring).toBe('Listener x not found.');
    expect((await harness.call('GET', '/lbaas/loadbalancers/x/stats')).status).toBe(404);

    await amphorae.insert(storedAmphora('a', { loadBalancerId }));
    await amphorae.insert(storedAmphora('b'));
    expect(JSON.stringify((await harness.call('GET', '/octavia/amphorae/a/stats')).body)).toBe(
      `{"amphora_stats":[{"active_connections":3,"bytes_in":1,"bytes_out":2,"id":"a","listener_id":"li","loadbalancer_id":"${loadBalancerId}","request_errors":5,"total_connections":4}]}`,
    );
    const none = await harness.call('GET', '/octavia/amphorae/b/stats');
    expect([none.status, none.body.faultstring]).toEqual([404, 'Amphora stats for b not found.']);
  });
});
