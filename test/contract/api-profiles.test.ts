import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createPolicy } from '../../src/api/policy/policy.ts';
import { KilnError } from '../../src/model/errors.ts';
import { openStoredApiHarness, type StoredApiHarness, subnetId } from '../kit/api.ts';
import { aServiceError } from '../kit/fault-injection.ts';

/** Flavors, availability zones, their profiles, providers: what the operator profileChecker. Over a real database. */

const unknownId = '99999999-9999-4999-8999-999999999999';

let harness: StoredApiHarness;
beforeEach(async () => {
  harness = await openStoredApiHarness();
});
afterEach(() => harness.close());

type Method = Parameters<StoredApiHarness['call']>[0];
async function refusal(method: Method, path: string, body?: unknown): Promise<[number, string]> {
  const answer = await harness.call(method, path, body);
  return [answer.status, answer.body.faultstring];
}

async function addFlavorProfile(data: object = {}, over: object = {}): Promise<string> {
  const flavorprofile = { name: 'p', provider_name: 'amphora', flavor_data: JSON.stringify(data), ...over };
  const { status, body } = await harness.call('POST', '/lbaas/flavorprofiles', { flavorprofile });
  expect([status, body]).toEqual([201, { flavorprofile: { id: expect.any(String), ...flavorprofile } }]);
  return body.flavorprofile.id;
}
async function addFlavor(data: object = {}, over: object = {}, profile: object = {}): Promise<string> {
  const flavor_profile_id = await addFlavorProfile(data, profile);
  const flavor = { name: `f ${flavor_profile_id}`, flavor_profile_id, ...over };
  const { status, body } = await harness.call('POST', '/lbaas/flavors', { flavor });
  expect(status).toBe(201);
  return body.flavor.id;
}
async function addZone(name: string, data: object = {}, over: object = {}): Promise<void> {
  const { body } = await harness.call('POST', '/lbaas/availabilityzoneprofiles', {
    availability_zone_profile: {
      name: 'zp',
      provider_name: 'amphora',
      availability_zone_data: JSON.stringify({ compute_zone: 'nova', ...data }),
    },
  });
  const availability_zone_profile_id = body.availability_zone_profile.id;
  const zone = { name, availability_zone_profile_id, ...over };
  expect((await harness.call('POST', '/lbaas/availabilityzones', { availability_zone: zone })).status).toBe(201);
}
async function addLoadBalancer(over: object) {
  const loadbalancer = { vip_subnet_id: subnetId, ...over };
  return await harness.call('POST', '/lbaas/loadbalancers', { loadbalancer });
}

