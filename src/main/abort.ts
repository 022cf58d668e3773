import { type AbortedBy, abortOperation } from '../flows/abort-operation.ts';
import { loadBalancerFlows } from '../flows/load-balancer/index.ts';
import type { AbortedOperation } from '../model/operation.ts';
import type { Log } from '../ports/log.ts';
import type { State } from './state.ts';

/** Ends operations by hand, through the database alone. @param self the process that does. */
export function wireAbort(
  { journal, loadBalancers, amphorae }: State,
  self: string,
  log: Log,
): (operationId: string, by?: AbortedBy) => Promise<AbortedOperation> {
  const deps = { journal, loadBalancers, amphorae, flows: loadBalancerFlows, self, log };
  return (operationId, by) => abortOperation(deps, operationId, by);
}
