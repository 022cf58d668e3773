import { cpus } from 'node:os';

/** One figure: what was measured, and what came out. */
export interface Figure {
  what: string;
  value: string;
}

export function machine(): string {
  const [cpu] = cpus();
  return `${cpus().length} × ${cpu?.model.trim() ?? 'unknown CPU'}, Node ${process.version}`;
}

export function table(title: string, figures: readonly Figure[]): string {
  const rows = figures.map(({ what, value }) => `| ${what} | ${value} |`);
  return [`### ${title}`, '', '| what | figure |', '| --- | --- |', ...rows, ''].join('\n');
}

/** Of a sorted copy: the value below which the share `p` of all lies. */
export function percentile(values: readonly number[], p: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(p * sorted.length))] ?? Number.NaN;
}

export function milliseconds(value: number): string {
  return value < 10 ? `${value.toFixed(2)} ms` : `${value.toFixed(0)} ms`;
}

/** How long each of so many runs took, one after the other, in milliseconds. */
export async function timesMs(count: number, work: () => unknown): Promise<number[]> {
  const times: number[] = [];
  for (let n = 0; n < count; n++) {
    const startMs = performance.now();
    await work();
    times.push(performance.now() - startMs);
  }
  return times;
}
