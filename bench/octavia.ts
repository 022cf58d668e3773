/**
 * `npm run bench:octavia`: Kiln's API beside the real Octavia's, in one run on one machine: the same Keystone, the same
 * MariaDB, drivers that touch no cloud. Needs the test bed (`npm run testbed:up -- octavia`); where Octavia is not up,
 * Kiln alone is measured.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { readTestbed } from '../test/kit/testbed-access.ts';
import { type Limit, physicalLimits } from './limits.ts';
import { generator, load } from './load.ts';
import { kilnSide, octaviaSide, type Side } from './octavia-sides.ts';
import { machine, percentile } from './report.ts';

const SECONDS = Number(process.env.KILN_BENCH_SECONDS || 5);
const IN_A_ROW = 30;
const AT_ONCE = 100;
const STARTS = 3;
/** More often than what is waited for takes, on both sides. */
const LOOK_EVERY_MS = 5;
const REST_MS = 4_000;
const LIMIT_MS = 300_000;

/** What was measured of one side, by what it is. Higher is better where the unit is req/s, lower elsewhere. */
type Figures = Map<string, { value: number; unit: 'req/s' | 'ms' | 'MiB' }>;

const bed = readTestbed();
/** Of Kiln, which is measured last: what a bare server is asked for as well. */
const answers = new Map<string, string>();
const folder = mkdtempSync(join(tmpdir(), 'kiln-bench-octavia-'));
const octavia = await octaviaSide(bed);
const sides = [...(octavia ? [octavia] : []), await kilnSide(bed, folder)];
try {
  const results: Figures[] = [];
  for (const side of sides) results.push(await measure(side));
  print(results);
  printLimits(await physicalLimits(bed, answers, SECONDS));
} finally {
  for (const side of sides) await side.close();
  rmSync(folder, { recursive: true });
}

async function measure(side: Side): Promise<Figures> {
  const figures: Figures = new Map();
  const note = (what: string, value: number, unit: 'req/s' | 'ms' | 'MiB') => {
    figures.set(what, { value, unit });
    console.error(`${side.name}: ${what}: ${value.toPrecision(4)} ${unit}`);
  };
  const token = await bed.token('demo');
  const api = client(side.endpoint, token);
  const throughput = async (what: string, path: string) => {
    for (const connections of [1, 16]) {
      const { perSecond, medianMs } = await load(`${side.endpoint}${path}`, token, connections, SECONDS);
      note(`${what}, ${connections} connection${connections === 1 ? '' : 's'}`, perSecond, 'req/s');
      note(`${what}, ${connections} connection${connections === 1 ? '' : 's'}: median`, medianMs, 'ms');
    }
  };

  const starts: number[] = [];
  for (let start = 0; start < STARTS; start++) starts.push(await side.startMs());
  note(`start to first answer, median of ${STARTS}`, percentile(starts, 0.5), 'ms');

  await api.list();
  await pause(REST_MS);
  const memory = side.memoryMiB();
  const sum = (names: string[]) => names.reduce((total, name) => total + (memory[name] ?? 0), 0);
  note('memory at rest (PSS): API and worker', sum(['octavia-api', 'octavia-worker', 'kiln']), 'MiB');
  note('memory at rest (PSS): all processes that run', sum(Object.keys(memory)), 'MiB');

  const ids: string[] = [];
  for (let n = 0; n < 10; n++) ids.push(await api.create({ name: `ten-${n}` }));
  for (const id of ids) await api.untilActive(id);
  await throughput('GET 10 load balancers', '/v2/lbaas/loadbalancers');
  answers.set('the list of 10', await api.text(''));

  const pools = Array.from({ length: 50 }, (_, n) => ({
    name: `pool-${n}`,
    protocol: 'HTTP',
    lb_algorithm: 'ROUND_ROBIN',
  }));
  const startMs = performance.now();
  const fifty = await api.create({ name: 'fifty', pools });
  await api.untilActive(fifty);
  note('POST a load balancer with 50 pools, to ACTIVE', performance.now() - startMs, 'ms');
  await throughput('GET one load balancer with 50 pools', `/v2/lbaas/loadbalancers/${fifty}`);

  const accepted: number[] = [];
  const active: number[] = [];
  for (let n = 0; n < IN_A_ROW; n++) {
    const begunMs = performance.now();
    const id = await api.create({ name: `row-${n}` });
    accepted.push(performance.now() - begunMs);
    await api.untilActive(id);
    active.push(performance.now() - begunMs);
  }
  note(`POST, ${IN_A_ROW} in a row: accepted, median`, percentile(accepted, 0.5), 'ms');
  note(`POST, ${IN_A_ROW} in a row: ACTIVE, median`, percentile(active, 0.5), 'ms');

  const begunMs = performance.now();
  await Promise.all(Array.from({ length: AT_ONCE }, (_, n) => api.create({ name: `once-${n}` })));
  note(`POST, ${AT_ONCE} at once: all accepted`, performance.now() - begunMs, 'ms');
  await api.untilNoneIsPending();
  note(`POST, ${AT_ONCE} at once: all ACTIVE`, performance.now() - begunMs, 'ms');

  await side.fillUp(ids[0] ?? '', 1000);
  const rows = await api.list();
  if (rows !== 1000) throw new Error(`${side.name} lists ${rows} load balancers`);
  await throughput('GET 1,000 load balancers', '/v2/lbaas/loadbalancers');
  await throughput('GET 50 of 1,000 load balancers', '/v2/lbaas/loadbalancers?limit=50');
  answers.set('the page of 50', await api.text('?limit=50'));
  return figures;
}

