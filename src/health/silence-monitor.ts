import {
  countTowardsThreshold,
  failoverThreshold,
  isClearedByHeartbeats,
  LEAST_DEFAULT_THRESHOLD,
} from '../core/health/circuit-breaker.ts';
import { examineSilence } from '../core/health/examine-silence.ts';
import { retryPauseMs } from '../core/health/retry-pause.ts';
import { configurationOperation, planAmphoraDeletion, repairOperation } from '../core/lbaas/changes.ts';
import { toKilnError } from '../model/errors.ts';
import type { SilenceFinding, SilenceSurvey } from '../model/silence.ts';
import type { AmphoraAgent } from '../ports/amphora-agent.ts';
import type { AmphoraRegister } from '../ports/amphora-store.ts';
import type { Clock } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import type { OperationQueue } from '../ports/operation-queue.ts';
import type { SilenceMoment, SilenceStore, SilentAmphora } from '../ports/silence-store.ts';
import { createListener, type Listener } from './listener.ts';
import { askAgents, askWitnesses, type WitnessDeps } from './second-witness.ts';

/** [health_manager], as it is in force at each look. */
export interface SilenceSettings {
  heartbeatTimeoutSeconds: number;
  healthCheckIntervalSeconds: number;
  /** Failovers by silence that run at once, of all controllers together. */
  failoverThreads: number;
  /** Null: Kiln's default. */
  failoverThreshold: number | null;
  /** Between two heartbeats of an amphora to the same controller. */
  heartbeatIntervalSeconds: number;
  /** False where nobody sends heartbeats: then silence says nothing. */
  heartbeatsAreSent: boolean;
}

export interface SilenceMonitorDeps extends WitnessDeps {
  silences: SilenceStore;
  amphorae: Pick<AmphoraRegister, 'requestDeletion'>;
  agent: Pick<AmphoraAgent, 'getDetails' | 'listListeners' | 'act' | 'actOnVrrp'>;
  queue: Pick<OperationQueue, 'announce'>;
  clock: Clock;
  log: Log;
  newId(): string;
  /** Whether heartbeats that come in are recorded. While they are not, silence means nothing. */
  isRecording(): boolean;
  settings: () => SilenceSettings;
}

export interface SilenceMonitor {
  start(): void;
  /** Resolves when the look that is under way has ended. */
  stop(): Promise<void>;
  counts(): Readonly<SilenceCounts>;
}

/** Since the start. */
export interface SilenceCounts {
  ticks: number;
  examined: number;
  failovers: number;
}

/** How long an examination may take before another controller takes it up. */
const CLAIM_MS = 30_000;
/** Of HAProxy and keepalived, by an agent that has just answered. It goes on there when nobody waits for it. */
const RELOAD_TIMEOUT_MS = 10_000;
/** Agents that are asked at the same time whether they serve: few enough for each handshake to end within an agent's time limit. */
const ASKED_AT_ONCE = 100;
/** Load balancers are marked in batches of so many. */
const LARGEST_BATCH = 1_000;

/**
 * Looks for amphorae that are silent, asks second witnesses, and has those failed over that are dead. Any number of
 * controllers may do so at once. See docs/decisions/0018-silence.md.
 */
