import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { HealthMoment } from '../../model/release-view.ts';
import { type HealthWhile, hearingsOf, summarizeHealth } from './summarize-health.ts';

const intervalMs = 10_000;
const during: HealthWhile = { fromMs: 0, toMs: 90_000, heartbeatIntervalMs: intervalMs, hearingsMs: null };

function moment(atMs: number, over: Partial<HealthMoment> = {}): HealthMoment {
  return {
    loadBalancerId: 'lb',
    atMs,
    amphorae: [{ id: 'a', imageId: 'new', lastHeardMs: atMs, beats: atMs / intervalMs, restarts: 0 }],
    listeners: { web: 'ONLINE' },
    members: { one: 'ONLINE' },
    operatingStatus: 'ONLINE',
    configuration: 'one',
    counters: { web: { connections: 0, requestErrors: 0 } },
    ...over,
  };
}
const everyBeat = (change: (beat: number) => Partial<HealthMoment> = () => ({})) =>
  Array.from({ length: 10 }, (_, beat) => moment(beat * intervalMs, change(beat)));
const summaryOf = (moments: readonly HealthMoment[], over: Partial<HealthWhile> = {}) =>
  summarizeHealth(moments, { ...during, ...over }) ?? expect.unreachable();
const amphora = (over: Partial<HealthMoment['amphorae'][number]>) => ({
  id: 'a',
  imageId: 'new',
  lastHeardMs: 0,
  beats: 0,
  restarts: 0,
  ...over,
});

it('says what a load balancer was like in a while', () => {
  const moments = everyBeat((beat) => ({ counters: { web: { connections: 100 + 5 * beat, requestErrors: beat } } }));
  expect(summaryOf(moments)).toEqual({
    fromMs: 0,
    toMs: 90_000,
    imageIds: ['new'],
    heartbeats: { count: 9, intervalMs, longestGapMs: intervalMs, sequenceRestarts: 0 },
    listeners: { web: 'OPEN' },
    members: { one: 'UP' },
    operatingStatus: 'ONLINE',
    configuration: 'one',
    traffic: { seconds: 90, connections: 45, requestErrors: 9 },
  });
});

it('says nothing where nothing was seen, and of one moment nothing that needs two', () => {
  expect(summarizeHealth([], during)).toBeNull();
  expect(summarizeHealth([moment(-1), moment(90_001)], during)).toBeNull();
  expect(summaryOf([moment(5_000)])).toMatchObject({ heartbeats: null, traffic: null, members: { one: 'UP' } });
});

