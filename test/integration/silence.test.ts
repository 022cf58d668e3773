import { readdirSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openServingCloud, type ServingCloud } from '../kit/serving-cloud.ts';

/** Real amphorae of the embedded cloud, in front of a real member; `kiln serve` is a process of its own. */

const HEARTBEAT_TIMEOUT_SECONDS = 4;
const settings = {
  OS_HEALTH_MANAGER__HEARTBEAT_INTERVAL: '1',
  OS_HEALTH_MANAGER__HEARTBEAT_TIMEOUT: String(HEARTBEAT_TIMEOUT_SECONDS),
  OS_HEALTH_MANAGER__HEALTH_CHECK_INTERVAL: '1',
};

let cloud: ServingCloud;
let dev: ServingCloud['dev'];
let harness: ServingCloud['harness'];
let serve: ServingCloud['serve'];

beforeAll(async () => {
  cloud = await openServingCloud(settings);
  ({ dev, harness, serve } = cloud);
}, 120_000);
afterAll(async () => {
  await cloud?.close();
}, 60_000);

const show = async (id: string) => (await harness.call('GET', `/loadbalancers/${id}`)).loadbalancer;

async function createServing(): Promise<{ id: string; vip: string }> {
  const port = cloud.memberPort;
  const pool = {
    name: 'web',
    protocol: 'HTTP',
    lb_algorithm: 'ROUND_ROBIN',
    members: [{ address: '127.0.0.1', protocol_port: port }],
  };
  const id = await harness.create({ listeners: [{ protocol: 'HTTP', protocol_port: 8080, default_pool: pool }] });
  await expect
    .poll(() => show(id), { timeout: 60_000, interval: 100 })
    .toMatchObject({ provisioning_status: 'ACTIVE' });
  await expect.poll(() => show(id), { timeout: 30_000, interval: 100 }).toMatchObject({ operating_status: 'ONLINE' });
  return { id, vip: (await show(id)).vip_address };
}

const amphoraOf = async (loadBalancerId: string) => {
  const serving = (await harness.state.amphorae.list({ loadBalancerId })).filter(
    ({ status }) => status === 'ALLOCATED',
  );
  expect(serving).toHaveLength(1);
  return serving[0] ?? expect.unreachable();
};

const answers = (vip: string) =>
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

/** Of the amphora's server, in its folder. */
function processesOf(serverId: string): number[] {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return pids.map(Number).filter((pid) => commandOf(pid).includes(`${dev.folder}/cloud/servers/${serverId}`));
}

const haproxiesOf = (serverId: string) =>
  processesOf(serverId).filter((pid) => /haproxy/.test(commandOf(pid).split('\0')[0] ?? ''));

it('an amphora whose processes are killed is seen, replaced, and traffic flows again', async () => {
  const { id, vip } = await createServing();
  const old = await amphoraOf(id);
  const pids = processesOf(old.computeId ?? '');
  expect(pids.length).toBeGreaterThan(0);
  await expect.poll(() => answers(vip), { timeout: 60_000 }).toBe(true);

  const killedMs = performance.now();
  for (const pid of pids) process.kill(pid, 'SIGKILL');
  const operating = new Set<string>();
  let failed = 0;
  const isAnsweredAgain = async () => {
    const isAnswered = await answers(vip);
    if (!isAnswered) failed++;
    return isAnswered && failed > 0;
  };
  const isShown = async () => {
    operating.add((await show(id)).operating_status);
    return operating.has('ERROR');
  };
  const patience = { timeout: 60_000, interval: 50 };
  await Promise.all([
    expect.poll(isAnsweredAgain, patience).toBe(true),
    expect.poll(isShown, { ...patience, interval: 20 }).toBe(true),
  ]);
  const outageMs = Math.round(performance.now() - killedMs);
  console.log(`outage after kill -9: ${outageMs} ms, ${failed} requests failed`);

  await expect
    .poll(() => show(id), { timeout: 30_000 })
    .toMatchObject({
      provisioning_status: 'ACTIVE',
      operating_status: 'ONLINE',
    });
  expect((await amphoraOf(id)).id).not.toBe(old.id);
  expect(await harness.operationOn(id)).toMatchObject({ flow: 'failover-amphora', status: 'done' });
  expect(await operationsOn(id)).toEqual(['failover-amphora', 'create-load-balancer']);
}, 180_000);

