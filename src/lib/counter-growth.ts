/** What a counter has counted. One that falls was reset: it counts nothing that time. One that was not there before has counted from 0. */
export function counterGrowth(before = 0, now: number): number {
  return Math.max(0, now - before);
}
