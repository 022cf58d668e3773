import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Amphora } from '../../src/model/amphora.ts';
import { openServingCloud, type ServingCloud } from '../kit/serving-cloud.ts';

/** A pair of real amphorae of the embedded cloud under load; `kiln serve` is a process of its own. */

const HEARTBEAT_TIMEOUT_SECONDS = 4;
const settings = {
  OS_HEALTH_MANAGER__HEARTBEAT_INTERVAL: '1',
  OS_HEALTH_MANAGER__HEARTBEAT_TIMEOUT: String(HEARTBEAT_TIMEOUT_SECONDS),
  OS_HEALTH_MANAGER__HEALTH_CHECK_INTERVAL: '1',
  OS_NOVA__ENABLE_ANTI_AFFINITY: 'true',
};

let cloud: ServingCloud;
let dev: ServingCloud['dev'];
let harness: ServingCloud['harness'];
let serve: ServingCloud['serve'];
let id: string;
let vip: string;

beforeAll(async () => {
  cloud = await openServingCloud(settings);
  ({ dev, harness, serve } = cloud);
  id = await createPair();
  vip = (await show()).vip_address;
}, 180_000);
afterAll(async () => {
  await cloud?.close();
}, 60_000);

const show = async () => (await harness.call('GET', `/loadbalancers/${id}`)).loadbalancer;
const settled = (operating_status = 'ONLINE') =>
  expect
    .poll(show, { timeout: 120_000, interval: 200 })
    .toMatchObject({ provisioning_status: 'ACTIVE', operating_status });

async function createPair(): Promise<string> {
  const flavor_data = JSON.stringify({ loadbalancer_topology: 'ACTIVE_STANDBY' });
  const profile = { name: 'pair', provider_name: 'amphora', flavor_data };
  const { flavorprofile } = await harness.call('POST', '/flavorprofiles', { flavorprofile: profile });
  const flavor = { name: 'pair', flavor_profile_id: flavorprofile.id, enabled: true };
  const made = await harness.call('POST', '/flavors', { flavor });
  const port = cloud.memberPort;
  const default_pool = {
    ...{ name: 'web', protocol: 'HTTP', lb_algorithm: 'ROUND_ROBIN', session_persistence: { type: 'SOURCE_IP' } },
    members: [{ address: '127.0.0.1', protocol_port: port }],
  };
  return await harness.create({
    flavor_id: made.flavor.id,
    listeners: [{ protocol: 'HTTP', protocol_port: 8080, default_pool }],
  });
}

async function pair(): Promise<{ master: Amphora; backup: Amphora }> {
  const all = (await harness.state.amphorae.list({ loadBalancerId: id })).filter(
    ({ status }) => status === 'ALLOCATED',
  );
  const [master, backup] = ['MASTER', 'BACKUP'].map((role) => all.find((one) => one.role === role));
  if (!master || !backup || all.length !== 2) return expect.unreachable(`not a pair: ${JSON.stringify(all)}`);
  return { master, backup };
}

/** Requests one after the other, each on a connection of its own, until it is asked to end. */
function load() {
  let ended = false;
  let requests = 0;
  let failures = 0;
  let lastGoodMs = performance.now();
  let outageMs = 0;
  const going = (async () => {
    while (!ended) {
      requests++;
      const good = await answers();
      const now = performance.now();
      if (good) {
        outageMs = Math.max(outageMs, now - lastGoodMs);
        lastGoodMs = now;
      } else failures++;
      await sleep(20);
    }
  })();
  return {
    async end() {
      ended = true;
      await going;
      return { requests, failures, outageMs: Math.round(outageMs) };
    },
  };
}

const answers = () =>
  fetch(`http://${vip}:8080/`, { signal: AbortSignal.timeout(1_000), headers: { connection: 'close' } }).then(
    async (answer) => answer.status === 200 && (await answer.text()) === 'member',
    () => false,
  );

const commandOf = (pid: number): string => {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return ''; // It ended while we looked.
  }
};

function kill({ computeId }: Amphora): void {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  const own = pids.map(Number).filter((pid) => commandOf(pid).includes(`${dev.folder}/cloud/servers/${computeId}`));
  expect(own.length).toBeGreaterThan(0);
  for (const pid of own) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // A command that it ran, such as a check, has ended.
    }
  }
}

