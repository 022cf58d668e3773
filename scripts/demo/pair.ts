import { setTimeout as sleep } from 'node:timers/promises';
import type { LoadBalancerClient } from './load-balancer-client.ts';

const pauseMs = 100;
const repeatAfterMs = 1_000;

/** What the demo lends to a part of it. */
export interface PairDemo {
  client: LoadBalancerClient;
  /** A load balancer with two amphorae, just asked for. */
  created: Promise<{ id: string }>;
  /** How long a single amphora was missed by the same clients. */
  single: Outage;
  say(text: string): void;
  claim(what: string, holds: boolean, seen?: string): void;
  /** What answers behind a VIP, request by request. */
  requests(vip: string, count: number): Promise<string[]>;
  /** PIDs of what runs on a server of the cloud. */
  processesOf(serverId: string): number[];
}

export interface Outage {
  failed: number;
  seconds: number;
}

/** A load balancer with two amphorae: the one that serves is killed under load, and the other one takes over. */
export async function showPair(demo: PairDemo): Promise<{ id: string }> {
  const { client, say, claim } = demo;
  const { id } = await demo.created;
  const { vip_address: vip, provisioning_status: status } = await client.untilSettled(id);
  const before = await client.amphoraeOf(id);
  const images = new Set(before.map(({ image_id }) => image_id));
  const roles = before.map(({ role }) => role).sort();
  say(`  POST /v2/lbaas/loadbalancers → ${id}, with a flavor for two amphorae: ${roles.join(' and ')}`);
  claim('the pair is ACTIVE, and both of it were booted from one image', status === 'ACTIVE' && images.size === 1);
  const master = before.find(({ role }) => role === 'MASTER');
  const backup = before.find(({ role }) => role === 'BACKUP');
  if (!master || !backup) throw new Error(`not a pair: ${JSON.stringify(before)}`);
  await untilAnswered(demo, vip);

  const load = startLoad(demo, vip);
  await sleep(5 * pauseMs);
  const pids = demo.processesOf(master.compute_id);
  for (const pid of pids) process.kill(pid, 'SIGKILL');
  say(`  killed: the ${pids.length} processes of its MASTER, ${master.id}`);
  const healed = await client.untilReplaced(id, master.id);
  const { sent, repeated, outage } = await load.end();

  say(`  the longest time without an answer: ${outage.seconds.toFixed(1)} s`);
  say(`  requests: ${sent}; asked again a second later, as TCP does: ${repeated}; failed: ${outage.failed}`);
  claim(
    `the other one took over, long before a new amphora was there (a single one was missed for ${demo.single.seconds.toFixed(1)} s)`,
    pids.length > 0 && outage.seconds < demo.single.seconds && outage.failed <= sent / 10,
    `${outage.seconds.toFixed(1)} s, ${outage.failed} failed`,
  );
  const after = await client.amphoraeOf(id);
  claim(
    'the dead one was replaced, and nobody touched the one that lives',
    after.length === 2 && after.some((one) => one.id === backup.id && one.compute_id === backup.compute_id),
    after.map((one) => `${one.role} ${one.id}`).join(', '),
  );
  claim('the pair is ACTIVE', healed.provisioning_status === 'ACTIVE', healed.provisioning_status);
  return { id };
}

async function untilAnswered({ requests }: PairDemo, vip: string): Promise<void> {
  for (let tries = 0; tries < 100; tries++) {
    if ((await requests(vip, 1)).every(isAnswer)) return;
    await sleep(pauseMs);
  }
}

const isAnswer = (text: string) => text.startsWith('member');

/**
 * One request after the other, each on a connection of its own, without waiting for the one before. What is refused is asked once
 * more after a second, as TCP does by itself on a network where an address without a holder is silent.
 */
function startLoad({ requests }: PairDemo, vip: string) {
  let hasEnded = false;
  let repeated = 0;
  let answeredMs = performance.now();
  const outage: Outage = { failed: 0, seconds: 0 };
  const isAnswered = async () => (await requests(vip, 1)).every(isAnswer);
  async function ask(): Promise<void> {
    if (await isAnswered()) {
      outage.seconds = Math.max(outage.seconds, (performance.now() - answeredMs) / 1000);
      answeredMs = performance.now();
      return;
    }
    repeated++;
    await sleep(repeatAfterMs);
    if (!(await isAnswered())) outage.failed++;
  }
  const asked: Promise<void>[] = [];
  const going = (async () => {
    while (!hasEnded) {
      asked.push(ask());
      await sleep(pauseMs);
    }
  })();
  return {
    async end() {
      hasEnded = true;
      await going;
      await Promise.all(asked);
      return { sent: asked.length, repeated, outage };
    },
  };
}
