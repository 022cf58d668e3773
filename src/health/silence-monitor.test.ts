import { beforeEach, describe, expect, it } from 'vitest';
import { createFakeAmphoraAgent, type FakeAmphoraAgent } from '../../test/kit/fakes/fake-amphora-agent.ts';
import { createFakeClock, type FakeClock } from '../../test/kit/fakes/fake-clock.ts';
import { createFakeLog } from '../../test/kit/fakes/fake-log.ts';
import { aServiceError } from '../../test/kit/fault-injection.ts';
import { storedListener, storedLoadBalancer } from '../../test/kit/stored-resources.ts';
import { KilnError } from '../model/errors.ts';
import type { NewOperation } from '../model/operation.ts';
import type { SilenceSurvey } from '../model/silence.ts';
import type { SilenceStore, SilentAmphora } from '../ports/silence-store.ts';
import { createSilenceMonitor, type SilenceMonitor } from './silence-monitor.ts';

const amphora: SilentAmphora = {
  id: 'a',
  status: 'ALLOCATED',
  loadBalancerId: 'lb',
  loadBalancerStatus: 'ACTIVE',
  topology: 'SINGLE',
  computeId: 'server',
  lbNetworkIp: '192.0.2.1',
  lastHeard: '2026-11-23T12:00:00.000Z',
  finding: null,
  attempts: 0,
  isReplaced: false,
  examiner: 'e',
};

const quiet: SilenceSurvey = {
  breaker: { openSince: null, silentCount: null, threshold: null, listenUntil: null, resumedAt: null },
  silent: 0,
  heartbeatsLost: 0,
  unexplained: 0,
  untried: 0,
  recentFailovers: 0,
  runningFailovers: 0,
};

let clock: FakeClock;
let log: ReturnType<typeof createFakeLog>;
let agent: FakeAmphoraAgent;
let monitor: SilenceMonitor;
let settings: Parameters<typeof createSilenceMonitor>[0]['settings'] extends () => infer S ? S : never;
/** What the store finds silent, until it is claimed. */
let silent: SilentAmphora[];
let survey: SilenceSurvey;
let surveys: number;
let failures: number;
let treeTakesMs: number;
let recording: boolean;
let serverStatus: string | null;
let recorded: { id: string; finding: string; waitMs: number; flow: string | null }[];
/** Who was only asked. */
let noted: { id: string; finding: string; waitMs: number | null }[];
let announced: NewOperation[];
let deletions: string[];

beforeEach(() => {
  clock = createFakeClock({ start: '2026-11-23T13:00:00Z' });
  log = createFakeLog();
  agent = createFakeAmphoraAgent();
  silent = [];
  survey = quiet;
  surveys = 0;
  failures = 0;
  treeTakesMs = 0;
  recording = true;
  serverStatus = 'ACTIVE';
  recorded = [];
  noted = [];
  announced = [];
  deletions = [];
  settings = {
    heartbeatTimeoutSeconds: 60,
    healthCheckIntervalSeconds: 3,
    failoverThreads: 2,
    failoverThreshold: null,
    heartbeatIntervalSeconds: 10,
    heartbeatsAreSent: true,
  };
  monitor = createSilenceMonitor({
    silences: silences(),
    amphorae: {
      requestDeletion: async (id) => {
        deletions.push(id);
      },
    },
    loadBalancers: {
      tree: async () => {
        await clock.sleep(treeTakesMs);
        return {
          revision: 1,
          loadBalancer: storedLoadBalancer('lb'),
          listeners: [
            { ...storedListener('li', 'lb'), l7Policies: [] },
            { ...storedListener('refused', 'lb', { provisioningStatus: 'ERROR' }), l7Policies: [] },
          ],
          pools: [],
        };
      },
    },
    compute: {
      getServer: async (id) => {
        if (serverStatus === null) throw new KilnError('SERVICE_UNREACHABLE', 'Nova is away');
        if (serverStatus === 'gone') throw new KilnError('SERVICE_NOT_FOUND', 'it is gone');
        const rest = { name: 's', imageId: null, createdAt: '', availabilityZone: null, fault: null };
        return { id, status: serverStatus, ...rest };
      },
    },
    agent,
    queue: { announce: (operation) => void announced.push(operation as NewOperation) },
    clock,
    log,
    newId: () => 'new',
    isRecording: () => recording,
    settings: () => settings,
  });
});

