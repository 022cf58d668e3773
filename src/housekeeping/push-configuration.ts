import { configurationPushFlow, configurationRetryAt } from '../core/amphora/configuration-push.ts';
import type { Operation } from '../model/operation.ts';
import type { AgentConfigurations, ConfigurationCandidate } from '../ports/agent-configurations.ts';
import type { Clock } from '../ports/clock.ts';
import type { HousekeepingJob } from './job.ts';

export interface PushSettings {
  /** Of the heartbeat settings in force; null where nobody sends heartbeats. */
  digest: string | null;
}

/** How soon after a change of octavia.conf agents are sent it. */
const INTERVAL_SECONDS = 10;
/** Pushes under way at the same time. */
const AT_ONCE = 20;
/** Shown in a dry run. */
const SHOWN_LIMIT = 1_000;
/** Before the renewal of certificates, behind all that somebody waits for. */
const PRIORITY = -5;

/** Asks workers to send agents their configuration when where heartbeats go, how often, or their key has changed. */
export function pushConfigurationJob(deps: {
  configurations: AgentConfigurations;
  clock: Clock;
  newId(): string;
  settings: () => PushSettings;
  /** Brings word of a new operation to workers. */
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
    async run(run) {
      const lineOf = ({ amphoraId, attempts }: ConfigurationCandidate) => `amphora ${amphoraId}, attempts: ${attempts}`;
      if (run.dryRun) {
        const found = await due(SHOWN_LIMIT);
        return { counts: { requested: found.length }, items: found.map(lineOf), more: false };
      }
      const room = Math.max(0, AT_ONCE - (await configurations.countRunning(configurationPushFlow)));
      const found = await due(room + 1);
      const requested: string[] = [];
      for (const candidate of found.slice(0, room)) {
        if (run.stop.aborted) break;
        await run.assertHeld();
        if (await request(candidate)) requested.push(lineOf(candidate));
      }
      return { counts: { requested: requested.length }, items: requested, more: found.length > room };
    },
  };
}