it('is made, with roles on show, and serves', async () => {
  await settled();
  const { master, backup } = await pair();
  expect(master.imageId).toBe(backup.imageId);
  await expect.poll(answers, { timeout: 60_000 }).toBe(true);
  expect((await show()).topology ?? 'ACTIVE_STANDBY').toBe('ACTIVE_STANDBY');
  // One host: the second one found no room apart from the first, and it is said.
  expect(serve.lines.join('\n')).toContain('it is booted wherever there is room');
}, 180_000);

it('its MASTER is killed: the other one serves at once, and the dead one is replaced', async () => {
  await settled();
  const { master, backup } = await pair();
  const traffic = load();
  await sleep(500);
  kill(master);
  // At once: long before there is a new one.
  await expect.poll(answers, { timeout: 60_000, interval: 100 }).toBe(true);
  expect(await harness.operationOn(id)).not.toMatchObject({ flow: 'failover-amphora-of-pair', status: 'done' });
  await expect.poll(show, { timeout: 60_000, interval: 100 }).toMatchObject({ operating_status: 'DEGRADED' });
  await expect
    .poll(() => harness.operationOn(id), { timeout: 60_000 })
    .toMatchObject({ flow: 'failover-amphora-of-pair' });
  await settled();
  const { requests, failures, outageMs } = await traffic.end();
  console.log(`MASTER killed: outage ${outageMs} ms, ${failures} of ${requests} requests failed`);
  const after = await pair();
  expect(after.backup).toMatchObject({ id: backup.id, computeId: backup.computeId });
  expect(after.master.id).not.toBe(master.id);
}, 240_000);

it('is changed while one of it is dead, and does not wait for that', async () => {
  await settled();
  const { backup } = await pair();
  const { listeners } = await show();
  kill(backup);
  const startedMs = performance.now();
  await harness.call('PUT', `/listeners/${listeners[0].id}`, { listener: { connection_limit: 4321 } });
  await expect.poll(show, { timeout: 60_000, interval: 50 }).toMatchObject({ provisioning_status: 'ACTIVE' });
  console.log(`a change with one of the pair dead: ${Math.round(performance.now() - startedMs)} ms`);
  const { listener } = await harness.call('GET', `/listeners/${listeners[0].id}`);
  expect(listener).toMatchObject({ connection_limit: 4321, provisioning_status: 'ACTIVE' });
  await expect.poll(answers, { timeout: 60_000 }).toBe(true);
  await expect
    .poll(async () => (await harness.state.amphorae.list({ loadBalancerId: id })).map(({ id: one }) => one), {
      timeout: 120_000,
    })
    .not.toContain(backup.id);
  await settled();
}, 240_000);

it('is failed over as a whole under load: hardly a request fails', async () => {
  await settled();
  const before = await pair();
  const traffic = load();
  await harness.call('PUT', `/loadbalancers/${id}/failover`);
  await expect
    .poll(() => harness.operationOn(id), { timeout: 120_000 })
    .toMatchObject({ flow: 'failover-load-balancer-pair', status: 'done' });
  await settled();
  const { requests, failures, outageMs } = await traffic.end();
  console.log(`failover of the load balancer: outage ${outageMs} ms, ${failures} of ${requests} requests failed`);
  const after = await pair();
  for (const one of [after.master.id, after.backup.id]) {
    expect([before.master.id, before.backup.id]).not.toContain(one);
  }
  // A hand-over, and no wait for a silence: far less on a machine that is not busy.
  expect(outageMs).toBeLessThan(20_000);
}, 240_000);

it('is rebuilt when both are killed, and deleted without a trace', async () => {
  await settled();
  const { master, backup } = await pair();
  kill(master);
  kill(backup);
  await expect.poll(show, { timeout: 60_000, interval: 100 }).toMatchObject({ operating_status: 'ERROR' });
  await expect
    .poll(async () => (await harness.state.amphorae.list({ loadBalancerId: id })).map(({ id: one }) => one), {
      timeout: 180_000,
    })
    .not.toContain(backup.id);
  await settled();
  await pair();
  await expect.poll(answers, { timeout: 60_000 }).toBe(true);
  await harness.call('DELETE', `/loadbalancers/${id}?cascade=true`);
  await expect.poll(() => harness.raw('GET', `/v2/lbaas/loadbalancers/${id}`), { timeout: 60_000 }).toBe(404);
  expect(await dev.openstack.compute.findServerGroupsByName(`octavia-lb-${id}`)).toEqual([]);
}, 300_000);
