import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createAmphoraStore } from '../../src/adapters/storage/amphora-store.ts';
import { openStoredApiHarness, type StoredApiHarness, subnetId } from '../kit/api.ts';
import { storedAmphora } from '../kit/contract/amphora-store.ts';

/** Octavia's answer to one request after another: its status, and its words where a client reads them. */

const nobody = '00000000-0000-4000-8000-000000000bad';
let harness: StoredApiHarness;
const kept: Record<string, string> = { nobody };

async function make(name: string, path: string, body: object): Promise<void> {
  const { status, body: answer } = await harness.call('POST', filled(path), JSON.parse(filled(JSON.stringify(body))));
  expect(status, JSON.stringify(answer)).toBe(201);
  const [object] = Object.values(answer) as { id?: string; name: string }[];
  kept[name] = object?.id ?? String(object?.name);
  await harness.settleAll();
}

const filled = (text: string) => text.replace(/\$([a-z]+)/gi, (whole, name: string) => kept[name] ?? whole);

beforeAll(async () => {
  harness = await openStoredApiHarness();
  await make('lb', '/lbaas/loadbalancers', { loadbalancer: { vip_subnet_id: subnetId } });
  await make('http', '/lbaas/listeners', {
    listener: { protocol: 'HTTP', protocol_port: 80, loadbalancer_id: '$lb' },
  });
  const pool = { protocol: 'HTTP', lb_algorithm: 'ROUND_ROBIN', loadbalancer_id: '$lb' };
  await make('pool', '/lbaas/pools', { pool });
  await make('tcp', '/lbaas/pools', { pool: { ...pool, protocol: 'TCP' } });
  await make('free', '/lbaas/pools', { pool });
  await make('member', '/lbaas/pools/$pool/members', { member: { address: '10.0.0.1', protocol_port: 80 } });
  await make('monitor', '/lbaas/healthmonitors', {
    healthmonitor: { type: 'HTTP', delay: 5, timeout: 4, max_retries: 3, pool_id: '$pool' },
  });
  await make('policy', '/lbaas/l7policies', { l7policy: { action: 'REJECT', listener_id: '$http' } });
  await make('rule', '/lbaas/l7policies/$policy/rules', {
    rule: { type: 'PATH', compare_type: 'EQUAL_TO', value: '/a' },
  });
  await make('profile', '/lbaas/flavorprofiles', {
    flavorprofile: { name: 'p', provider_name: 'amphora', flavor_data: '{}' },
  });
  await make('flavor', '/lbaas/flavors', { flavor: { name: 'f', flavor_profile_id: '$profile' } });
});
afterAll(() => harness.close());

type Method = 'GET' | 'POST' | 'PUT' | 'DELETE';
type Row = readonly [method: Method, path: string, body: object | undefined, status: number, words?: string];

function answers(rows: readonly Row[]): void {
  const titled = rows.map((row) => [`${row[0]} ${row[1]} ${JSON.stringify(row[2]) ?? ''}: ${row[3]}`, row] as const);
  it.each(titled)('%s', async (_title, [method, path, body, status, words]) => {
    const { status: given, body: answer } = await harness.call(
      method,
      filled(path),
      body && JSON.parse(filled(JSON.stringify(body))),
    );
    await harness.settleAll();
    expect([given, answer.faultstring ?? answer.title ?? JSON.stringify(answer)]).toEqual([
      status,
      words === undefined ? expect.anything() : filled(words),
    ]);
  });
}

const kinds = [
  ['/lbaas/loadbalancers', 'loadbalancer', 'Load Balancer'],
  ['/lbaas/listeners', 'listener', 'Listener'],
  ['/lbaas/pools', 'pool', 'Pool'],
  ['/lbaas/pools/$pool/members', 'member', 'Member'],
  ['/lbaas/healthmonitors', 'healthmonitor', 'Health Monitor'],
  ['/lbaas/l7policies', 'l7policy', 'L7 Policy'],
  ['/lbaas/l7policies/$policy/rules', 'rule', 'L7 Rule'],
  ['/lbaas/flavors', 'flavor', 'Flavor'],
  ['/lbaas/flavorprofiles', 'flavorprofile', 'Flavor Profile'],
  ['/lbaas/availabilityzones', 'availability_zone', 'Availability Zone'],
  ['/lbaas/availabilityzoneprofiles', 'availability_zone_profile', 'Availability Zone Profile'],
] as const;

describe('a change of what is not there is 404 before its body is judged', () => {
  answers(
    kinds.flatMap(([path, key, title]): Row[] =>
      [{}, { [key]: null }, { [key]: {} }].map(
        (body): Row => ['PUT', `${path}/$nobody`, body, 404, `${title} $nobody not found.`],
      ),
    ),
  );
});

