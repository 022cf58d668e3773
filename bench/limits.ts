import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { createConnection } from 'mysql2/promise';
import type { TestbedAccess } from '../test/kit/testbed-access.ts';
import { load } from './load.ts';
import { pssMiB } from './process-memory.ts';
import { percentile, timesMs } from './report.ts';

/** What no program over Node.js and MariaDB can be better than on this machine. */
export interface Limit {
  what: string;
  value: number;
  unit: 'req/s' | 'ms' | 'MiB';
}

const ROUND_TRIPS = 1_000;
const STARTS = 7;
const REST_MS = 1_000;

const root = join(import.meta.dirname, '..');

/** A Fastify that answers each request with the same text, in a process of its own; says where it listens. */
const bareServer = `
import fastify from 'fastify';
const app = fastify();
const text = process.env.ANSWER;
app.get('/', async (_request, reply) => reply.header('content-type', 'application/json').send(text));
console.log(await app.listen({ port: 0, host: '127.0.0.1' }));`;

/**
 * @param answers of Kiln, by what they are: a bare Fastify gives the same bytes.
 * @param seconds that each is asked for.
 */
export async function physicalLimits(
  bed: TestbedAccess,
  answers: ReadonlyMap<string, string>,
  seconds: number,
): Promise<Limit[]> {
  const limits: Limit[] = [];
  for (const [what, answer] of answers) limits.push(...(await ofBareServer(what, answer, seconds)));
  const [read, write] = await ofDatabase(bed);
  limits.push({ what: 'a round trip to MariaDB (select 1), median', value: read, unit: 'ms' });
  limits.push({ what: 'a statement to MariaDB that is committed, median', value: write, unit: 'ms' });
  limits.push({
    what: `start and end of a bare Node.js, median of ${STARTS}`,
    value: await startOfNodeMs(),
    unit: 'ms',
  });
  limits.push({ what: 'memory at rest (PSS): a bare Node.js', value: await memoryOfNodeMiB(), unit: 'MiB' });
  return limits;
}

async function ofBareServer(what: string, answer: string, seconds: number): Promise<Limit[]> {
  const server = spawn(process.execPath, ['--input-type=module', '-e', bareServer], {
    cwd: root,
    env: { ...process.env, ANSWER: answer },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    const [url] = (await once(createInterface({ input: server.stdout }), 'line')) as [string];
    const limits: Limit[] = [];
    for (const connections of [1, 16]) {
      const { perSecond } = await load(`${url}/`, 'none', connections, seconds);
      const of = `${connections} connection${connections === 1 ? '' : 's'}`;
      limits.push({ what: `a bare Fastify, ${what}, ${of}`, value: perSecond, unit: 'req/s' });
    }
    return limits;
  } finally {
    server.kill();
  }
}

async function ofDatabase({ database }: TestbedAccess): Promise<[read: number, write: number]> {
  const connection = await createConnection(database);
  const name = `kiln_limit_${process.pid}`;
  await connection.query(`create database ${name}`);
  try {
    await connection.query(`create table ${name}.one (id int primary key, value int) engine = innodb`);
    await connection.query(`insert into ${name}.one values (1, 0)`);
    return [
      await medianMs(() => connection.query('select 1')),
      await medianMs(() => connection.query(`update ${name}.one set value = value + 1 where id = 1`)),
    ];
  } finally {
    await connection.query(`drop database ${name}`);
    await connection.end();
  }
}

const medianMs = async (ask: () => Promise<unknown>) => percentile(await timesMs(ROUND_TRIPS, ask), 0.5);

const startOfNodeMs = async () =>
  percentile(await timesMs(STARTS, () => spawnSync(process.execPath, ['-e', '0'])), 0.5);

async function memoryOfNodeMiB(): Promise<number> {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1e6)'], { stdio: 'ignore' });
  await pause(REST_MS);
  const memory = pssMiB(child.pid ?? 0);
  child.kill();
  return memory;
}
