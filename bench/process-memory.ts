import { existsSync, readFileSync } from 'node:fs';

/** Proportional set size: what ending the process would give back. 0 of one that has ended. */
export function pssMiB(pid: number): number {
  const file = `/proc/${pid}/smaps_rollup`;
  if (!existsSync(file)) return 0;
  return Number(/^Pss:\s+(\d+) kB/m.exec(readFileSync(file, 'utf8'))?.[1] ?? 0) / 1024;
}