/** The API, as a user's program speaks to it. */
function client(endpoint: string, token: string) {
  const url = `${endpoint}/v2/lbaas/loadbalancers`;
  const headers = { 'X-Auth-Token': token, 'Content-Type': 'application/json' };
  interface Body {
    loadbalancer: { id: string; provisioning_status: string };
    loadbalancers: unknown[];
  }
  const call = async (path: string, options: { method?: string; body?: string } = {}) => {
    const answer = await fetch(url + path, { headers, ...options });
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
    return (await answer.json()) as Body;
  };
  const until = async (done: () => Promise<boolean>) => {
    const deadlineMs = performance.now() + LIMIT_MS;
    while (!(await done())) {
      if (performance.now() > deadlineMs) throw new Error('not ACTIVE in five minutes');
      await pause(LOOK_EVERY_MS);
    }
  };
  return {
    list: async () => (await call('')).loadbalancers.length,
    text: async (query: string) => await (await fetch(url + query, { headers })).text(),
    /** Any subnet will do: the driver asks nobody. */
    async create(fields: Record<string, unknown>) {
      const loadbalancer = { vip_subnet_id: '5b0a3c3e-6d0c-4d55-9b0e-3d7f6d6c7a01', ...fields };
      return (await call('', { method: 'POST', body: JSON.stringify({ loadbalancer }) })).loadbalancer.id;
    },
    untilActive: (id: string) =>
      until(async () => {
        const { provisioning_status: status } = (await call(`/${id}`)).loadbalancer;
        if (status === 'ERROR') throw new Error(`${id} is ERROR`);
        return status === 'ACTIVE';
      }),
    untilNoneIsPending: () =>
      until(async () => {
        const pending = await call('?provisioning_status=PENDING_CREATE&fields=id');
        return pending.loadbalancers.length === 0;
      }),
  };
}

function print(results: readonly Figures[]): void {
  const names = sides.map(({ name }) => name);
  const both = results.length === 2;
  console.log(`${machine()}, load by ${generator}\n`);
  console.log(`| what | ${names.join(' | ')} |${both ? ' times better |' : ''}`);
  console.log(`| --- |${' ---: |'.repeat(names.length + (both ? 1 : 0))}`);
  for (const [what, { unit }] of results[0] ?? []) {
    const values = results.map((figures) => figures.get(what)?.value ?? Number.NaN);
    const [theirs = Number.NaN, ours = Number.NaN] = values;
    const ratio = unit === 'req/s' ? ours / theirs : theirs / ours;
    const shown = values.map((value) => `${rounded(value)} ${unit}`);
    console.log(`| ${what} | ${shown.join(' | ')} |${both ? ` ${rounded(ratio)} |` : ''}`);
  }
}

function printLimits(limits: readonly Limit[]): void {
  console.log('\n| as far as it goes on this machine | |\n| --- | ---: |');
  for (const { what, value, unit } of limits) console.log(`| ${what} | ${rounded(value)} ${unit} |`);
}

function rounded(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toPrecision(2);
}
