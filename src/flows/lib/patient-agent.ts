import { KilnError, ServiceError } from '../../model/errors.ts';
import type { JsonObject } from '../../model/operation.ts';
import type { AmphoraAgent } from '../../ports/amphora-agent.ts';
import type { Step, StepRun } from '../engine/flow.ts';
import type { LoadBalancerDeps } from '../load-balancer/deps.ts';
import { lookAtServer } from './wait-for-active.ts';
import { waitSignal } from './wait-signal.ts';
import { waitUntil } from './wait-until.ts';

const FIRST_PAUSE_MS = 250;
const SERVER_LOOK_EVERY_MS = 5_000;
const WORTH_A_NOTE_MS = 20_000;

/**
 * A step on amphorae that this flow has built, whose agents are asked again for as long as a new one may take to answer at all
 * (`connection_max_retries` × `connection_retry_interval`), as Octavia's driver does: a slow guest may be long in answering, or in seeing
 * the interface that Nova has plugged in. An agent's own failure is not waited out, nor is one whose server has ended.
 */
export function onNewAmphora<Needs extends JsonObject, Gives extends JsonObject>(
  step: Step<LoadBalancerDeps, Needs, Gives>,
): Step<LoadBalancerDeps, Needs, Gives> {
  return { ...step, do: (deps, state, run) => step.do({ ...deps, agent: patientAgent(deps, run) }, state, run) };
}

function patientAgent(deps: LoadBalancerDeps, run: StepRun): AmphoraAgent {
  return new Proxy(deps.agent, {
    get(target, name) {
      const ask: unknown = Reflect.get(target, name);
      if (typeof ask !== 'function') return ask;
      return (...values: unknown[]) =>
        insist(deps, run, (values[0] as { id: string }).id, () => Reflect.apply(ask, target, values));
    },
  });
}

async function insist<Answer>(
  deps: LoadBalancerDeps,
  run: StepRun,
  amphoraId: string,
  ask: () => Promise<Answer>,
): Promise<Answer> {
  const { clock } = deps;
  const { agentWaitSeconds, agentPauseSeconds } = deps.settings();
  const startedMs = clock.monotonicMs();
  let lookedAtMs = startedMs;
  let noted = false;
  let last: KilnError | null = null;
  const patience = {
    totalMs: agentWaitSeconds * 1000,
    firstPauseMs: FIRST_PAUSE_MS,
    longestPauseMs: agentPauseSeconds * 1000,
    signal: waitSignal(run),
    beforePause: run.beforeWaiting,
  };
  const answered = await waitUntil(clock, patience, async () => {
    try {
      return { answer: await ask() };
    } catch (error) {
      if (!mayYetAnswer(error)) throw error;
      last = error;
    }
    const nowMs = clock.monotonicMs();
    if (!noted && nowMs - startedMs >= WORTH_A_NOTE_MS) {
      noted = true;
      run.note(`amphora ${amphoraId} is slow; it is given ${agentWaitSeconds} s: ${last.message}`);
    }
    if (nowMs - lookedAtMs >= SERVER_LOOK_EVERY_MS) {
      lookedAtMs = nowMs;
      await requireServer(deps, amphoraId, last);
    }
    return null;
  }).catch((error: unknown) => {
    // A worker that is to stop leaves it to the next one.
    throw patience.signal.aborted && last !== null ? last : error;
  });
  if (answered) return answered.answer;
  throw forGood(last, `within ${agentWaitSeconds} s`);
}

/** Nothing answered, the agent hung up, or the guest does not have the interface yet. */
function mayYetAnswer(error: unknown): error is KilnError {
  if (!(error instanceof KilnError) || !error.retryable) return false;
  if (error.code === 'AGENT_UNREACHABLE') return true;
  return error.code === 'AGENT_REFUSED' && error instanceof ServiceError && [null, 404].includes(error.call.status);
}

async function requireServer(deps: LoadBalancerDeps, amphoraId: string, last: KilnError): Promise<void> {
  const serverId = (await deps.amphorae.get(amphoraId))?.computeId ?? null;
  if (serverId === null) return;
  await lookAtServer(deps.compute, serverId, undefined).catch((error: unknown) => {
    throw forGood(last, error instanceof Error ? error.message : String(error));
  });
}

/** What was waited for as long as the configuration says is not tried yet again. */
function forGood(last: KilnError | null, why: string): KilnError {
  const { code, message, advice, details } = last ?? new KilnError('AGENT_UNREACHABLE', 'the agent did not answer');
  return new KilnError(code, `${message} (${why})`, { advice, details, retryable: false, cause: last });
}
