/**
 * Every field of every body that refers to something is found in the OpenAPI document, at any depth, and tried with what is
 * not there and with what another project owns, against the Neutron of the embedded cloud: each is refused, names what was
 * asked for, and nothing is written. A new reference that nobody looks up fails here.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createLocalSecretStore } from '../../src/adapters/secrets/local-secret-store.ts';
import { createPolicy } from '../../src/api/policy/policy.ts';
import type { OpenApiDocument } from '../../src/api/v2/openapi/document.ts';
import { type Cloud, startCloud } from '../../src/dev-cloud/cloud.ts';
import { createImageResolver } from '../../src/services/image-resolver.ts';
import { createProfileChecker } from '../../src/services/profile-checker.ts';
import { createReferenceChecker } from '../../src/services/reference-checker.ts';
import { createVipAllocator } from '../../src/services/vip-allocator.ts';
import { openStoredApiHarness, type StoredApiHarness } from '../kit/api.ts';
import { openCloudSession } from '../kit/cloud-session.ts';
import { createFakeClock } from '../kit/fakes/fake-clock.ts';
import { createFakeLog } from '../kit/fakes/fake-log.ts';
import { validValue } from '../kit/malformed-bodies.ts';
import { operationsOf, resolved } from '../kit/openapi.ts';
import { connectClients, type OpenStackClients } from '../kit/openstack-clients.ts';
import { openTlsWorkshop } from '../kit/tls-material.ts';

// biome-ignore lint/suspicious/noExplicitAny: schemas and bodies are read as whatever they are.
type Node = any;

const unknownId = '99999999-9999-4999-8999-999999999999';
const unknownSecret = 'https://keys.example.org/v1/secrets/9d1c5f5e-0000-4000-8000-000000000001';
/** Kept without an owner, as Octavia's local_cert_manager does. */
const ownerlessSecret = '9d1c5f5e-0000-4000-8000-000000000002';
const theirProject = '22222222222222222222222222222222';
const folder = mkdtempSync(join(tmpdir(), 'kiln-references-'));
const workshop = openTlsWorkshop();
let cloud: Cloud;
let clients: OpenStackClients;
let harness: StoredApiHarness;
let document: OpenApiDocument;
let project: string;
let ours: Record<'loadbalancers' | 'listeners' | 'withTls' | 'pools' | 'healthmonitors' | 'l7policies', string>;
let theirs: typeof ours;
let certificate: string;
/** Of another project, and not shared. */
let hidden: Record<'subnet' | 'network' | 'port' | 'group' | 'policy', string>;
let visibleSubnet: string;
let secretsOfOthers: readonly string[];

beforeAll(async () => {
  cloud = await startCloud({ stateDirectory: join(folder, 'cloud') });
  const { kiln, demo } = cloud.accounts;
  clients = connectClients({
    authUrl: kiln.authUrl,
    authType: 'password',
    username: kiln.userName,
    userDomainName: kiln.domainName,
    password: kiln.password,
    projectName: kiln.projectName,
    projectDomainName: kiln.domainName,
  });
  project = demo.projectId;
  const tenant = clients.networkAs((await openCloudSession(cloud.url, demo)).token);
  const subnet = await only('subnets', 'lb-mgmt-subnet');
  const network = await only('networks', 'lb-mgmt-net');
  hidden = {
    subnet,
    network,
    port: await made('ports', 'port', { network_id: network }),
    group: await only('security-groups', 'lb-mgmt-sec-grp'),
    policy: await made('qos/policies', 'policy', { name: 'theirs' }),
  };
  visibleSubnet = await only('subnets', 'lb-vip-subnet');

  const secrets = createLocalSecretStore(join(folder, 'secrets'));
  const leaf = workshop.make('www', {});
  const bundle = workshop.pkcs12(leaf, []);
  certificate = (await secrets.store(bundle, null, project)).reference;
  const ofTheirs = (await secrets.store(bundle, null, theirProject)).reference;
  writeFileSync(join(folder, 'secrets', ownerlessSecret), bundle);
  const vips = createVipAllocator({ network: clients.network, networkAs: () => tenant });
  const resolver = createImageResolver({
    ...{ images: clients.images, compute: clients.compute, identity: clients.session },
    ...{ clock: createFakeClock({ autoAdvance: true }), log: createFakeLog() },
    settings: () => ({ ampImageId: '', ampImageTag: 'amphora', ampImageOwnerId: '', ampImageTagPolicy: 'newest' }),
  });
  harness = await openStoredApiHarness({
    policy: createPolicy({}),
    secrets,
    // The bench knows no tokens: all its callers are this tenant.
    vips: { ...vips, allocate: (request) => vips.allocate({ ...request, userToken: 'of the tenant' }) },
    networkReferences: createReferenceChecker(() => tenant),
    profileChecker: createProfileChecker({ ...clients, images: resolver, defaultFlavorId: () => null }),
  });
  ours = await addLoadBalancer(project, certificate);
  theirs = await addLoadBalancer(theirProject, ofTheirs);
  secretsOfOthers = [ofTheirs, ownerlessSecret];
  await harness.settleAll();
  document = harness.app.openApi();
});
afterAll(async () => {
  await harness?.close();
  await clients?.close();
  await cloud?.close();
  workshop.close();
  rmSync(folder, { recursive: true, force: true });
});

