import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createAmphoraStore } from '../../src/adapters/storage/amphora-store.ts';
import { createJournal } from '../../src/adapters/storage/journal.ts';
import { runFlow } from '../../src/flows/engine/run-flow.ts';
import { rememberTrees } from '../../src/flows/lib/remember-trees.ts';
import type { LoadBalancerDeps } from '../../src/flows/load-balancer/deps.ts';
import { loadBalancerFlows } from '../../src/flows/load-balancer/index.ts';
import { KilnError } from '../../src/model/errors.ts';
import type { AmphoraStore } from '../../src/ports/amphora-store.ts';
import type { TlsCertificate } from '../../src/ports/secret-store.ts';
import { createFakeVips, openStoredApiHarness, type StoredApiHarness, subnetId } from '../kit/api.ts';
import { createFakeLoadBalancerDeps } from '../kit/fakes/fake-load-balancer-deps.ts';
import { aNetwork, aSubnet } from '../kit/fakes/fake-network.ts';
import { openTlsWorkshop } from '../kit/tls-material.ts';

/**
 * The API and the flows over one database: what becomes of rows when HAProxy refuses a change, and whether the load balancer
 * can still be changed, failed over and deleted.
 */

const limits = { attempts: 2, firstPauseMs: 10, longestPauseMs: 100 };
const networkId = '0553e883-70c9-47be-98c2-462bacb5ff6e';
const refused = () => new KilnError('AGENT_REFUSED', 'the agent refuses the configuration');
const workshop = openTlsWorkshop();
const madeCertificate = (name: string): TlsCertificate => {
  const { certificate, key } = workshop.make(name, { subject: '/CN=www.example.org' });
  return {
    certificatePem: certificate,
    privateKeyPem: key,
    intermediatesPem: [],
    commonName: 'www.example.org',
    dnsNames: [],
    notAfter: '2030-01-01T00:00:00.000Z',
  };
};
const certificates = { a: madeCertificate('a'), b: madeCertificate('b') };
workshop.close();
const references = { a: `https://barbican/${crypto.randomUUID()}`, b: `https://barbican/${crypto.randomUUID()}` };

interface Ids {
  lb: string;
  listener: string;
  tls: string;
  pool: string;
  member: string;
  monitor: string;
  policy: string;
  other: string;
  rule: string;
}

let harness: StoredApiHarness;
let amphorae: AmphoraStore;
let fakes: ReturnType<typeof createFakeLoadBalancerDeps>;
let secrets: Map<string, TlsCertificate>;
let ids: Ids;

beforeEach(async () => {
  fakes = createFakeLoadBalancerDeps();
  secrets = new Map([
    [references.a, certificates.a],
    [references.b, certificates.b],
  ]);
  fakes.network.addNetwork(aNetwork({ id: networkId, subnetIds: [subnetId] }), [
    aSubnet({ id: subnetId, networkId, cidr: '198.51.100.0/24' }),
  ]);
  const vips = createFakeVips();
  harness = await openStoredApiHarness({
    secrets: secretStore(),
    vips: {
      ...vips,
      async allocate(request) {
        const { vip, ...rest } = await vips.allocate(request);
        const port = await fakes.network.createPort({
          name: `octavia-lb-${request.loadBalancerId}`,
          networkId,
          projectId: null,
          fixedIps: [{ subnetId, ipAddress: vip.address }],
          deviceId: `lb-${request.loadBalancerId}`,
          deviceOwner: 'Octavia',
          adminStateUp: false,
          securityGroupIds: null,
          allowedAddressPairs: [],
          qosPolicyId: null,
        });
        return { vip: { ...vip, portId: port.id }, ...rest };
      },
    },
  });
  amphorae = createAmphoraStore(harness.database, harness.deps.clock);
  ids = await make();
});
afterEach(() => harness.close());

function secretStore() {
  const getCertificate = async (reference: string) => {
    const found = secrets.get(reference);
    if (!found) throw new KilnError('SECRET_NOT_FOUND', `There is no secret ${reference}.`);
    return found;
  };
  const never = () => Promise.reject(new KilnError('SECRET_NOT_FOUND', 'there is none'));
  return { getCertificate, getCaCertificates: never, getRevocationList: never };
}

async function call(method: 'GET' | 'POST' | 'PUT' | 'DELETE', path: string, body?: object) {
  const answer = await harness.call(method, `/lbaas${path}`, body);
  expect(answer.status, `${method} ${path}: ${JSON.stringify(answer.body)}`).toBeLessThan(300);
  return answer.body;
}

