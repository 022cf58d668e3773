import { configurationPushFlow, configurationRetryAt } from '../core/amphora/configuration-push.ts';
import type { Operation } from '../model/operation.ts';
import type { AgentConfigurations, ConfigurationCandidate } from '../ports/agent-configurations.ts';
import type { Clock } from '../ports/clock.ts';
import type { HousekeepingJob } from './job.ts';
import { requestOperations } from './request-operations.ts';

export interface PushSettings {
  /** Of the heartbeat settings in force; null where nobody sends heartbeats. */
  digest: string | null;
}

/** How soon after a change of octavia.conf agents are sent it. */
const INTERVAL_SECONDS = 10;
/** Pushes under way at the same time. */
const AT_ONCE = 20;
/** Before the renewal of certificates, behind all that somebody waits for. */
const PRIORITY = -5;

/** Asks workers to send agents their configuration when where heartbeats go, how often, or their key has changed. */
export function pushConfigurationJob(deps: {
  configurations: AgentConfigurations;
  clock: Clock;
  newId(): string;
  settings: () => PushSettings;
  /** Announces a new operation to workers. */
  announce(operation: Pick<Operation, 'id' | 'priority'>): void;
}): HousekeepingJob {
  const { configurations, clock, newId, settings, announce } = deps;

  async function due(limit: number): Promise<ConfigurationCandidate[]> {
    const { digest } = settings();
    return digest === null ? [] : await configurations.due({ now: clock.now().toISOString(), digest }, limit);
  }

  async function request(candidate: ConfigurationCandidate): Promise<boolean> {
    const { amphoraId, attempts } = candidate;
    const operation = {
      id: newId(),
      flow: configurationPushFlow,
      // Not the load balancer: its changes need not wait for an agent that does not answer.
      subject: amphoraId,
      input: { amphoraId },
      priority: PRIORITY,
    };
    if (!(await configurations.request(candidate, operation, configurationRetryAt(clock.now(), attempts))))
      return false;
    announce(operation);
    return true;
  }

  return {
    name: 'push-configuration',
    summary: 'Send agents where heartbeats go, how often, and their key, when octavia.conf has changed',
    intervalSeconds: () => INTERVAL_SECONDS,
    run: (run) =>
      requestOperations(run, {
        due,
        countRunning: () => configurations.countRunning(configurationPushFlow),
        atOnce: AT_ONCE,
        request,
        lineOf: ({ amphoraId, attempts }) => `amphora ${amphoraId}, attempts: ${attempts}`,
      }),
  };
}
