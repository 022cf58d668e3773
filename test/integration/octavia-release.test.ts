import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { runKiln, startKiln } from '../kit/kiln-process.ts';
import { openServingCloud, type ServingCloud } from '../kit/serving-cloud.ts';

/** `kiln … --octavia` over an Octavia, which here is Kiln itself: a client that has nothing but clouds.yaml. */

let cloud: ServingCloud;
let environment: NodeJS.ProcessEnv;
const show = async (id: string) => (await cloud.harness.call('GET', `/loadbalancers/${id}`)).loadbalancer;

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
  const id = await cloud.harness.create(fields);
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

const quickly =
  '--canary 1 --before-seconds 0 --settle-seconds 0 --watch-seconds 1 --canary-bake-seconds 0 --wave-bake-seconds 0 --poll-seconds 1';
const steps = (stateFile: string) => `--octavia --state-file ${stateFile}`;
const imagesOf = async (id: string) =>
  (await cloud.harness.state.amphorae.list({ loadBalancerId: id }))
    .filter(({ status }) => status === 'ALLOCATED')
    .map(({ imageId }) => imageId);
const taggedNow = async () => (await cloud.dev.openstack.images.list({ tags: ['amphora'] })).map(({ id }) => id);

it('releases to real amphorae, killed again and again; then another image, taken back half way', async () => {
  const ids = (await cloud.harness.call('GET', '/loadbalancers')).loadbalancers.map(({ id }: { id: string }) => id);
  const [next] = await cloud.dev.openstack.images.list({ name: 'amphora-2' });
  const imageId = next?.id ?? expect.unreachable();
  const stateFile = join(cloud.dev.folder, 'release.jsonl');
  const start = `release start ${steps(stateFile)} --image ${imageId} --probe-subnet ${cloud.harness.vipSubnetId} --yes ${quickly}`;
  const typed = (words: string) => [...words.split(' '), '--os-cloud', 'kiln-dev'];

  // kill -9 soon after each line, as long as there are kills left.
  let lines = 0;
  const linesNow = () => {
    const isThere = statSync(stateFile, { throwIfNoEntry: false }) !== undefined;
    return isThere ? readFileSync(stateFile, 'utf8').split('\n').length - 1 : 0;
  };
  for (let kill = 0; kill < 12; kill++) {
    const process = startKiln(
      typed(linesNow() === 0 ? start : `release resume ${steps(stateFile)} --poll-seconds 1`),
      environment,
    );
    let hasEnded = false;
    void process.ended.then(() => {
      hasEnded = true;
    });
    // Its own word that it goes on is one line, of which the kill is not to be the only effect.
    await expect.poll(() => hasEnded || linesNow() >= lines + 4, { timeout: 120_000, interval: 20 }).toBe(true);
    await process.kill();
    lines = linesNow();
    if (readFileSync(stateFile, 'utf8').includes('"completed"')) break;
  }
  const ended = await kiln(`release resume ${steps(stateFile)} --poll-seconds 1 --json`);
  expect(ended.status, ended.output).toBe(0);
  expect(ended.json()).toMatchObject({ phase: 'completed', tagIsOn: 'new', counts: { moved: ids.length } });
  for (const id of ids) expect(await imagesOf(id)).toEqual([imageId]);
  expect(await taggedNow()).toEqual([imageId]);
  // Nothing of the probe is left: no load balancer, no flavor, no tag, no mark.
  expect((await cloud.harness.call('GET', '/loadbalancers')).loadbalancers).toHaveLength(ids.length);
  expect((await cloud.harness.call('GET', '/flavors')).flavors).toEqual([]);
  expect((await cloud.harness.call('GET', '/flavorprofiles')).flavorprofiles).toEqual([]);
  expect((await cloud.dev.openstack.images.get(imageId)).tags).toEqual(['amphora']);
  expect(await cloud.dev.openstack.marks.read(imageId)).toBe(null);

  const thirdId = await cloud.dev.push('amphora-3');
  const second = join(cloud.dev.folder, 'second.jsonl');
  const held = await kiln(
    `release start ${steps(second)} --image ${thirdId} --without-probe --yes ${quickly} --gate-after-wave 0`,
  );
  expect(held.status, held.output).toBe(8);
  expect(held.output).toContain('GATE: the canary is done');
  // Another operator, who knows nothing of that file.
  const other = await kiln(
    `release start ${steps(join(cloud.dev.folder, 'third.jsonl'))} --image ${imageId} --without-probe --yes`,
  );
  expect(other.output).toMatch(/release .* is at image/);
  const back = await kiln(`release rollback ${steps(second)} --reason errors --poll-seconds 1`);
  expect(back.status, back.output).toBe(0);
  for (const id of ids) expect(await imagesOf(id)).toEqual([imageId]);
  expect(await taggedNow()).toEqual([imageId]);
  const shown = await kiln(`release show ${steps(second)}`);
  expect(shown.output).toContain('ROLLED-BACK');
}, 600_000);

it('says what to do where the tag is on no image, or the image is none', async () => {
  const none = await kiln('release plan --octavia --tag elsewhere');
  expect(none).toMatchObject({ status: 3 });
  expect(none.output).toMatch(/no active image carries the tag `elsewhere`.*\n.*--image/);
  expect((await kiln('release plan --octavia --image 00000000-0000-4000-8000-000000000000')).output).toContain('404');
}, 120_000);
