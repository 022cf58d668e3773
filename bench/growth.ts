import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Pool } from 'undici';
import { type KilnApi, startKilnApi } from '../test/kit/kiln-api.ts';
import { readTestbed } from '../test/kit/testbed-access.ts';
import { fillCloud, OF_TENANT, projectOf } from './growth-cloud.ts';
import { idOf } from './ids.ts';
import { withMariaDb } from './maria-db.ts';
import { type Figure, milliseconds, percentile } from './report.ts';

const SMALL = 1_000;
const LARGE = 100_000;
const ROUNDS = 50;
const WARM_UP = 10;
const CREATIONS = 20;
/** Sweeps and jobs of housekeeping are run in it. */
const REST_SECONDS = 20;

type As = 'admin' | 'demo';
interface Question {
  what: string;
  as: As;
  path(size: number): string;
}

/** One of the tenant's, and one of somebody else's, behind most of the others. */
const own = (size: number) => (size / OF_TENANT) * (OF_TENANT - 1) + 1;
const late = (size: number) => (size / 10) * 9 + 7;
const lb = (n: number) => idOf('lb', n);

const questions: Question[] = [
  ...pages('admin', late),
  ...pages('demo', own),
  ask('admin', 'a page of 50 of one project', (size) => `?limit=50&project_id=${projectOf(late(size))}`),
  ask(
    'admin',
    'the load balancer with one address',
    (size) => `?vip_address=10.0.${late(size) >> 8}.${late(size) & 255}`,
  ),
  ...['', '/status', '/stats'].flatMap((part) =>
    (['admin', 'demo'] as const).map((as) =>
      ask(
        as,
        part === '' ? 'show' : part === '/status' ? 'status tree' : 'statistics',
        (size) => `/${lb(as === 'demo' ? own(size) : late(size))}${part}`,
      ),
    ),
  ),
  { what: 'a page of 50 listeners', as: 'admin', path: () => '/v2/lbaas/listeners?limit=50' },
  { what: 'a page of 50 pools', as: 'admin', path: () => '/v2/lbaas/pools?limit=50' },
  { what: 'the members of a pool', as: 'admin', path: (size) => `/v2/lbaas/pools/${idOf('po', late(size))}/members` },
  { what: 'a page of 50 amphorae', as: 'admin', path: () => '/v2/octavia/amphorae?limit=50' },
  {
    what: 'the amphorae of a load balancer',
    as: 'admin',
    path: (size) => `/v2/octavia/amphorae?loadbalancer_id=${lb(late(size))}`,
  },
];

function ask(as: As, what: string, query: (size: number) => string): Question {
  return { what, as, path: (size) => `/v2/lbaas/loadbalancers${query(size)}` };
}

function pages(as: As, one: (size: number) => number): Question[] {
  return [
    ask(as, 'a page of 50', () => '?limit=50'),
    ask(as, 'a page of 50 behind a marker', (size) => `?limit=50&marker=${lb(one(size))}`),
    ask(as, 'a page of 50 before a marker', (size) => `?limit=50&page_reverse=true&marker=${lb(one(size))}`),
    ask(as, 'a page of 50, newest first', () => '?limit=50&sort=created_at:desc'),
    ask(as, 'a page of 50, by name', () => '?limit=50&sort=name'),
    ask(as, 'a page of 50, by name, behind a marker', (size) => `?limit=50&sort=name:desc&marker=${lb(one(size))}`),
    ask(as, 'the load balancer of one name', (size) => `?name=loadbalancer-${one(size)}`),
    ask(as, 'those in ERROR, 20 of all', () => '?limit=50&provisioning_status=ERROR'),
    ask(as, 'those with operating status ERROR, 20 of all', () => '?limit=50&operating_status=ERROR'),
    ask(as, 'a page of 50 that are ACTIVE', () => '?limit=50&provisioning_status=ACTIVE'),
    ask(as, 'those with a tag that 20 of all have', () => '?limit=50&tags=rare'),
    ask(as, 'a page of 50 with a tag that all have', () => '?limit=50&tags=common'),
    ask(as, 'a page of 50 without a tag that 20 have', () => '?limit=50&not-tags=rare'),
  ];
}

interface Cloud {
  size: number;
  kiln: KilnApi;
  pool: Pool;
}