async function neutron(path: string, body?: object): Promise<Node> {
  const answer = await fetch(`${cloud.url}/network/v2.0/${path}`, {
    headers: { 'X-Auth-Token': await clients.session.token(), 'Content-Type': 'application/json' },
    ...(body ? { method: 'POST', body: JSON.stringify(body) } : {}),
  });
  return await answer.json();
}
const only = async (path: string, name: string): Promise<string> =>
  (await neutron(`${path}?name=${name}`))[path.replaceAll('-', '_')][0].id;
async function nova(): Promise<Node> {
  const headers = { 'X-Auth-Token': await clients.session.token() };
  const { flavors } = (await (await fetch(`${cloud.url}/compute/v2.1/flavors`, { headers })).json()) as Node;
  return flavors;
}
const made = async (path: string, kind: string, fields: object): Promise<string> =>
  (await neutron(path, { [kind]: fields }))[kind].id;

async function addLoadBalancer(projectId: string, reference: string): Promise<typeof ours> {
  const pool = {
    name: 'web',
    protocol: 'HTTP',
    lb_algorithm: 'ROUND_ROBIN',
    healthmonitor: { type: 'HTTP', delay: 5, timeout: 3, max_retries: 2 },
  };
  const listeners = [
    { protocol: 'HTTP', protocol_port: 80, default_pool: pool, l7policies: [{ action: 'REJECT' }] },
    { protocol: 'TERMINATED_HTTPS', protocol_port: 443, default_tls_container_ref: reference },
  ];
  const loadbalancer = { vip_subnet_id: visibleSubnet, project_id: projectId, listeners };
  const headers = { 'x-roles': 'admin', 'x-project-id': projectId };
  const { status, body } = await harness.call('POST', '/v2/lbaas/loadbalancers', { loadbalancer }, headers);
  expect(status, JSON.stringify(body)).toBe(201);
  const [listener, withTls] = body.loadbalancer.listeners;
  const [whole] = body.loadbalancer.pools;
  return {
    loadbalancers: body.loadbalancer.id,
    listeners: listener.id,
    withTls: withTls.id,
    pools: whole.id,
    healthmonitors: whole.healthmonitor.id,
    l7policies: listener.l7policies[0].id,
  };
}

/** By the field's name: what is not there, and what is another's. Null: nothing of the kind has an owner. */
function foreign(field: string): string | null {
  if (/subnet_id$/.test(field)) return hidden.subnet;
  if (/network_id$/.test(field)) return hidden.network;
  if (/sg_ids$/.test(field)) return hidden.group;
  if (/qos_policy_id$/.test(field)) return hidden.policy;
  if (/port_id$/.test(field)) return hidden.port;
  if (/listener_id$/.test(field)) return theirs.listeners;
  if (/loadbalancer_id$/.test(field)) return theirs.loadbalancers;
  if (/pool_id$/.test(field)) return theirs.pools;
  return null;
}
const isReference = (field: string) => /(_id|_ids|_ref|_refs)$/.test(field) && !/^(project|tenant)_id$/.test(field);
/** A name, not an ID. */
const isNamed = (field: string) => field === 'availability_zone';

