import { afterAll, beforeAll, expect, it } from 'vitest';
import { runKiln } from '../kit/kiln-process.ts';
import { openServingCloud, type ServingCloud } from '../kit/serving-cloud.ts';

/** `kiln … --octavia` over an Octavia, which here is Kiln itself: a client that has nothing but clouds.yaml. */

let cloud: ServingCloud;
let environment: NodeJS.ProcessEnv;
const show = async (id: string) => (await cloud.bench.call('GET', `/loadbalancers/${id}`)).loadbalancer;

beforeAll(async () => {
  cloud = await openServingCloud();
  environment = { OS_CLIENT_CONFIG_FILE: cloud.dev.environment.OS_CLIENT_CONFIG_FILE };
}, 240_000);
afterAll(async () => {
  await cloud?.close();
}, 120_000);

const kiln = async (typed: string) => {
  const { status, output, stdout } = await runKiln([...typed.split(' '), '--os-cloud', 'kiln-dev'], environment);
  return { status, output, json: () => JSON.parse(stdout) };
};

async function create(fields: object = {}): Promise<string> {
  const id = await cloud.bench.create(fields);
  await expect
    .poll(() => show(id), { timeout: 120_000, interval: 100 })
    .toMatchObject({ provisioning_status: 'ACTIVE' });
  return id;
}

it('shows the fleet and plans a release; nothing is changed', async () => {
  const ids = [await create(), await create()].sort();
  const imageId = await cloud.dev.push('amphora-2');
  const fleet = (await kiln('fleet --octavia --json')).json();
  expect(fleet.totals).toMatchObject({ loadBalancers: 2, pairs: 0, amphorae: 2, behind: 0 });
  expect(fleet.tags).toMatchObject([{ tag: 'amphora', imageId: cloud.dev.imageId, candidates: 1 }]);

  const planned = await kiln(`release plan --octavia --image ${imageId} --json`);
  expect(planned.status, planned.output).toBe(0);
  const plan = planned.json();
  expect(plan).toMatchObject({
    loadBalancers: 2,
    image: { id: imageId },
    baseline: { taggedImageIds: [cloud.dev.imageId] },
  });
  expect(plan.checks).toContainEqual(expect.objectContaining({ name: 'way back', outcome: 'ok' }));
  expect(plan.checks.filter(({ outcome }: { outcome: string }) => outcome === 'stop')).toEqual([]);
  expect((await kiln(`release plan --octavia --image ${imageId} --quiet`)).output.split('\n').sort()).toEqual(ids);
  const shown = await kiln(`release plan --octavia --image ${imageId}`);
  expect(shown.output).toContain('The image is not pinned');
  expect(await cloud.dev.openstack.marks.read(imageId)).toBe(null);
}, 240_000);

it('says what to do where the tag is on no image, or the image is none', async () => {
  const none = await kiln('release plan --octavia --tag elsewhere');
  expect(none).toMatchObject({ status: 3 });
  expect(none.output).toMatch(/no active image carries the tag `elsewhere`.*\n.*--image/);
  expect((await kiln('release plan --octavia --image 00000000-0000-4000-8000-000000000000')).output).toContain('404');
}, 120_000);
