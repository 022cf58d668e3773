/**
 * `npm run bench:fleet`: releases to 80, 800, 8,000 and 80,000 load balancers, decided by the real planner, in a cloud and a time that are
 * made up: a third are pairs, one host in a hundred is bad, the API fails now and then, failovers arrive all the while. Then an
 * image that passes its probe and breaks traffic. A limit that is exceeded, or another end than the right one, fails the run.
 */
import { inferNextSteps } from '../src/core/releases/infer-next-steps.ts';
import { endedPhases } from '../src/model/release.ts';
import { aFleet, type Member, newImageId } from '../test/kit/release-world/fleet.ts';
import { ReleaseWorld } from '../test/kit/release-world/world.ts';
import { machine, percentile } from './report.ts';

const sizes = [80, 800, 8_000, 80_000];
/** What operators' scripts take for one load balancer, one after the other. */
const SCRIPT_SECONDS = 60;
const startMs = Date.UTC(2026, 2, 20, 2);

interface Run {
  size: number;
  world: ReleaseWorld;
  stepMicroseconds: number[];
  mostAtOnce: number;
  mostUnproven: number;
  hours: number;
}

/** A fleet of which a share of all moves fails by a bad host, and some by an API that fails. */
function fleetOf(size: number, health: Member['health'] = 'pass'): ReleaseWorld {
  const members = Array.from(
    { length: size },
    (_, index): Member => ({ isPair: index % 3 === 2, health: health ?? 'pass' }),
  );
  return new ReleaseWorld({
    ...aFleet(members),
    seed: size,
    startMs,
    fate: (random) => {
      const roll = random.integer(1000);
      return roll < 10 ? 'place' : roll < 13 ? 'cloud' : 'done';
    },
  });
}

/** Every minute of the made-up time a repair arrives in about one of twenty, and takes one. */
function disturb(world: ReleaseWorld, untilMs: number): void {
  for (let ms = world.nowMs; ms < untilMs; ms += 60_000) {
    const queued = world.random.integer(20) === 0 ? 1 : 0;
    world.repairs = { running: world.repairs.queued, queued };
  }
}

function run(size: number, world: ReleaseWorld): Run {
  const result: Run = { size, world, stepMicroseconds: [], mostAtOnce: 0, mostUnproven: 0, hours: 0 };
  for (;;) {
    const window = world.window();
    const beganMs = performance.now();
    const decision = inferNextSteps(window, world.spec, world.nowMs);
    result.stepMicroseconds.push((performance.now() - beganMs) * 1000);
    world.commit(decision);
    for (const step of decision.steps) world.act(step);
    result.mostAtOnce = Math.max(result.mostAtOnce, world.unended.size);
    result.mostUnproven = Math.max(result.mostUnproven, window.counts.moving + window.counts.watching);
    if (endedPhases.includes(world.progress.phase)) break;
    if (world.progress.holds.some(({ clears }) => clears === 'operator')) world.say('run', 'the operator looked');
    const nextMs = Math.min(
      decision.wakeAtMs ?? Number.POSITIVE_INFINITY,
      world.nextEndMs() ?? Number.POSITIVE_INFINITY,
    );
    disturb(world, nextMs);
    world.advanceTo(nextMs);
  }
  result.hours = (world.nowMs - startMs) / 3_600_000;
  return result;
}

function count({ world }: Run, ...states: string[]): number {
  return [...world.targets.values()].filter(({ state }) => states.includes(state)).length;
}

function check(isTrue: boolean, what: string): void {
  if (!isTrue) throw new Error(`The release did not do what it has to: ${what}.`);
}

function checkLimits({ world, mostAtOnce, mostUnproven }: Run): void {
  const { maxParallel } = world.spec.policy;
  check(mostAtOnce <= maxParallel, `${mostAtOnce} operations at once, ${maxParallel} allowed`);
  check(mostUnproven <= 4 * maxParallel, `${mostUnproven} unproven, ${4 * maxParallel} allowed`);
}

function row(cells: readonly (string | number)[]): string {
  return `| ${cells.join(' | ')} |`;
}

const hours = (value: number) => `${value.toFixed(1)} h`;

// What is compiled while it runs is not the planner's cost.
run(800, fleetOf(800));
console.log(`${machine()}\n\n### A good image\n`);
console.log(
  row([
    'load balancers',
    'moved',
    'failed',
    'operations at once',
    'one decision: median',
    '99 %',
    'decisions',
    'it takes',
    'a script, one by one',
    'five at once',
  ]),
);
console.log(row(Array.from({ length: 10 }, () => '---')));
for (const size of sizes) {
  const one = run(size, fleetOf(size));
  checkLimits(one);
  check(one.world.progress.phase === 'completed', `it is ${one.world.progress.phase}`);
  check(one.world.tagged.size === 1 && one.world.tagged.has(newImageId), 'the tag is elsewhere');
  const moved = count(one, 'moved');
  const left = count(one, 'failed', 'skipped', 'reverted');
  check(moved + left === size, `${size - moved - left} load balancers have no end`);
  const [median, slow] = [0.5, 0.99].map((share) => `${percentile(one.stepMicroseconds, share).toFixed(0)} µs`);
  const scriptHours = (size * SCRIPT_SECONDS) / 3600;
  console.log(
    row([
      size,
      moved,
      left,
      one.mostAtOnce,
      median ?? '',
      slow ?? '',
      one.stepMicroseconds.length,
      hours(one.hours),
      hours(scriptHours),
      hours(scriptHours / 5),
    ]),
  );
}

console.log('\n### An image that passes its probe and breaks traffic\n');
console.log(row(['load balancers', 'touched', 'back on their former image', 'stuck', 'it takes']));
console.log(row(Array.from({ length: 5 }, () => '---')));
for (const size of sizes) {
  const one = run(size, fleetOf(size, 'fail'));
  checkLimits(one);
  check(one.world.progress.phase === 'rolled-back', `it is ${one.world.progress.phase}`);
  check(!one.world.tagged.has(newImageId), 'the tag is on the bad image');
  const onBad = [...one.world.loadBalancers.values()].filter(({ amphorae }) =>
    amphorae.some(({ imageId }) => imageId === newImageId),
  );
  check(onBad.length === count(one, 'stuck'), `${onBad.length} load balancers still have the bad image`);
  const back = count(one, 'reverted');
  const stuck = count(one, 'stuck');
  console.log(row([size, back + stuck, back, stuck, hours(one.hours)]));
}
