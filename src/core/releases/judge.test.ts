import { describe, expect, test } from 'vitest';
import type { HealthSample } from '../../model/release.ts';
import { chanceOfAsMany } from './exact-test.ts';
import { judge } from './judge.ts';
import { compareErrors, worseThanRest } from './request-errors.ts';
import type { Window } from './window.ts';

const traffic = (connections: number, requestErrors = 0) => ({ seconds: 100, connections, requestErrors });

const well: HealthSample = {
  fromMs: 0,
  toMs: 90_000,
  imageIds: ['new'],
  heartbeats: { count: 9, intervalMs: 10_000, longestGapMs: 12_000, sequenceRestarts: 0 },
  listeners: { web: 'OPEN' },
  members: { one: 'UP', two: 'UP' },
  operatingStatus: 'ONLINE',
  configuration: 'one',
  traffic: traffic(1000, 2),
};
const cohorts = { moved: traffic(5000, 10), notMoved: traffic(5000, 10), notMovedBefore: traffic(5000, 10) };
const verdictOf = (
  after: Partial<HealthSample> | null,
  before: Partial<HealthSample> = {},
  group: typeof cohorts | null = cohorts,
) => judge({ before: { ...well, ...before } }, after && { ...well, ...after }, 'new', group);

test('as well as before passes, and nothing is wrong with it', () => {
  expect(verdictOf({})).toEqual({ verdict: 'pass', badness: 0, reason: 'as well as before' });
});

describe('what is worse than before fails, and says what', () => {
  const beat = { count: 9, intervalMs: 10_000, longestGapMs: 10_000, sequenceRestarts: 0 };
  const cases: [string, Partial<HealthSample>, RegExp][] = [
    ['another image', { imageIds: ['old'] }, /runs image old and not new/u],
    ['silence', { heartbeats: { ...beat, count: 0 } }, /silent/u],
    ['a gap over three intervals', { heartbeats: { ...beat, longestGapMs: 30_001 } }, /silent for 30 s/u],
    ['an agent that starts again', { heartbeats: { ...beat, sequenceRestarts: 1 } }, /started again/u],
    ['a listener that is missing', { listeners: {} }, /listener web is missing/u],
    ['a listener that is full', { listeners: { web: 'FULL' } }, /listener web is full/u],
    ['a member that is lost', { members: { one: 'UP', two: 'DOWN' } }, /1 of 2 members/u],
    ['a worse status', { operatingStatus: 'DEGRADED' }, /DEGRADED and was ONLINE/u],
    ['traffic that stops', { traffic: traffic(50) }, /0\.5 connections\/s/u],
    ['request errors', { traffic: traffic(1000, 40) }, /4\.00 % request errors/u],
  ];
  test.each(cases)('%s', (_, after, reason) => {
    const { verdict, badness, reason: said } = verdictOf(after);
    expect(verdict).toBe('fail');
    expect(badness).toBeGreaterThan(1);
    expect(said).toMatch(reason);
  });
});