describe('flavors', () => {
  it('are made, shown, changed, listed and deleted, in the shape that Octavia gives them', async () => {
    const flavor_profile_id = await addFlavorProfile({ loadbalancer_topology: 'SINGLE' });
    const made = await harness.call('POST', '/lbaas/flavors', { flavor: { name: 'small', flavor_profile_id } });
    const { id } = made.body.flavor;
    const flavor = { id, name: 'small', description: '', enabled: true, flavor_profile_id };
    expect([made.status, JSON.stringify(made.body)]).toEqual([201, JSON.stringify({ flavor })]);
    expect((await harness.call('GET', `/lbaas/flavors/${id}`)).body).toEqual({ flavor });

    const patch = { name: 'tiny', description: 'd', enabled: false };
    const changed = await harness.call('PUT', `/lbaas/flavors/${id}`, { flavor: patch });
    expect([changed.status, changed.body]).toEqual([200, { flavor: { ...flavor, ...patch } }]);
    const back = await harness.call('PUT', `/lbaas/flavors/${id}`, { flavor: { description: null, enabled: null } });
    expect(back.body.flavor).toEqual({ ...flavor, name: 'tiny' });

    const { body } = await harness.call('GET', '/lbaas/flavors?fields=name&limit=1');
    expect(body.flavors).toEqual([{ name: 'tiny' }]);
    expect(body.flavors_links).toEqual([{ rel: 'next', href: expect.stringContaining(`marker=${id}`) }]);

    expect(await harness.call('DELETE', `/lbaas/flavors/${id}`)).toMatchObject({ status: 204, body: '' });
    expect(await refusal('DELETE', `/lbaas/flavors/${id}`)).toEqual([404, `Flavor ${id} not found.`]);
    expect(await refusal('GET', `/lbaas/flavors/${id}`)).toEqual([404, `Flavor ${id} not found.`]);
    expect(await refusal('PUT', `/lbaas/flavors/${id}`, { flavor: {} })).toEqual([404, `Flavor ${id} not found.`]);
  });

  it('are filtered, sorted and paged', async () => {
    for (const [n, name] of ['c', 'a', 'b'].entries()) await addFlavor({}, { name, enabled: n !== 1 });
    const names = async (query: string) => {
      const { body } = await harness.call('GET', `/lbaas/flavors?${query}`);
      return body.flavors?.map((one: { name: string }) => one.name) ?? body.faultstring;
    };
    expect(await names('sort=name:desc')).toEqual(['c', 'b', 'a']);
    expect(await names('enabled=false')).toEqual(['a']);
    expect(await names('enabled=maybe')).toEqual(['a']);
    expect(await names('sort=name&limit=2')).toEqual(['a', 'b']);
    const { body } = await harness.call('GET', '/lbaas/flavors?name=b');
    expect(await names(`sort=name&marker=${body.flavors[0].id}`)).toEqual(['c']);
    expect(await names('project_id=p')).toMatch(/duplicate or invalid/);
    expect(await names(`marker=${unknownId}`)).toBe(`Supplied pagination marker '${unknownId}' is not valid.`);
  });

  it.each([
    [{ flavor_id: null }, 'Validation failure: Invalid flavor_id.'],
    [{ flavor_id: '' }, 'Validation failure: Invalid flavor_id.'],
    [{ availability_zone: null }, 'Validation failure: Invalid availability zone.'],
    [{ availability_zone: '' }, 'Validation failure: Invalid availability zone.'],
  ])('a load balancer with %o names nothing that is there', async (fields, words) => {
    const { status, body } = await addLoadBalancer(fields);
    expect([status, body.faultstring]).toEqual([400, words]);
  });

  it('are not deleted from under a load balancer that is being made', async () => {
    const flavor_id = await addFlavor();
    const { store } = harness.deps;
    const apply = store.apply.bind(store);
    let deletion: Promise<unknown> | null = null;
    store.apply = async (change) => {
      deletion ??= harness.call('DELETE', `/lbaas/flavors/${flavor_id}`);
      expect(await deletion).toMatchObject({ status: 204 });
      await apply(change);
    };
    const { status, body } = await addLoadBalancer({ flavor_id });
    expect([status, body.faultstring]).toEqual([400, 'Validation failure: Invalid flavor_id.']);
    expect((await harness.call('GET', '/lbaas/loadbalancers')).body.loadbalancers).toEqual([]);
  });

  it('differ in their names, and need a profile', async () => {
    await addFlavor({}, { name: 'a' });
    const id = await addFlavor({}, { name: 'b' });
    const flavor_profile_id = await addFlavorProfile();
    const taken = [409, 'A flavor of a already exists.'];
    expect(await refusal('POST', '/lbaas/flavors', { flavor: { name: 'a', flavor_profile_id } })).toEqual(taken);
    expect(await refusal('PUT', `/lbaas/flavors/${id}`, { flavor: { name: 'a' } })).toEqual(taken);
    const lost = { flavor: { name: 'x', flavor_profile_id: unknownId } };
    expect(await refusal('POST', '/lbaas/flavors', lost)).toEqual([404, `Flavor Profile ${unknownId} not found.`]);
    expect(await refusal('POST', '/lbaas/flavors', { flavor: { name: 'x' } })).toEqual([
      400,
      "Invalid input for field/attribute flavor_profile_id. Value: 'None'. Mandatory field missing.",
    ]);
    expect(await refusal('PUT', `/lbaas/flavors/${id}`, { flavor: { name: null } })).toEqual([
      400,
      'None is not a valid option for name',
    ]);
    expect(await refusal('PUT', `/lbaas/flavors/${id}`, { flavor: { flavor_profile_id } })).toEqual([
      400,
      'Unknown attribute for argument flavor_.flavor: flavor_profile_id',
    ]);
  });

  it('decide the topology and the provider of a load balancer', async () => {
    const flavor_id = await addFlavor({ loadbalancer_topology: 'SINGLE' }, {}, { provider_name: 'octavia' });
    const { status, body } = await addLoadBalancer({ flavor_id });
    expect([status, body.loadbalancer.flavor_id, body.loadbalancer.provider]).toEqual([201, flavor_id, 'octavia']);
    const { id } = body.loadbalancer;
    expect(await harness.deps.store.get('loadbalancer', id)).toMatchObject({ topology: 'SINGLE' });
    const { body: filtered } = await harness.call('GET', `/lbaas/loadbalancers?flavor_id=${flavor_id}`);
    expect(filtered.loadbalancers).toHaveLength(1);

    const other = await addLoadBalancer({ flavor_id, provider: 'amphora' });
    expect([other.status, other.body.faultstring]).toEqual([
      400,
      `Flavor '${flavor_id}' is not compatible with provider 'amphora'`,
    ]);
    expect((await addLoadBalancer({ flavor_id, provider: 'octavia' })).status).toBe(201);
    expect((await addLoadBalancer({})).body.loadbalancer.provider).toBe('amphora');
  });

  it('must be there and enabled to be used, and are kept while they are', async () => {
    const refused = async (over: object) => {
      const { status, body } = await addLoadBalancer(over);
      return [status, body.faultstring];
    };
    expect(await refused({ flavor_id: unknownId })).toEqual([400, 'Validation failure: Invalid flavor_id.']);
    const disabled = await addFlavor({}, { enabled: false });
    expect(await refused({ flavor_id: disabled })).toEqual([
      400,
      `The selected flavor is not allowed in this deployment: ${disabled}`,
    ]);
    const flavor_id = await addFlavor();
    expect((await addLoadBalancer({ flavor_id })).status).toBe(201);
    expect(await refusal('DELETE', `/lbaas/flavors/${flavor_id}`)).toEqual([
      409,
      `Flavor ${flavor_id} is in use and cannot be modified.`,
    ]);
  });
});