describe('a path that says too little or too much', () => {
  answers(
    kinds.flatMap(([path, key]): Row[] => [
      ...(key === 'member'
        ? []
        : ([
            ['PUT', path, { [key]: {} }, 400, `Missing argument: "${key === 'availability_zone' ? 'name' : 'id'}"`],
            ['PUT', path, undefined, 400],
          ] as const)),
      ['DELETE', path, undefined, 400],
      ['POST', `${path}/$nobody`, { [key]: {} }, 400],
    ]),
  );
  answers([
    ['DELETE', '/lbaas/listeners', undefined, 400, 'Missing argument: "id"'],
    ['DELETE', '/lbaas/flavors', undefined, 400, 'Missing argument: "flavor_id"'],
    [
      'PUT',
      '/lbaas/listeners',
      { listener: { bogus: 1 } },
      400,
      'Unknown attribute for argument listener_.listener: bogus',
    ],
    ['PUT', '/octavia/amphorae/$nobody/bogus', undefined, 405, 'Method Not Allowed'],
    ['GET', '/octavia/amphorae/$nobody/bogus', undefined, 404],
  ]);
});

const monitor = { type: 'HTTP', delay: 5, timeout: 4, max_retries: 3, pool_id: '$free' };
const rule = { type: 'PATH', compare_type: 'EQUAL_TO', value: '/a' };
const listener = { protocol: 'HTTP', protocol_port: 8080, loadbalancer_id: '$lb' };
const invalidRule = 'Error parsing L7Rule: Invalid L7 Rule: ';

describe('null', () => {
  answers([
    [
      'POST',
      '/lbaas/listeners',
      { listener: { ...listener, loadbalancer_id: null } },
      404,
      'Load Balancer None not found.',
    ],
    ['POST', '/lbaas/healthmonitors', { healthmonitor: { ...monitor, pool_id: null } }, 404, 'Pool None not found.'],
    [
      'POST',
      '/lbaas/l7policies',
      { l7policy: { action: 'REJECT', listener_id: null } },
      404,
      'Listener None not found.',
    ],
    ...['delay', 'timeout', 'max_retries', 'type'].map(
      (field): Row => [
        'POST',
        '/lbaas/healthmonitors',
        { healthmonitor: { ...monitor, [field]: null } },
        400,
        `None is not a valid option for ${field}`,
      ],
    ),
    [
      'POST',
      '/lbaas/listeners',
      { listener: { ...listener, protocol: null } },
      400,
      'None is not a valid option for protocol',
    ],
    [
      'POST',
      '/lbaas/pools/$pool/members',
      { member: { address: '10.0.0.2', protocol_port: null } },
      400,
      'None is not a valid option for protocol_port',
    ],
    [
      'PUT',
      '/lbaas/healthmonitors/$monitor',
      { healthmonitor: { delay: null } },
      400,
      'None is not a valid option for delay',
    ],
    ...(['POST', 'PUT'] as const).flatMap((method): Row[] => {
      const path = `/lbaas/l7policies/$policy/rules${method === 'PUT' ? '/$rule' : ''}`;
      return [
        [method, path, { rule: { ...rule, type: null } }, 400, `${invalidRule}invalid rule type`],
        [
          method,
          path,
          { rule: { ...rule, compare_type: null } },
          400,
          `${invalidRule}invalid comparison type for rule type`,
        ],
        [method, path, { rule: { ...rule, value: null } }, 400, `${invalidRule}L7 rule type requires a value`],
      ];
    }),
    [
      'POST',
      '/lbaas/l7policies',
      { l7policy: { action: null, listener_id: '$http' } },
      400,
      'Invalid L7 Policy action specified: None',
    ],
    [
      'PUT',
      '/lbaas/l7policies/$policy',
      { l7policy: { action: null } },
      400,
      'Invalid L7 Policy action specified: None',
    ],
  ]);
});

describe('a change that says nothing', () => {
  answers([
    ['PUT', '/lbaas/listeners/$http', {}, 400, 'Validation failure: No listener object supplied.'],
    ['PUT', '/lbaas/listeners/$http', { listener: null }, 400, 'Validation failure: No listener object supplied.'],
    ['PUT', '/lbaas/l7policies/$policy', { l7policy: {} }, 400, 'Invalid L7 Policy arguments: Invalid update options'],
    [
      'PUT',
      '/lbaas/pools/$pool',
      {},
      400,
      "Invalid input for field/attribute pool. Value: 'None'. Mandatory field missing.",
    ],
    ['PUT', '/lbaas/pools/$pool', { pool: {} }, 200],
  ]);
});

describe('a policy that is not there', () => {
  answers([
    ['POST', '/lbaas/l7policies/$nobody/rules', { rule }, 404, 'L7Policy $nobody not found.'],
    ['GET', '/lbaas/l7policies/$nobody/rules', undefined, 404, 'L7Policy $nobody not found.'],
    ['GET', '/lbaas/l7policies/$nobody/rules/$nobody', undefined, 404, 'L7Policy $nobody not found.'],
    ['PUT', '/lbaas/l7policies/$nobody/rules/$rule', { rule }, 404, 'L7Policy $nobody not found.'],
    ['DELETE', '/lbaas/l7policies/$nobody/rules/$rule', undefined, 404, 'L7Policy $nobody not found.'],
  ]);
});