describe('heartbeats', () => {
  it('the gap reaches from the beginning to the end', () => {
    const last = (beat: number) =>
      amphora({ beats: Math.min(Math.max(beat, 4), 5), lastHeardMs: beat < 5 ? -1 : 50_000 });
    const { heartbeats } = summaryOf(everyBeat((beat) => ({ amphorae: [last(beat)] })));
    expect(heartbeats).toMatchObject({ count: 1, longestGapMs: 50_000 });
  });
  it('silence all the while is none at all', () => {
    const { heartbeats } = summaryOf(everyBeat(() => ({ amphorae: [amphora({ beats: 7 })] })));
    expect(heartbeats).toMatchObject({ count: 0, longestGapMs: 90_000 });
  });
  it('too short a while says nothing of silence', () => {
    const moments = everyBeat(() => ({ amphorae: [amphora({ beats: 7 })] })).slice(0, 4);
    expect(summaryOf(moments).heartbeats).toBeNull();
  });
  it('where nobody at all was heard, it was not the amphora', () => {
    const moments = everyBeat((beat) => ({
      amphorae: [amphora({ beats: beat < 6 ? 0 : beat, lastHeardMs: beat < 6 ? 0 : beat * intervalMs })],
    }));
    expect(summaryOf(moments).heartbeats).toMatchObject({ longestGapMs: 60_000 / 6 });
    const silent = everyBeat(() => ({ amphorae: [amphora({ beats: 7 })] }));
    expect(summaryOf(silent, { hearingsMs: [] }).heartbeats).toBeNull();
    const others = Array.from({ length: 90 }, (_, second) => second * 1000);
    expect(summaryOf(silent, { hearingsMs: others }).heartbeats).toMatchObject({ count: 0 });
    const deaf = others.filter((ms) => ms < 20_000 || ms > 60_000);
    const paused = everyBeat((beat) => {
      const heard = beat > 2 && beat < 7 ? 2 : beat;
      return { amphorae: [amphora({ beats: heard > 2 ? heard - 4 : heard, lastHeardMs: heard * intervalMs })] };
    });
    expect(summaryOf(paused).heartbeats).toMatchObject({ longestGapMs: 50_000 });
    expect(summaryOf(paused, { hearingsMs: deaf }).heartbeats?.longestGapMs).toBeLessThan(3 * intervalMs);
  });
  it('an agent that begins to count anew shows; so does one that came in between', () => {
    const anew = everyBeat((beat) => ({
      amphorae: [amphora({ beats: beat, lastHeardMs: beat * intervalMs, restarts: beat > 4 ? 3 : 2 })],
    }));
    expect(summaryOf(anew).heartbeats).toMatchObject({ sequenceRestarts: 1 });
    const replaced = everyBeat((beat) => ({
      amphorae: [
        beat < 5
          ? amphora({ id: 'old', imageId: 'old', beats: 900 + beat, restarts: 7, lastHeardMs: beat * intervalMs })
          : amphora({ beats: beat - 4, lastHeardMs: beat * intervalMs }),
      ],
    }));
    expect(summaryOf(replaced)).toMatchObject({
      imageIds: ['new'],
      heartbeats: { count: 5, longestGapMs: intervalMs, sequenceRestarts: 0 },
    });
  });
  it('of a pair, the one that is worst off', () => {
    const pair = everyBeat((beat) => ({
      amphorae: [amphora({ beats: beat, lastHeardMs: beat * intervalMs }), amphora({ id: 'b', beats: 3, restarts: 1 })],
    }));
    expect(summaryOf(pair).heartbeats).toEqual({ count: 0, intervalMs, longestGapMs: 90_000, sequenceRestarts: 0 });
  });
  it('is never reported worse than it was, and a long silence is always found', () => {
    const history = fc.record({
      gapsMs: fc.array(fc.integer({ min: 1_000, max: 60_000 }), { minLength: 1, maxLength: 12 }),
      pauseMs: fc.integer({ min: 1_000, max: 15_000 }),
      seed: fc.nat(20_000),
    });
    fc.assert(
      fc.property(history, ({ gapsMs, pauseMs, seed }) => {
        const beatsAt = gapsMs.map((_, index) => gapsMs.slice(0, index + 1).reduce((sum, gap) => sum + gap, 0));
        const endMs = beatsAt.at(-1) ?? 0;
        const moments: HealthMoment[] = [];
        for (let atMs = seed % pauseMs; atMs <= endMs; atMs += pauseMs) {
          const heard = beatsAt.filter((ms) => ms <= atMs);
          moments.push(moment(atMs, { amphorae: [amphora({ beats: heard.length, lastHeardMs: heard.at(-1) ?? 0 })] }));
        }
        const sample = summarizeHealth(moments, { ...during, toMs: endMs });
        if (!sample?.heartbeats) return;
        const seenBeats = beatsAt.filter((ms) => ms > (moments[0]?.atMs ?? 0) && ms <= (moments.at(-1)?.atMs ?? 0));
        expect(sample.heartbeats.count).toBe(seenBeats.length);
        expect(sample.heartbeats.longestGapMs).toBeLessThanOrEqual(Math.max(...gapsMs));
        // Where several heartbeats came between two looks, each may have been late by its share alone: so one has to end the silence.
        const silence = gapsMs.some(
          (gap, index) => gap > 2 * pauseMs + 3 * intervalMs && index > 0 && (gapsMs[index + 1] ?? 0) > pauseMs,
        );
        if (silence) expect(sample.heartbeats.longestGapMs).toBeGreaterThan(3 * intervalMs);
      }),
    );
  });
});

