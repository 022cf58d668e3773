/**
 * A worker that stops still at chosen moments, to be killed there. It is wired as `kiln serve` wires its own; only its flows
 * have something around their steps. Each line of its standard input, `{OPERATION: CRASH_POINT, ...}`, tells it of
 * operations, of which it begins none before; it says "paused OPERATION" for each that stands still.
 */
import { flushCompileCache } from 'node:module';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { createSystemClock } from '../../src/adapters/clock/system-clock.ts';
import { loadConfiguration } from '../../src/config/load.ts';
import type { LoadBalancerDeps } from '../../src/flows/load-balancer/deps.ts';
import { loadBalancerFlows, type OperationFlow } from '../../src/flows/load-balancer/index.ts';
import { findAccess } from '../../src/main/cloud-access.ts';
import { createLog } from '../../src/main/log.ts';
import { wireQueue, wireWorker } from '../../src/main/roles/worker.ts';
import { openState } from '../../src/main/state.ts';
import { statePaths } from '../../src/main/state-paths.ts';
import { secretStore, wireOpenStack, wireProcess } from '../../src/main/wire.ts';
import { KilnError } from '../../src/model/errors.ts';
import { aroundCalls } from './fault-injection.ts';

/** Where an operation stands still, if it does, and where it fails, if it does. */
export interface CrashPoint {
  /**
   * start: journalled, nothing done. middle: the first thing has been done in the cloud. end: all done, not journalled.
   * `after`: a step of another branch that is on record as done by then.
   */
  pause?: { step: string; direction: 'do' | 'undo'; moment: 'start' | 'middle' | 'end'; after?: string };
  /** This step can't be done: the flow turns around. */
  failAt?: string;
}

const effects = /^(create|delete|update|insert|attach|detach|upload|act|plug|settle|forget|rotate)/;

async function main(): Promise<void> {
  const points = createPoints();
  const { config } = loadConfiguration({
    configFiles: [process.env.KILN_CONFIG_FILE ?? ''],
    environment: process.env,
  });
  const clock = createSystemClock();
  const log = createLog({ debug: false, file: null });
  const around = { clock, log, current: () => config };
  const paths = statePaths(config, process.env, false);
  const openstack = wireOpenStack(findAccess(config, null, {}), around);
  const state = await openState(paths.database, clock);
  const own = {
    openstack,
    state,
    secrets: secretStore(config, paths),
    queue: wireQueue(state, around),
    own: wireProcess(openstack, around),
  };
  const isDone = async (operationId: string, step: string) =>
    (await state.journal.get(operationId))?.entries.some((entry) => entry.kind === 'done' && entry.step === step) ??
    false;
  const worker = wireWorker(
    own,
    around,
    loadBalancerFlows.map((flow) => withPoints(flow, points, isDone)),
  );
  await worker.start();
  const commands = createInterface({ input: process.stdin }).on('line', (line) => {
    for (const [id, point] of Object.entries(JSON.parse(line) as Record<string, CrashPoint>)) {
      points.of(id).resolve(point);
      own.queue.announce({ id, priority: 0 });
    }
  });
  // Whoever tells it is gone.
  commands.once('close', () => process.exit(0));
  process.once('SIGTERM', () => void worker.stop().then(() => process.exit(0)));
  // Before it is killed, for the next one.
  flushCompileCache();
}

interface Points {
  /** Settled once this worker has the operation announced. */
  of(operationId: string): PromiseWithResolvers<CrashPoint>;
}

function createPoints(): Points {
  const points = new Map<string, PromiseWithResolvers<CrashPoint>>();
  return {
    of(operationId) {
      const point = points.get(operationId) ?? Promise.withResolvers<CrashPoint>();
      points.set(operationId, point);
      return point;
    },
  };
}

function withPoints(
  flow: OperationFlow,
  points: Points,
  isDone: (operationId: string, step: string) => Promise<boolean>,
): OperationFlow {
  return {
    ...flow,
    steps: flow.steps.map((step) => {
      const around =
        (direction: 'do' | 'undo', act: NonNullable<typeof step.undo> | typeof step.do): typeof step.do =>
        async (deps, given, run) => {
          const { pause, failAt } = await points.of(run.operationId).promise;
          if (direction === 'do' && failAt === step.name) {
            throw new KilnError('BOOT_FAILED', 'made to fail', { retryable: false });
          }
          const still = async () => {
            while (pause?.after !== undefined && !(await isDone(run.operationId, pause.after))) await sleep(50);
            return await standStill(run.operationId);
          };
          const here = pause?.step === step.name && pause.direction === direction ? pause.moment : null;
          if (here === 'start') await still();
          const output = await act(here === 'middle' ? stoppingAfterFirstEffect(deps, still) : deps, given, run);
          if (here !== null) await still();
          return output as never;
        };
      const { undo, settle } = step;
      const undone = undo && around('undo', undo);
      return {
        ...step,
        // The last step writes nothing but with the operation's end, in one transaction: it stands still before that.
        ...(settle ? { settle: around('do', settle as never) as never } : { do: around('do', step.do) }),
        ...(undone && {
          undo: async (...all) => {
            await undone(...all);
          },
        }),
      };
    }),
  };
}

async function standStill(operationId: string): Promise<never> {
  console.log(`paused ${operationId}`);
  return await new Promise<never>(() => {});
}

function stoppingAfterFirstEffect(deps: LoadBalancerDeps, still: () => Promise<never>): LoadBalancerDeps {
  const watched = <Part extends object>(part: Part): Part =>
    aroundCalls(part, effects, async (_name, carryOut) => {
      await carryOut();
      return await still();
    });
  const { compute, network, agent, amphorae, loadBalancers, health } = deps;
  return {
    ...deps,
    compute: watched(compute),
    network: watched(network),
    agent: watched(agent),
    amphorae: watched(amphorae),
    loadBalancers: watched(loadBalancers),
    health: watched(health),
  };
}

await main();
