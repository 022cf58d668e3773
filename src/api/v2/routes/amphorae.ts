import type { FastifyInstance, FastifyRequest } from 'fastify';
import { conflict, immutable, notFound, translated } from '../../../core/lbaas/api-errors.ts';
import {
  type PlannedChange,
  planAmphoraConfiguration,
  planAmphoraDeletion,
  planAmphoraFailover,
} from '../../../core/lbaas/changes.ts';
import type { Amphora } from '../../../model/amphora.ts';
import type { StoredTree } from '../../../model/load-balancer.ts';
import type { Action } from '../../policy/defaults.ts';
import { authorize } from '../access.ts';
import type { ApiDeps } from '../deps.ts';
import { listableFields } from '../filters.ts';
import { invalidMarker, type QueryString, readFields, readListRequest } from '../list-request.ts';
import { pageLinks } from '../page-links.ts';
import { amphoraAnswer, amphoraeAnswer } from '../schemas/amphora.ts';
import { listQuery, nothing, showQuery } from '../schemas/query.ts';
import { amphoraStatisticsAnswer } from '../schemas/statistics.ts';
import { amphoraToWire } from '../wire/amphora.ts';
import { amphoraStatisticsToWire } from '../wire/statistics.ts';
import { authorizeCaller, callerOf, pathUrl, pick } from './reads.ts';
import type { ById, WriteTools } from './write-tools.ts';

const title = 'Amphora';

/** The administrator's amphorae (octavia/api/v2/controllers/amphora.py). */
export function amphoraRoutes(app: FastifyInstance, deps: ApiDeps, tools: WriteTools): void {
  amphoraReads(app, deps);
  amphoraWrites(app, deps, tools);
}

async function find({ amphorae }: ApiDeps, id: string): Promise<Amphora> {
  const amphora = await amphorae.get(id);
  if (!amphora || amphora.status === 'DELETED') throw notFound(title, id);
  return amphora;
}

function amphoraReads(app: FastifyInstance, deps: ApiDeps): void {
  const { amphorae, healthStore } = deps;

  const listSchema = {
    querystring: listQuery(listableFields.amphora, { tags: false }),
    response: { 200: amphoraeAnswer },
  };
  app.get('/octavia/amphorae', { schema: listSchema }, async (request) => {
    authorizeCaller(deps.policy, 'amphora:get_all', request);
    const asked = readListRequest(listableFields.amphora, request.query as QueryString, deps.paging.maximum);
    const { tags: _tags, ...query } = asked.query;
    const rows = asked.nothing ? [] : await amphorae.listPage({ ...query, projectId: asked.projectId });
    const { marker } = asked.page;
    if (rows.length === 0 && marker !== null && !(await amphorae.get(marker))) throw invalidMarker(marker);
    return {
      amphorae: rows.map((row) => pick(amphoraToWire(row), asked.fields)),
      amphorae_links: pageLinks(
        pathUrl(request, deps.paging.baseUri),
        asked.page,
        rows.map(({ id }) => id),
      ),
    };
  });

  const showSchema = { querystring: showQuery(), response: { 200: amphoraAnswer } };
  app.get<ById>('/octavia/amphorae/:id', { schema: showSchema }, async (request) => {
    authorizeCaller(deps.policy, 'amphora:get_one', request);
    const amphora = await find(deps, request.params.id);
    return { amphora: pick(amphoraToWire(amphora), readFields(request.query as QueryString)) };
  });

  const statisticsSchema = { response: { 200: amphoraStatisticsAnswer } };
  app.get<ById>('/octavia/amphorae/:id/stats', { schema: statisticsSchema }, async (request) => {
    authorizeCaller(deps.policy, 'amphora:get_stats', request);
    const { id } = request.params;
    const rows = await healthStore.statisticsOfAmphora(id);
    const amphora = rows.length > 0 ? await amphorae.get(id) : null;
    if (!amphora) throw notFound('Amphora stats for', id);
    return { amphora_stats: rows.map((row) => amphoraStatisticsToWire(row, amphora.loadBalancerId)) };
  });
}

function amphoraWrites(app: FastifyInstance, deps: ApiDeps, tools: WriteTools): void {
  const { amphorae, store, policy } = deps;

  /** An amphora, and the load balancer that it serves; one that serves none can only be shown and deleted. */
  async function locate(request: FastifyRequest<ById>, action: Action) {
    const { id } = request.params;
    const { loadBalancerId } = await find(deps, id);
    const tree = loadBalancerId === null ? null : await store.tree(loadBalancerId);
    authorize(policy, action, callerOf(request), tree?.loadBalancer.projectId ?? null);
    if (!tree) throw conflict(`Amphora ${id} serves no load balancer.`);
    // Again, behind the tree: a failover that replaces it from now on moves the revision that the change carries.
    return { amphora: await find(deps, id), tree };
  }

  async function enqueue(
    request: FastifyRequest<ById>,
    action: Action,
    plan: (tree: StoredTree, amphoraId: string) => PlannedChange,
  ): Promise<void> {
    const { amphora, tree } = await locate(request, action);
    await tools.apply(plan(tree, amphora.id));
  }

  const accepted = { schema: { response: { 202: nothing() } } };
  app.put<ById>('/octavia/amphorae/:id/failover', accepted, async (request, reply) => {
    await enqueue(request, 'amphora:put_failover', (tree, amphoraId) =>
      planAmphoraFailover(tools.context(), tree, amphoraId),
    );
    return reply.code(202).send();
  });

  app.put<ById>('/octavia/amphorae/:id/config', accepted, async (request, reply) => {
    await enqueue(request, 'amphora:put_config', (tree, amphoraId) =>
      planAmphoraConfiguration(tools.context(), tree, amphoraId),
    );
    return reply.code(202).send();
  });

  app.delete<ById>('/octavia/amphorae/:id', { schema: { response: { 204: nothing() } } }, async (request, reply) => {
    authorizeCaller(deps.policy, 'amphora:delete', request);
    const { id } = request.params;
    const { loadBalancerId } = await find(deps, id);
    const operation = planAmphoraDeletion(tools.context(), id, loadBalancerId);
    await translated(amphorae.requestDeletion(id, operation), {
      AMPHORA_NOT_FOUND: () => notFound(title, id),
      IMMUTABLE: () => immutable(title, id),
    });
    deps.operationQueued(operation);
    return reply.code(204).send();
  });
}
