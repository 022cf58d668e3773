import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import type { Place } from '../../src/flows/engine/flow.ts';
import { loadBalancerFlows } from '../../src/flows/load-balancer/index.ts';
import type { Amphora, AmphoraRole } from '../../src/model/amphora.ts';
import type { FlowName } from '../../src/model/flow-name.ts';
import { bundleProgram } from './bundle-program.ts';
import type { CrashPoint } from './crash-worker.ts';
import { type DevCloud, startDevCloud } from './dev-cloud.ts';
import { type LoadBalancerHarness, openLoadBalancerHarness } from './load-balancers.ts';

/** start: journalled, nothing done. middle: the first thing has been done. end: all done, and not journalled. */
type Moment = NonNullable<CrashPoint['pause']>['moment'];

/** How long a worker has for what a test waits for: far more than it takes, on a busy machine as well. */
const WITHIN_MS = 240_000;

/** Workers over an embedded cloud, of which one is killed after the other, and what must be true of what they leave. */
export interface Crashes {
  dev: DevCloud;
  harness: LoadBalancerHarness;
  /**
   * Deals the points out among the newest operations of these load balancers. A worker is killed while each stands at its
   * first point, the next one takes them up and is killed at the second ones, and so on; the last one ends them.
   * @returns what has become of each.
   */
  killAndFinish(loadBalancerIds: readonly string[], points: readonly CrashPoint[]): Promise<string[]>;
  /** The newest operation of each is carried to its end. */
  finish(loadBalancerIds: readonly string[]): Promise<void>;
  amphoraeOf(loadBalancerId: string): Promise<Amphora[]>;
  /** @param role of a pair's one. */
  failAmphoraOver(loadBalancerId: string, role?: AmphoraRole): Promise<void>;
  /** As the controller of a release does, to the image that there is: the amphora, or the first one of a pair. */
  releaseTo(loadBalancerId: string): Promise<void>;
  /** ACTIVE, with one server, its ports, one group, and nothing of anybody who is gone. */
  expectWhole(loadBalancerId: string): Promise<void>;
  /** No amphora, and nothing of those that there were. */
  expectNothingLeft(loadBalancerId: string): Promise<void>;
  /** Amphorae that are no more have left nothing in Nova or Neutron. */
  expectNothingOfTheDead(loadBalancerId: string): Promise<void>;
  close(): Promise<void>;
}

const flowOf = (name: FlowName) => {
  const flow = loadBalancerFlows.find((one) => one.name === name);
  if (!flow) throw new Error(`no flow ${name}`);
  return flow;
};

export const pointsOf = (name: FlowName, ...moments: Moment[]): CrashPoint[] =>
  flowOf(name).steps.flatMap(({ name: step }) =>
    moments.map((moment): CrashPoint => ({ pause: { step, direction: 'do', moment } })),
  );

/**
 * In the middle of each step; and, of branches that run at the same time, when one stands at the end of its last step and
 * another one has ended: just before the join.
 */
export const pointsAndJoinsOf = (name: FlowName): CrashPoint[] => {
  const { places, steps } = flowOf(name);
  const nameAt = (place: Place | undefined) => (typeof place === 'number' ? (steps[place]?.name ?? '') : '');
  const lasts = places
    .filter((place) => typeof place !== 'number')
    .map((all) => all.map((one) => nameAt(one.places.at(-1))));
  return steps.flatMap(({ name: step }): CrashPoint[] => {
    const others = lasts.find((all) => all.includes(step))?.filter((other) => other !== step) ?? [];
    return [
      { pause: { step, direction: 'do', moment: 'middle' } },
      ...others.map((after): CrashPoint => ({ pause: { step, direction: 'do', moment: 'end', after } })),
    ];
  });
};

/** The flow fails at a step, and is killed in the middle of every step of its way back. */
export const wayBackOf = (name: FlowName, failAt: string): CrashPoint[] => {
  const { steps } = flowOf(name);
  const last = steps.findIndex((step) => step.name === failAt);
  return steps
    .slice(0, last + 1)
    .flatMap(({ name: step, undo }): CrashPoint[] =>
      undo ? [{ failAt, pause: { step, direction: 'undo', moment: 'middle' } }] : [],
    )
    .reverse();
};