describe('flavor profiles', () => {
  it('say what the provider knows, in the words of jsonschema where they do not', async () => {
    const refused = async (flavor_data: unknown, over: object = {}) => {
      const flavorprofile = { name: 'p', provider_name: 'amphora', flavor_data, ...over };
      return refusal('POST', '/lbaas/flavorprofiles', { flavorprofile });
    };
    const lacks = (what: string) => [400, `Provider 'amphora' does not support a requested option: ${what}`];
    expect(await refused('{"colour": 1}')).toEqual(
      lacks("Additional properties are not allowed ('colour' was unexpected)"),
    );
    expect(await refused('{"a": 1, "b": 2}')).toEqual(
      lacks("Additional properties are not allowed ('a', 'b' were unexpected)"),
    );
    expect(await refused('{"compute_flavor": 65}')).toEqual(lacks("compute_flavor 65 is not of type 'string'"));
    expect(await refused('{"sriov_vip": "yes"}')).toEqual(lacks("sriov_vip 'yes' is not of type 'boolean'"));
    expect(await refused('{"loadbalancer_topology": "MANY"}')).toEqual(
      lacks("loadbalancer_topology 'MANY' is not one of ['ACTIVE_STANDBY', 'SINGLE']"),
    );
    expect(await refused('[]')).toEqual(lacks("[] is not of type 'object'"));
    expect(await refused('{"__proto__": 1}')).toEqual(
      lacks("Additional properties are not allowed ('__proto__' was unexpected)"),
    );
    expect(await refused('{')).toEqual([400, '{ is not a valid option for flavor_data']);
    expect((await refused({}))[1]).toContain('flavor_data');
    expect(await refused('{}', { provider_name: 'other' })).toEqual([400, "Provider 'other' is not enabled."]);
    expect((await harness.call('GET', '/lbaas/flavorprofiles')).body).toEqual({
      flavorprofiles: [],
      flavorprofile_links: [],
    });
    await addFlavorProfile({
      loadbalancer_topology: 'SINGLE',
      compute_flavor: '65',
      amp_image_tag: 'amphora',
      sriov_vip: false,
      allow_member_sriov: false,
    });
  });

  it('keep what they say while a flavor uses them, and are kept', async () => {
    const flavorId = await addFlavor({ amp_image_tag: 'a' }, {}, { name: 'x' });
    const { body } = await harness.call('GET', `/lbaas/flavors/${flavorId}`);
    const path = `/lbaas/flavorprofiles/${body.flavor.flavor_profile_id}`;
    const inUse = [409, `Flavor profile ${body.flavor.flavor_profile_id} is in use and cannot be modified.`];
    const data = (flavor_data: string | null) => ({ flavorprofile: { flavor_data } });
    expect(await refusal('DELETE', path)).toEqual(inUse);
    expect(await refusal('PUT', path, data('{}'))).toEqual(inUse);
    expect(await refusal('PUT', path, { flavorprofile: { provider_name: 'octavia' } })).toEqual(inUse);
    const renamed = await harness.call('PUT', path, { flavorprofile: { name: 'y' } });
    expect([renamed.status, renamed.body.flavorprofile]).toEqual([
      200,
      { id: expect.any(String), name: 'y', provider_name: 'amphora', flavor_data: '{"amp_image_tag":"a"}' },
    ]);
    await harness.call('DELETE', `/lbaas/flavors/${flavorId}`);
    expect(await refusal('PUT', path, data(null))).toEqual([400, 'None is not a valid option for flavor_data']);
    expect((await refusal('PUT', path, data('{"x":1}')))[0]).toBe(400);
    expect((await harness.call('PUT', path, data('{}'))).body.flavorprofile.flavor_data).toBe('{}');
    expect((await harness.call('DELETE', path)).status).toBe(204);
    expect((await refusal('DELETE', path))[1]).toMatch(/^Flavor profile .* not found.$/);
    expect((await refusal('GET', path))[1]).toMatch(/^Flavor Profile .* not found.$/);
  });
});

