import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openStoredApiHarness, ownProject, type StoredApiHarness, subnetId } from '../../../test/kit/api.ts';
import { openTlsWorkshop } from '../../../test/kit/tls-material.ts';
import { createLocalSecretStore } from '../secrets/local-secret-store.ts';
import { createSecretUsers } from './secret-users.ts';

const folder = mkdtempSync(join(tmpdir(), 'kiln-secret-users-'));
const workshop = openTlsWorkshop();
let harness: StoredApiHarness;
beforeAll(async () => {
  harness = await openStoredApiHarness({ secrets: createLocalSecretStore(folder) });
});
afterAll(async () => {
  await harness.close();
  workshop.close();
  rmSync(folder, { recursive: true });
});

it('finds a secret in every field of listeners and pools that refers to one, however it is written', async () => {
  const secrets = createLocalSecretStore(folder);
  const authority = workshop.make('authority', { isCa: true });
  const bundle = workshop.pkcs12(workshop.make('www', { issuer: authority }), []);
  const certificate = async () => (await secrets.store(bundle, null, ownProject)).reference;
  const list = async () =>
    (await secrets.store(Buffer.from(workshop.revocationList(authority)), null, ownProject)).reference;
  const ca = async () => (await secrets.store(Buffer.from(authority.certificate), null, ownProject)).reference;
  const [ofDefault, ofSni, ofClients, ofClientList] = [
    await certificate(),
    await certificate(),
    await ca(),
    await list(),
  ];
  const [ofPool, ofPoolAuthority, ofPoolList, unused] = [
    await certificate(),
    await ca(),
    await list(),
    await certificate(),
  ];
  const pool = {
    name: 'p',
    protocol: 'HTTP',
    lb_algorithm: 'ROUND_ROBIN',
    tls_enabled: true,
    tls_container_ref: ofPool,
    ca_tls_container_ref: ofPoolAuthority,
    crl_container_ref: ofPoolList,
  };
  const listener = {
    protocol: 'TERMINATED_HTTPS',
    protocol_port: 443,
    default_tls_container_ref: ofDefault,
    sni_container_refs: [`https://keys.example.org/v1/secrets/${ofSni.toUpperCase()}`],
    client_authentication: 'MANDATORY',
    client_ca_tls_container_ref: ofClients,
    client_crl_container_ref: ofClientList,
    default_pool: pool,
  };
  const loadbalancer = { vip_subnet_id: subnetId, listeners: [listener] };
  const { status, body } = await harness.call('POST', '/v2/lbaas/loadbalancers', { loadbalancer });
  expect(status, JSON.stringify(body)).toBe(201);

  const users = createSecretUsers(harness.database, harness.deps.clock);
  const kindsOf = async (reference: string) => (await users.usersOf(reference)).map(({ kind }) => kind);
  for (const reference of [ofDefault, ofSni, ofClients, ofClientList]) {
    expect(await kindsOf(reference)).toEqual(['listener']);
  }
  for (const reference of [ofPool, ofPoolAuthority, ofPoolList]) expect(await kindsOf(reference)).toEqual(['pool']);
  expect(await kindsOf(unused)).toEqual([]);
  expect(await users.usersOf(ofDefault)).toEqual([
    {
      kind: 'listener',
      id: body.loadbalancer.listeners[0].id,
      name: '',
      loadBalancerId: body.loadbalancer.id,
      projectId: ownProject,
    },
  ]);
});
