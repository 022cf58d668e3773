/**
 * `npm run bench:release [-- COUNT]`: so many load balancers (50) for real on the embedded cloud, a process of `kiln serve`, amphorae with
 * HAProxy, and a request to each of them again and again; then a release to all of them. Prints what failed, what was under way at once,
 * and how long it took. Another end than that all run the new image on the one tag fails the run. An amphora takes some 100 MiB.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { createSystemClock } from '../src/adapters/clock/system-clock.ts';
import { loadConfiguration } from '../src/config/load.ts';
import { wireReleases, wireResolver } from '../src/main/wire.ts';
import { createFakeLog } from '../test/kit/fakes/fake-log.ts';
import { openServingCloud, type ServingCloud } from '../test/kit/serving-cloud.ts';
import { machine, percentile, table } from './report.ts';

const COUNT = Number(process.argv[2] ?? 50);
const REQUEST_EVERY_MS = 500;
const REQUEST_LIMIT_MS = 5_000;
const LOOK_EVERY_MS = 250;
/** The defaults but for times: minutes of looking are not what is measured. */
const policy = {
  ...{ canary: 3, wavePercents: [10, 50, 100], maxParallel: 5, beforeSeconds: 15, settleSeconds: 2, watchSeconds: 15 },
  ...{ canaryBakeSeconds: 5, waveBakeSeconds: 5 },
};

if (!Number.isInteger(COUNT) || COUNT < 4) {
  console.error('How many load balancers? A whole number of at least 4, such as `npm run bench:release -- 10`.');
  process.exit(2);
}

const cloud = await openServingCloud({ OS_HEALTH_MANAGER__HEARTBEAT_INTERVAL: '5' });
try {
  await run(cloud);
} finally {
  await cloud.close();
}

async function run({ dev, harness, memberPort }: ServingCloud): Promise<void> {
  const fields = {
    listeners: [
      {
        ...{ protocol: 'HTTP', protocol_port: 8080 },
        default_pool: {
          ...{ name: 'pool', protocol: 'HTTP', lb_algorithm: 'ROUND_ROBIN' },
          members: [{ address: '127.0.0.1', protocol_port: memberPort }],
        },
      },
    ],
  };
  const made = await timed(async () => {
    const ids = await Promise.all(Array.from({ length: COUNT }, () => harness.create(fields)));
    for (;;) {
      const all = await Promise.all(ids.map((id) => harness.state.loadBalancers.get('loadbalancer', id)));
      const broken = all.find((one) => one?.provisioningStatus === 'ERROR');
      if (broken) throw new Error(`load balancer ${broken.id} is in ERROR`);
      if (all.every((one) => one?.provisioningStatus === 'ACTIVE')) return all.map((one) => one?.vip.address ?? '');
      await pause(LOOK_EVERY_MS);
    }
  });
  console.log(`${machine()}\n`);
  console.log(
    `${COUNT} load balancers were made in ${made.seconds.toFixed(0)} s; a request to each every ${REQUEST_EVERY_MS} ms.`,
  );

  const imageId = await dev.push('amphora-2');
  const { config } = loadConfiguration({ configFiles: [dev.cloud.configurationFile], environment: {} });
  const runtime = { clock: createSystemClock(), log: createFakeLog(), current: () => config };
  const releases = wireReleases(dev.openstack, harness.state, wireResolver(dev.openstack, runtime), runtime);
  const load = startLoad(made.value);
  await pause(5_000);
  const before = load.counts();

  const request = { imageId, tag: null, isAgain: false, policy };
  const { digest, expectedSeconds } = await releases.plan(request);
  let mostAtOnce = 0;
  const released = await timed(async () => {
    const who = { by: 'bench', reason: 'a measurement' };
    const { id } = (await releases.start({ ...request, planDigest: digest }, who)).spec;
    let shown = '';
    for (;;) {
      const { progress, tallies, endedAtMs } = await releases.get(id);
      mostAtOnce = Math.max(mostAtOnce, await harness.state.releases.countUnended(id));
      const line = `${progress.phase} wave ${progress.wave} ${JSON.stringify(tallies.counts)} ${progress.holds.map(({ code }) => code).join()}`;
      if (line !== shown) console.error(line);
      shown = line;
      if (endedAtMs !== null) return { progress, tallies };
      if (progress.holds.some(({ clears }) => clears === 'operator')) {
        throw new Error(`the release is held: ${JSON.stringify(progress.holds)}`);
      }
      await pause(LOOK_EVERY_MS);
    }
  });
  const after = load.counts();
  await load.stop();

  const { progress, tallies } = released.value;
  const amphorae = await harness.state.amphorae.list();
  const tagged = (await dev.openstack.images.list({ tags: ['amphora'] })).map(({ id }) => id);
  const figures = [
    ['end', progress.phase],
    ['moved, failed, skipped', `${tallies.counts.moved}, ${tallies.counts.failed}, ${tallies.counts.skipped}`],
    ['operations at once, of at most', `${mostAtOnce}, ${policy.maxParallel}`],
    ['it took; the plan said', `${released.seconds.toFixed(0)} s; ${expectedSeconds.toFixed(0)} s`],
    ['requests meanwhile, failed', `${after.sent - before.sent}, ${after.failed - before.failed}`],
    ['load balancers that had a failed request', String(load.failedAt().filter((count) => count > 0).length)],
    [
      'longest time that one did not answer: median, most',
      `${load
        .gaps()
        .map((ms) => `${ms} ms`)
        .join(', ')}`,
    ],
  ].map(([what = '', value = '']) => ({ what, value }));
  console.log(table(`A release to ${COUNT} load balancers under load`, figures));
  check(progress.phase === 'completed', `it is ${progress.phase}`);
  check(tallies.counts.moved === COUNT, `${tallies.counts.moved} of ${COUNT} were moved`);
  check(mostAtOnce <= policy.maxParallel, `${mostAtOnce} operations at once`);
  check(amphorae.length === COUNT && amphorae.every((one) => one.imageId === imageId), 'another image is in use, too');
  check(tagged.length === 1 && tagged[0] === imageId, `the tag is on ${tagged.join()}`);
}