/** The request, and what it asks for, carried out by a worker. @returns how the operation ended. */
async function change(method: 'POST' | 'PUT' | 'DELETE', path: string, body?: object): Promise<string> {
  await call(method, path, body);
  return await work();
}

async function work(): Promise<string> {
  const journal = createJournal(harness.database, fakes.clock);
  const claimed = await journal.claim(harness.queued.at(-1) ?? '', 'w');
  const flow = loadBalancerFlows.find(({ name }) => name === claimed?.operation.flow);
  if (!claimed || !flow) throw new Error('there is nothing to do');
  const { clock, log, deps } = fakes;
  const acting: LoadBalancerDeps = {
    ...deps,
    secrets: secretStore(),
    loadBalancers: rememberTrees(harness.deps.store),
    amphorae,
  };
  const engine = { journal, clock, log, doing: limits, undoing: limits, giveUpAfterMs: 60_000 };
  return await runFlow(flow, acting, claimed, engine, new AbortController().signal);
}

async function make(): Promise<Ids> {
  const made = await call('POST', '/loadbalancers', {
    loadbalancer: {
      vip_subnet_id: subnetId,
      name: 'good',
      pools: [
        {
          name: 'pool',
          protocol: 'HTTP',
          lb_algorithm: 'ROUND_ROBIN',
          members: [{ address: '192.0.2.1', protocol_port: 80, weight: 5 }],
          healthmonitor: { type: 'TCP', delay: 5, timeout: 3, max_retries: 2 },
        },
      ],
      listeners: [
        {
          name: 'plain',
          protocol: 'HTTP',
          protocol_port: 80,
          connection_limit: 100,
          default_pool: { name: 'pool' },
          l7policies: [
            {
              name: 'one',
              action: 'REJECT',
              rules: [{ type: 'PATH', compare_type: 'STARTS_WITH', value: '/good' }],
            },
            { name: 'two', action: 'REJECT', rules: [{ type: 'PATH', compare_type: 'STARTS_WITH', value: '/two' }] },
          ],
        },
        {
          name: 'tls',
          protocol: 'TERMINATED_HTTPS',
          protocol_port: 443,
          default_tls_container_ref: references.a,
        },
      ],
    },
  });
  expect(await work()).toBe('done');
  const lb = made.loadbalancer.id;
  const tree = await harness.deps.store.tree(lb);
  const [plain, tls] = ['plain', 'tls'].map((name) => tree?.listeners.find((one) => one.name === name));
  const pool = tree?.pools[0];
  return {
    lb,
    listener: plain?.id ?? '',
    tls: tls?.id ?? '',
    pool: pool?.id ?? '',
    member: pool?.members[0]?.id ?? '',
    monitor: pool?.healthMonitor?.id ?? '',
    policy: plain?.l7Policies[0]?.id ?? '',
    other: plain?.l7Policies[1]?.id ?? '',
    rule: plain?.l7Policies[0]?.rules[0]?.id ?? '',
  };
}

async function configuration(): Promise<string> {
  const serving = await amphorae.list({ loadBalancerId: ids.lb });
  const amphora = serving.find(({ status }) => status === 'ALLOCATED');
  return fakes.agent.amphora(amphora?.id ?? '').objects.get(ids.lb)?.configuration ?? '';
}
const refuseNext = () => fakes.agent.failNext('uploadHaproxyConfiguration', refused());

const paths = {
  listener: () => `/listeners/${ids.listener}`,
  pool: () => `/pools/${ids.pool}`,
  member: () => `/pools/${ids.pool}/members/${ids.member}`,
  healthmonitor: () => `/healthmonitors/${ids.monitor}`,
  l7policy: () => `/l7policies/${ids.other}`,
  rule: () => `/l7policies/${ids.policy}/rules/${ids.rule}`,
} as const;
type Word = keyof typeof paths;

async function show(word: Word) {
  const {
    updated_at: _at,
    provisioning_status: status,
    operating_status: _operating,
    ...values
  } = (await call('GET', paths[word]()))[word];
  return { status, values };
}

