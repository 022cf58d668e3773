import { afterEach, beforeEach, expect, it } from 'vitest';
import { openStoredApiHarness, type StoredApiHarness, subnetId } from '../kit/api.ts';

/** SR-IOV of VIPs (API v2.28) and members (v2.30): known, shown, and refused as Octavia does without such a flavor. */

let harness: StoredApiHarness;
beforeEach(async () => {
  harness = await openStoredApiHarness();
});
afterEach(() => harness.close());

const words = 'The load balancer flavor does not allow SR-IOV member ports.';
const member = (fields: object = {}) => ({ address: '192.0.2.9', protocol_port: 80, ...fields });
const pool = (fields: object = {}) => ({ protocol: 'HTTP', lb_algorithm: 'ROUND_ROBIN', ...fields });
const listener = (fields: object = {}) => ({ protocol: 'HTTP', protocol_port: 80, ...fields });

async function made(path: string, kind: string, fields: object): Promise<Record<string, string>> {
  const { status, body } = await harness.call('POST', `/lbaas/${path}`, { [kind]: fields });
  expect([status, body.faultstring]).toEqual([201, undefined]);
  await harness.settleAll();
  return body[kind];
}

it('every body that takes members refuses those that ask for it, and takes those that do not', async () => {
  const lb = await made('loadbalancers', 'loadbalancer', { vip_subnet_id: subnetId });
  const there = await made('pools', 'pool', pool({ loadbalancer_id: lb.id }));
  const whole = (fields: object) => ({ loadbalancer: { vip_subnet_id: subnetId, ...fields } });
  const bodies: [method: 'POST' | 'PUT', path: string, body: (members: object[]) => object][] = [
    ['POST', `pools/${there.id}/members`, ([one]) => ({ member: one })],
    ['PUT', `pools/${there.id}/members`, (members) => ({ members })],
    ['POST', 'pools', (members) => ({ pool: pool({ loadbalancer_id: lb.id, members }) })],
    ['POST', 'loadbalancers', (members) => whole({ pools: [pool({ name: 'p', members })] })],
    [
      'POST',
      'loadbalancers',
      (members) => whole({ listeners: [listener({ default_pool: pool({ name: 'd', members }) })] }),
    ],
    [
      'POST',
      'loadbalancers',
      (members) =>
        whole({
          listeners: [
            listener({ l7policies: [{ action: 'REDIRECT_TO_POOL', redirect_pool: pool({ name: 'r', members }) }] }),
          ],
        }),
    ],
  ];
  for (const [method, path, body] of bodies) {
    const call = async (members: object[]) => {
      const answer = await harness.call(method, `/lbaas/${path}`, body(members));
      await harness.settleAll();
      return [answer.status, answer.body.faultstring];
    };
    const about = `${method} ${path}`;
    const [refused, said] = await call([member({ address: '192.0.2.20', request_sriov: true })]);
    expect([refused, said], about).toEqual([400, words]);
    expect((await call([member({ request_sriov: 'perhaps' })]))[0], about).toBe(400);
    for (const [index, request_sriov] of [false, null, undefined].entries()) {
      const [status, why] = await call([member({ address: `192.0.2.${30 + index}`, request_sriov })]);
      expect([status, why], about).toEqual([method === 'PUT' ? 202 : 201, undefined]);
      if (path === `pools/${there.id}/members`) await harness.call('PUT', `/lbaas/${path}`, { members: [] });
      await harness.settleAll();
    }
  }
});

it('a batch does not change it for members that are there, and PUT of one does not know it', async () => {
  const lb = await made('loadbalancers', 'loadbalancer', { vip_subnet_id: subnetId });
  const { id } = await made('pools', 'pool', pool({ loadbalancer_id: lb.id }));
  const one = await made(`pools/${id}/members`, 'member', member());
  const batch = { members: [member({ request_sriov: true, weight: 7 })] };
  expect((await harness.call('PUT', `/lbaas/pools/${id}/members`, batch)).status).toBe(202);
  await harness.settleAll();
  const path = `/lbaas/pools/${id}/members/${one.id}`;
  expect((await harness.call('GET', path)).body.member).toMatchObject({ weight: 7, vnic_type: 'normal' });
  for (const field of ['request_sriov', 'vnic_type']) {
    const { status, body } = await harness.call('PUT', path, { member: { [field]: true } });
    expect([status, body.faultstring]).toEqual([400, expect.stringMatching(`Unknown attribute.*${field}`)]);
  }
});

it('the kind of port is shown of VIPs and members, and the version that knows it is the current one', async () => {
  const lb = await made('loadbalancers', 'loadbalancer', { vip_subnet_id: subnetId });
  expect(lb.vip_vnic_type).toBe('normal');
  const { id } = await made('pools', 'pool', pool({ loadbalancer_id: lb.id }));
  expect((await made(`pools/${id}/members`, 'member', member())).vnic_type).toBe('normal');
  const { body } = await harness.call('GET', '/');
  expect(body.versions.at(-1)).toMatchObject({ id: 'v2.30', status: 'CURRENT', updated: '2025-02-26T00:00:00Z' });
});
