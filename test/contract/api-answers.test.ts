import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openStoredApiBench, type StoredApiBench, subnetId } from '../../src/testing/api.ts';

/**
 * Octavia's answer to one request after another: its status, and its words where a client reads them. Where they come from:
 * test/openstack/api-octavia.test.ts asks Octavia itself.
 */

const nobody = '00000000-0000-4000-8000-000000000bad';
let bench: StoredApiBench;
const kept: Record<string, string> = { nobody };

async function make(name: string, path: string, body: object): Promise<void> {
  const { status, body: answer } = await bench.call('POST', filled(path), JSON.parse(filled(JSON.stringify(body))));
  expect(status, JSON.stringify(answer)).toBe(201);
  const [object] = Object.values(answer) as { id?: string; name: string }[];
  kept[name] = object?.id ?? String(object?.name);
  await bench.settleAll();
}

const filled = (text: string) => text.replace(/\$([a-z]+)/gi, (whole, name: string) => kept[name] ?? whole);

beforeAll(async () => {
  bench = await openStoredApiBench();
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
afterAll(() => bench.close());

type Method = 'GET' | 'POST' | 'PUT' | 'DELETE';
type Row = readonly [method: Method, path: string, body: object | undefined, status: number, words?: string];

function answers(rows: readonly Row[]): void {
  const titled = rows.map((row) => [`${row[0]} ${row[1]} ${JSON.stringify(row[2]) ?? ''}: ${row[3]}`, row] as const);
  it.each(titled)('%s', async (_title, [method, path, body, status, words]) => {
    const { status: given, body: answer } = await bench.call(
      method,
      filled(path),
      body && JSON.parse(filled(JSON.stringify(body))),
    );
    await bench.settleAll();
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
    ['PUT', '/lbaas/l7policies/$nobody/rules/$rule', { rule }, 404, 'L7Policy $nobody not found.'],
    ['DELETE', '/lbaas/l7policies/$nobody/rules/$rule', undefined, 404, 'L7Policy $nobody not found.'],
  ]);
});
