import { KilnError } from '../model/errors.ts';
import {
  endedOctaviaPhases,
  type OctaviaRecord,
  type OctaviaReleaseState,
  type OctaviaTarget,
} from '../model/octavia-release.ts';

/**
 * What the lines of a state file come to. Pure; the same lines give the same state.
 * @param before null: from the first line on.
 * @throws STATE_UNUSABLE when it is no such file, or one of a newer version.
 */
export function replay(
  before: OctaviaReleaseState | null,
  records: readonly OctaviaRecord[],
): OctaviaReleaseState | null {
  if (records.length === 0) return before;
  const [first, ...rest] = records as readonly [OctaviaRecord, ...OctaviaRecord[]];
  if (before !== null) return withRecords(before, records);
  if (first.kind !== 'start' || first.version !== 1) {
    const why =
      first.kind === 'start'
        ? `was written by a newer Kiln (version ${first.version})`
        : 'does not begin with a release';
    throw new KilnError('STATE_UNUSABLE', `the state file ${why}`, {
      advice: 'Name the file that `kiln release start --octavia` wrote, with --state-file.',
    });
  }
  const { kind: _kind, atMs, ...start } = first;
  const targets = start.targets.map((planned): [string, OctaviaTarget] => [
    planned.loadBalancerId,
    {
      ...planned,
      state: 'pending',
      sinceMs: atMs,
      notBeforeMs: atMs,
      attempt: 0,
      move: null,
      isTouched: false,
      before: [],
      after: [],
      reason: '',
    },
  ]);
  const state: OctaviaReleaseState = {
    start,
    startedAtMs: atMs,
    intent: { want: 'run', by: '', reason: '' },
    phase: 'locking',
    phaseReason: '',
    wave: Math.min(...start.targets.map(({ wave }) => wave)),
    bakedSinceMs: null,
    passedGates: [],
    passedProbes: [],
    askedProbe: null,
    tag: null,
    targets: new Map(targets),
    holds: [],
  };
  return withRecords(state, rest);
}

function withRecords(before: OctaviaReleaseState, records: readonly OctaviaRecord[]): OctaviaReleaseState {
  // One copy for many lines: a release of thousands has tens of thousands of them.
  const targets = new Map(before.targets);
  return records.reduce<OctaviaReleaseState>((state, record) => apply(state, record, targets), { ...before, targets });
}

function apply(
  state: OctaviaReleaseState,
  record: OctaviaRecord,
  targets: Map<string, OctaviaTarget>,
): OctaviaReleaseState {
  switch (record.kind) {
    case 'intent': {
      const { want, by, reason } = record;
      const intent = { want, by, reason };
      if (want !== 'run') return { ...state, intent };
      const gate = state.holds.some(({ code }) => code === 'GATE') ? [state.wave] : [];
      const holds = state.holds.filter(({ clears }) => clears === 'itself');
      return { ...state, intent, holds, passedGates: [...state.passedGates, ...gate] };
    }
    case 'phase': {
      const { phase, reason: phaseReason } = record;
      // What has ended waits for nobody; who is asked to go back is not asked whether to go on.
      const holds = endedOctaviaPhases.includes(phase)
        ? []
        : state.holds.filter(({ code }) => phase !== 'rolling-back' || code !== 'GATE');
      return { ...state, phase, phaseReason, holds };
    }
    case 'wave':
      return { ...state, wave: record.wave, bakedSinceMs: null };
    case 'baked':
      return { ...state, bakedSinceMs: record.atMs };
    case 'tag':
      return { ...state, tag: { to: record.to, isDone: false } };
    case 'tagged':
      return { ...state, tag: { to: record.to, isDone: true } };
    case 'hold': {
      const { code, message, advice, clears } = record;
      return {
        ...state,
        holds: [...state.holds.filter((one) => one.code !== code), { code, message, advice, clears }],
      };
    }
    case 'cleared':
      return { ...state, holds: state.holds.filter(({ code }) => code !== record.code) };
    case 'probe': {
      const { name, loadBalancer, hasPassed } = record;
      if (hasPassed) return { ...state, passedProbes: [...state.passedProbes, name] };
      return loadBalancer === undefined ? state : { ...state, askedProbe: loadBalancer === 'asked' ? name : null };
    }
    case 'start':
    case 'lock':
    case 'sent':
      return state;
    default: {
      const target = targets.get(record.loadBalancerId);
      if (target) targets.set(record.loadBalancerId, changed(target, record));
      return state;
    }
  }
}

type TargetRecord = Extract<OctaviaRecord, { loadBalancerId: string }>;

function changed(target: OctaviaTarget, record: TargetRecord): OctaviaTarget {
  const inState = (state: OctaviaTarget['state'], more: Partial<OctaviaTarget> = {}): OctaviaTarget => ({
    ...target,
    ...('reason' in record ? { reason: record.reason } : {}),
    state,
    sinceMs: record.atMs,
    ...more,
  });
  switch (record.kind) {
    case 'look': {
      const field = target.state === 'watching' ? 'after' : 'before';
      const looks = [...target[field].slice(0, 1), record.look];
      return target.state === 'pending' ? inState('measuring', { before: looks }) : { ...target, [field]: looks };
    }
    case 'move':
      return inState(record.purpose === 'forward' ? 'moving' : 'reverting', {
        attempt: target.attempt + 1,
        move: { purpose: record.purpose, amphoraId: record.amphoraId, amphoraIds: record.amphoraIds },
        after: [],
      });
    case 'later':
      return inState(target.state === 'reverting' || target.state === 'failed' ? 'failed' : 'pending', {
        notBeforeMs: record.notBeforeMs,
        ...(target.isTouched ? {} : { before: [] }),
      });
    case 'arrived':
      return inState('watching', { isTouched: true, after: [], attempt: 0 });
    case 'judged':
      // The other amphora of a pair is next, and needs no measuring: the same before counts.
      return inState(record.isWhole ? 'moved' : 'pending', { isTouched: true, attempt: 0 });
    case 'failed':
      return inState('failed', { isTouched: true, attempt: 0, notBeforeMs: record.atMs });
    case 'back':
      return inState(record.state, { attempt: 0, notBeforeMs: record.atMs });
    case 'skipped':
      return inState('skipped');
    case 'sent':
      return target;
  }
}
