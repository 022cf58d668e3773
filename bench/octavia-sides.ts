import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { createConnection } from 'mysql2/promise';
import { configureKilnApi } from '../test/kit/kiln-api.ts';
import { octaviaEndpoint, type readTestbed } from '../test/kit/testbed-access.ts';
import { makeDatabase } from '../test/kit/testbed-database.ts';
import { pssMiB } from './process-memory.ts';
import { end, spawnServe } from './serve-process.ts';

/** One of the two that are compared. */
export interface Side {
  name: 'Octavia' | 'Kiln';
  endpoint: string;
  /** Proportional set size of its processes, by name, in MiB. */
  memoryMiB(): Record<string, number>;
  /** Starts another one of its API and measures the time to the first answer; then ends it. */
  startMs(): Promise<number>;
  /** Makes load balancers like the one with this ID, without going through its flows, until the project has so many. */
  fillUp(likeId: string, total: number): Promise<void>;
  close(): Promise<void>;
}

type Testbed = ReturnType<typeof readTestbed>;

const LOOK_EVERY_MS = 5;
const testbedFolder = process.env.KILN_TESTBED_DIR || '/var/tmp/kiln-testbed';

/** Octavia in the test bed; null where it is not up. */
export async function octaviaSide(bed: Testbed): Promise<Side | null> {
  const endpoint = octaviaEndpoint();
  if (!(await answers(endpoint))) return null;
  const services = readdirSync(join(testbedFolder, 'run')).filter((name) => /^octavia-.*\.process$/.test(name));
  const leaders = services.map((file): [string, number] => {
    const [, pid] = readFileSync(join(testbedFolder, 'run', file), 'utf8').split(' ');
    return [file.replace('.process', ''), Number(pid)];
  });
  const database = { ...bed.database, database: 'octavia' };
  return {
    name: 'Octavia',
    endpoint,
    memoryMiB: () => Object.fromEntries(leaders.map(([name, pid]) => [name, groupPssMiB(pid)])),
    async startMs() {
      const port = Number(new URL(endpoint).port) + 1;
      const wsgi = join(testbedFolder, 'etc', 'octavia', 'wsgi.py');
      const options = ['--processes', '2', '--threads', '8', '--enable-threads', '--lazy-apps', '--need-app'];
      const child = spawn(
        '/usr/bin/uwsgi',
        [
          ...['--plugins', 'python3', '--master', '--die-on-term', ...options],
          '--http11-socket',
          `127.0.0.1:${port}`,
          '--wsgi-file',
          wsgi,
        ],
        { stdio: 'ignore', env: { PATH: '/usr/bin:/bin', LC_ALL: 'C.UTF-8' } },
      );
      const startedAfterMs = await untilItAnswers(child, `http://127.0.0.1:${port}`, performance.now());
      await end(child);
      return startedAfterMs;
    },
    async fillUp(likeId, total) {
      const connection = await createConnection(database);
      try {
        const [rows] = await connection.query(
          "select count(*) as n from load_balancer where provisioning_status <> 'DELETED' and project_id = (select project_id from load_balancer where id = ?)",
          [likeId],
        );
        const missing = total - Number((rows as { n: number }[])[0]?.n);
        for (let n = 0; n < missing; n++) {
          const id = crypto.randomUUID();
          await copyRow(connection, 'load_balancer', 'id', likeId, { id, name: `copy-${n}` });
          await copyRow(connection, 'vip', 'load_balancer_id', likeId, { load_balancer_id: id });
          await copyRow(connection, 'amphora', 'load_balancer_id', likeId, {
            id: crypto.randomUUID(),
            load_balancer_id: id,
          });
        }
      } finally {
        await connection.end();
      }
    },
    async close() {
      // Hundreds of load balancers would take it minutes.
      const connection = await createConnection(database);
      const tables = ['amphora', 'vip', 'session_persistence', 'pool', 'tags', 'load_balancer'];
      await connection.query('set foreign_key_checks = 0');
      for (const table of tables) await connection.query(`delete from ${table}`);
      await connection.end();
    },
  };
}

/**
 * Kiln as one process, with a database in the same server and the same Keystone. It is started as a package starts it, and its log is a file, as
 * Octavia's is.
 */
export async function kilnSide(bed: Testbed, folder: string): Promise<Side> {
  const database = await makeDatabase();
  async function start() {
    const sections = { DEFAULT: { log_file: join(folder, 'kiln.log') } };
    const { endpoint, configurationFile } = await configureKilnApi(bed, folder, {
      connection: database.connection,
      sections,
    });
    const startMs = performance.now();
    const environment = { NODE_COMPILE_CACHE: join(folder, 'compiled') };
    const child = spawnServe(configurationFile, { stdio: 'ignore', environment });
    return { child, endpoint, startedAfterMs: await untilItAnswers(child, endpoint, startMs) };
  }
  const kiln = await start();
  return {
    name: 'Kiln',
    endpoint: kiln.endpoint,
    memoryMiB: () => ({ kiln: pssMiB(kiln.child.pid ?? 0) }),
    async startMs() {
      const { child, startedAfterMs } = await start();
      await end(child);
      return startedAfterMs;
    },
    async fillUp(_likeId, total) {
      const token = await bed.token('demo');
      const headers = { 'X-Auth-Token': token, 'Content-Type': 'application/json' };
      const list = async () => {
        const answer = await fetch(`${kiln.endpoint}/v2/lbaas/loadbalancers?fields=provisioning_status`, { headers });
        return ((await answer.json()) as { loadbalancers: { provisioning_status: string }[] }).loadbalancers;
      };
      const missing = total - (await list()).length;
      for (let n = 0; n < missing; n++) {
        const loadbalancer = { name: `copy-${n}`, vip_subnet_id: '5b0a3c3e-6d0c-4d55-9b0e-3d7f6d6c7a01' };
        const answer = await fetch(`${kiln.endpoint}/v2/lbaas/loadbalancers`, {
          method: 'POST',
          headers,
          body: JSON.stringify({ loadbalancer }),
        });
        if (answer.status !== 201) throw new Error(`${answer.status} ${await answer.text()}`);
      }
      while ((await list()).some((row) => row.provisioning_status.startsWith('PENDING'))) await pause(100);
    },
    async close() {
      await end(kiln.child);
      await database.close();
    },
  };
}

type Connection = Awaited<ReturnType<typeof createConnection>>;

/** Copies the one row of a table where `key` is `value`, with other values in some columns. */
async function copyRow(
  connection: Connection,
  table: string,
  key: string,
  value: string,
  other: Record<string, string>,
): Promise<void> {
  const [rows] = await connection.query(`select * from ${table} where ${key} = ? limit 1`, [value]);
  const [row] = rows as Record<string, unknown>[];
  await connection.query(`insert into ${table} set ?`, [{ ...row, ...other }]);
}

async function answers(url: string): Promise<boolean> {
  try {
    return (await fetch(url)).ok;
  } catch {
    return false;
  }
}

async function untilItAnswers(child: ChildProcess, url: string, startMs: number): Promise<number> {
  while (!(await answers(url))) {
    if (child.exitCode !== null) throw new Error(`${url}: ended with ${child.exitCode}`);
    await pause(LOOK_EVERY_MS);
  }
  return performance.now() - startMs;
}

/** Of a process and all that it started, which share its group. */
function groupPssMiB(leader: number): number {
  const pids = spawnSync('pgrep', ['-g', String(leader)], { encoding: 'utf8' })
    .stdout.trim()
    .split('\n');
  return pids.reduce((sum, pid) => sum + pssMiB(Number(pid)), 0);
}