export function createSilenceMonitor(deps: SilenceMonitorDeps): SilenceMonitor {
  const { silences, amphorae, agent, queue, clock, log, newId, settings } = deps;
  const stopping = new AbortController();
  const counts: SilenceCounts = { ticks: 0, examined: 0, failovers: 0 };
  /** Perhaps it was, before the start. */
  let clockWasSet = true;
  const listener: Listener = createListener({
    clock,
    listenMs: () => settings().heartbeatTimeoutSeconds * 1000,
    isRecording: deps.isRecording,
    log,
    // What was heard of before the clock was set back must not count as heard of in the future.
    onBreak: (why) => {
      if (why === 'clock-jump') clockWasSet = true;
    },
  });
  let background: Promise<unknown> = Promise.resolve();

  const inMs = (milliseconds: number) => new Date(clock.now().getTime() + milliseconds).toISOString();

  function moment(): SilenceMoment {
    return { now: inMs(0), silentBefore: inMs(-settings().heartbeatTimeoutSeconds * 1000) };
  }

  async function tick(): Promise<void> {
    counts.ticks++;
    if (clockWasSet) {
      await silences.forgetFuture(inMs(0));
      clockWasSet = false;
    }
    while (settings().heartbeatsAreSent && !stopping.signal.aborted && listener.isAttentive()) {
      if (!(await lookOnce())) return;
    }
  }

  /** @returns whether there may be more to examine. */
  async function lookOnce(): Promise<boolean> {
    const now = moment();
    const survey = await silences.survey(now, now.silentBefore);
    const maySucceed = await passesBreaker(survey);
    if (survey.silent === 0) return false;
    const free = settings().failoverThreads - survey.runningFailovers;
    const examined = maySucceed && free > 0 ? await examineSome(now, free) : 0;
    const asked = await askSome(now, maySucceed ? 'unexamined' : 'due');
    await mark(now);
    return examined + asked > 0;
  }

  async function examineSome(now: SilenceMoment, limit: number): Promise<number> {
    const claim = { examiner: newId(), until: inMs(CLAIM_MS), limit, among: 'repairable' } as const;
    const claimed = await silences.claim(now, claim);
    await Promise.all(claimed.map(examine));
    return claimed.length;
  }

  /** Of those that can't be failed over now, it is found out all the same whether they serve. */
  async function askSome(now: SilenceMoment, among: 'unexamined' | 'due'): Promise<number> {
    const claim = { examiner: newId(), until: inMs(CLAIM_MS), limit: ASKED_AT_ONCE, among };
    const claimed = await silences.claim(now, claim);
    const witnesses = await askAgents(deps, claimed);
    if (!listener.isAttentive()) return claimed.length;
    const examineAfter = among === 'due' ? inMs(settings().heartbeatTimeoutSeconds * 1000) : null;
    // One that did not answer when its load balancer was changed serves what was.
    const serves = (amphora: SilentAmphora) => witnesses.get(amphora) === 'well' && amphora.status !== 'ERROR';
    // It is not asked here whether keepalived runs: what was found of it stands.
    const isKnownSick = ({ finding, topology }: SilentAmphora) =>
      finding === 'service-sick' && topology === 'ACTIVE_STANDBY';
    const asked = claimed.filter((amphora) => witnesses.has(amphora) && !isKnownSick(amphora));
    const [serving, others] = [asked.filter(serves), asked.filter((amphora) => !serves(amphora))];
    await silences.note(serving, { finding: 'heartbeats-lost', examineAfter }, inMs(0));
    await silences.note(others, { finding: 'unknown', examineAfter }, inMs(0));
    return claimed.length;
  }

  /** The operating status of load balancers tells the truth. */
  async function mark(now: SilenceMoment): Promise<void> {
    while ((await silences.markErrors(now, LARGEST_BATCH)) === LARGEST_BATCH);
    while ((await silences.markServing(now, LARGEST_BATCH)) === LARGEST_BATCH);
  }

  /** Opens and closes the circuit breaker. @returns whether amphorae may be failed over. */
  async function passesBreaker(survey: SilenceSurvey): Promise<boolean> {
    const { breaker } = survey;
    if (breaker.openSince !== null) {
      if (!isClearedByHeartbeats(survey)) return false;
      const isOurs = await silences.closeBreaker(inMs(settings().heartbeatTimeoutSeconds * 1000));
      if (isOurs)
        log.warn(
          { silent: survey.silent, heartbeatsLost: survey.heartbeatsLost },
          'few amphorae are silent and give no answer: amphorae are failed over again',
        );
      return false;
    }
    if (breaker.listenUntil !== null && breaker.listenUntil > inMs(0)) return false;
    const count = countTowardsThreshold(survey);
    const { failoverThreshold: configured } = settings();
    if (count < (configured ?? LEAST_DEFAULT_THRESHOLD)) return true;
    const threshold = failoverThreshold(configured, configured === null ? await silences.countServing() : 0);
    if (count < threshold) return true;
    const opened = { at: inMs(0), silentCount: survey.unexplained, threshold };
    if (await silences.openBreaker(opened)) {
      log.error(
        { silent: survey.silent, threshold },
        'too many amphorae are silent at once: none is failed over until heartbeats come back or `kiln health resume` is run. ' +
          'Look at the management network, and at [health_manager] controller_ip_port_list and heartbeat_key.',
      );
    }
    return false;
  }

  /** Never rejects for what one amphora alone can be blamed for. */
  async function examine(amphora: SilentAmphora): Promise<void> {
    counts.examined++;
    const about = { amphora: amphora.id, loadBalancer: amphora.loadBalancerId, lastHeard: amphora.lastHeard };
    if (amphora.status === 'ERROR' && amphora.isReplaced) return await removeLeftover(amphora);
    // It did not answer when its load balancer was changed: whatever it says now, it serves what was.
    if (amphora.status === 'ERROR' && amphora.topology === 'ACTIVE_STANDBY') return await failOver(amphora, 'cut-off');
    const witnesses = await askWitnesses(deps, amphora);
    // Who was stopped meanwhile knows nothing; the claim ends by itself.
    if (!witnesses || !listener.isAttentive()) return;
    const reloaded = amphora.finding === 'service-sick';
    const { finding, action } = examineSilence({ ...witnesses, reloaded });
    log.warn({ ...about, finding, action, attempts: amphora.attempts }, 'an amphora is silent');
    if (action === 'failover') await failOver(amphora, finding);
    else if (action === 'reload') await reload(amphora, finding);
    else if (action === 'send-configuration') await sendConfiguration(amphora, finding);
    else await record(amphora, finding, settings().healthCheckIntervalSeconds * 1000);
  }

  async function failOver(amphora: SilentAmphora, finding: SilenceFinding): Promise<void> {
    const operation = repairOperation({ newId }, amphora);
    const decision = { finding, examineAfter: inMs(pauseMs(amphora)) };
    if (!(await silences.requestFailover(amphora, decision, operation, inMs(0)))) return;
    counts.failovers++;
    log.warn(
      { amphora: amphora.id, loadBalancer: amphora.loadBalancerId, operation: operation.id },
      'it is failed over',
    );
    queue.announce(operation);
  }

  /** HAProxy or keepalived does not run, or not as it should; perhaps a reload helps. */
  async function reload(amphora: SilentAmphora, finding: SilenceFinding): Promise<void> {
    const { heartbeatIntervalSeconds, healthCheckIntervalSeconds } = settings();
    const pauseSeconds = Math.max(2 * heartbeatIntervalSeconds, healthCheckIntervalSeconds);
    if (!(await record(amphora, finding, pauseSeconds * 1000))) return;
    const address = { id: amphora.id, address: amphora.lbNetworkIp ?? '' };
    // The others that are silent wait for it.
    const limit = AbortSignal.timeout(RELOAD_TIMEOUT_MS);
    const failed = (what: string) => (error: unknown) => log.warn({ amphora: amphora.id, err: error }, what);
    const actions = [
      agent.act(address, amphora.loadBalancerId, 'reload', limit).catch(failed('HAProxy could not be reloaded')),
    ];
    if (amphora.topology === 'ACTIVE_STANDBY')
      actions.push(agent.actOnVrrp(address, 'start', limit).catch(failed('keepalived could not be started')));
    await Promise.all(actions);
  }

  /** The agent serves, only its heartbeats are lost: its configuration is sent again. Seldom, if that does not help. */
  async function sendConfiguration(amphora: SilentAmphora, finding: SilenceFinding): Promise<void> {
    const isDue = Number.isInteger(Math.log2(amphora.attempts + 1));
    const operation = isDue ? configurationOperation({ newId }, amphora.loadBalancerId, amphora.id) : null;
    const recorded = await record(amphora, finding, settings().heartbeatTimeoutSeconds * 1000, operation);
    if (recorded && operation) queue.announce(operation);
  }

  /** Another one serves: what is left of this one goes. */
  async function removeLeftover(amphora: SilentAmphora): Promise<void> {
    if (!(await record(amphora, 'dead', pauseMs(amphora)))) return;
    const operation = planAmphoraDeletion({ newId }, amphora.id, amphora.loadBalancerId);
    try {
      await amphorae.requestDeletion(amphora.id, operation);
      queue.announce(operation);
    } catch (thrown) {
      const { code } = toKilnError(thrown);
      // Somebody else has taken it in hand.
      if (code !== 'IMMUTABLE' && code !== 'AMPHORA_NOT_FOUND') throw thrown;
    }
  }

  function record(
    amphora: SilentAmphora,
    finding: SilenceFinding,
    pauseMs: number,
    operation: Parameters<SilenceStore['record']>[2] = null,
  ): Promise<boolean> {
    return silences.record(amphora, { finding, examineAfter: inMs(pauseMs) }, operation, inMs(0));
  }

  const pauseMs = ({ attempts }: SilentAmphora) =>
    retryPauseMs(attempts + 1, settings().heartbeatTimeoutSeconds * 1000);

  async function keepLooking(): Promise<void> {
    while (!stopping.signal.aborted) {
      await tick().catch((error: unknown) => {
        listener.restart('database');
        log.warn({ err: error }, 'silent amphorae could not be looked for; it is tried again');
      });
      await clock.sleep(settings().healthCheckIntervalSeconds * 1000, stopping.signal).catch(() => {});
    }
  }

  return {
    start() {
      background = Promise.all([keepLooking(), listener.keepWatch(stopping.signal)]);
    },
    async stop() {
      stopping.abort();
      await background;
    },
    counts: () => counts,
  };
}
