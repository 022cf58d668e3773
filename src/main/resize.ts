import { Registry } from 'prom-client';
import { createPolicy } from '../api/policy/policy.ts';
import { createApi } from '../api/v2/server.ts';
import { type ErrorCode, KilnError } from '../model/errors.ts';
import type { OpenStack } from './openstack.ts';
import { apiDeps } from './roles/api-deps.ts';
import type { State } from './state.ts';
import type { StatePaths } from './state-paths.ts';
import { type RuntimeContext, secretStore, wireProcess } from './wire.ts';

const codes: Readonly<Record<number, ErrorCode>> = {
  400: 'REQUEST_INVALID',
  404: 'RESOURCE_NOT_FOUND',
  409: 'IMMUTABLE',
  501: 'OPTION_UNSUPPORTED',
};

/**
 * Asks the API's own route, within this process and with every right: who may run commands here may do what administrators
 * may. Workers find the operation in the database.
 * @throws what the API refuses, in its words.
 */
export async function resizeLoadBalancer(
  own: { openstack: OpenStack; state: State; paths: StatePaths },
  runtime: RuntimeContext,
  { loadBalancerId, flavorId }: { loadBalancerId: string; flavorId: string | null },
): Promise<void> {
  const deps = apiDeps(
    {
      ...own,
      ...wireProcess(own.openstack, runtime),
      secrets: secretStore(runtime.current(), own.paths),
      queue: { announce: () => {} },
      policy: createPolicy({ everybodyIsAdmin: true }),
      metrics: new Registry(),
    },
    runtime,
  );
  const api = createApi({ ...deps, log: runtime.log, authentication: { strategy: 'noauth' } });
  try {
    const answer = await api.inject({
      method: 'PUT',
      url: `/v2/kiln/loadbalancers/${encodeURIComponent(loadBalancerId)}/flavor`,
      headers: { 'x-project-id': 'kiln' },
      payload: { flavor_id: flavorId },
    });
    if (answer.statusCode < 300) return;
    const { faultstring } = answer.json<{ faultstring: string }>();
    throw new KilnError(codes[answer.statusCode] ?? 'INTERNAL', faultstring);
  } finally {
    await api.close();
  }
}