/** The load balancer is well, goes on being changed, can be failed over, and can be deleted. */
async function expectWayOut(): Promise<void> {
  expect((await call('GET', `/loadbalancers/${ids.lb}`)).loadbalancer.provisioning_status).toBe('ACTIVE');
  const member = { address: '192.0.2.77', protocol_port: 77 };
  expect(await change('POST', `/pools/${ids.pool}/members`, { member })).toBe('done');
  expect(await configuration()).toContain('192.0.2.77:77');
  expect(await change('PUT', `/loadbalancers/${ids.lb}/failover`)).toBe('done');
  expect(await change('DELETE', `/loadbalancers/${ids.lb}?cascade=true`)).toBe('done');
  expect(fakes.compute.servers()).toEqual([]);
}

describe('a change that HAProxy refuses', () => {
  const updates: Record<Word, object> = {
    listener: { listener: { connection_limit: 7, tags: ['bad'] } },
    pool: { pool: { lb_algorithm: 'LEAST_CONNECTIONS' } },
    member: { member: { weight: 77 } },
    healthmonitor: { healthmonitor: { delay: 77 } },
    l7policy: { l7policy: { position: 1, name: 'first' } },
    rule: { rule: { value: '/bad' } },
  };

  it.each(Object.keys(updates) as Word[])(
    'of a %s leaves its values of before, in ERROR, and serves them',
    async (word) => {
      const before = await show(word);
      const served = await configuration();
      refuseNext();
      expect(await change('PUT', paths[word](), updates[word])).toBe('undone');
      expect(await show(word)).toEqual({ ...before, status: 'ERROR' });
      expect(await configuration()).toBe(served);
      expect((await call('GET', `/loadbalancers/${ids.lb}`)).loadbalancer).toMatchObject({
        provisioning_status: 'ACTIVE',
        provisioning_reason: { code: 'AGENT_REFUSED' },
      });
      // The policies that had made room stand where they stood.
      expect((await call('GET', `/l7policies/${ids.policy}`)).l7policy.position).toBe(1);
      // What it was about stays in ERROR until something is done about it.
      expect(await change('PUT', `/loadbalancers/${ids.lb}`, { loadbalancer: { description: 'x' } })).toBe('done');
      expect((await show(word)).status).toBe('ERROR');
      expect(await configuration()).toBe(served);
      expect(await change('PUT', paths[word](), updates[word])).toBe('done');
      expect((await show(word)).status).toBe('ACTIVE');
      expect(await configuration()).not.toBe(served);
      await expectWayOut();
    },
  );

  it.each(Object.keys(updates) as Word[])(
    'of a %s: a failover serves the last good values, which are well then',
    async (word) => {
      const served = await configuration();
      refuseNext();
      expect(await change('PUT', paths[word](), updates[word])).toBe('undone');
      expect(await change('PUT', `/loadbalancers/${ids.lb}/failover`)).toBe('done');
      expect(await configuration()).toBe(served);
      expect((await show(word)).status).toBe('ACTIVE');
    },
  );

  it.each(Object.keys(updates) as Word[])('of a %s: it can be deleted', async (word) => {
    refuseNext();
    expect(await change('PUT', paths[word](), updates[word])).toBe('undone');
    expect(await change('DELETE', paths[word]())).toBe('done');
  });

  it.each(Object.keys(updates) as Word[])(
    'of a %s, a deletion: it is there as before, and can be deleted',
    async (word) => {
      const before = await show(word);
      const served = await configuration();
      refuseNext();
      expect(await change('DELETE', paths[word]())).toBe('undone');
      expect(await show(word)).toEqual({ ...before, status: 'ERROR' });
      expect(await configuration()).toBe(served);
      expect((await call('GET', `/l7policies/${ids.policy}`)).l7policy.position).toBe(1);
      expect(await change('DELETE', paths[word]())).toBe('done');
    },
  );

  it('of all members at once: those that were changed are as before, those that were added are not served', async () => {
    const before = await show('member');
    const served = await configuration();
    const members = [
      { address: '192.0.2.1', protocol_port: 80, weight: 99, name: 'changed' },
      { address: '192.0.2.9', protocol_port: 9 },
    ];
    refuseNext();
    expect(await change('PUT', `/pools/${ids.pool}/members`, { members })).toBe('undone');
    expect(await show('member')).toEqual({ ...before, status: 'ERROR' });
    expect((await show('pool')).status).toBe('ACTIVE');
    expect(await configuration()).toBe(served);
    expect(await change('PUT', `/loadbalancers/${ids.lb}`, { loadbalancer: { description: 'x' } })).toBe('done');
    expect(await configuration()).toBe(served);
    expect(await change('PUT', `/pools/${ids.pool}/members`, { members })).toBe('done');
    expect(await configuration()).toContain('192.0.2.9:9');
    await expectWayOut();
  });

  it('of the load balancer itself: it has its values of before and serves on, with the reason', async () => {
    refuseNext();
    const wish = { admin_state_up: false, name: 'bad' };
    expect(await change('PUT', `/loadbalancers/${ids.lb}`, { loadbalancer: wish })).toBe('undone');
    expect((await call('GET', `/loadbalancers/${ids.lb}`)).loadbalancer).toMatchObject({
      name: 'good',
      admin_state_up: true,
      provisioning_status: 'ACTIVE',
      provisioning_reason: { code: 'AGENT_REFUSED' },
    });
    await expectWayOut();
  });
});

