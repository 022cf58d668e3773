import type { FastifyInstance } from 'fastify';
import { invalidField, notFound } from '../../../core/lbaas/api-errors.ts';
import { quotaProjectLength } from '../../../core/lbaas/limits.ts';
import { limitsOf } from '../../../core/lbaas/quota.ts';
import { authorize, listScope } from '../access.ts';
import type { ApiDeps } from '../deps.ts';
import { listableFields } from '../filters.ts';
import { refuseUnknownArguments } from '../known-arguments.ts';
import { type QueryString, readListRequest } from '../list-request.ts';
import { pageLinks } from '../page-links.ts';
import { listQuery, nothing } from '../schemas/query.ts';
import { quotaAnswer, quotasAnswer, quotaUpdateBody } from '../schemas/quota.ts';
import { quotaFromWire, quotaToWire } from '../wire/quota.ts';
import { callerOf, pathUrl } from './reads.ts';
import { bodyOf } from './write-tools.ts';

type OfProject = { Params: { projectId: string } };

/** How much of each kind projects may have (octavia/api/v2/controllers/quotas.py). */
export function quotaRoutes(app: FastifyInstance, deps: ApiDeps): void {
  const { policy, quotas, settings } = deps;

  const listSchema = {
    querystring: listQuery(listableFields.quota, { tags: false }),
    response: { 200: quotasAnswer },
  };
  app.get('/quotas', { schema: listSchema }, async (request) => {
    const asked = readListRequest(listableFields.quota, request.query as QueryString, deps.paging.maximum);
    const projectId = listScope(policy, 'quota', callerOf(request), asked.projectId);
    const rows = asked.nothing ? [] : await quotas.list({ ...asked.query, projectId });
    const url = pathUrl(request, deps.paging.baseUri);
    return {
      // Octavia takes `fields` and shows all of them.
      quotas: rows.map((row) => quotaToWire(row.projectId, row)),
      quotas_links: pageLinks(
        url,
        asked.page,
        rows.map((row) => row.projectId),
      ),
    };
  });

  const show = { schema: { response: { 200: quotaAnswer } } };

  /** What clients ask to see the configuration's; to Octavia it is a project of this name, which has no quota. */
  app.get('/quotas/defaults', show, (request) => {
    const projectId = 'defaults';
    authorize(policy, 'quota:get_one', callerOf(request), projectId);
    return { quota: quotaToWire(projectId, settings().quotaDefaults) };
  });

  app.get<OfProject>('/quotas/:projectId/default', show, (request) => {
    const { projectId } = request.params;
    authorize(policy, 'quota:get_defaults', callerOf(request), projectId);
    return { quota: quotaToWire(projectId, settings().quotaDefaults) };
  });

  app.get<OfProject>('/quotas/:projectId', show, async (request) => {
    refuseUnknownArguments(request);
    const { projectId } = request.params;
    authorize(policy, 'quota:get_one', callerOf(request), projectId);
    return answer(projectId, await quotas.get(projectId));
  });

  const update = { schema: { body: quotaUpdateBody, response: { 202: quotaAnswer } } };
  app.put<OfProject>('/quotas/:projectId', update, async (request, reply) => {
    const { projectId } = request.params;
    authorize(policy, 'quota:put', callerOf(request), projectId);
    if (projectId.length > quotaProjectLength) {
      const why = `Value should have a maximum character requirement of ${quotaProjectLength}`;
      throw invalidField('project_id', `${projectId.slice(0, quotaProjectLength)}...`, why);
    }
    const own = await quotas.put(projectId, quotaFromWire(bodyOf(request, quotaUpdateBody).quota));
    return reply.code(202).send(answer(projectId, own));
  });

  app.delete<OfProject>('/quotas/:projectId', { schema: { response: { 202: nothing() } } }, async (request, reply) => {
    const { projectId } = request.params;
    authorize(policy, 'quota:delete', callerOf(request), projectId);
    if (!(await quotas.delete(projectId))) throw notFound('Quotas', projectId);
    return reply.code(202).send();
  });

  function answer(projectId: string, own: Parameters<typeof limitsOf>[0]) {
    return { quota: quotaToWire(projectId, limitsOf(own, settings().quotaDefaults)) };
  }
}
