import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';
import type { BenchCloud } from './bench-cloud.ts';
import { pssMiB } from './process-memory.ts';
import { type Figure, milliseconds, percentile } from './report.ts';
import { end, kilnMain, spawnServe } from './serve-process.ts';

const STARTS = 7;
/** Time for the garbage of starting up to be collected. */
const REST_MS = 4_000;

/** Start-up and memory of the processes that an operator runs. */
export async function benchProcess(cloud: BenchCloud): Promise<Figure[]> {
  const version: number[] = [];
  const serve: number[] = [];
  for (let start = 0; start < STARTS; start++) {
    const startMs = performance.now();
    await once(spawn(process.execPath, [kilnMain, '--version'], { stdio: 'ignore' }), 'exit');
    version.push(performance.now() - startMs);
    const { child, readyMs } = await startServe(cloud);
    serve.push(readyMs);
    await end(child);
  }
  const { child } = await startServe(cloud);
  await pause(REST_MS);
  const restingMiB = pssMiB(child.pid ?? 0);
  await end(child);
  return [
    { what: `kiln --version, median of ${STARTS}`, value: milliseconds(percentile(version, 0.5)) },
    { what: `kiln serve: start to serving, median of ${STARTS}`, value: milliseconds(percentile(serve, 0.5)) },
    { what: 'kiln serve: memory at rest (PSS)', value: `${restingMiB.toFixed(0)} MiB` },
  ];
}

async function startServe({ configurationFile }: BenchCloud): Promise<{ child: ChildProcess; readyMs: number }> {
  const startMs = performance.now();
  const child = spawnServe(configurationFile, { stdio: ['ignore', 'ignore', 'pipe'] });
  const log = child.stderr as Readable;
  for await (const line of createInterface({ input: log })) if (line.includes('"serving"')) break;
  log.resume();
  return { child, readyMs: performance.now() - startMs };
}