describe('a creation that HAProxy refuses', () => {
  const creations: Record<Word, () => [path: string, body: object]> = {
    listener: () => ['/listeners', { listener: { loadbalancer_id: ids.lb, protocol: 'HTTP', protocol_port: 81 } }],
    pool: () => [
      '/pools',
      {
        pool: {
          listener_id: ids.tls,
          protocol: 'HTTP',
          lb_algorithm: 'ROUND_ROBIN',
          members: [{ address: '192.0.2.50', protocol_port: 50 }],
        },
      },
    ],
    member: () => [`/pools/${ids.pool}/members`, { member: { address: '192.0.2.60', protocol_port: 60 } }],
    healthmonitor: () => [
      '/healthmonitors',
      { healthmonitor: { pool_id: ids.pool, type: 'HTTP', delay: 5, timeout: 3, max_retries: 2, url_path: '/new' } },
    ],
    l7policy: () => [
      '/l7policies',
      {
        l7policy: {
          listener_id: ids.listener,
          position: 1,
          action: 'REJECT',
          rules: [{ type: 'PATH', compare_type: 'STARTS_WITH', value: '/new' }],
        },
      },
    ],
    rule: () => [
      `/l7policies/${ids.policy}/rules`,
      { rule: { type: 'PATH', compare_type: 'ENDS_WITH', value: '.new' } },
    ],
  };

  it.each(Object.keys(creations) as Word[])('of a %s: it is not served until its owner changes it', async (word) => {
    if (word === 'healthmonitor') expect(await change('DELETE', paths.healthmonitor())).toBe('done');
    const served = await configuration();
    const [path, body] = creations[word]();
    refuseNext();
    const { id } = (await call('POST', path, body))[word];
    expect(await work()).toBe('undone');
    const place =
      word === 'member' || word === 'rule'
        ? `${path}/${id}`
        : `/${word === 'l7policy' ? 'l7policies' : `${word}s`}/${id}`;
    const status = async () => (await call('GET', place))[word].provisioning_status;
    expect(await status()).toBe('ERROR');
    expect(await configuration()).toBe(served);

    expect(await change('PUT', `/loadbalancers/${ids.lb}`, { loadbalancer: { description: 'x' } })).toBe('done');
    expect(await configuration()).toBe(served);
    expect(await change('PUT', `/loadbalancers/${ids.lb}/failover`)).toBe('done');
    expect(await configuration()).toBe(served);
    expect(await status()).toBe('ERROR');

    const patch = word === 'rule' ? { rule: { value: '.new' } } : { [word]: { admin_state_up: true } };
    // Refused once more, changed or deleted: it is as if it had never been.
    refuseNext();
    expect(await change('PUT', place, patch)).toBe('undone');
    expect(await status()).toBe('ERROR');
    refuseNext();
    expect(await change('DELETE', place)).toBe('undone');
    expect(await configuration()).toBe(served);
    expect(await change('PUT', `/loadbalancers/${ids.lb}`, { loadbalancer: { description: 'y' } })).toBe('done');
    expect(await configuration()).toBe(served);

    expect(await change('PUT', place, patch)).toBe('done');
    expect(await status()).toBe('ACTIVE');
    expect(await change('DELETE', place)).toBe('done');
    await expectWayOut();
  });

  it('of a UDP listener leaves nothing of it for keepalived', async () => {
    const listener = { loadbalancer_id: ids.lb, protocol: 'UDP', protocol_port: 53 };
    const { id } = (await call('POST', '/listeners', { listener })).listener;
    const [amphora] = await amphorae.list({ loadBalancerId: ids.lb });
    fakes.agent.failNext('act', refused());
    expect(await work()).toBe('undone');
    expect(fakes.agent.amphora(amphora?.id ?? '').lvs.has(id)).toBe(false);
  });

  it('of a whole load balancer: a failover makes it anew, with everything in it', async () => {
    refuseNext();
    const made = await call('POST', '/loadbalancers', {
      loadbalancer: {
        vip_subnet_id: subnetId,
        vip_address: '198.51.100.200',
        listeners: [{ protocol: 'HTTP', protocol_port: 80 }],
      },
    });
    ids.lb = made.loadbalancer.id;
    expect(await work()).toBe('undone');
    const listener = `/listeners/${made.loadbalancer.listeners[0].id}`;
    const statuses = async () => [
      (await call('GET', `/loadbalancers/${ids.lb}`)).loadbalancer.provisioning_status,
      (await call('GET', listener)).listener.provisioning_status,
    ];
    expect(await statuses()).toEqual(['ERROR', 'ERROR']);
    refuseNext();
    expect(await change('PUT', `/loadbalancers/${ids.lb}/failover`)).toBe('undone');
    expect(await statuses()).toEqual(['ERROR', 'ERROR']);
    expect(await change('PUT', `/loadbalancers/${ids.lb}/failover`)).toBe('done');
    expect(await statuses()).toEqual(['ACTIVE', 'ACTIVE']);
    expect(await configuration()).toContain(made.loadbalancer.listeners[0].id);
    expect(await change('DELETE', `/loadbalancers/${ids.lb}?cascade=true`)).toBe('done');
  });
});