describe('what is no failure', () => {
  test('nobody reported anything: no data', () => {
    expect(verdictOf(null).verdict).toBe('no data');
    expect(verdictOf({ heartbeats: null, listeners: null, members: null, traffic: null }).verdict).toBe('no data');
  });
  test('a gap of three intervals', () => {
    expect(
      verdictOf({ heartbeats: { count: 9, intervalMs: 10_000, longestGapMs: 30_000, sequenceRestarts: 0 } }).verdict,
    ).toBe('pass');
  });
  test('silence where none was heard of before either', () => {
    const heartbeats = { count: 0, intervalMs: 10_000, longestGapMs: 90_000, sequenceRestarts: 0 };
    expect(verdictOf({ heartbeats }, { heartbeats }).verdict).toBe('no data');
  });
  test('what was bad before', () => {
    const bad = {
      members: { one: 'UP', two: 'DOWN' },
      listeners: { web: 'FULL' },
      operatingStatus: 'DEGRADED',
    } as const;
    expect(verdictOf(bad, bad).verdict).toBe('pass');
  });
  test('what the tenant changed meanwhile', () => {
    const changed = {
      configuration: 'other',
      members: { one: 'DOWN' },
      listeners: {},
      operatingStatus: 'ERROR',
    } as const;
    expect(verdictOf(changed).verdict).toBe('pass');
  });
  test('traffic that stops everywhere at the same time', () => {
    expect(verdictOf({ traffic: traffic(50) }, {}, { ...cohorts, notMoved: traffic(500) }).verdict).toBe('pass');
  });
  test('traffic that stops where there was hardly any', () => {
    expect(verdictOf({ traffic: traffic(0) }, { traffic: traffic(90) }).verdict).toBe('pass');
  });
  test('errors that those which have not moved have too', () => {
    expect(verdictOf({ traffic: traffic(1000, 40) }, {}, { ...cohorts, notMoved: traffic(5000, 200) }).verdict).toBe(
      'pass',
    );
  });
  test('failures behind HAProxy that those which have not moved have too, or that nobody reported before', () => {
    const failing = { seconds: 100, connections: 1000, requestErrors: 0, failures: 40 };
    expect(verdictOf({ traffic: failing }, { traffic: { ...traffic(1000), failures: 30 } }).verdict).toBe('pass');
    expect(verdictOf({ traffic: failing }).verdict).toBe('pass');
  });
  test('errors of few connections', () => {
    expect(verdictOf({ traffic: traffic(199, 199) }).verdict).toBe('pass');
  });
  test('errors less than a percent point above before', () => {
    expect(verdictOf({ traffic: traffic(100_000, 1100) }, { traffic: traffic(100_000, 200) }).verdict).toBe('pass');
  });
});

test('requests that fail behind HAProxy count, where they are reported', () => {
  const reported = (failures: number, connections = 1000) => ({ ...traffic(connections), failures });
  const group = { moved: reported(0, 5000), notMoved: reported(0, 5000), notMovedBefore: reported(0, 5000) };
  const { verdict, reason } = verdictOf({ traffic: reported(40) }, { traffic: reported(1) }, group);
  expect([verdict, reason]).toEqual(['fail', expect.stringMatching(/4\.00 % request errors/u)]);
});

test('all that have moved are compared with all that have not', () => {
  const said = (groups: Window['cohorts']) => worseThanRest(compareErrors(groups, 1, 0));
  expect(said(cohorts)).toBeNull();
  expect(said(null)).toBeNull();
  expect(said({ ...cohorts, moved: traffic(5000, 200) })).toMatch(/moved 4\.000 %, not moved 0\.200 %/u);
});

test('what failed behind HAProxy counts where both groups tell of it, and few connections tell nothing', () => {
  const behind = { ...traffic(1000, 1), failures: 9 };
  const [moved, notMoved] = [behind, { ...behind, failures: 4 }];
  const group = { moved, notMoved, notMovedBefore: notMoved };
  expect(compareErrors(group, 2, 7)).toMatchObject({
    atMs: 7,
    wave: 2,
    moved: { seconds: 100, connections: 1000, errors: 10 },
    notMoved: { errors: 5 },
    chance: expect.closeTo(0.15, 2),
  });
  expect(worseThanRest(compareErrors(group, 2, 7))).toBeNull();
  expect(compareErrors({ ...group, notMoved: traffic(1000, 4) }, 2, 7)).toMatchObject({
    moved: { errors: 1 },
    notMoved: { errors: 4 },
  });
  expect(compareErrors({ ...group, notMoved: traffic(199, 4) }, 2, 7)?.chance).toBeNull();
});

describe("Fisher's exact test", () => {
  test.each([
    // The lady tasting tea, and figures of R's fisher.test(alternative = "greater").
    [{ of: 4, have: 3 }, { of: 4, have: 1 }, 0.242857],
    [{ of: 200, have: 2 }, { of: 1000, have: 0 }, 0.02766],
    [{ of: 10, have: 0 }, { of: 10, have: 5 }, 1],
  ])('%o beside %o', (sample, reference, chance) => {
    expect(chanceOfAsMany(sample, reference)).toBeCloseTo(chance, 4);
  });
  test('large counts give a chance between 0 and 1', () => {
    const chance = chanceOfAsMany({ of: 1e7, have: 120_000 }, { of: 1e7, have: 100_000 });
    expect(chance).toBeGreaterThanOrEqual(0);
    expect(chance).toBeLessThan(1e-9);
  });
});
