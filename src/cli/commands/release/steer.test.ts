import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { cliNow, driveCli } from '../../../../test/kit/cli.ts';
import type { DatabaseSubject } from '../../../../test/kit/contract/amphora-store.ts';
import { createFakeClock } from '../../../../test/kit/fakes/fake-clock.ts';
import { aRelease, aTarget, releasesOver } from '../../../../test/kit/releases.ts';
import { newSqlite } from '../../../../test/kit/sqlite.ts';
import { openDatabase } from '../../../adapters/storage/database.ts';
import { createReleaseStore } from '../../../adapters/storage/release-store.ts';
import type { KilnDatabase } from '../../../adapters/storage/schema.ts';
import { makePlan } from '../../../core/releases/make-plan.ts';
import { tallyOf } from '../../../core/releases/tallies.ts';
import { defaultReleasePolicy, type ReleaseProgress, type Target } from '../../../model/release.ts';
import type { NewReleaseEvent, ReleaseStore } from '../../../ports/release-store.ts';
import type { Releases } from '../../../ports/releases.ts';

/** `kiln release start`, and those behind it, over a real database. */

const id = '9a1e0000-0000-4000-8000-00000000000a';
const imageId = '3c16294e-0000-4000-8000-000000000001';
const lb = (n: number) => `77b00000-0000-4000-8000-${String(n).padStart(12, '0')}`;
const nowMs = cliNow.getTime();
const image = { id: imageId, name: 'amphora-2026.3', hashAlgo: 'sha512', hash: 'h', ownerId: 'o' };

let subject: DatabaseSubject;
let database: KilnDatabase;
let store: ReleaseStore;
let releases: Releases;
const context = () => ({ releases: async () => releases });

beforeEach(async () => {
  subject = await newSqlite();
  const clock = createFakeClock({ start: cliNow.toISOString(), autoAdvance: true });
  database = await openDatabase(subject.connection, clock);
  store = createReleaseStore(database, clock);
  const plan = makePlan({
    tag: 'amphora',
    image,
    taggedImageIds: ['image-1'],
    policy: defaultReleasePolicy,
    members: [1, 2].map((n) => ({
      loadBalancerId: lb(n),
      name: '',
      topology: 'SINGLE' as const,
      provisioningStatus: 'ACTIVE',
      operatingStatus: 'ONLINE',
      place: { flavorId: null, zone: null },
      imageIds: ['image-1'],
      amphorae: 1,
      hasTraffic: true,
    })),
    hashes: new Map(),
    moveSeconds: 48,
    bakesLastWave: true,
    measuresAhead: true,
    nowMs: 0,
  });
  releases = releasesOver(store, clock, { planner: async () => plan });
});
afterEach(async () => {
  await database.destroy();
  await subject.close();
});

const event = (kind: string, reason: string, over: Partial<NewReleaseEvent> = {}): NewReleaseEvent => ({
  atMs: nowMs - 60_000,
  actor: 'kiln',
  kind,
  loadBalancerId: null,
  reason,
  data: {},
  ...over,
});

async function has(releaseId = id, targets: Target[] = [aTarget(releaseId, lb(1))]): Promise<void> {
  const release = aRelease(releaseId, { image, targets: targets.length, lastWave: 2 }, nowMs - 3_600_000);
  const first = event('intent', 'CVE-2026-1', { actor: 'alice', data: { want: 'run' } });
  await store.create(release, targets, tallyOf(targets), first);
}

async function advance(over: Partial<ReleaseProgress>, events: NewReleaseEvent[] = [], releaseId = id) {
  const release = (await store.get(releaseId)) ?? expect.unreachable();
  const progress = { ...release.progress, ...over };
  const hasEnded = ['completed', 'rolled-back', 'aborted', 'rejected'].includes(progress.phase);
  const change = { targets: [], joined: [], probes: [], events, rejected: null, talliesAfter: () => release.tallies };
  await store.commit(release, { ...change, progress, endedAtMs: hasEnded ? nowMs : null }, nowMs);
}
const end = (releaseId = id, phase: ReleaseProgress['phase'] = 'completed') =>
  advance({ phase, holds: [] }, [event('phase', 'it is over', { data: { phase } })], releaseId);