describe('what is not served', () => {
  const lacks = (option: string) => [501, `Provider 'amphora' does not support a requested option: ${option}`];
  const unserved = [
    [{ sriov_vip: true }, 'sriov_vip True'],
    [{ allow_member_sriov: true }, 'allow_member_sriov True'],
  ] as const;

  it('no profile asks for', async () => {
    for (const [data, option] of unserved) {
      const profile = { name: 'p', provider_name: 'amphora', flavor_data: JSON.stringify(data) };
      expect(await refusal('POST', '/lbaas/flavorprofiles', { flavorprofile: profile })).toEqual(lacks(option));
      const path = `/lbaas/flavorprofiles/${await addFlavorProfile()}`;
      const { flavor_data } = profile;
      expect(await refusal('PUT', path, { flavorprofile: { flavor_data } })).toEqual(lacks(option));
    }
    const data = { availability_zone_data: '{"compute_zone": "nova", "volume_zone": "cinder"}' };
    const availability_zone_profile = { name: 'zp', provider_name: 'amphora', ...data };
    const path = '/lbaas/availabilityzoneprofiles';
    expect(await refusal('POST', path, { availability_zone_profile })).toEqual(lacks("volume_zone 'cinder'"));
  });

  it('no load balancer gets of a profile that is there already', async () => {
    const flavor_id = await addFlavor();
    for (const [data, option] of unserved) {
      await harness.database
        .updateTable('kiln_flavor_profile')
        .set({ flavor_data: JSON.stringify(data) })
        .execute();
      const { status, body } = await addLoadBalancer({ flavor_id });
      expect([status, body.faultstring]).toEqual(lacks(option));
    }
    await addZone('z');
    const availability_zone_data = '{"compute_zone": "nova", "volume_zone": "cinder"}';
    await harness.database.updateTable('kiln_availability_zone_profile').set({ availability_zone_data }).execute();
    const { status, body } = await addLoadBalancer({ availability_zone: 'z' });
    expect([status, body.faultstring]).toEqual(lacks("volume_zone 'cinder'"));
    expect((await harness.call('GET', '/lbaas/loadbalancers')).body.loadbalancers).toEqual([]);
  });
});

