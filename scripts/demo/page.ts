import { setTimeout as sleep } from 'node:timers/promises';
import { createLoadBalancerClient, readAccount } from './load-balancer-client.ts';
import { makeFleet, pushImage, type ReleaseDemo, startLoad } from './release.ts';

const FLEET = 6;
const LOOK_EVERY_MS = 500;
/** Two waves behind the canary, one move at a time; times are minutes by default. */
const policy = [
  ...['--canary', '1', '--wave-percents', '50,100', '--max-parallel', '1', '--before-seconds', '2'],
  ...['--settle-seconds', '1', '--watch-seconds', '3', '--canary-bake-seconds', '1', '--wave-bake-seconds', '1'],
];
const PAUSED_BECAUSE = 'half of the fleet has it: look at the page, then resume';
const LOST_TAG = 'amphora-special';

/** What the demo lends to a part of it. */
export interface PageDemo extends ReleaseDemo {
  /** PIDs of what runs on a server of the cloud. */
  processesOf(serverId: string): number[];
}

/** Makes something to look at, and says where the page is: a fleet, a release in its second wave, traffic, and what is wrong. */
export async function leavePageRunning(demo: PageDemo): Promise<void> {
  const { folder, client, say, claim } = demo;
  say('\n2. A small fleet under load, a load balancer of a tenant, and a sick one');
  const tenant = await createLoadBalancerClient(folder, 'kiln-dev-demo');
  const [fleet, imageId, [shop], sick] = await Promise.all([
    makeFleet(demo, FLEET),
    pushImage(demo, 'amphora-3.0', null),
    makeFleet({ ...demo, client: tenant, say: () => {} }, 1, 'shop'),
    makeSickOne(demo),
  ]);
  for (const { vip } of [...fleet, ...(shop ? [shop] : [])]) startLoad(demo, vip);
  claim(
    `one is in ERROR: its amphora died, and the image with the tag of its flavor, ${LOST_TAG}, is deleted`,
    sick === 'ERROR',
    sick,
  );

  say('\n3. A release of amphora-3.0, up to the middle of its second wave');
  await demo.run(['release', 'start', '--yes', '--image', imageId, ...policy], { show: 'nothing' });
  const release = await untilSecondWave(demo);
  claim('it is in its second wave', release.wave === 2 && release.phase === 'rolling', release.phase);
  await demo.run(['release', 'pause', release.id, '--reason', PAUSED_BECAUSE], { show: 'nothing' });

  const [admin, user] = [readAccount(folder, 'kiln-dev'), readAccount(folder, 'kiln-dev-demo')];
  say(`
The page:  ${client.pageUrl}
  Sign in as ${admin.username} with the password ${admin.password}: all there is.
  Or as ${user.username} with the password ${user.password}: what a tenant sees.

  Attention   the sick load balancer, and what to do about it
  Releases    the release: resume it, roll it back, or follow it
  Fleet       which image runs where; Events: what happens meanwhile

It runs until you press Ctrl-C, which ends everything and leaves nothing behind.`);
}

/** Its amphora is dead, and the image that it ran, the only one with the tag of its flavor, is deleted: nothing can take its place. */
async function makeSickOne(demo: PageDemo): Promise<string> {
  const { client, members, run, processesOf } = demo;
  const imageId = await pushImage(demo, 'amphora-special', null);
  await run(['image', 'tag', imageId, LOST_TAG], { show: 'nothing' });
  const flavorId = await client.createFlavor({ amp_image_tag: LOST_TAG });
  const { id } = await client.create('sick', members, { flavorId });
  await client.untilSettled(id);
  const { compute_id: serverId } = await client.amphoraOf(id);
  await client.deleteImage(imageId);
  for (const pid of processesOf(serverId)) process.kill(pid, 'SIGKILL');
  return await client.untilInError(id);
}

async function untilSecondWave({ ask }: ReleaseDemo) {
  for (;;) {
    const release = await ask(['release', 'show']);
    const isUnderWay = release.wave === 2 && (release.counts.pending ?? 0) < FLEET / 2;
    if (isUnderWay || release.hasEnded) return release;
    await sleep(LOOK_EVERY_MS);
  }
}