describe('filters', () => {
  async function idsOf(path: string): Promise<string[]> {
    const { status, body } = await harness.call('GET', filled(path));
    expect(status, JSON.stringify(body)).toBe(200);
    const [rows] = Object.values(body) as { id: string }[][];
    return (rows ?? []).map(({ id }) => id);
  }
  const all = (kind: string) => idsOf(`/lbaas/${kind}`);

  it('find pools by their health monitor', async () => {
    expect(await idsOf('/lbaas/pools?healthmonitor_id=$monitor')).toEqual([kept.pool]);
    expect(await idsOf('/lbaas/pools?healthmonitor_id=$nobody')).toEqual([]);
  });

  it('compare lists and objects as wholes', async () => {
    const more = { alpn_protocols: ['h2', 'http/1.1'], insert_headers: { 'X-Forwarded-For': 'true' } };
    await make('more', '/lbaas/listeners', { listener: { ...listener, protocol_port: 8081, ...more } });
    expect(await idsOf('/lbaas/listeners?alpn_protocols=h2,http/1.1')).toEqual([kept.more]);
    expect(await idsOf('/lbaas/listeners?alpn_protocols=h2')).toEqual([]);
    expect(await idsOf('/lbaas/listeners?insert_headers={"X-Forwarded-For":"true"}')).toEqual([kept.more]);
    expect(await idsOf('/lbaas/listeners?insert_headers=X')).toEqual([]);
  });

  it.each([
    ['listeners', 'tls_versions tls_certificate_id client_ca_tls_certificate_id client_crl_container_id'],
    ['pools', 'alpn_protocols tls_versions tls_certificate_id ca_tls_certificate_id crl_container_id'],
    ['healthmonitors', 'rise_threshold fall_threshold'],
  ])('and sorting take the columns of %s', async (kind, names) => {
    for (const name of names.split(' ')) {
      expect(await idsOf(`/lbaas/${kind}?${name}=x`)).toEqual([]);
      expect((await idsOf(`/lbaas/${kind}?sort=${name}`)).sort()).toEqual((await all(kind)).sort());
    }
    expect(await idsOf('/lbaas/healthmonitors?rise_threshold=3&max_retries=3')).toEqual([kept.monitor]);
    expect(await idsOf('/lbaas/healthmonitors?rise_threshold=3&max_retries=4')).toEqual([]);
  });

  it('know of amphorae what follows from their roles', async () => {
    for (const [id, role] of [
      ['a1', 'MASTER'],
      ['a2', 'BACKUP'],
      ['a3', 'STANDALONE'],
    ] as const) {
      await createAmphoraStore(harness.database, harness.deps.clock).insert(
        storedAmphora(id, { role, status: 'ALLOCATED' }),
      );
    }
    const found = (query: string) => idsOf(`/octavia/amphorae?${query}`);
    expect(await found('cert_busy=false')).toEqual(['a1', 'a2', 'a3']);
    expect(await found('cert_busy=true')).toEqual([]);
    expect(await found('vrrp_priority=90')).toEqual(['a2']);
    expect(await found('vrrp_interface=eth1')).toEqual(['a1', 'a2']);
    expect(await found('vrrp_interface=eth1&role=BACKUP')).toEqual(['a2']);
    expect(await found('vrrp_id=1')).toEqual(['a1', 'a2', 'a3']);
    expect(await found('vrrp_id=2')).toEqual([]);
    expect((await found('sort=vrrp_priority')).sort()).toEqual(['a1', 'a2', 'a3']);
  });

  answers([
    ['GET', '/lbaas/pools?sort=healthmonitor_id', undefined, 400, "Supplied sort key 'healthmonitor_id' is not valid."],
    ['GET', '/lbaas/pools?bogus=1', undefined, 400, 'One or more arguments are either duplicate or invalid'],
  ]);
});

it('an empty text for a reference unsets it, as null does', async () => {
  const own = { ...listener, protocol_port: 8082, default_pool_id: '$pool' };
  await make('own', '/lbaas/listeners', { listener: own });
  const path = filled('/lbaas/listeners/$own');
  const { status, body } = await harness.call('PUT', path, { listener: { default_pool_id: '' } });
  await harness.settleAll();
  expect([status, body.listener?.default_pool_id]).toEqual([200, null]);
  const qos = await harness.call('PUT', filled('/lbaas/loadbalancers/$lb'), {
    loadbalancer: { vip_qos_policy_id: '' },
  });
  await harness.settleAll();
  expect([qos.status, qos.body.loadbalancer?.vip_qos_policy_id]).toEqual([200, null]);
});
