import { spawnSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openStoredApiHarness, ownProject, subnetId } from '../kit/api.ts';
import { describeCase, runner } from '../kit/api-comparison.ts';
import { type ApiCase, type Side, startOctaviaApi } from '../kit/octavia-api.ts';

/**
 * The same requests to Octavia's own API (Debian: python3-octavia, 11.0) and to Kiln's: the same status and, where they are
 * refused, the same words. Where Octavia answers 500, Kiln must not.
 */
const isInstalled = spawnSync('/usr/bin/python3', ['-c', 'import octavia.api.app']).status === 0;
const nobody = '00000000-0000-4000-8000-000000000bad';
const v2 = '/v2.0/lbaas';

const pool = { protocol: 'HTTP', lb_algorithm: 'ROUND_ROBIN', loadbalancer_id: '$lb' };
const monitor = { type: 'HTTP', delay: 5, timeout: 4, max_retries: 3, pool_id: '$free' };
const listener = { protocol: 'HTTP', protocol_port: 8080, loadbalancer_id: '$lb' };
const rule = { type: 'PATH', compare_type: 'EQUAL_TO', value: '/a' };

const post = (path: string, body: object, keep: string) => ({ method: 'POST' as const, path: v2 + path, body, keep });
const setup = [
  post('/loadbalancers', { loadbalancer: { vip_subnet_id: '$subnet' } }, 'lb'),
  post('/listeners', { listener: { ...listener, protocol_port: 80 } }, 'http'),
  post('/pools', { pool }, 'pool'),
  post('/pools', { pool }, 'free'),
  post('/pools', { pool: { ...pool, protocol: 'TCP' } }, 'tcp'),
  post('/pools/$pool/members', { member: { address: '10.0.0.1', protocol_port: 80 } }, 'member'),
  post('/healthmonitors', { healthmonitor: { ...monitor, pool_id: '$pool' } }, 'monitor'),
  post('/l7policies', { l7policy: { action: 'REJECT', listener_id: '$http' } }, 'policy'),
  post('/l7policies/$policy/rules', { rule }, 'rule'),
];

const kinds = [
  ['/loadbalancers', 'loadbalancer', '$lb'],
  ['/listeners', 'listener', '$http'],
  ['/pools', 'pool', '$pool'],
  ['/healthmonitors', 'healthmonitor', '$monitor'],
  ['/l7policies', 'l7policy', '$policy'],
  ['/pools/$pool/members', 'member', '$member'],
  ['/l7policies/$policy/rules', 'rule', '$rule'],
] as const;

const cases: ApiCase[] = [
  ...kinds.flatMap(([path, key, id]): ApiCase[] => [
    ...[{}, { [key]: null }, { [key]: {} }, { [key]: { bogus: 1 } }].flatMap((body): ApiCase[] => [
      { method: 'PUT', path: `${v2}${path}/${id}`, body },
      { method: 'PUT', path: `${v2}${path}/$nobody`, body },
      ...(key === 'member' ? [] : [{ method: 'PUT', path: `${v2}${path}`, body } satisfies ApiCase]),
    ]),
    { method: 'POST', path: v2 + path, body: { [key]: {} } },
    { method: 'DELETE', path: v2 + path },
    { method: 'DELETE', path: `${v2}${path}/$nobody` },
    { method: 'GET', path: `${v2}${path}/$nobody` },
    ...['bogus=1', 'sort=bogus', 'limit=x', 'marker=$nobody', 'sort_key=id&sort_dir=x', 'enabled=maybe&fields=id'].map(
      (query): ApiCase => ({ method: 'GET', path: `${v2}${path}?${query}` }),
    ),
  ]),
  ...['delay', 'timeout', 'max_retries', 'type', 'pool_id'].map(
    (field): ApiCase => ({
      method: 'POST',
      path: `${v2}/healthmonitors`,
      body: { healthmonitor: { ...monitor, [field]: null } },
    }),
  ),
  ...['type', 'compare_type', 'value'].flatMap((field): ApiCase[] => [
    { method: 'POST', path: `${v2}/l7policies/$policy/rules`, body: { rule: { ...rule, [field]: null } } },
    { method: 'PUT', path: `${v2}/l7policies/$policy/rules/$rule`, body: { rule: { [field]: null } } },
  ]),
  { method: 'POST', path: `${v2}/listeners`, body: { listener: { ...listener, loadbalancer_id: null } } },
  { method: 'POST', path: `${v2}/listeners`, body: { listener: { ...listener, protocol: null } } },
  { method: 'POST', path: `${v2}/listeners`, body: { listener: { ...listener, client_authentication: null } } },
  ...[{ flavor_id: null }, { availability_zone: null }, { availability_zone: '' }].map(
    (fields): ApiCase => ({
      method: 'POST',
      path: `${v2}/loadbalancers`,
      body: { loadbalancer: { vip_subnet_id: '$subnet', ...fields } },
    }),
  ),
  { method: 'POST', path: `${v2}/l7policies`, body: { l7policy: { action: 'REJECT', listener_id: null } } },
  { method: 'POST', path: `${v2}/l7policies`, body: { l7policy: { action: null, listener_id: '$http' } } },
  { method: 'POST', path: `${v2}/l7policies/$nobody/rules`, body: { rule } },
  { method: 'GET', path: `${v2}/l7policies/$nobody/rules` },
  { method: 'DELETE', path: `${v2}/quotas/$nobody` },
  { method: 'GET', path: `${v2}/pools?healthmonitor_id=$nobody` },
  ...['HTTP_COOKIE', 'APP_COOKIE', 'SOURCE_IP'].flatMap((type): ApiCase[] =>
    ['$pool', '$tcp'].map((id) => ({
      method: 'PUT',
      path: `${v2}/pools/${id}`,
      body: { pool: { session_persistence: { type } } },
    })),
  ),
];

async function kilnApi(): Promise<Side> {
  const bench = await openStoredApiHarness();
  return {
    async ask({ method, path, headers, body }) {
      const answer = await bench.app.inject({
        method: method as 'GET',
        url: path,
        headers,
        ...(body === null ? {} : { payload: body }),
      });
      return { status: answer.statusCode, body: answer.body };
    },
    settle: () => bench.settleAll(),
    close: () => bench.close(),
  };
}

/** Octavia takes the names of unknown fields from a Python set, in no order. */
function wordsOf(answer: unknown): unknown {
  // What Octavia refuses before a controller runs has another format than what the controllers refuse.
  const { faultstring, description } = answer as { faultstring?: string; description?: string };
  return (faultstring ?? description)?.replace(
    /(arguments [\w.]+: )(.*)/,
    (_all, start, names) => start + names.split(', ').sort(),
  );
}

describe.runIf(isInstalled)("Octavia's answers", () => {
  const given = { subnet: subnetId, nobody };
  let octavia: ReturnType<typeof runner>;
  let kiln: ReturnType<typeof runner>;

  beforeAll(async () => {
    octavia = runner(startOctaviaApi(), ownProject, given);
    kiln = runner(await kilnApi(), ownProject, given);
    for (const one of setup) {
      await octavia.make(one);
      await kiln.make(one);
    }
  }, 180_000);
  afterAll(async () => {
    await octavia?.close();
    await kiln?.close();
  });

  it.each(cases.map((one) => [describeCase(one), one] as const))('%s', async (_title, one) => {
    const theirs = await octavia.run(one);
    const ours = await kiln.run(one);
    if (theirs.status === 500) expect(ours.status).toBeLessThan(500);
    else expect([ours.status, wordsOf(ours.answer)]).toEqual([theirs.status, wordsOf(theirs.answer)]);
  });
});