/** In the middle of its waves, with a hold. */
async function isRolling(): Promise<void> {
  await has(id, [
    ...[0, 1, 2].map((n) => aTarget(id, lb(n), { wave: 0, position: n, state: 'moved', verdict: 'pass' })),
    aTarget(id, lb(3), { wave: 1, state: 'moved', verdict: 'pass' }),
    aTarget(id, lb(4), { wave: 1, position: 1, state: 'moving', reason: 'wave 1' }),
    aTarget(id, lb(5), {
      wave: 1,
      position: 2,
      state: 'failed',
      failureClass: 'PLACE',
      reason: 'no host in az2 has room for the amphora, and three were tried one after the other',
    }),
    ...[6, 7, 8].map((n) => aTarget(id, lb(n), { wave: 2, position: n })),
  ]);
  const message = '3 failed, 2 allowed';
  const advice = 'Look at those that failed; then `kiln release rollback`, or `kiln release resume`.';
  const hold = { code: 'FAILURES', message, advice, sinceMs: nowMs, clears: 'operator' } as const;
  const group = (errors: number) => ({ seconds: 90, connections: 12_000, errors });
  const comparison = { atMs: nowMs, wave: 1, moved: group(4), notMoved: group(3), chance: 0.5 };
  await advance({ phase: 'rolling', wave: 1, failures: 3, holds: [hold], comparison }, [
    event('judge', 'members 4/4, 118/s before, 121/s after', { loadBalancerId: lb(3) }),
    event('fail', 'no host in az2', { loadBalancerId: lb(5) }),
    event('hold', message, { data: { code: 'FAILURES' } }),
  ]);
}

describe('release start', () => {
  it('shows the plan and asks, and starts when the answer is yes', async () => {
    const asked: string[] = [];
    const answer = (yes: boolean) => async (question: string) => asked.push(question) > 0 && yes;
    const no = await driveCli('release start', context(), { columns: 100, confirm: answer(false) });
    expect([no.exitCode, await store.list(9)]).toEqual([0, []]);
    expect(no.stdout).toContain('Nothing was started.');
    const yes = await driveCli(['release', 'start', '--reason', 'CVE 1'], context(), { confirm: answer(true) });
    expect([yes.exitCode, asked]).toEqual([0, Array(2).fill('Move 2 load balancers to this image?')]);
    expect(yes.stdout).toMatch(/is started: its image is probed/);
    const [release] = await store.list(9);
    expect(release?.intent).toMatchObject({ want: 'run', by: 'alice@desk', reason: 'CVE 1' });
  });

  it('without a terminal needs --yes; a plan that is out of date is refused, as is a second release', async () => {
    const silent = await driveCli('release start', context());
    expect([silent.exitCode, silent.stderr]).toEqual([2, expect.stringContaining('--yes was not given')]);
    const stale = await driveCli('release start --yes --plan 00000000-00000000-00000000-00000000', context());
    expect([stale.exitCode, stale.stderr]).toEqual([2, expect.stringContaining('the plan is out of date: the image')]);
    const started = await driveCli('release start --yes --json', context());
    expect(started.json()).toMatchObject({ phase: 'planned', loadBalancers: 2, intent: { by: 'alice@desk' } });
    const second = await driveCli('release start --yes', context());
    expect([second.exitCode, second.stderr]).toEqual([2, expect.stringContaining('has not ended')]);
  });

  it('--wait stays until an operator is needed, or until the end, and its exit status says how it went', async () => {
    for (const [phase, exitCode] of [
      ['completed', 0],
      ['rolled-back', 7],
      ['rejected', 7],
      ['aborted', 7],
    ] as const) {
      const running = driveCli('release start --yes --wait --json', context());
      const [{ spec }] = (await soon(async () => {
        const active = await store.active();
        return active.length > 0 ? active : null;
      })) as Awaited<ReturnType<ReleaseStore['active']>> & [{ spec: { id: string } }];
      await end(spec.id, phase);
      const run = await running;
      expect([phase, run.exitCode]).toEqual([phase, exitCode]);
      expect(run.json()).toMatchObject({ phase, hasEnded: true });
    }
    const held = driveCli('release start --yes --wait', context());
    const [active] = await soon(async () => ((await store.active()).length > 0 ? await store.active() : null));
    const hold = { code: 'GATE', message: 'm', advice: 'a', sinceMs: 0, clears: 'operator' } as const;
    await advance({ holds: [hold] }, [event('hold', 'm', { data: { code: 'GATE' } })], active?.spec.id);
    const run = await held;
    expect([run.exitCode, run.stdout]).toEqual([8, expect.stringMatching(/hold +GATE {2}m\n.*Hold GATE: m/s)]);
  });
});