/** The API of `kiln serve` over MariaDB with 1,000 load balancers and with 100,000 (1,000,000 members), asked in turns. */
export async function benchGrowth(): Promise<Figure[]> {
  const folder = mkdtempSync(join(tmpdir(), 'kiln-bench-growth-'));
  const withCloud = async <Result>(size: number, use: (cloud: Cloud) => Promise<Result>) =>
    await withMariaDb(async (connection) => {
      const bed = readTestbed();
      await fillCloud(connection, size, bed.users.demo.projectId);
      // Nobody sends heartbeats here, and nobody is to be missed.
      const sections = { health_manager: { heartbeat_timeout: '86400' } };
      const kiln = await startKilnApi(bed, folder, { connection, sections });
      const pool = new Pool(kiln.endpoint, { connections: 1 });
      try {
        return await use({ size, kiln, pool });
      } finally {
        await pool.close();
        await kiln.stop();
      }
    });
  try {
    const figures = await withCloud(SMALL, (small) => withCloud(LARGE, (large) => compare([small, large])));
    return figures ?? [{ what: 'not measured', value: 'the test bed is not up' }];
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function compare(clouds: [Cloud, Cloud]): Promise<Figure[]> {
  const bed = readTestbed();
  const tokens = { admin: await bed.token('admin'), demo: await bed.token('demo') };
  const figures: Figure[] = [];
  for (const { what, as, path } of questions) {
    const times: [number[], number[]] = [[], []];
    for (let round = 0; round < ROUNDS + WARM_UP; round++) {
      for (const [which, { pool, size }] of clouds.entries()) {
        const startMs = performance.now();
        await get(pool, path(size), tokens[as]);
        if (round >= WARM_UP) times[which]?.push(performance.now() - startMs);
      }
    }
    figures.push(figureOf(`${as === 'admin' ? 'admin' : 'tenant'}: ${what}`, times));
  }
  const creations: [number[], number[]] = [[], []];
  for (let n = 0; n < CREATIONS + WARM_UP; n++) {
    for (const [which, { pool }] of clouds.entries()) {
      const startMs = performance.now();
      const id = await create(pool, `new-${n}`, tokens.demo);
      if (n >= WARM_UP) creations[which]?.push(performance.now() - startMs);
      await untilActive(pool, id, tokens.demo);
    }
  }
  figures.push(figureOf('tenant: POST of a load balancer, accepted', creations));
  const atRest = await Promise.all(clouds.map(({ kiln }) => processorMs(kiln.pid, REST_SECONDS)));
  const shares = atRest.map((ms) => `${((ms / (REST_SECONDS * 1000)) * 100).toFixed(1)} % of a core`);
  return [...figures, { what: `kiln serve at rest, over ${REST_SECONDS} s`, value: shares.join(' / ') }];
}

function figureOf(what: string, times: readonly [number[], number[]]): Figure {
  const [small, large] = times.map((those) => percentile(those, 0.5)) as [number, number];
  return { what, value: `${milliseconds(small)} / ${milliseconds(large)}, ${(large / small).toFixed(1)} times` };
}

async function get(pool: Pool, path: string, token: string): Promise<Buffer> {
  const { statusCode, body } = await pool.request({ path, method: 'GET', headers: { 'x-auth-token': token } });
  const answer = Buffer.from(await body.arrayBuffer());
  if (statusCode !== 200) throw new Error(`${path}: ${statusCode} ${answer}`);
  return answer;
}

async function create(pool: Pool, name: string, token: string): Promise<string> {
  const { statusCode, body } = await pool.request({
    path: '/v2/lbaas/loadbalancers',
    method: 'POST',
    headers: { 'x-auth-token': token, 'content-type': 'application/json' },
    // Any subnet will do: the driver asks nobody.
    body: JSON.stringify({ loadbalancer: { name, vip_subnet_id: '5b0a3c3e-6d0c-4d55-9b0e-3d7f6d6c7a01' } }),
  });
  const answer = (await body.json()) as { loadbalancer?: { id: string } };
  if (!answer.loadbalancer) throw new Error(`POST: ${statusCode} ${JSON.stringify(answer)}`);
  return answer.loadbalancer.id;
}

async function untilActive(pool: Pool, id: string, token: string): Promise<void> {
  const status = async () => {
    const answer = JSON.parse(String(await get(pool, `/v2/lbaas/loadbalancers/${id}`, token)));
    return answer.loadbalancer.provisioning_status as string;
  };
  for (let now = await status(); now !== 'ACTIVE'; now = await status()) {
    if (now === 'ERROR') throw new Error(`${id} is ERROR`);
    await pause(5);
  }
}

/** Of a process, in so many seconds. */
async function processorMs(pid: number, seconds: number): Promise<number> {
  const TICK_MS = 10;
  const soFar = () => {
    const [, rest = ''] = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ');
    const fields = rest.split(' ');
    return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
  };
  const before = soFar();
  await pause(seconds * 1000);
  return soFar() - before;
}
