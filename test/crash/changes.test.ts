import { createServer, get, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Crashes, pointsOf, startCrashes } from '../kit/crashes.ts';
import { loadBalancerChanges } from '../kit/load-balancer-changes.ts';

/** Load balancers among which the points of one change are dealt out. */
const AT_ONCE = 8;

/** A worker is killed (SIGKILL) in every change inside a load balancer; the next one ends what it left. */
describe('a worker that is killed', () => {
  let crashes: Crashes;
  let members: Server[];
  let ready: string[];

  beforeAll(async () => {
    crashes = await startCrashes();
    const first = await startMember('127.0.0.1', 0);
    members = [first, await startMember('127.0.0.2', portOf(first))];
    ready = await Promise.all(Array.from({ length: AT_ONCE }, () => crashes.harness.create()));
    await crashes.finish(ready);
  }, 600_000);
  afterAll(async () => {
    for (const member of members ?? []) member.close();
    await crashes?.close();
  });

  const changes = loadBalancerChanges(
    () => crashes.harness,
    () => portOf(members[0] as Server),
  );

  /**
   * All of these are one list of steps. Four are killed at every one of them; the others at one point each, another one for
   * each, in the first load balancer. What kills anywhere is the property in run-flow.test.ts.
   */
  const killedEverywhere = new Set(['create-listener', 'create-pool', 'create-member', 'delete-pool']);

  it.each(changes.map((change, index) => [change.flow, change, index] as const))(
    'in %s: the change is there, and everything is ACTIVE',
    async (flow, change, index) => {
      const all = pointsOf(flow, 'middle', 'end');
      const one = index % all.length;
      const everywhere = killedEverywhere.has(flow);
      const ids = everywhere ? ready : ready.slice(0, 1);
      await Promise.all(ids.map((id) => change.ask(id)));
      const ends = await crashes.killAndFinish(ids, everywhere ? all : all.slice(one, one + 1));
      expect(ends).toEqual(ids.map(() => 'done'));
      for (const id of ids) {
        await crashes.expectWhole(id);
        const tree = await crashes.harness.state.loadBalancers.tree(id);
        expect(JSON.stringify(tree)).not.toMatch(/PENDING_|"ERROR"/);
        await expectServed(id);
      }
    },
    600_000,
  );

  /**
   * What the VIP answers is what the load balancer has: nothing, nobody, or the member. Each time by a connection of its
   * own, since an old one stays with the HAProxy that it came to; the new one takes over a moment after the reload.
   */
  async function expectServed(id: string): Promise<void> {
    const tree = await crashes.harness.state.loadBalancers.tree(id);
    const url = `http://${tree?.loadBalancer.vip.address}:8080/`;
    const hasMembers = tree?.pools.some((pool) => pool.members.length > 0);
    await expect
      .poll(() => statusOf(url), { timeout: 30_000, interval: 20 })
      .toBe(tree?.listeners.length === 0 ? null : hasMembers ? 200 : 503);
  }
});

async function startMember(address: string, port: number): Promise<Server> {
  const member = createServer((_request, answer) => answer.end('member'));
  await new Promise<void>((resolve) => member.listen(port, address, resolve));
  return member;
}

const portOf = (server: Server) => (server.address() as AddressInfo).port;

/** Of an answer on a connection of its own; null when there is none. */
function statusOf(url: string): Promise<number | null> {
  return new Promise((resolve) => {
    const asked = get(url, { agent: false, timeout: 5_000 }, (answer) => {
      answer.resume();
      resolve(answer.statusCode ?? null);
    });
    asked.on('timeout', () => asked.destroy());
    asked.on('error', () => resolve(null));
  });
}