/** What else a body needs, so that the reference is what is wrong with it. */
function companions(path: string, field: string): object {
  const one = path.split('/').at(-1) ?? '';
  if (one === 'loadbalancers' && !/^vip_(port|network|subnet)/.test(field)) return { vip_subnet_id: visibleSubnet };
  if (one === 'pools' && field !== 'listener_id') return { loadbalancer_id: ours.loadbalancers };
  return {};
}

/** What an object of a body needs, so that a field of it may be there; by the fields that it can have. */
function base(schema: Node, field: string): Record<string, unknown> {
  const has = (name: string) => name in schema.properties;
  const good = validValue(document, schema) as Record<string, unknown>;
  for (const name of Object.keys(good)) {
    const known = { loadbalancer_id: ours.loadbalancers, listener_id: ours.listeners, pool_id: ours.pools };
    if (name in known) good[name] = known[name as keyof typeof known];
  }
  // A listener or a pool with certificates.
  if (has('sni_container_refs')) {
    const withTls = /_refs?$/.test(field);
    const more = withTls
      ? { protocol: 'TERMINATED_HTTPS', default_tls_container_ref: certificate }
      : { protocol: 'HTTP' };
    Object.assign(good, has('protocol') ? { ...more, protocol_port: 4443 } : {});
    if (/crl/.test(field)) good.client_ca_tls_container_ref = unknownSecret;
  }
  if (has('lb_algorithm')) {
    if (has('protocol')) Object.assign(good, { protocol: 'HTTP', lb_algorithm: 'ROUND_ROBIN' });
    if (has('name')) good.name = 'a-pool';
    if (/crl/.test(field)) good.ca_tls_container_ref = unknownSecret;
  }
  if (has('protocol_port') && has('address')) Object.assign(good, { address: '192.0.2.9', protocol_port: 99 });
  if (has('redirect_pool_id')) good.action = field === 'redirect_pool_id' ? 'REDIRECT_TO_POOL' : 'REJECT';
  if (has('http_method')) Object.assign(good, { type: 'HTTP', delay: 5, timeout: 3, max_retries: 2 });
  return good;
}

interface Place {
  field: string;
  where: string;
  body(reference: string): unknown;
}

/** Every reference in what this schema takes. */
function* references(schema: Node, path: string): Generator<Place> {
  const root = resolved(document, schema);
  const [key] = Object.keys(root.properties) as [string];
  const inner = resolved(document, root.properties[key]);
  if (inner.type === 'array') yield* inside(inner.items, (value) => ({ [key]: [value] }), key);
  else yield* inside(inner, (value) => ({ [key]: value }), key);

  function* inside(node: Node, put: (value: object) => unknown, where: string): Generator<Place> {
    const object = resolved(document, node);
    if (object.type !== 'object' || !object.properties || where.split('.').length > 6) return;
    for (const [field, property] of Object.entries(object.properties as Record<string, Node>)) {
      const one = resolved(document, property);
      const plain = one.anyOf ? resolved(document, one.anyOf[0]) : one;
      const top = where === key;
      const set = (value: unknown, name: string) =>
        put({ ...base(object, name), ...(top ? companions(path, name) : {}), [field]: value });
      if (isReference(field) || isNamed(field)) {
        const wrap = (reference: string) => (plain.type === 'array' ? [reference] : reference);
        yield { field, where: `${where}.${field}`, body: (reference) => set(wrap(reference), field) };
      } else if (plain.type === 'object') {
        yield* inside(plain, (value) => set(value, ''), `${where}.${field}`);
      } else if (plain.type === 'array') {
        yield* inside(plain.items, (value) => set([value], ''), `${where}.${field}`);
      }
    }
  }
}

async function rows(): Promise<string> {
  const { body } = await harness.call('GET', '/v2/lbaas/loadbalancers', undefined, { 'x-roles': 'admin' });
  return JSON.stringify([body, harness.queued.length]);
}

