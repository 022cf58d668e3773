import { describe, expect, it } from 'vitest';
import { createFakeLoadBalancerDeps } from '../../../test/kit/fakes/fake-load-balancer-deps.ts';
import { KilnError, ServiceError } from '../../model/errors.ts';
import type { Step, StepRun } from '../engine/flow.ts';
import type { LoadBalancerDeps } from '../load-balancer/deps.ts';
import { onNewAmphora } from './patient-agent.ts';

const unreachable = () => new KilnError('AGENT_UNREACHABLE', 'the agent does not answer');
const answered = (status: number) =>
  new ServiceError(
    'AGENT_REFUSED',
    `answers ${status}`,
    {
      ...{ service: 'amphora-agent', method: 'POST', path: '/1.0/plug/vip', status },
      ...{ serviceMessage: null, requestId: null, retryAfterSeconds: null, outcomeUnknown: true },
    },
    { retryable: true },
  );

/** @param failure what the agent throws at each try; null when it answers. */
function setUp(failure: (seconds: number) => Error | null) {
  const { deps, clock, compute, amphorae } = createFakeLoadBalancerDeps();
  const notes: string[] = [];
  const stop = new AbortController();
  let tries = 0;
  const startedMs = clock.monotonicMs();
  const agent = new Proxy(deps.agent, {
    get: (target, name) =>
      name === 'plugVip'
        ? async () => {
            tries++;
            const error = failure((clock.monotonicMs() - startedMs) / 1000);
            if (error) throw error;
          }
        : Reflect.get(target, name),
  });
  const step: Step<LoadBalancerDeps, Record<string, never>, Record<string, never>> = {
    name: 'plug-vip',
    async do({ agent }) {
      await agent.plugVip({ id: 'amphora', address: '192.0.2.7' }, '192.0.2.9', {} as never);
      return {};
    },
  };
  const run: StepRun = {
    ...{ operationId: 'op', fence: 1, resumed: false, again: false, reason: null, gaveUp: false, isOwnFailure: false },
    ...{ stop: stop.signal, cancelled: new AbortController().signal },
    note: (message) => notes.push(message),
    amend: () => {},
    beforeWaiting: async () => {},
  };
  const settings = () => ({ ...deps.settings(), agentWaitSeconds: 600, agentPauseSeconds: 5 });
  return {
    ...{ clock, compute, amphorae, notes, stop },
    tries: () => tries,
    seconds: () => (clock.monotonicMs() - startedMs) / 1000,
    go: () => onNewAmphora(step).do({ ...deps, agent, settings }, {}, run),
  };
}

describe('a step on a new amphora', () => {
  it.each([
    ['does not answer', unreachable()],
    ['does not have the interface yet', answered(404)],
  ])('waits for an agent that %s for minutes, and says so once', async (_what, error) => {
    const harness = setUp((seconds) => (seconds < 300 ? error : null));
    expect(await harness.go()).toEqual({});
    expect(harness.notes).toEqual([expect.stringContaining('is slow; it is given 600 s')]);
  });

  it('ends when the configuration says so, for good', async () => {
    const harness = setUp(unreachable);
    await expect(harness.go()).rejects.toMatchObject({ code: 'AGENT_UNREACHABLE', retryable: false });
    expect(harness.seconds()).toBeGreaterThanOrEqual(600);
    expect(harness.seconds()).toBeLessThan(610);
  });

  it('ends when the server has gone', async () => {
    const harness = setUp(unreachable);
    harness.amphorae.get = async () => ({ computeId: 'gone' }) as never;
    await expect(harness.go()).rejects.toMatchObject({
      code: 'AGENT_UNREACHABLE',
      retryable: false,
      message: expect.stringContaining('was deleted'),
    });
    expect(harness.seconds()).toBeLessThan(20);
  });

  it('does not wait out what an agent itself fails at', async () => {
    const harness = setUp(() => answered(500));
    await expect(harness.go()).rejects.toMatchObject({ code: 'AGENT_REFUSED', retryable: true });
    expect(harness.tries()).toBe(1);
  });

  it('leaves it to the next worker when its own is to stop', async () => {
    const harness = setUp(() => {
      harness.stop.abort(new Error('stop'));
      return unreachable();
    });
    await expect(harness.go()).rejects.toMatchObject({ code: 'AGENT_UNREACHABLE', retryable: true });
    expect(harness.tries()).toBe(1);
  });
});
