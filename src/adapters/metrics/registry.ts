import { collectDefaultMetrics, Registry } from 'prom-client';

/**
 * Where all parts of a process put their figures, with those of the process itself: memory, processor time, file
 * descriptors, the event loop's delay, garbage collection. One a process: what is watched is never given back.
 */
export function createMetrics(): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  return registry;
}
