import type { FastifyInstance } from 'fastify';
import { allActions } from '../../policy/defaults.ts';
import type { ApiDeps } from '../deps.ts';
import { listableFields } from '../filters.ts';
import { invalidMarker, type QueryString, readListRequest } from '../list-request.ts';
import { pageLinks } from '../page-links.ts';
import { amphoraeHealthAnswer, attentionAnswer, permissionsAnswer } from '../schemas/overview.ts';
import { freshness, listQuery } from '../schemas/query.ts';
import type { ReadsOf } from '../shared-reads.ts';
import { amphoraHealthToWire, attentionToWire } from '../wire/overview.ts';
import { authorizeCaller, callerOf, pathUrl, pick } from './reads.ts';

/** What operators look at across all load balancers, and what whoever asks may do: of Kiln, not of Octavia. */
export function overviewRoutes(
  app: FastifyInstance,
  deps: Pick<ApiDeps, 'attention' | 'policy' | 'paging' | 'clock' | 'heartbeatTimeoutSeconds'> & { readsOf: ReadsOf },
): void {
  const { readsOf, policy, clock } = deps;

  app.get('/kiln/attention', { schema: { response: { 200: attentionAnswer } } }, async (request) => {
    authorizeCaller(policy, 'attention:get_one', request);
    return { attention: attentionToWire(await deps.attention()) };
  });

  const amphoraeSchema = {
    querystring: listQuery(listableFields.amphora, { tags: false }),
    headers: freshness(),
    response: { 200: amphoraeHealthAnswer },
  };
  app.get('/kiln/amphorae/health', { schema: amphoraeSchema }, async (request) => {
    authorizeCaller(policy, 'amphora:get_all', request);
    const asked = readListRequest(listableFields.amphora, request.query as QueryString, deps.paging.maximum);
    const { tags: _tags, ...query } = asked.query;
    const { amphorae, overview } = readsOf(request);
    const rows = asked.nothing ? [] : await amphorae.listPage({ ...query, projectId: asked.projectId });
    const { marker } = asked.page;
    if (rows.length === 0 && marker !== null && !(await amphorae.get(marker))) throw invalidMarker(marker);
    const ids = rows.map(({ id }) => id);
    const heard = await overview.lastHeardOf(ids);
    const silentBefore = new Date(clock.now().getTime() - deps.heartbeatTimeoutSeconds() * 1000).toISOString();
    return {
      amphorae: rows.map((row) =>
        pick(amphoraHealthToWire(row, heard.get(row.id) ?? null, silentBefore), asked.fields),
      ),
      amphorae_links: pageLinks(pathUrl(request, deps.paging.baseUri), asked.page, ids),
    };
  });

  app.get('/kiln/permissions', { schema: { response: { 200: permissionsAnswer } } }, async (request) => {
    const caller = callerOf(request);
    return {
      permissions: {
        user_id: caller.userId,
        user_name: caller.userName,
        project_id: caller.projectId,
        project_name: caller.projectName,
        system_scope: caller.systemScope,
        roles: caller.roles,
        // On what is in the project that the token is for.
        actions: allActions.filter((action) => policy.allows(action, caller, caller.projectId)),
      },
    };
  });
}