async function soon<Value>(look: () => Promise<Value | null>): Promise<Value> {
  for (;;) {
    const found = await look();
    if (found !== null) return found;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

describe('release list, show, history', () => {
  it.each([80, 120])('fit a terminal of %d columns', async (columns) => {
    await has('9a1e0000-0000-4000-8000-00000000000b', []);
    await end('9a1e0000-0000-4000-8000-00000000000b', 'rolled-back');
    await isRolling();
    for (const command of ['list', 'show', 'history']) {
      const run = await driveCli(`release ${command}`, context(), { columns });
      expect(run.exitCode).toBe(0);
      for (const line of run.stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(columns);
      await expect(run.stdout).toMatchFileSnapshot(`../../golden/release-${command}.${columns}.txt`);
    }
  });

  it('have it as JSON, and the load balancers of a state', async () => {
    await isRolling();
    const shown = await driveCli('release show --state failed --json', context());
    expect(shown.json()).toMatchObject({
      id,
      phase: 'rolling',
      failures: 3,
      allowedFailures: 2,
      errorComparison: { at: cliNow.toISOString(), wave: 1, moved: { errors: 4, errorPercent: 100 / 3000 } },
      holds: [{ code: 'FAILURES', clears: 'operator' }],
      targets: [{ loadBalancerId: lb(5), state: 'failed', failureClass: 'PLACE' }],
    });
    expect((await driveCli('release list --json', context())).json()).toMatchObject([{ id }]);
    const about = await driveCli(`release history --load-balancer ${lb(5)} --json`, context());
    expect(about.json()).toMatchObject([{ n: 3, kind: 'fail', loadBalancerId: lb(5) }]);
    expect((await driveCli(`release history --limit 2 --after 1 --quiet`, context())).stdout).toBe('2\n3\n');
    const bad = await driveCli('release show --state away', context());
    expect([bad.exitCode, bad.stderr]).toEqual([2, expect.stringContaining('allowed is pending, moving')]);
  });

  it('mean the one that has not ended, else the newest; where there is none, or several, they say so', async () => {
    const none = await driveCli('release show', context());
    expect([none.exitCode, none.stderr]).toEqual([2, expect.stringContaining('there is no release')]);
    await has(id, []);
    await end();
    expect((await driveCli('release show --quiet', context())).stdout).toBe(`${id}\n`);
    const ended = await driveCli('release pause', context());
    expect([ended.exitCode, ended.stderr]).toEqual([2, expect.stringContaining('no release is under way')]);
    const named = await driveCli(`release pause ${id}`, context());
    expect([named.exitCode, named.stderr]).toEqual([2, expect.stringContaining('has ended (completed)')]);
    expect((await driveCli('release show nobody', context())).stderr).toContain('Release nobody not found');
  });
});

describe('release watch', () => {
  it('writes a line for each event where there is no terminal, JSON with --json, until the end', async () => {
    await isRolling();
    const running = driveCli('release watch --after 1', context());
    await advance({}, [event('move', 'wave 1', { loadBalancerId: lb(6) })]);
    await end();
    const run = await running;
    expect(run.exitCode).toBe(0);
    const kinds = run.stdout.split('\n').map((line) => line.split(/ {2,}/)[1]);
    expect(kinds).toEqual(['judge', 'fail', 'hold', 'move', 'phase', undefined, undefined]);
    expect(run.stdout).toContain(lb(5));
    const lines = (await driveCli('release watch --after 4 --json', context())).stdout.trim().split('\n');
    expect(lines.map((line) => (JSON.parse(line) as { n: number }).n)).toEqual([5, 6]);
    expect((await driveCli('release watch --after 99', context())).stdout).toBe(`Release ${id}: completed.\n`);
  });

  it('draws over what it drew on a terminal, no wider than it', async () => {
    await isRolling();
    const running = driveCli('release watch', context(), { columns: 80 });
    await end(id, 'rolled-back');
    const run = await running;
    expect(run.exitCode).toBe(7);
    const esc = String.fromCharCode(27);
    const frames = run.stdout.split(new RegExp(`${esc}\\[\\d+A\\r${esc}\\[J`));
    const last = frames.at(-1) ?? '';
    expect(last).toContain('ROLLED-BACK');
    for (const line of frames.join('\n').split('\n')) expect(line.length).toBeLessThanOrEqual(80);
    await expect(last).toMatchFileSnapshot('../../golden/release-watch.80.txt');
  });

  it('ctrl-C ends the watching alone', async () => {
    await isRolling();
    const stop = new AbortController();
    const running = driveCli('release watch', context(), { signal: stop.signal });
    stop.abort(new Error('stopped by SIGINT'));
    const run = await running;
    expect([run.exitCode, run.stderr]).toEqual([
      0,
      `The release goes on; \`kiln release watch ${id}\` shows it again.\n`,
    ]);
  });
});

describe('a word', () => {
  it.each([
    ['pause', 'pause', 'Nothing new begins'],
    ['resume', 'run', 'It goes on'],
    ['abort', 'abort', 'It ends when'],
    ['rollback', 'rollback', 'go back to their former images'],
  ])('%s is written with who and why, and what follows is said', async (verb, want, follows) => {
    await isRolling();
    const run = await driveCli(['release', verb, '--reason', 'as agreed'], context());
    expect([run.exitCode, run.stdout]).toEqual([0, expect.stringContaining(follows)]);
    expect((await store.get(id))?.intent).toMatchObject({ want, by: 'alice@desk', reason: 'as agreed', revision: 2 });
    const again = await driveCli(`release ${verb} --json`, context());
    const revision = verb === 'resume' ? 3 : 2;
    expect(again.json()).toMatchObject({ id, intent: { want, revision } });
    if (verb !== 'resume') expect((await driveCli(`release ${verb}`, context())).stdout).toContain('Nothing is new');
  });

  it('rollback says first what can’t go back, and asks', async () => {
    await isRolling();
    const refused = { resolveAssigned: async () => ({ refused: 'is gone from Glance' }) };
    releases = releasesOver(store, createFakeClock({ autoAdvance: true }), { resolver: refused });
    const run = await driveCli('release rollback', context(), { confirm: async () => false });
    expect(run.stderr).toBe(
      "6 load balancers would go back, to 1 image.\n! 6 load balancers can't go back: image image-1 is gone from Glance\n",
    );
    expect([run.stdout, (await store.get(id))?.intent.want]).toEqual(['Nothing was changed.\n', 'run']);
    // A Glance that is down keeps nobody from it.
    const down = { resolveAssigned: () => Promise.reject(new Error('no route to Glance')) };
    releases = releasesOver(store, createFakeClock({ autoAdvance: true }), { resolver: down });
    const all = await driveCli('release rollback --yes', context());
    expect([all.exitCode, all.stderr]).toEqual([0, expect.stringContaining("can't be looked at: no route to Glance")]);
    expect((await store.get(id))?.intent.want).toBe('rollback');
  });
});