export async function startCrashes(): Promise<Crashes> {
  const program = await bundleProgram(join(import.meta.dirname, 'crash-worker.ts'));
  const dev = await startDevCloud();
  const harness = await openLoadBalancerHarness(dev);
  /** The one that ended the last operations is the next to be killed. */
  let worker: Worker | null = null;

  async function killAt(points: ReadonlyMap<string, CrashPoint>): Promise<void> {
    worker ??= startWorker(program, dev.environment);
    worker.tell(points);
    const paused = [...points].filter(([, { pause }]) => pause).map(([id]) => `paused ${id}`);
    await worker.says(paused);
    await worker.end('SIGKILL');
    worker = null;
  }

  async function finishOperations(points: ReadonlyMap<string, CrashPoint>): Promise<string[]> {
    worker ??= startWorker(program, dev.environment);
    const own = worker;
    own.tell(points);
    const ends = new Map<string, string>();
    await until(async () => {
      own.expectRunning();
      for (const id of points.keys()) {
        if (ends.has(id)) continue;
        const { status } = (await harness.state.journal.get(id))?.operation ?? {};
        if (status === 'done' || status === 'undone') ends.set(id, status);
      }
      return ends.size === points.size ? null : `${points.size - ends.size} of the operations have not ended`;
    });
    return [...points.keys()].map((id) => ends.get(id) ?? '');
  }

  const newestOf = async (ids: readonly string[]) => await Promise.all(ids.map((id) => harness.operationOn(id)));
  const amphoraeOf = (loadBalancerId: string) => harness.state.amphorae.list({ loadBalancerId });

  async function expectNothingOfTheDead(loadBalancerId: string): Promise<void> {
    const all = await harness.state.amphorae.list({ includeDeleted: true, loadBalancerId });
    for (const { id, serverName } of all.filter(({ status }) => status === 'DELETED')) {
      expect(await dev.openstack.compute.findServersByName(serverName)).toEqual([]);
      expect(await dev.openstack.network.findPortsByName(`octavia-lb-vrrp-${id}`)).toEqual([]);
    }
  }

  return {
    dev,
    harness,
    amphoraeOf,
    expectNothingOfTheDead,
    async killAndFinish(loadBalancerIds, points) {
      const operations = await newestOf(loadBalancerIds);
      const dealt = dealOut(points, operations.length);
      const round = (number: number) =>
        new Map(
          operations.map(({ id }, index) => {
            const [{ failAt } = {}] = dealt[index] ?? [];
            return [id, dealt[index]?.[number] ?? (failAt === undefined ? {} : { failAt })];
          }),
        );
      const rounds = Math.max(...dealt.map(({ length }) => length));
      for (let number = 0; number < rounds; number++) await killAt(round(number));
      return await finishOperations(round(rounds));
    },
    async finish(loadBalancerIds) {
      await finishOperations(new Map((await newestOf(loadBalancerIds)).map(({ id }) => [id, {}])));
    },
    async failAmphoraOver(loadBalancerId, role = 'STANDALONE') {
      const amphora = (await amphoraeOf(loadBalancerId)).find((one) => one.role === role);
      expect(await harness.raw('PUT', `/v2/octavia/amphorae/${amphora?.id}/failover`)).toBe(202);
    },
    async releaseTo(loadBalancerId) {
      const [amphora] = await amphoraeOf(loadBalancerId);
      const put = (await harness.state.loadBalancers.get('loadbalancer', loadBalancerId)) ?? expect.unreachable();
      const isPair = put.topology === 'ACTIVE_STANDBY';
      const input = { loadBalancerId, resourceId: loadBalancerId, imageId: dev.imageId, releaseId: 'r' };
      await harness.state.loadBalancers.apply({
        loadBalancerId,
        mutableFrom: ['ACTIVE'],
        rows: [{ kind: 'loadbalancer', put: { ...put, provisioningStatus: 'PENDING_UPDATE' } }],
        operation: {
          id: crypto.randomUUID(),
          flow: isPair ? 'release-amphora-of-pair' : 'release-amphora',
          subject: loadBalancerId,
          input: isPair ? { ...input, amphoraId: amphora?.id ?? '' } : input,
          priority: 0,
        },
      });
    },
    async expectWhole(id) {
      const amphorae = await amphoraeOf(id);
      expect(amphorae.map(({ status }) => status)).toEqual(['ALLOCATED']);
      const [amphora] = amphorae;
      const servers = await dev.openstack.compute.findServersByName(amphora?.serverName ?? '');
      expect(servers.map((server) => server.id)).toEqual([amphora?.computeId]);
      const tree = await harness.state.loadBalancers.tree(id);
      expect(tree?.loadBalancer.provisioningStatus).toBe('ACTIVE');
      const groups = await dev.openstack.network.findSecurityGroupsByName(`lb-${id}`);
      expect(groups).toHaveLength(1);
      const ports = await dev.openstack.network.findPortsByName(`octavia-lb-vrrp-${amphora?.id}`);
      expect(ports.map((port) => port.id)).toEqual([amphora?.vrrpPortId]);
      await expectNothingOfTheDead(id);
    },
    async expectNothingLeft(id) {
      expect(await amphoraeOf(id)).toEqual([]);
      await expectNothingOfTheDead(id);
      expect(await dev.openstack.network.findSecurityGroupsByName(`lb-${id}`)).toEqual([]);
    },
    async close() {
      await worker?.end('SIGTERM');
      await harness.close();
      await dev.close();
      await rm(dirname(program), { recursive: true, force: true });
    },
  };
}