describe('members and listeners', () => {
  const membersWhere = (isUp: (beat: number) => boolean) =>
    summaryOf(everyBeat((beat) => ({ members: { one: isUp(beat) ? 'ONLINE' : 'ERROR' } }))).members;
  it('one heartbeat that says that a member is down is none, two are', () => {
    expect(membersWhere((beat) => beat !== 9)).toEqual({ one: 'UP' });
    expect(membersWhere((beat) => beat !== 8)).toEqual({ one: 'UP' });
    expect(membersWhere((beat) => beat < 8)).toEqual({ one: 'DOWN' });
  });
  it('two looks between which no heartbeat came are one', () => {
    const twice = everyBeat()
      .flatMap((one) => [one, { ...one, atMs: one.atMs + 1 }])
      .slice(0, -2);
    const down = { members: { one: 'ERROR' } };
    const last = moment(85_000, { ...down, amphorae: [amphora({ beats: 9, lastHeardMs: 85_000 })] });
    expect(summaryOf([...twice, last, { ...last, atMs: 89_000 }]).members).toEqual({ one: 'UP' });
  });
  it('one that only one of a pair sees is not up', () => {
    expect(membersWhere((beat) => beat % 2 === 0)).toEqual({ one: 'DOWN' });
    expect(membersWhere((beat) => beat > 2)).toEqual({ one: 'UP' });
  });
  it('tells what is neither up nor down', () => {
    const members = { a: 'NO_MONITOR', b: 'DRAINING', c: 'OFFLINE' };
    expect(summaryOf(everyBeat(() => ({ members }))).members).toEqual({ a: 'UP', b: 'other', c: 'other' });
  });
  it('a listener is missing, and the status worse, only where both of the last heartbeats say so', () => {
    const off = { listeners: { web: 'ERROR' }, operatingStatus: 'ERROR' };
    const full = { listeners: { web: 'DEGRADED' }, operatingStatus: 'DEGRADED' };
    const endsWith = (...last: Partial<HealthMoment>[]) =>
      summaryOf(everyBeat((beat) => last[beat - (10 - last.length)] ?? {}));
    expect(endsWith(off)).toMatchObject({ listeners: { web: 'OPEN' }, operatingStatus: 'ONLINE' });
    expect(endsWith(off, off)).toMatchObject({ listeners: {}, operatingStatus: 'ERROR' });
    expect(endsWith(full)).toMatchObject({ listeners: { web: 'OPEN' }, operatingStatus: 'ONLINE' });
    expect(endsWith(full, off)).toMatchObject({ listeners: { web: 'FULL' }, operatingStatus: 'DEGRADED' });
  });
});

describe('traffic', () => {
  it('counts what came, never more: not where a counter falls or an amphora is another one', () => {
    const event = fc.oneof(
      fc.record({ kind: fc.constant('came' as const), connections: fc.nat(1_000), requestErrors: fc.nat(10) }),
      fc.record({ kind: fc.constant('restart' as const) }),
      fc.record({ kind: fc.constant('new listener' as const) }),
    );
    fc.assert(
      fc.property(fc.array(event, { minLength: 1, maxLength: 30 }), (events) => {
        const truth = { connections: 0, requestErrors: 0 };
        let counters: HealthMoment['counters'] = { web: { connections: 500, requestErrors: 5 } };
        let falls = 0;
        const moments = [moment(0, { counters })];
        for (const [index, one] of events.entries()) {
          if (one.kind === 'came') {
            const { web = { connections: 0, requestErrors: 0 } } = counters;
            const sum = (key: 'connections' | 'requestErrors') => web[key] + one[key];
            counters = { ...counters, web: { connections: sum('connections'), requestErrors: sum('requestErrors') } };
            truth.connections += one.connections;
            truth.requestErrors += one.requestErrors;
          } else if (one.kind === 'restart') {
            falls++;
            counters = { ...counters, web: { connections: 0, requestErrors: 0 } };
          } else {
            counters = { ...counters, [`more-${index}`]: { connections: 3, requestErrors: 0 } };
            truth.connections += 3;
          }
          moments.push(moment((index + 1) * 1_000, { counters }));
        }
        const { traffic } = summaryOf(moments);
        expect(traffic?.connections).toBeLessThanOrEqual(truth.connections);
        if (falls === 0) expect(traffic).toEqual({ seconds: events.length, ...truth });
      }),
    );
  });
});

it('knows when anybody was heard of', () => {
  const other = moment(5_000, {
    loadBalancerId: 'other',
    amphorae: [amphora({ lastHeardMs: 4_000 }), amphora({ lastHeardMs: null })],
  });
  expect(hearingsOf([[moment(10_000), moment(0)], [other]])).toEqual([0, 4_000, 10_000]);
});
