import type { FastifyInstance } from 'fastify';
import { notFound, translated } from '../../../core/lbaas/api-errors.ts';
import type { ApiDeps } from '../deps.ts';
import { listableFields } from '../filters.ts';
import { invalidMarker, type QueryString, readListRequest } from '../list-request.ts';
import { pageLinks } from '../page-links.ts';
import { abortBody, abortedAnswer, operationAnswer, operationsAnswer } from '../schemas/operation.ts';
import { freshness, listQuery } from '../schemas/query.ts';
import type { ReadsOf } from '../shared-reads.ts';
import { abortedToWire, operationToWire, operationWithJournalToWire } from '../wire/operation.ts';
import { authorizeCaller, pathUrl, pick } from './reads.ts';
import { type ById, bodyOf } from './write-tools.ts';

const title = 'Operation';

/** What was asked for on load balancers, and what became of it: of Kiln, not of Octavia. */
export function operationRoutes(
  app: FastifyInstance,
  deps: Pick<ApiDeps, 'abortOperation' | 'policy' | 'paging'> & { readsOf: ReadsOf },
): void {
  const { readsOf, policy } = deps;

  const listSchema = {
    querystring: listQuery(listableFields.operation, { tags: false }),
    headers: freshness(),
    response: { 200: operationsAnswer },
  };
  app.get('/kiln/operations', { schema: listSchema }, async (request) => {
    authorizeCaller(policy, 'operation:get_all', request);
    const given = request.query as QueryString;
    // The newest first, where nothing else is asked for.
    const sorted = given.sort === undefined && given.sort_key === undefined ? { ...given, sort: newestFirst } : given;
    const asked = readListRequest(listableFields.operation, sorted, deps.paging.maximum);
    const { tags: _tags, ...query } = asked.query;
    const { overview, journal } = readsOf(request);
    const rows = asked.nothing ? [] : await overview.operations(query);
    const { marker } = asked.page;
    if (rows.length === 0 && marker !== null && !(await journal.get(marker))) throw invalidMarker(marker);
    return {
      operations: rows.map((row) => pick(operationToWire(row), asked.fields)),
      operations_links: pageLinks(
        pathUrl(request, deps.paging.baseUri),
        asked.page,
        rows.map(({ id }) => id),
      ),
    };
  });

  app.get<ById>(
    '/kiln/operations/:id',
    { schema: { headers: freshness(), response: { 200: operationAnswer } } },
    async (request) => {
      authorizeCaller(policy, 'operation:get_one', request);
      const found = await readsOf(request).journal.get(request.params.id);
      if (!found) throw notFound(title, request.params.id);
      return { operation: operationWithJournalToWire(found.operation, found.entries) };
    },
  );

  const abortSchema = { body: abortBody, response: { 200: abortedAnswer } };
  app.post<ById>('/kiln/operations/:id/abort', { schema: abortSchema }, async (request) => {
    const caller = authorizeCaller(policy, 'operation:post_abort', request);
    const { id } = request.params;
    const { reason } = bodyOf(request, abortBody);
    const by = { who: caller.userName ?? caller.userId, reason: reason.trim() };
    const aborted = await translated(deps.abortOperation(id, by), {
      OPERATION_NOT_FOUND: () => notFound(title, id),
    });
    return { operation: abortedToWire(aborted) };
  });
}

const newestFirst = 'created_at:desc,id:desc';
