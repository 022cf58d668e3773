import { afterEach, beforeEach, expect, it } from 'vitest';
import { createAmphoraStore } from '../../src/adapters/storage/amphora-store.ts';
import { createFlavorStore } from '../../src/adapters/storage/flavor-store.ts';
import { createReleaseStore } from '../../src/adapters/storage/release-store.ts';
import type { Amphora } from '../../src/model/amphora.ts';
import { createImageResolver } from '../../src/services/image-resolver.ts';
import { createReleasePlanner } from '../../src/services/release-planner.ts';
import { openStoredApiHarness, type StoredApiHarness, subnetId } from '../kit/api.ts';
import { anImage } from '../kit/builders.ts';
import { storedAmphora } from '../kit/contract/amphora-store.ts';
import { createFakeImages } from '../kit/fakes/fake-images.ts';
import { createFakeLog } from '../kit/fakes/fake-log.ts';

/** `POST /v2/kiln/releases/plan`, over a real database and a Glance in memory. */

const owner = 'service-project';
const [oldId, newId] = ['11110000-0000-4000-8000-000000000001', '11110000-0000-4000-8000-000000000002'];
let bench: StoredApiHarness;
let images: ReturnType<typeof createFakeImages>;
let settings = { tag: 'amphora', imageId: '', flavorId: 'nova-1' };

beforeEach(async () => {
  settings = { tag: 'amphora', imageId: '', flavorId: 'nova-1' };
  images = createFakeImages();
  images.put(
    anImage({ id: oldId, name: 'amphora-1', owner, tags: ['amphora'], hashAlgorithm: 'sha512', hashValue: 'h1' }),
  );
  images.put(anImage({ id: newId, name: 'amphora-2', owner, tags: [], hashAlgorithm: 'sha512', hashValue: 'h2' }));
  bench = await openStoredApiHarness(
    {},
    {
      around: (deps) => ({ ...deps, planRelease: (request) => plan()(request) }),
    },
  );
});
afterEach(() => bench.close());

function plan() {
  const { database, deps } = bench;
  const { clock } = deps;
  const resolver = createImageResolver({
    images,
    identity: { authenticatedAs: async () => ({ projectId: owner }) } as never,
    compute: {
      getFlavor: async (id) => ({ id, name: id, ramMiB: 2048, diskGiB: 10, vcpus: 1, extraSpecs: {} }) as never,
    },
    settings: () => ({ ampImageId: '', ampImageTag: settings.tag, ampImageOwnerId: '', ampImageTagPolicy: 'newest' }),
    clock,
    log: createFakeLog(),
  });
  const flavors = createFlavorStore(database, clock);
  return createReleasePlanner({
    releases: createReleaseStore(database, clock),
    flavors,
    resolver,
    images,
    settings: () => settings,
  });
}

async function hasLoadBalancer(over: Partial<Amphora> = {}, fields: object = {}): Promise<string> {
  const body = { loadbalancer: { vip_subnet_id: subnetId, ...fields } };
  const { id } = (await bench.call('POST', '/lbaas/loadbalancers', body)).body.loadbalancer;
  await bench.settleAll();
  const amphora = storedAmphora(`a-${id}`.slice(0, 36), {
    loadBalancerId: id,
    status: 'ALLOCATED',
    imageId: oldId,
    ...over,
  });
  await createAmphoraStore(bench.database, bench.deps.clock).insert(amphora);
  return id;
}

const ask = (body: object, headers?: Record<string, string>) =>
  bench.call('POST', '/v2/kiln/releases/plan', body, headers);
const refusal = async (body: object) => {
  const answer = await ask(body);
  return `${answer.status} ${answer.body.faultstring}`;
};

