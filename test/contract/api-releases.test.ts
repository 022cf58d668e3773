import { afterEach, beforeEach, expect, it } from 'vitest';
import {
  newImageId as newId,
  oldImageId as oldId,
  openReleaseHarness,
  type ReleaseHarness,
} from '../kit/release-harness.ts';

/** `POST /v2/kiln/releases/plan`, over a real database and a Glance in memory. */

const owner = 'service-project';
let harness: ReleaseHarness;

beforeEach(async () => {
  harness = await openReleaseHarness();
});
afterEach(() => harness.close());

const ask = (body: object, headers?: Record<string, string>) =>
  harness.call('POST', '/v2/kiln/releases/plan', body, headers);
const refusal = async (body: object) => {
  const answer = await ask(body);
  return `${answer.status} ${answer.body.faultstring}`;
};

it('tells waves, what is left out, and how long it may take; nothing is changed', async () => {
  for (let n = 0; n < 5; n++) await harness.hasLoadBalancer();
  const [done, noAmphora] = [
    await harness.hasLoadBalancer({ imageId: newId }),
    await harness.hasLoadBalancer({ status: 'ERROR' }),
  ];
  const rows = () => harness.database.selectFrom('kiln_load_balancer').selectAll().execute();
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
  expect([await rows(), (await harness.images.get(newId)).tags]).toEqual([before, []]);
  expect(await harness.database.selectFrom('kiln_release').selectAll().execute()).toEqual([]);
  await harness.hasLoadBalancer();
  expect((await ask({ image_id: newId })).body.plan.digest).not.toBe(body.plan.digest);
});

it('is for the load balancers of one tag: the flavor’s, else the configuration’s', async () => {
  const flavor_data = JSON.stringify({ amp_image_tag: 'special' });
  const profile = { flavorprofile: { name: 'p', provider_name: 'amphora', flavor_data } };
  const { id: profileId } = (await harness.call('POST', '/lbaas/flavorprofiles', profile)).body.flavorprofile;
  const flavor = { flavor: { name: 'f', flavor_profile_id: profileId } };
  const { id: flavorId } = (await harness.call('POST', '/lbaas/flavors', flavor)).body.flavor;
  const plain = await harness.hasLoadBalancer();
  const special = await harness.hasLoadBalancer({}, { flavor_id: flavorId });
  const planOf = async (tag?: string) =>
    await harness.deps.releases.plan({ imageId: newId, tag: tag ?? null, isAgain: false, policy: {} });
  const idsOf = async (tag?: string) => (await planOf(tag)).targets.map(({ loadBalancerId }) => loadBalancerId);
  expect([await idsOf(), await idsOf('special'), await idsOf('nobody')]).toEqual([[plain], [special], []]);
  expect((await planOf('special')).probes).toEqual([{ flavorId, zone: null }]);
});

it('without an image it is about the one that the tag gives', async () => {
  await harness.hasLoadBalancer();
  expect((await ask({})).body.plan).toMatchObject({ image: { id: oldId }, load_balancers: 0, waves: [] });
});

it.each([
  ['is queued', { status: 'queued' }],
  ['is deactivated', { status: 'deactivated' }],
  ['is hidden', { osHidden: true }],
  ['belongs to project tenant', { owner: 'tenant' }],
  ['min_disk', { minDiskGiB: 100 }],
])('an image that %s is 400, with the reason', async (why, fields) => {
  await harness.hasLoadBalancer();
  harness.images.put({ ...(await harness.images.get(newId)), ...fields });
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
  harness.settings.imageId = oldId;
  expect(await refusal({ image_id: newId })).toMatch(/^400 images are released by tag/);
  Object.assign(harness.settings, { imageId: '', tag: '' });
  expect(await refusal({ image_id: newId })).toMatch(/^400 images are released by tag/);
});

it('an image whose content was rejected is 409 unless it is asked for again', async () => {
  await harness.hasLoadBalancer();
  const rejected = { hash_algo: 'sha512', hash: 'h2', release_id: 'r-1', at_ms: 0 };
  await harness.database.insertInto('kiln_rejected_image').values(rejected).execute();
  expect(await refusal({ image_id: newId })).toMatch(/^409 .*release r-1 rejected/);
  expect((await ask({ image_id: newId, again: true })).body.plan.load_balancers).toBe(1);
});

