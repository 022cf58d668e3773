import { execFile, spawnSync } from 'node:child_process';
import { promisify } from 'node:util';
import { Pool } from 'undici';
import { ensureDebianPackages, mayInstall } from '../scripts/debian-packages.ts';
import { percentile } from './report.ts';

export interface Load {
  perSecond: number;
  medianMs: number;
}

/** Longer than the slowest answer seen: all load balancers of Octavia, asked for by 16 clients. */
const ANSWER_LIMIT_SECONDS = 60;

/** A generator in Node.js is slower than the API that it asks: wrk is installed where that can be done. */
if (mayInstall()) ensureDebianPackages(['wrk']);
const wrk = spawnSync('wrk', ['-v']).error === undefined;
export const generator = wrk ? 'wrk' : 'undici';

/**
 * GETs one address again and again over so many connections, with wrk if it is installed. All must answer 200.
 * @param leastSeconds longer where answers are so slow that hardly any would come in this time.
 */
export async function load(url: string, token: string, connections: number, leastSeconds: number): Promise<Load> {
  const startMs = performance.now();
  const answer = await fetch(url, { headers: { 'X-Auth-Token': token } });
  if (answer.status !== 200) throw new Error(`${url}: ${answer.status} ${await answer.text()}`);
  await answer.arrayBuffer();
  const answerSeconds = (performance.now() - startMs) / 1000;
  const seconds = Math.min(ANSWER_LIMIT_SECONDS, Math.max(leastSeconds, Math.ceil(2 * answerSeconds * connections)));
  return wrk ? await byWrk(url, token, connections, seconds) : await byUndici(url, token, connections, seconds);
}

async function byWrk(url: string, token: string, connections: number, seconds: number): Promise<Load> {
  const options = ['-t1', `-c${connections}`, `-d${seconds}s`, '--latency', '--timeout', `${ANSWER_LIMIT_SECONDS}s`];
  const { stdout } = await promisify(execFile)('wrk', [...options, '-H', `X-Auth-Token: ${token}`, url]);
  if (/Non-2xx|Socket errors/.test(stdout)) throw new Error(`${url}: not all was answered\n${stdout}`);
  const [, median, unit = ''] = /50%\s+([\d.]+)(us|ms|s)/.exec(stdout) ?? [];
  const milliseconds: Record<string, number> = { us: 0.001, ms: 1, s: 1000 };
  return {
    perSecond: Number(/Requests\/sec:\s+([\d.]+)/.exec(stdout)?.[1]),
    medianMs: Number(median) * (milliseconds[unit] ?? Number.NaN),
  };
}

async function byUndici(url: string, token: string, connections: number, seconds: number): Promise<Load> {
  const { origin, pathname, search } = new URL(url);
  const pool = new Pool(origin, { connections });
  const times: number[] = [];
  const startMs = performance.now();
  const ask = async () => {
    while (performance.now() - startMs < seconds * 1000) {
      const askedMs = performance.now();
      const answer = await pool.request({ path: pathname + search, method: 'GET', headers: { 'x-auth-token': token } });
      await answer.body.arrayBuffer();
      if (answer.statusCode !== 200) throw new Error(`${url}: ${answer.statusCode}`);
      times.push(performance.now() - askedMs);
    }
  };
  await Promise.all(Array.from({ length: connections }, ask));
  const tookSeconds = (performance.now() - startMs) / 1000;
  await pool.close();
  return { perSecond: times.length / tookSeconds, medianMs: percentile(times, 0.5) };
}