describe('what the cloud has not', () => {
  const gone = (field: string) =>
    new KilnError('REQUEST_INVALID', 'Secret thing s3cr3t not found.', { details: { field } });
  let refused: Error | null = null;
  beforeEach(async () => {
    await harness.close();
    harness = await openStoredApiHarness({
      profileChecker: {
        check: async () => {
          if (refused) throw refused;
        },
      },
    });
  });
  afterEach(() => {
    refused = null;
  });

  it('no profile names', async () => {
    const zoneProfile = { name: 'p', provider_name: 'amphora', availability_zone_data: '{"compute_zone":"nova"}' };
    const profile = { name: 'p', provider_name: 'amphora', flavor_data: '{"compute_flavor":"65"}' };
    const path = `/lbaas/flavorprofiles/${await addFlavorProfile()}`;
    refused = gone('compute_flavor');
    const words = [400, 'Secret thing s3cr3t not found.'];
    expect(await refusal('POST', '/lbaas/flavorprofiles', { flavorprofile: profile })).toEqual(words);
    expect(await refusal('PUT', path, { flavorprofile: { flavor_data: '{}' } })).toEqual(words);
    const body = { availability_zone_profile: zoneProfile };
    expect(await refusal('POST', '/lbaas/availabilityzoneprofiles', body)).toEqual(words);
  });

  it('no load balancer is built with, and its owner reads no more than which field it is', async () => {
    const flavor_id = await addFlavor();
    await addZone('z');
    refused = gone('amp_image_tag');
    const ofFlavor = await addLoadBalancer({ flavor_id });
    expect([ofFlavor.status, ofFlavor.body.faultstring]).toEqual([
      400,
      `Validation failure: flavor_id ${flavor_id} can not be served: its amp_image_tag names what is not there. Choose another one, or ask an administrator to correct its profile.`,
    ]);
    refused = gone('management_network');
    const ofZone = await addLoadBalancer({ availability_zone: 'z' });
    expect([ofZone.status, ofZone.body.faultstring]).toEqual([
      400,
      'Validation failure: availability_zone z can not be served: its management_network names what is not there. Choose another one, or ask an administrator to correct its profile.',
    ]);
    refused = aServiceError('SERVICE_FAILED', { service: 'image', status: 503 });
    expect((await addLoadBalancer({ flavor_id })).status).toBe(201);
  });
});

describe('availability zones', () => {
  it('are known by their names', async () => {
    await addZone('nova az/1', {}, { description: 'd' });
    const { body } = await harness.call('GET', '/lbaas/availabilityzones/nova%20az%2F1');
    expect(Object.entries(body.availability_zone)).toEqual([
      ['name', 'nova az/1'],
      ['description', 'd'],
      ['enabled', true],
      ['availability_zone_profile_id', expect.any(String)],
    ]);
    const changed = await harness.call('PUT', '/lbaas/availabilityzones/nova%20az%2F1', {
      availability_zone: { enabled: false },
    });
    expect(changed.body.availability_zone).toMatchObject({ enabled: false, description: 'd' });
    const { availability_zone_profile_id } = body.availability_zone;
    const again = { availability_zone: { name: 'nova az/1', availability_zone_profile_id } };
    expect(await refusal('POST', '/lbaas/availabilityzones', again)).toEqual([
      409,
      'A availability zone of nova az/1 already exists.',
    ]);
    expect(await refusal('GET', '/lbaas/availabilityzones/x')).toEqual([404, 'Availability Zone x not found.']);
    const list = await harness.call('GET', '/lbaas/availabilityzones');
    expect(Object.keys(list.body)).toEqual(['availability_zones', 'availability_zones_links']);
    const path = `/lbaas/availabilityzoneprofiles/${availability_zone_profile_id}`;
    expect(await refusal('DELETE', path)).toEqual([
      409,
      `Availability Zone Profile ${availability_zone_profile_id} is in use and cannot be modified.`,
    ]);
  });

  it('are checked, recorded and kept while a load balancer is in them', async () => {
    const refused = async (over: object) => {
      const { status, body } = await addLoadBalancer(over);
      return [status, body.faultstring];
    };
    expect(await refused({ availability_zone: 'x' })).toEqual([400, 'Validation failure: Invalid availability zone.']);
    await addZone('off', {}, { enabled: false });
    expect(await refused({ availability_zone: 'off' })).toEqual([
      400,
      'The selected availability_zone is not allowed in this deployment: off',
    ]);
    await addZone('on');
    const { body } = await addLoadBalancer({ availability_zone: 'on' });
    expect(body.loadbalancer.availability_zone).toBe('on');
    expect(await refusal('DELETE', '/lbaas/availabilityzones/on')).toEqual([
      409,
      'Availability Zone on is in use and cannot be modified.',
    ]);
    await addZone('elsewhere', { valid_vip_networks: [unknownId] });
    expect(await refused({ availability_zone: 'elsewhere' })).toEqual([
      400,
      'network 0553e883-70c9-47be-98c2-462bacb5ff6e is not allowed',
    ]);
    expect((await harness.call('GET', '/lbaas/loadbalancers')).body.loadbalancers).toHaveLength(1);
  });
});