it('takes the policy, all of it, and the digest covers it', async () => {
  await harness.hasLoadBalancer();
  const usual = (await ask({ image_id: newId })).body.plan;
  const windows = [{ cron: '0 22 * * 1-5', zone: 'Europe/Berlin', duration_minutes: 240 }];
  const policy = {
    canary: 1,
    wave_percents: [0.5, 10, 100],
    max_parallel: 2,
    before_seconds: 0,
    settle_seconds: 0,
    watch_seconds: 5,
    canary_bake_seconds: 10,
    wave_bake_seconds: 11,
    canary_max_failures: 1,
    max_failures: 7,
    on_canary_failure: 'pause',
    on_failure: 'rollback',
    max_unwell_percent: 12.5,
    tries: 2,
    probe_seconds: 60,
    mixed_seconds: 120,
    windows,
    gates_after_waves: [1, 0, 1],
  };
  const { status, body } = await ask({ image_id: newId, policy });
  expect([status, body.plan?.policy]).toEqual([200, { ...policy, gates_after_waves: [0, 1], again: false }]);
  const partsOf = (digest: string) => digest.split('-');
  const differing = (digest: string) =>
    partsOf(digest).flatMap((part, index) => (part === partsOf(usual.digest)[index] ? [] : [index]));
  expect(differing(body.plan.digest)).toEqual([2]);
  for (const [field, value] of Object.entries(policy)) {
    const other = (await ask({ image_id: newId, policy: { [field]: value } })).body.plan;
    expect([field, differing(other.digest)]).toEqual([field, [2]]);
  }
  // What is by default, said or left out, is the same plan.
  const same = (await ask({ image_id: newId, policy: { canary: 3, windows: null } })).body.plan;
  expect(same.digest).toBe(usual.digest);
});

it.each([
  [{ canary: -1 }, "field/attribute canary. Value: '-1'. Value should be greater or equal to 0"],
  [{ max_parallel: 101 }, "field/attribute max_parallel. Value: '101'. Value should be lower or equal to 100"],
  [{ watch_seconds: 1.5 }, 'watch_seconds'],
  [{ on_failure: 'ignore' }, 'Value should be one of: rollback, pause'],
  [{ max_unwell_percent: 101 }, 'lower or equal to 100'],
  [{ max_unwell_percent: 'some' }, 'Value should be a number'],
  [{ wave_percents: [5, 1, 100] }, 'wave_percents is "5,1,100"; allowed are at most 20 percentages'],
  [{ wave_percents: [] }, 'the last one 100'],
  [{ gates_after_waves: [4] }, 'gates_after_waves is "4"; allowed are waves from 0 (the canary) to 3'],
  [{ windows: [{ cron: '0 22 * *', zone: 'UTC', duration_minutes: 60 }] }, 'has 4 fields and must have 5'],
  [{ windows: [{ cron: '0 99 * * *', zone: 'UTC', duration_minutes: 60 }] }, 'windows: cron: hour "99"'],
  [{ windows: [{ cron: '0 22 * * *', zone: 'Mars/Base', duration_minutes: 60 }] }, 'zone is "Mars/Base"'],
  [{ windows: [{ cron: '0 22 * * *', zone: 'UTC', duration_minutes: 0 }] }, 'duration_minutes'],
  [{ windows: [{ cron: '0 22 * * *', zone: 'UTC', duration_minutes: 5 }] }, 'none is ever open for 6 minutes'],
  [{ windows: [{ cron: '0 0 30 2 *', zone: 'UTC', duration_minutes: 600 }] }, 'none is ever open'],
  [{ windows: [{ cron: '0 22 * * *' }] }, 'Mandatory field missing'],
  [{ speed: 'fast' }, 'Unknown attribute for argument plan.policy: speed'],
])('a policy of %j is 400, and says what is allowed', async (policy, why) => {
  await harness.hasLoadBalancer();
  const said = await refusal({ image_id: newId, policy });
  expect(said).toMatch(/^400 /);
  expect(said).toContain(why);
});