async function timed<Value>(act: () => Promise<Value>): Promise<{ value: Value; seconds: number }> {
  const startMs = performance.now();
  const value = await act();
  return { value, seconds: (performance.now() - startMs) / 1000 };
}

function check(isTrue: boolean, what: string): void {
  if (!isTrue) throw new Error(`The release did not do what it has to: ${what}.`);
}

/** A client of each: the next request goes when the last one was answered, or failed, and its time has come. */
function startLoad(vips: readonly string[]) {
  const stop = new AbortController();
  const clients = vips.map(() => ({ sent: 0, failed: 0, longestGapMs: 0 }));
  const running = vips.map(async (vip, index) => {
    const client = clients[index];
    let answeredMs = performance.now();
    while (client && !stop.signal.aborted) {
      const isAnswered = await fetch(`http://${vip}:8080`, { signal: AbortSignal.timeout(REQUEST_LIMIT_MS) })
        .then(async (answer) => (await answer.text()) === 'member')
        .catch(() => false);
      client.sent++;
      if (isAnswered) {
        client.longestGapMs = Math.max(client.longestGapMs, performance.now() - answeredMs - REQUEST_EVERY_MS);
        answeredMs = performance.now();
      } else client.failed++;
      await pause(REQUEST_EVERY_MS);
    }
  });
  const sum = (of: (client: (typeof clients)[number]) => number) => clients.reduce((total, one) => total + of(one), 0);
  return {
    counts: () => ({ sent: sum(({ sent }) => sent), failed: sum(({ failed }) => failed) }),
    failedAt: () => clients.map(({ failed }) => failed),
    gaps: () =>
      [0.5, 1].map((share) =>
        Math.round(
          percentile(
            clients.map(({ longestGapMs }) => longestGapMs),
            share,
          ),
        ),
      ),
    async stop() {
      stop.abort();
      await Promise.all(running);
    },
  };
}