function silences(): SilenceStore {
  const note = (one: SilentAmphora, decision: { finding: string; examineAfter: string }, flow: string | null) => {
    const waitMs = Date.parse(decision.examineAfter) - clock.now().getTime();
    recorded.push({ id: one.id, finding: decision.finding, waitMs, flow });
    return true;
  };
  return {
    async survey() {
      surveys++;
      if (failures-- > 0) throw new KilnError('STATE_UNUSABLE', 'the database is away', { retryable: true });
      return { ...survey, silent: survey.silent + silent.length, untried: survey.untried + silent.length };
    },
    countServing: async () => 20,
    list: async () => [],
    claim: async (_moment, { limit, among }) =>
      among === 'repairable'
        ? silent.splice(0, limit)
        : silent.filter(({ id }) => !noted.some((those) => those.id === id)).slice(0, limit),
    async note(those, { finding, examineAfter }) {
      const waitMs = examineAfter === null ? null : Date.parse(examineAfter) - clock.now().getTime();
      noted.push(...those.map(({ id }) => ({ id, finding, waitMs })));
    },
    requestFailover: async (one, decision, operation) => note(one, decision, operation.flow),
    record: async (one, decision, operation) => note(one, decision, operation?.flow ?? null),
    markErrors: async () => 0,
    markServing: async () => 0,
    async openBreaker({ at, silentCount, threshold }) {
      if (survey.breaker.openSince !== null) return false;
      survey = { ...survey, breaker: { ...survey.breaker, openSince: at, silentCount, threshold } };
      return true;
    },
    async closeBreaker(listenUntil) {
      survey = { ...survey, breaker: { ...quiet.breaker, listenUntil } };
      return true;
    },
    resume: async () => false,
    forgetFuture: async () => {},
  };
}

const haproxyRuns = async (listenerId = 'li') => {
  const configuration = `frontend ${listenerId}\n    mode http\n`;
  await agent.uploadHaproxyConfiguration({ id: 'a', address: '' }, 'lb', configuration);
  await agent.act({ id: 'a', address: '' }, 'lb', 'start');
};
const agentIsSilent = () => {
  agent.getDetails = async () => {
    throw new KilnError('AGENT_UNREACHABLE', 'nothing answers');
  };
};

/** Starts it, and lets it listen for long enough. */
async function listening(): Promise<void> {
  monitor.start();
  await clock.advance(63_000);
}