it('every reference of a user is looked up with that user’s rights', async () => {
  const tried: string[] = [];
  const before = await rows();
  for (const { path, method, operation } of operationsOf(document)) {
    if (!operation.requestBody || /flavor|availabilityzone|quotas/.test(path) || !path.startsWith('/v2/lbaas/'))
      continue;
    const at = path.replace(/\{\w+\}/, ours[path.split('/')[3] as keyof typeof ours] ?? unknownId);
    if (at.includes('{')) continue; // Members and rules of their own have no references that can be changed.
    for (const { field, where, body } of references(operation.requestBody.content['application/json'].schema, path)) {
      const isSecret = /_refs?$/.test(field);
      const missing = isNamed(field) ? 'nowhere' : isSecret ? unknownSecret : unknownId;
      for (const reference of [missing, ...(isSecret ? secretsOfOthers : [foreign(field)])]) {
        if (reference === null) continue;
        const asked = body(reference);
        const headers = { 'x-roles': 'load-balancer_member', 'x-project-id': project };
        const to = isSecret && at.includes('/listeners/') ? at.replace(ours.listeners, ours.withTls) : at;
        const answer = await harness.call(method as 'POST', to, asked, headers);
        const what = `${method} ${where} = ${reference}: ${answer.status} ${JSON.stringify(answer.body)} to ${JSON.stringify(asked)}`;
        expect([400, 403, 404], what).toContain(answer.status);
        if (answer.status !== 403) {
          expect(answer.body.faultstring, what).toMatch(
            new RegExp(
              `${reference}|Invalid flavor_id|Invalid availability zone|not a pool of this load balancer|for fully populated`,
            ),
          );
        }
        tried.push(`${method} ${where}`);
      }
    }
  }
  expect(await rows()).toBe(before);
  for (const place of [
    'PUT loadbalancer.vip_sg_ids',
    'PUT loadbalancer.vip_qos_policy_id',
    'POST loadbalancer.pools.members.subnet_id',
    'POST loadbalancer.listeners.default_pool.members.subnet_id',
    'POST loadbalancer.listeners.l7policies.redirect_pool.members.subnet_id',
    'POST loadbalancer.additional_vips.port_id',
    'POST pool.members.subnet_id',
    'PUT members.subnet_id',
    'POST member.subnet_id',
    'POST l7policy.redirect_pool_id',
  ]) {
    expect(tried).toContain(place);
  }
});

it('a profile names what the cloud has', async () => {
  const admin = { 'x-roles': 'admin', 'x-project-id': project };
  const put = async (path: string, kind: string, field: string, data: object) => {
    const profile = { name: 'p', provider_name: 'amphora', [field]: JSON.stringify(data) };
    const { status, body } = await harness.call('POST', `/v2/lbaas/${path}`, { [kind]: profile }, admin);
    return [status, body.faultstring];
  };
  const flavor = (data: object) => put('flavorprofiles', 'flavorprofile', 'flavor_data', data);
  const zone = (data: object) =>
    put('availabilityzoneprofiles', 'availability_zone_profile', 'availability_zone_data', data);
  expect(await flavor({ compute_flavor: unknownId })).toEqual([400, `Nova flavor ${unknownId} not found.`]);
  const untagged = await flavor({ amp_image_tag: 'nothing carries this' });
  expect(untagged[0]).toBe(400);
  expect(untagged[1]).toMatch(/^Failed to find an image with tag nothing carries this due to: /);
  expect(await zone({ compute_zone: 'mars' })).toEqual([400, 'Nova availability zone mars not found.']);
  for (const data of [{ management_network: unknownId }, { valid_vip_networks: [hidden.network, unknownId] }]) {
    expect(await zone({ compute_zone: 'nova', ...data })).toEqual([400, `Network ${unknownId} not found.`]);
  }
  const [{ id: compute_flavor }] = await nova();
  expect(await flavor({ compute_flavor, amp_image_tag: '' })).toEqual([201, undefined]);
  const networks = { management_network: hidden.network, valid_vip_networks: [hidden.network] };
  expect(await zone({ compute_zone: 'nova', ...networks })).toEqual([201, undefined]);
});

it('a batch may not move a member into a subnet that is hidden, and may repeat the one that it is in', async () => {
  const headers = { 'x-roles': 'load-balancer_member', 'x-project-id': project };
  const path = `/v2/lbaas/pools/${ours.pools}/members`;
  const put = async (subnet_id: string) => {
    const members = [{ address: '127.0.5.5', protocol_port: 80, subnet_id }];
    const { status, body } = await harness.call('PUT', path, { members }, headers);
    await harness.settleAll();
    return [status, body.faultstring];
  };
  expect((await put(visibleSubnet))[0]).toBe(202);
  for (const subnet of [hidden.subnet, unknownId]) {
    expect(await put(subnet)).toEqual([400, `Subnet ${subnet} not found.`]);
  }
  expect((await put(visibleSubnet))[0]).toBe(202);
});
