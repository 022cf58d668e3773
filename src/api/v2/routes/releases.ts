import type { FastifyInstance } from 'fastify';
import { authorize } from '../access.ts';
import type { ApiDeps } from '../deps.ts';
import { planAnswer, planBody } from '../schemas/release.ts';
import { planToWire } from '../wire/release.ts';
import { callerOf } from './reads.ts';

/** Releases of images: of Kiln, not of Octavia. */
export function releaseRoutes(
  app: FastifyInstance,
  { planRelease, policy }: Pick<ApiDeps, 'planRelease' | 'policy'>,
): void {
  const schema = { body: planBody, response: { 200: planAnswer } };
  app.post<{ Body: { image_id?: string | null; tag?: string | null; again?: boolean | null } }>(
    '/kiln/releases/plan',
    { schema },
    async (request) => {
      const caller = callerOf(request);
      authorize(policy, 'release:post_plan', caller, caller.projectId);
      const { image_id: imageId = null, tag = null, again } = request.body;
      return { plan: planToWire(await planRelease({ imageId, tag, isAgain: again === true })) };
    },
  );
}