describe('a silent amphora', () => {
  it('whose agent answers and serves is not failed over: it is sent again where heartbeats go', async () => {
    await haproxyRuns();
    await listening();
    silent = [amphora];
    await clock.advance(3_000);
    silent = [{ ...amphora, attempts: 1 }];
    await clock.advance(3_000);
    silent = [{ ...amphora, attempts: 2 }];
    await clock.advance(3_000);
    expect(recorded).toMatchObject([
      { finding: 'heartbeats-lost', flow: 'configure-amphora', waitMs: 60_000 },
      { finding: 'heartbeats-lost', flow: 'configure-amphora' },
      { finding: 'heartbeats-lost', flow: null },
    ]);
    await monitor.stop();
  });

  it('whose HAProxy does not run is reloaded once, then failed over', async () => {
    await haproxyRuns();
    await agent.act({ id: 'a', address: '' }, 'lb', 'stop');
    await listening();
    silent = [amphora];
    await clock.advance(3_000);
    expect(recorded).toMatchObject([{ finding: 'service-sick', flow: null, waitMs: 20_000 }]);
    expect(agent.amphora('a').objects.get('lb')).toMatchObject({ running: true });
    await agent.act({ id: 'a', address: '' }, 'lb', 'stop');
    silent = [{ ...amphora, finding: 'service-sick', attempts: 1 }];
    await clock.advance(3_000);
    expect(recorded.at(-1)).toMatchObject({ finding: 'service-sick', flow: 'failover-amphora' });
    await monitor.stop();
  });

  it('with a listener too many, of a change that was taken back without it, is failed over; metrics are no listener', async () => {
    await haproxyRuns('li\n    mode http\nfrontend prometheus-exporter-internal-endpoint');
    await listening();
    silent = [amphora];
    await clock.advance(3_000);
    expect(recorded).toMatchObject([{ finding: 'heartbeats-lost' }]);
    await haproxyRuns('li\n    mode http\nfrontend refused');
    silent = [amphora];
    await clock.advance(3_000);
    silent = [{ ...amphora, finding: 'service-sick', attempts: 1 }];
    await clock.advance(3_000);
    expect(recorded.slice(1)).toMatchObject([
      { finding: 'service-sick', flow: null },
      { finding: 'service-sick', flow: 'failover-amphora' },
    ]);
    await monitor.stop();
  });

  it('of a pair, whose keepalived does not run: it is started once, then the amphora is failed over', async () => {
    await haproxyRuns();
    agent.amphora('a').vrrp = { configuration: 'x', running: false };
    await listening();
    const ofPair: SilentAmphora = { ...amphora, topology: 'ACTIVE_STANDBY' };
    silent = [ofPair];
    await clock.advance(3_000);
    expect(recorded).toMatchObject([{ finding: 'service-sick', flow: null, waitMs: 20_000 }]);
    expect(agent.amphora('a').vrrp).toMatchObject({ running: true });
    silent = [{ ...ofPair, finding: 'service-sick', attempts: 1 }];
    await clock.advance(3_000);
    expect(recorded.at(-1)).toMatchObject({ finding: 'heartbeats-lost' });
    await agent.actOnVrrp({ id: 'a', address: '' }, 'stop');
    silent = [{ ...ofPair, finding: 'service-sick', attempts: 1 }];
    await clock.advance(3_000);
    expect(recorded.at(-1)).toMatchObject({ finding: 'service-sick', flow: 'failover-amphora-of-pair' });
    await monitor.stop();
  });

  it('is judged however long the database takes to tell what it should have', async () => {
    await haproxyRuns();
    treeTakesMs = 20_000;
    await listening();
    silent = [amphora];
    await clock.advance(24_000);
    expect(recorded).toMatchObject([{ finding: 'heartbeats-lost' }]);
    await monitor.stop();
  });

  it.each([
    new KilnError('AGENT_UNREACHABLE', 'it took too long'),
    aServiceError('AGENT_REFUSED', { status: null }),
    aServiceError('AGENT_REFUSED', { status: 404 }),
  ])('of a pair, whose agent gives no answer about keepalived, has just answered all the same: %s', async (failure) => {
    await haproxyRuns();
    agent.actOnVrrp = async () => {
      throw failure;
    };
    await listening();
    silent = [{ ...amphora, topology: 'ACTIVE_STANDBY' }];
    await clock.advance(3_000);
    expect(recorded).toMatchObject([{ finding: 'heartbeats-lost' }]);
    await monitor.stop();
  });

  it('that lacks a listener, or whose agent refuses us, is sick', async () => {
    await haproxyRuns('another');
    await listening();
    silent = [amphora];
    await clock.advance(3_000);
    agent.getDetails = async () => {
      throw new KilnError('AGENT_REFUSED', 'certificate has expired');
    };
    silent = [amphora];
    await clock.advance(3_000);
    expect(recorded.map(({ finding }) => finding)).toEqual(['service-sick', 'service-sick']);
    await monitor.stop();
  });

  it.each([
    ['ACTIVE', 'cut-off', 'failover-amphora', 60_000],
    ['SHUTOFF', 'dead', 'failover-amphora', 60_000],
    ['ERROR', 'dead', 'failover-amphora', 60_000],
    ['gone', 'dead', 'failover-amphora', 60_000],
    [null, 'unknown', null, 3_000],
  ])('whose agent is silent, and of whose server Nova says %j, is %s', async (status, finding, flow, waitMs) => {
    agentIsSilent();
    serverStatus = status;
    await listening();
    silent = [amphora];
    await clock.advance(3_000);
    expect(recorded).toEqual([{ id: 'a', finding, flow, waitMs }]);
    expect(announced).toMatchObject(flow === null ? [] : [{ flow, subject: 'lb', priority: 20 }]);
    await monitor.stop();
  });

  it('in ERROR beside one that serves is removed; alone it is failed over', async () => {
    agentIsSilent();
    await listening();
    silent = [
      { ...amphora, id: 'left', status: 'ERROR', isReplaced: true },
      { ...amphora, id: 'alone', status: 'ERROR' },
    ];
    await clock.advance(3_000);
    expect(deletions).toEqual(['left']);
    expect(recorded).toMatchObject([
      { id: 'left', flow: null },
      { id: 'alone', flow: 'failover-amphora' },
    ]);
    await monitor.stop();
  });

  it('so many at once as there may be failovers, those that run counted', async () => {
    agentIsSilent();
    await listening();
    survey = { ...quiet, runningFailovers: 2 };
    silent = [amphora, { ...amphora, id: 'b' }, { ...amphora, id: 'c' }];
    await clock.advance(3_000);
    expect(recorded).toEqual([]);
    // Whether they serve is known nonetheless.
    expect(noted).toEqual(['a', 'b', 'c'].map((id) => ({ id, finding: 'unknown', waitMs: null })));
    survey = { ...quiet, runningFailovers: 1 };
    await clock.advance(3_000);
    expect(recorded.length).toBeGreaterThan(0);
    await monitor.stop();
  });
});

