import type { FastifyInstance } from 'fastify';
import { authorize } from '../access.ts';
import type { ApiDeps } from '../deps.ts';
import { fleetAnswer } from '../schemas/fleet.ts';
import { fleetToWire } from '../wire/fleet.ts';
import { callerOf } from './reads.ts';

/** Which images the amphorae run: of Kiln, not of Octavia. */
export function fleetRoute(app: FastifyInstance, { fleet, policy }: Pick<ApiDeps, 'fleet' | 'policy'>): void {
  app.get('/kiln/fleet', { schema: { response: { 200: fleetAnswer } } }, async (request) => {
    const caller = callerOf(request);
    authorize(policy, 'fleet:get_one', caller, caller.projectId);
    return { fleet: fleetToWire(await fleet()) };
  });
}