describe('a secret that is gone', () => {
  const tls = async () => (await call('GET', `/listeners/${ids.tls}`)).listener;

  it('does not keep a refused change of its listener from being undone; another change of it is', async () => {
    secrets.delete(references.a);
    const served = await configuration();
    refuseNext();
    const wish = { listener: { default_tls_container_ref: references.b } };
    expect(await change('PUT', `/listeners/${ids.tls}`, wish)).toBe('undone');
    expect(await tls()).toMatchObject({ provisioning_status: 'ERROR', default_tls_container_ref: references.a });
    expect(await configuration()).toBe(served);
    expect((await call('GET', `/loadbalancers/${ids.lb}`)).loadbalancer.provisioning_status).toBe('ACTIVE');
    expect(await change('PUT', `/listeners/${ids.tls}`, wish)).toBe('done');
    await expectWayOut();
  });

  it('fails the change of something else, which would cut a listener that serves, and says which', async () => {
    secrets.delete(references.a);
    const served = await configuration();
    const wish = { member: { weight: 8 } };
    expect(await change('PUT', paths.member(), wish)).toBe('undone');
    expect(await configuration()).toBe(served);
    const { provisioning_reason: reason } = (await call('GET', `/loadbalancers/${ids.lb}`)).loadbalancer;
    expect(reason.message).toContain(ids.tls);
    expect(await change('DELETE', `/listeners/${ids.tls}`)).toBe('done');
    expect(await change('PUT', paths.member(), wish)).toBe('done');
  });

  it('does not keep others from being changed once its listener is in ERROR', async () => {
    secrets.delete(references.a);
    refuseNext();
    await change('PUT', `/listeners/${ids.tls}`, { listener: { default_tls_container_ref: references.b } });
    expect(await change('PUT', paths.member(), { member: { weight: 8 } })).toBe('done');
    expect(await configuration()).not.toContain(ids.tls);
    expect((await tls()).provisioning_status).toBe('ERROR');
    await expectWayOut();
  });

  it('does not keep a load balancer from being failed over: its listener is left out, in ERROR, with the reason', async () => {
    secrets.delete(references.a);
    expect(await change('PUT', `/loadbalancers/${ids.lb}/failover`)).toBe('done');
    expect(await configuration()).toContain(ids.listener);
    expect(await configuration()).not.toContain(ids.tls);
    expect((await tls()).provisioning_status).toBe('ERROR');
    expect((await call('GET', `/loadbalancers/${ids.lb}`)).loadbalancer).toMatchObject({
      provisioning_status: 'ACTIVE',
      provisioning_reason: { code: 'SECRET_NOT_FOUND' },
    });
    // It stays out, also when something else is changed, until it has one that is there.
    expect(await change('PUT', paths.member(), { member: { weight: 8 } })).toBe('done');
    expect(await configuration()).not.toContain(ids.tls);
    const wish = { listener: { default_tls_container_ref: references.b } };
    expect(await change('PUT', `/listeners/${ids.tls}`, wish)).toBe('done');
    expect(await configuration()).toContain(ids.tls);
    expect((await tls()).provisioning_status).toBe('ACTIVE');
    await expectWayOut();
  });
});
