import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { buildAmphoraImage } from '../../src/adapters/amphora-image/build.ts';
import type { LoadBalancerClient } from './load-balancer-client.ts';

const FLEET = 3;
const PAUSE_MS = 100;
/** Times of a policy for a demo: by default they are minutes. */
const policy = [
  ...['--canary', '1', '--wave-percents', '100', '--max-parallel', '2', '--before-seconds', '2'],
  ...['--settle-seconds', '1', '--watch-seconds', '3', '--canary-bake-seconds', '1', '--wave-bake-seconds', '0'],
];

/** What the demo lends to a part of it. */
export interface ReleaseDemo {
  folder: string;
  client: LoadBalancerClient;
  members: readonly { port: number }[];
  say(text: string): void;
  claim(what: string, holds: boolean, seen?: string): void;
  run(
    arguments_: string[],
    options: { show: 'live' | 'nothing' },
  ): Promise<{ exitCode: number | null; output: string }>;
  // biome-ignore lint/suspicious/noExplicitAny: a wrong guess about a document fails a claim.
  ask(arguments_: string[]): Promise<any>;
  requests(vip: string, count: number): Promise<string[]>;
}

export interface Serving {
  id: string;
  vip: string;
}

/**
 * Three releases to a small fleet under load: of a good image, of one that fails its probe, and of one that passes the probe and breaks
 * traffic.
 */
export async function showReleases(demo: ReleaseDemo): Promise<{ id: string }[]> {
  const { say, claim } = demo;
  const [fleet, good, deaf, broken] = await Promise.all([
    makeFleet(demo, FLEET),
    pushImage(demo, 'amphora-3.0', null),
    pushImage(demo, 'amphora-4.0', 'does-not-start'),
    pushImage(demo, 'amphora-5.0', 'reaches-no-member'),
  ]);
  const imagesNow = async () =>
    (await Promise.all(fleet.map(({ id }) => demo.client.amphoraOf(id)))).map((one) => one.image_id);
  const isEverywhere = async (imageId: string) => (await imagesNow()).every((one) => one === imageId);
  const nextImage = async () => String((await demo.ask(['image', 'resolve'])).choice.imageId);

  say('  A good image, amphora-3.0:');
  const done = await release(demo, fleet, good);
  claim(
    'every load balancer runs it, and the next one will',
    (await isEverywhere(good)) && (await nextImage()) === good,
  );
  claim(
    'hardly a request fails: of one in a hundred at most the connection was open when an address changed hands',
    done.exitCode === 0 && done.failed <= Math.max(FLEET, done.sent / 100),
    `exit status ${done.exitCode}, ${done.failed} of ${done.sent} failed`,
  );

  say('\n  One whose HAProxy does not start, amphora-4.0:');
  const rejected = await release(demo, fleet, deaf);
  claim(
    'it ends at its probe: no load balancer is touched',
    rejected.phase === 'rejected' && (await isEverywhere(good)),
    rejected.phase,
  );
  claim('and no request fails', rejected.failed === 0, String(rejected.failed));

  say('\n  One that passes the probe and breaks traffic, amphora-5.0: it reaches no member');
  const bad = await release(demo, fleet, broken);
  claim(
    'it stops at the canary and is rolled back',
    bad.phase === 'rolled-back' && (await isEverywhere(good)),
    bad.phase,
  );
  claim(
    'only one of them noticed: requests to the others did not fail',
    bad.failedAt.filter((count) => count > 0).length <= 1,
    String(bad.failedAt),
  );
  claim('the tag is where it was', (await nextImage()) === good);
  const answers = (await Promise.all(fleet.map(({ vip }) => demo.requests(vip, 1)))).flat();
  claim('all of them answer', answers.every(isAnswer), answers.join(', '));
  return fleet;
}

/** Load balancers that answer. */
export async function makeFleet(
  { client, members, requests, say }: Pick<ReleaseDemo, 'client' | 'members' | 'requests' | 'say'>,
  size: number,
  name = 'fleet',
): Promise<Serving[]> {
  const made = await Promise.all(
    Array.from({ length: size }, (_, n) => client.create(`${name}-${n + 1}`, members, { isMonitored: true })),
  );
  const fleet = await Promise.all(
    made.map(async ({ id }) => ({ id, vip: (await client.untilSettled(id)).vip_address })),
  );
  say(`  ${size} load balancers, and a request to each of them every ${PAUSE_MS} ms all the while`);
  for (const { vip } of fleet) {
    for (let tries = 0; tries < 100 && !(await requests(vip, 1)).every(isAnswer); tries++) await sleep(PAUSE_MS);
  }
  return fleet;
}

/**
 * Without a tag.
 * @param fault what is wrong with it, by its name in `bad-image.ts`.
 * @returns its ID.
 */
export async function pushImage(
  { folder, run, ask }: Pick<ReleaseDemo, 'folder' | 'run' | 'ask'>,
  name: string,
  fault: string | null,
): Promise<string> {
  const output = join(folder, `${name}.img`);
  const bad = fault && { entry: join(import.meta.dirname, 'bad-image.ts'), extraFiles: { fault } };
  await buildAmphoraImage({ output, name: 'amphora', version: name.slice('amphora-'.length), ...bad });
  await run(['image', 'push', output, '--name', name, '--no-tag'], { show: 'nothing' });
  const images: { id: string; name: string }[] = await ask(['image', 'list']);
  return images.find((one) => one.name === name)?.id ?? '';
}

/** Releases an image under load, shown as it goes: on a terminal drawn over and over, else a line for each event. */
async function release(demo: ReleaseDemo, fleet: readonly Serving[], imageId: string) {
  const load = fleet.map(({ vip }) => startLoad(demo, vip));
  const { exitCode } = await demo.run(['release', 'start', '--yes', '--wait', '--image', imageId, ...policy], {
    show: 'live',
  });
  const counts = await Promise.all(load.map((one) => one.end()));
  const [newest] = await demo.ask(['release', 'list']);
  const sum = (numbers: readonly number[]) => numbers.reduce((all, one) => all + one, 0);
  const failed = sum(counts.map((one) => one.failed));
  const sent = sum(counts.map((one) => one.sent));
  demo.say(`  requests meanwhile: ${sent}; failed: ${failed}`);
  return { exitCode, phase: String(newest?.phase), sent, failed, failedAt: counts.map((one) => one.failed) };
}

/** One request after the other, without waiting for the one before. */
export function startLoad({ requests }: Pick<ReleaseDemo, 'requests'>, vip: string) {
  let hasEnded = false;
  let failed = 0;
  const asked: Promise<void>[] = [];
  const going = (async () => {
    while (!hasEnded) {
      asked.push(
        requests(vip, 1).then((answers) => {
          if (!answers.every(isAnswer)) failed++;
        }),
      );
      await sleep(PAUSE_MS);
    }
  })();
  return {
    async end() {
      hasEnded = true;
      await going;
      await Promise.all(asked);
      return { sent: asked.length, failed };
    },
  };
}

const isAnswer = (text: string) => text.startsWith('member');
