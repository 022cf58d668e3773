import type { FastifyInstance } from 'fastify';
import type { ApiDeps } from '../deps.ts';
import { fleetAnswer } from '../schemas/fleet.ts';
import { fleetToWire } from '../wire/fleet.ts';
import { authorizeCaller } from './reads.ts';

/** Which images the amphorae run: of Kiln, not of Octavia. */
export function fleetRoute(app: FastifyInstance, { fleet, policy }: Pick<ApiDeps, 'fleet' | 'policy'>): void {
  app.get('/kiln/fleet', { schema: { response: { 200: fleetAnswer } } }, async (request) => {
    authorizeCaller(policy, 'fleet:get_one', request);
    return { fleet: fleetToWire(await fleet()) };
  });
}