it('an amphora that hangs is replaced: connections to it are neither refused nor answered', async () => {
  const { id, vip } = await createServing();
  const old = await amphoraOf(id);
  for (const pid of processesOf(old.computeId ?? '')) process.kill(pid, 'SIGSTOP');
  const isReplaced = async () => {
    const serving = await harness.state.amphorae.list({ loadBalancerId: id });
    return serving.some((amphora) => amphora.id !== old.id && amphora.status === 'ALLOCATED');
  };
  await expect.poll(isReplaced, { timeout: 60_000, interval: 100 }).toBe(true);
  await expect.poll(() => answers(vip), { timeout: 60_000, interval: 100 }).toBe(true);
  expect(await operationsOn(id)).toEqual(['failover-amphora', 'create-load-balancer']);
}, 180_000);

it('HAProxy alone is killed: it is started again, and nothing is failed over', async () => {
  const { id, vip } = await createServing();
  const { id: amphoraId, computeId } = await amphoraOf(id);
  const running = () => haproxiesOf(computeId ?? '');
  const killed = running();
  expect(killed.length).toBeGreaterThan(0);
  for (const pid of killed) process.kill(pid, 'SIGKILL');
  const hasOthers = () => {
    const pids = running();
    return pids.length > 0 && !pids.some((pid) => killed.includes(pid));
  };
  await expect.poll(hasOthers, { timeout: 60_000, interval: 50 }).toBe(true);
  await expect.poll(() => answers(vip), { timeout: 60_000, interval: 100 }).toBe(true);
  await expect.poll(() => show(id), { timeout: 30_000 }).toMatchObject({ operating_status: 'ONLINE' });
  expect((await amphoraOf(id)).id).toBe(amphoraId);
  expect(await operationsOn(id)).toEqual(['create-load-balancer']);
}, 180_000);

it('HAProxy alone hangs: traffic flows again, and none of the connections is left to what hangs', async () => {
  const { id, vip } = await createServing();
  const { computeId } = await amphoraOf(id);
  for (const pid of haproxiesOf(computeId ?? '')) process.kill(pid, 'SIGSTOP');
  const answersInARow = async () => {
    for (let n = 0; n < 20; n++) if (!(await answers(vip))) return false;
    return true;
  };
  await expect.poll(answersInARow, { timeout: 60_000, interval: 100 }).toBe(true);
  await expect
    .poll(() => show(id), { timeout: 60_000, interval: 100 })
    .toMatchObject({ provisioning_status: 'ACTIVE', operating_status: 'ONLINE' });
  expect(await answersInARow()).toBe(true);
}, 180_000);

it('kiln serve is stopped for longer than the heartbeat timeout, and goes on: nothing is failed over', async () => {
  const { id } = await createServing();
  const { id: amphoraId } = await amphoraOf(id);
  const { length } = serve.lines;
  serve.child.kill('SIGSTOP');
  await new Promise((resolve) => setTimeout(resolve, 2_000 * HEARTBEAT_TIMEOUT_SECONDS));
  serve.child.kill('SIGCONT');
  await serve.since(length, /it was stopped for a while/);
  await new Promise((resolve) => setTimeout(resolve, 1_500 * HEARTBEAT_TIMEOUT_SECONDS));
  expect((await amphoraOf(id)).id).toBe(amphoraId);
  expect(await operationsOn(id)).toEqual(['create-load-balancer']);
  expect(await show(id)).toMatchObject({ operating_status: 'ONLINE', provisioning_status: 'ACTIVE' });
}, 180_000);

async function operationsOn(subject: string): Promise<string[]> {
  return (await harness.state.journal.list({ subject, limit: 10 })).map(({ flow }) => flow);
}
