/** Listeners and pools refer to certificates: what can't be used is refused before anything changes. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { createLocalSecretStore } from '../../src/adapters/secrets/local-secret-store.ts';
import { type ApiHarness, openApiHarness, ownProject, subnetId } from '../kit/api.ts';
import { openTlsWorkshop, type TlsWorkshop } from '../kit/tls-material.ts';

const unknown = 'https://keys.example.org/v1/secrets/9d1c5f5e-0000-4000-8000-000000000001';
const retrieved = { faultstring: `Could not retrieve certificate: ['${unknown}']` };
let workshop: TlsWorkshop;
let folder: string;
let store: ReturnType<typeof createLocalSecretStore>;
let certificate: string;
let ca: string;
let api: ApiHarness;

beforeAll(async () => {
  workshop = openTlsWorkshop();
  folder = mkdtempSync(join(tmpdir(), 'kiln-api-secrets-'));
  store = createLocalSecretStore(folder);
  const authority = workshop.make('authority', { isCa: true });
  const leaf = workshop.make('www', { issuer: authority });
  certificate = (await store.store(workshop.pkcs12(leaf, [authority]), null, ownProject)).reference;
  ca = (await store.store(Buffer.from(authority.certificate), null, ownProject)).reference;
});
afterAll(() => {
  workshop.close();
  rmSync(folder, { recursive: true });
});
beforeEach(() => {
  api = openApiHarness({ secrets: store });
});

const path = '/lbaas';
const tls = { protocol: 'TERMINATED_HTTPS', protocol_port: 443 };

async function aLoadBalancer(): Promise<string> {
  const made = await api.call('POST', `${path}/loadbalancers`, { loadbalancer: { vip_subnet_id: subnetId } });
  expect(made.status).toBe(201);
  api.store.settleAll();
  return made.body.loadbalancer.id;
}

it('a listener', async () => {
  const loadBalancerId = await aLoadBalancer();
  const create = (more: object) =>
    api.call('POST', `${path}/listeners`, { listener: { loadbalancer_id: loadBalancerId, ...tls, ...more } });
  const before = api.queued.length;
  expect(await create({ default_tls_container_ref: unknown })).toMatchObject({ status: 400, body: retrieved });
  expect(await create({ sni_container_refs: [certificate, unknown] })).toMatchObject({ status: 400, body: retrieved });
  const withCa = { default_tls_container_ref: certificate, client_ca_tls_container_ref: unknown };
  expect(await create(withCa)).toMatchObject({ status: 400, body: retrieved });
  expect(api.queued.length).toBe(before);

  const made = await create({ default_tls_container_ref: certificate, client_ca_tls_container_ref: ca });
  expect(made).toMatchObject({ status: 201, body: { listener: { default_tls_container_ref: certificate } } });
  api.store.settleAll();
  const listener = `${path}/listeners/${made.body.listener.id}`;
  const change = (fields: object) => api.call('PUT', listener, { listener: fields });
  expect(await change({ sni_container_refs: [unknown] })).toMatchObject({ status: 400, body: retrieved });
  expect(await change({ sni_container_refs: [certificate] })).toMatchObject({ status: 200 });
});

it('a pool', async () => {
  const loadBalancerId = await aLoadBalancer();
  const pool = { loadbalancer_id: loadBalancerId, protocol: 'HTTP', lb_algorithm: 'ROUND_ROBIN', tls_enabled: true };
  const create = (more: object) => api.call('POST', `${path}/pools`, { pool: { ...pool, ...more } });
  expect(await create({ tls_container_ref: unknown })).toMatchObject({ status: 400, body: retrieved });
  const made = await create({ tls_container_ref: certificate });
  expect(made).toMatchObject({ status: 201 });
  api.store.settleAll();
  const change = (fields: object) => api.call('PUT', `${path}/pools/${made.body.pool.id}`, { pool: fields });
  expect(await change({ ca_tls_container_ref: unknown })).toMatchObject({ status: 400, body: retrieved });
  expect(await change({ ca_tls_container_ref: ca, name: 'new' })).toMatchObject({ status: 200 });
});

it('a change that speaks of something else asks no key manager', async () => {
  const loadBalancerId = await aLoadBalancer();
  const made = await api.call('POST', `${path}/listeners`, {
    listener: { loadbalancer_id: loadBalancerId, ...tls, default_tls_container_ref: certificate },
  });
  api.store.settleAll();
  const silent = openApiHarness({
    store: api.store,
    secrets: { ...store, getCertificate: () => Promise.reject(new Error('asked')) },
  });
  const changed = await silent.call('PUT', `${path}/listeners/${made.body.listener.id}`, { listener: { name: 'new' } });
  expect(changed).toMatchObject({ status: 200 });
});

it('all of a load balancer that is made at once; then its VIP is given back', async () => {
  const create = (reference: string) =>
    api.call('POST', `${path}/loadbalancers`, {
      loadbalancer: { vip_subnet_id: subnetId, listeners: [{ ...tls, default_tls_container_ref: reference }] },
    });
  expect(await create(unknown)).toMatchObject({ status: 400, body: retrieved });
  expect((await api.call('GET', `${path}/loadbalancers`)).body.loadbalancers).toEqual([]);
  expect(await create(certificate)).toMatchObject({ status: 201 });
});

it('"" unsets a reference, as null does; the last certificate of a listener that ends TLS stays', async () => {
  const loadBalancerId = await aLoadBalancer();
  const listener = { loadbalancer_id: loadBalancerId, ...tls, client_ca_tls_container_ref: ca };
  const made = await api.call('POST', `${path}/listeners`, {
    listener: { ...listener, default_tls_container_ref: certificate, client_crl_container_ref: '' },
  });
  expect(made).toMatchObject({ status: 201, body: { listener: { client_crl_container_ref: null } } });
  api.store.settleAll();
  const change = async (fields: object) => {
    const answer = await api.call('PUT', `${path}/listeners/${made.body.listener.id}`, { listener: fields });
    api.store.settleAll();
    return answer;
  };
  const withCa = 'must be provided with a client CA container reference.';
  const last =
    'Validation failure: An SNI or default certificate container reference must be provided for TERMINATED_HTTPS protocol listeners.';
  const queued = api.queued.length;
  expect((await change({ default_tls_container_ref: '' })).body.faultstring).toContain(withCa);
  expect(await change({ client_ca_tls_container_ref: '' })).toMatchObject({
    status: 200,
    body: { listener: { client_ca_tls_container_ref: null } },
  });
  for (const nothing of ['', null]) {
    expect(await change({ default_tls_container_ref: nothing })).toMatchObject({
      status: 400,
      body: { faultstring: last },
    });
  }
  expect(api.queued.length).toBe(queued + 1);
  expect(await change({ default_tls_container_ref: '', sni_container_refs: [certificate] })).toMatchObject({
    status: 200,
    body: { listener: { default_tls_container_ref: null, sni_container_refs: [certificate] } },
  });
  expect(await change({ sni_container_refs: [] })).toMatchObject({ status: 400, body: { faultstring: last } });
  expect((await change({ sni_container_refs: [''] })).status).toBe(400);

  const empty = { tls_container_ref: '', ca_tls_container_ref: '', crl_container_ref: '' };
  const pool = { loadbalancer_id: loadBalancerId, protocol: 'HTTP', lb_algorithm: 'ROUND_ROBIN', ...empty };
  const answer = await api.call('POST', `${path}/pools`, { pool });
  expect(answer).toMatchObject({
    status: 201,
    body: { pool: { tls_container_ref: null, ca_tls_container_ref: null, crl_container_ref: null } },
  });
});