it('tells waves, what is left out, and how long it may take; nothing is changed', async () => {
  for (let n = 0; n < 5; n++) await hasLoadBalancer();
  const [done, noAmphora] = [await hasLoadBalancer({ imageId: newId }), await hasLoadBalancer({ status: 'ERROR' })];
  const rows = () => bench.database.selectFrom('kiln_load_balancer').selectAll().execute();
  const before = await rows();
  const { status, body } = await ask({ image_id: newId });
  expect([status, body]).toMatchObject([
    200,
    {
      plan: {
        tag: 'amphora',
        image: { id: newId, name: 'amphora-2', hash: 'h2', owner_id: owner },
        tagged_image_ids: [oldId],
        load_balancers: 5,
        probes: [{ flavor_id: null, availability_zone: null }],
        waves: [
          { wave: 0, load_balancers: 3, pairs: 0 },
          { wave: 1, load_balancers: 2, pairs: 0 },
        ],
        expected_move_seconds: 60,
      },
    },
  ]);
  expect(body.plan.skipped).toEqual(
    expect.arrayContaining([
      { reason: 'runs the image already', load_balancers: 1, examples: [done] },
      { reason: 'has no amphora that serves', load_balancers: 1, examples: [noAmphora] },
    ]),
  );
  expect((await ask({ image_id: newId })).body.plan.digest).toBe(body.plan.digest);
  expect([await rows(), (await images.get(newId)).tags]).toEqual([before, []]);
  expect(await bench.database.selectFrom('kiln_release').selectAll().execute()).toEqual([]);
  await hasLoadBalancer();
  expect((await ask({ image_id: newId })).body.plan.digest).not.toBe(body.plan.digest);
});

it('is for the load balancers of one tag: the flavor’s, else the configuration’s', async () => {
  const flavor_data = JSON.stringify({ amp_image_tag: 'special' });
  const profile = { flavorprofile: { name: 'p', provider_name: 'amphora', flavor_data } };
  const { id: profileId } = (await bench.call('POST', '/lbaas/flavorprofiles', profile)).body.flavorprofile;
  const flavor = { flavor: { name: 'f', flavor_profile_id: profileId } };
  const { id: flavorId } = (await bench.call('POST', '/lbaas/flavors', flavor)).body.flavor;
  const plain = await hasLoadBalancer();
  const special = await hasLoadBalancer({}, { flavor_id: flavorId });
  const planOf = async (tag?: string) => await plan()({ imageId: newId, tag: tag ?? null, isAgain: false });
  const idsOf = async (tag?: string) => (await planOf(tag)).targets.map(({ loadBalancerId }) => loadBalancerId);
  expect([await idsOf(), await idsOf('special'), await idsOf('nobody')]).toEqual([[plain], [special], []]);
  expect((await planOf('special')).probes).toEqual([{ flavorId, zone: null }]);
});

it('without an image it is about the one that the tag gives', async () => {
  await hasLoadBalancer();
  expect((await ask({})).body.plan).toMatchObject({ image: { id: oldId }, load_balancers: 0, waves: [] });
});

it.each([
  ['is queued', { status: 'queued' }],
  ['is deactivated', { status: 'deactivated' }],
  ['is hidden', { osHidden: true }],
  ['belongs to project tenant', { owner: 'tenant' }],
  ['min_disk', { minDiskGiB: 100 }],
])('an image that %s is 400, with the reason', async (why, fields) => {
  await hasLoadBalancer();
  images.put({ ...(await images.get(newId)), ...fields });
  const said = await refusal({ image_id: newId });
  expect(said).toMatch(/^400 /);
  expect(said).toContain(why === 'min_disk' ? '100 GiB' : why);
});

it('an image that is not there is 400, a field that is not known too', async () => {
  const nobody = '99999999-9999-4999-8999-999999999999';
  expect(await refusal({ image_id: nobody })).toContain(`400 Glance has no image ${nobody}`);
  expect(await refusal({ image_id: 'x' })).toMatch(/^400 /);
  expect(await refusal({ images: [] })).toMatch(/^400 /);
});

it('where amp_image_id decides, or no tag, nothing is released', async () => {
  settings = { ...settings, imageId: oldId };
  expect(await refusal({ image_id: newId })).toMatch(/^400 images are released by tag/);
  settings = { ...settings, imageId: '', tag: '' };
  expect(await refusal({ image_id: newId })).toMatch(/^400 images are released by tag/);
});

it('an image whose content was rejected is 409 unless it is asked for again', async () => {
  await hasLoadBalancer();
  const rejected = { hash_algo: 'sha512', hash: 'h2', release_id: 'r-1', at_ms: 0 };
  await bench.database.insertInto('kiln_rejected_image').values(rejected).execute();
  expect(await refusal({ image_id: newId })).toMatch(/^409 .*release r-1 rejected/);
  expect((await ask({ image_id: newId, again: true })).body.plan.load_balancers).toBe(1);
});