/**
 * Among so many operations, as evenly as can be. Each gets its points in the order in which its flow comes to them; of
 * branches, which may run at the same time, it gets points of one alone.
 */
function dealOut(points: readonly CrashPoint[], count: number): CrashPoint[][] {
  const branchOf = ({ pause }: CrashPoint) => /^(.+)\//.exec(pause?.step ?? '')?.[1] ?? null;
  const branches = [...new Set(points.map(branchOf))].filter((name) => name !== null);
  const hands = Array.from({ length: count }, (): CrashPoint[] => []);
  for (const point of points) {
    const branch = branchOf(point);
    const fitting = hands.filter((_, index) => branch === null || branches[index % branches.length] === branch);
    const shortest = fitting.reduce((least, hand) => (hand.length < least.length ? hand : least));
    shortest.push(point);
  }
  return hands;
}

interface Worker {
  /** Where operations stand still; none is begun before it was announced. */
  tell(points: ReadonlyMap<string, CrashPoint>): void;
  /** Resolves when it has said all of these lines. */
  says(lines: readonly string[]): Promise<void>;
  /** @throws its last words, once it has ended by itself. */
  expectRunning(): void;
  end(signal: 'SIGKILL' | 'SIGTERM'): Promise<void>;
}

function startWorker(program: string, environment: NodeJS.ProcessEnv): Worker {
  const child: ChildProcess = spawn(process.execPath, [program], {
    env: {
      ...process.env,
      ...environment,
      OS_KILN__CREATE_LOOKUP_SECONDS: '1',
      // Nobody hears heartbeats here.
      OS_HEALTH_MANAGER__CONTROLLER_IP_PORT_LIST: '',
      // On a busy machine a server, and its agent, take as long as they take.
      OS_CONTROLLER_WORKER__AMP_ACTIVE_RETRIES: '600',
      OS_HAPROXY_AMPHORA__CONNECTION_MAX_RETRIES: '600',
      // What one worker has compiled the next one loads.
      NODE_COMPILE_CACHE: join(dirname(program), 'compiled'),
    },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const said = new Set<string>();
  const errors: string[] = [];
  const exited = once(child, 'exit');
  // Whoever writes to one that has ended learns it from `expectRunning`.
  child.stdin?.on('error', () => {});
  if (child.stdout) createInterface({ input: child.stdout }).on('line', (line) => said.add(line));
  if (child.stderr) createInterface({ input: child.stderr }).on('line', (line) => errors.push(line));
  const expectRunning = () => {
    if (child.exitCode === null && child.signalCode === null) return;
    throw new Error(`the worker ended by itself (${child.exitCode ?? child.signalCode}): ${errors.join('\n')}`);
  };
  return {
    expectRunning,
    tell: (points) => void child.stdin?.write(`${JSON.stringify(Object.fromEntries(points))}\n`),
    async says(lines) {
      await until(async () => {
        expectRunning();
        const missing = lines.filter((line) => !said.has(line));
        return missing.length === 0 ? null : `the worker has not said: ${missing.join(', ')}`;
      });
    },
    async end(signal) {
      child.kill(signal);
      await exited;
    },
  };
}

/** Waits for that nothing is missing. @param missing what is, in words; null: nothing. */
async function until(missing: () => Promise<string | null>): Promise<void> {
  const deadline = performance.now() + WITHIN_MS;
  for (let said = await missing(); said !== null; said = await missing()) {
    if (performance.now() > deadline) throw new Error(said);
    await sleep(50);
  }
}