describe('nothing is judged', () => {
  const untouched = async (forMs: number) => {
    silent = [amphora];
    await clock.advance(forMs);
    expect(recorded).toEqual([]);
  };
  const judged = async (withinMs: number) => {
    await clock.advance(withinMs);
    expect(recorded).toHaveLength(1);
    await monitor.stop();
  };
  beforeEach(agentIsSilent);

  it('right after the start', async () => {
    monitor.start();
    await untouched(57_000);
    await judged(6_000);
  });

  it.each([3_600_000, -3_600_000])('after the clock was set by %i ms', async (jumpMs) => {
    await listening();
    clock.jumpWall(jumpMs);
    await untouched(57_000);
    await judged(10_000);
  });

  it('after the process was stopped', async () => {
    await listening();
    // As SIGSTOP does it: time goes on, and nothing runs.
    const { now, monotonicMs } = clock;
    clock.now = () => new Date(now().getTime() + 120_000);
    clock.monotonicMs = () => monotonicMs() + 120_000;
    await untouched(57_000);
    await judged(10_000);
  });

  it('after a cut from the database, by whomever it was noticed', async () => {
    await listening();
    failures = 1;
    await clock.advance(3_000);
    await untouched(54_000);
    await judged(12_000);
  });

  it('while heartbeats are not recorded', async () => {
    await listening();
    recording = false;
    await untouched(300_000);
    recording = true;
    await clock.advance(54_000);
    expect(recorded).toEqual([]);
    await judged(12_000);
  });

  it('where nobody sends heartbeats', async () => {
    settings = { ...settings, heartbeatsAreSent: false };
    await listening();
    await untouched(300_000);
    expect(surveys).toBe(0);
    await monitor.stop();
  });

  it('by who was stopped while it asked', async () => {
    await listening();
    const { monotonicMs } = clock;
    agent.getDetails = async () => {
      clock.monotonicMs = () => monotonicMs() + 60_000;
      throw new KilnError('AGENT_UNREACHABLE', 'it took too long');
    };
    await untouched(3_000);
    await monitor.stop();
  });
});

describe('the circuit breaker', () => {
  const many = () => ['a', 'b', 'c', 'd', 'e'].map((id) => ({ ...amphora, id }));
  beforeEach(agentIsSilent);

  it('opens when too many are silent at once, and closes when heartbeats come back, to listen again', async () => {
    await listening();
    silent = many();
    survey = { ...quiet, unexplained: 5 };
    await clock.advance(30_000);
    expect(recorded).toEqual([]);
    expect(survey.breaker).toMatchObject({ silentCount: 5, threshold: 5 });
    expect(log.lines.filter(({ level }) => level === 'error')).toHaveLength(1);
    silent = [amphora];
    survey = { ...survey, unexplained: 1 };
    await clock.advance(6_000);
    expect(survey.breaker.openSince).toBeNull();
    await clock.advance(50_000);
    expect(recorded).toEqual([]);
    await clock.advance(10_000);
    expect(recorded).toHaveLength(1);
    await monitor.stop();
  });

  it('open, it stops failovers and not the truth: agents are asked, and nothing is done to them', async () => {
    await haproxyRuns();
    const { getDetails } = createFakeAmphoraAgent();
    const details = await getDetails({ id: 'z', address: '' });
    const acts: string[] = [];
    agent.act = async (_amphora, _object, action) => void acts.push(action);
    agent.getDetails = async ({ id }) => {
      if (id === 'e') throw new KilnError('AGENT_UNREACHABLE', 'nothing answers');
      return { ...details, runningHaproxyCount: id === 'd' ? 0 : 1, listenerIds: id === 'd' ? [] : ['li'] };
    };
    await listening();
    silent = [...many(), { ...amphora, id: 'f', status: 'ERROR' }];
    survey = { ...quiet, unexplained: 6 };
    await clock.advance(3_000);
    expect(survey.breaker.openSince).not.toBeNull();
    expect(recorded).toEqual([]);
    expect(acts).toEqual([]);
    expect(noted).toEqual([
      ...['a', 'b', 'c'].map((id) => ({ id, finding: 'heartbeats-lost', waitMs: 60_000 })),
      ...['d', 'e', 'f'].map((id) => ({ id, finding: 'unknown', waitMs: 60_000 })),
    ]);
    await monitor.stop();
  });

  it('counts failovers of a moment ago, and obeys failover_threshold', async () => {
    await listening();
    silent = many().slice(0, 2);
    survey = { ...quiet, unexplained: 5, recentFailovers: 3 };
    await clock.advance(3_000);
    expect(survey.breaker.openSince).not.toBeNull();
    survey = { ...quiet, recentFailovers: 3 };
    settings = { ...settings, failoverThreshold: 6 };
    await clock.advance(3_000);
    expect(recorded).toHaveLength(2);
    silent = [amphora];
    settings = { ...settings, failoverThreshold: 0 };
    await clock.advance(3_000);
    expect(recorded).toHaveLength(2);
    await monitor.stop();
  });
});