describe('providers', () => {
  it('are those of the configuration, with what their profiles may say', async () => {
    const { body } = await harness.call('GET', '/lbaas/providers');
    expect(body.providers).toEqual([
      { name: 'amphora', description: 'The Octavia Amphora driver.' },
      { name: 'octavia', description: 'Deprecated alias of the Octavia Amphora driver.' },
    ]);
    const flavor = await harness.call('GET', '/lbaas/providers/amphora/flavor_capabilities?fields=name');
    expect(flavor.body.flavor_capabilities).toEqual([
      { name: 'loadbalancer_topology' },
      { name: 'compute_flavor' },
      { name: 'amp_image_tag' },
    ]);
    const one = await harness.call('GET', '/lbaas/providers/amphora/flavor_capabilities?name=compute_flavor');
    expect(one.body.flavor_capabilities).toHaveLength(1);
    const zone = await harness.call('GET', '/lbaas/providers/octavia/availability_zone_capabilities');
    expect(zone.body.availability_zone_capabilities.map((row: { name: string }) => row.name)).toEqual([
      'compute_zone',
      'management_network',
      'valid_vip_networks',
    ]);
    expect(await refusal('GET', '/lbaas/providers/x/flavor_capabilities')).toEqual([
      400,
      "Provider 'x' is not enabled.",
    ]);
  });
});

describe('who may', () => {
  it('everybody with a role reads flavors and zones; administrators do the rest', async () => {
    await harness.close();
    harness = await openStoredApiHarness({ policy: createPolicy({}) });
    const asks = [
      ['GET', '/lbaas/flavors', undefined, 200],
      ['GET', '/lbaas/availabilityzones', undefined, 200],
      ['GET', '/lbaas/providers', undefined, 200],
      ['GET', '/lbaas/flavorprofiles', undefined, 403],
      ['GET', '/lbaas/availabilityzoneprofiles', undefined, 403],
      ['GET', '/lbaas/providers/amphora/flavor_capabilities', undefined, 403],
      ['GET', '/octavia/amphorae', undefined, 403],
      ['POST', '/lbaas/flavors', { flavor: { name: 'n', flavor_profile_id: unknownId } }, 403],
      ['PUT', `/lbaas/flavors/${unknownId}`, { flavor: {} }, 403],
      ['DELETE', `/lbaas/flavors/${unknownId}`, undefined, 403],
      ['DELETE', `/octavia/amphorae/${unknownId}`, undefined, 403],
    ] as const;
    for (const [method, path, body, status] of asks) {
      const answer = await harness.call(method, path, body, { 'x-roles': 'load-balancer_member' });
      expect([method, path, answer.status]).toEqual([method, path, status]);
    }
  });
});
