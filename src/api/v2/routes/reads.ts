import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import { notFound, policyForbids } from '../../../core/lbaas/api-errors.ts';
import { kindTitle } from '../../../core/lbaas/resource-names.ts';
import type { ResourceKind, Resources } from '../../../model/load-balancer.ts';
import { tenantReason } from '../../../model/tenant-text.ts';
import type { RelatedIds } from '../../../ports/load-balancer-store.ts';
import type { Caller } from '../../../ports/token-validator.ts';
import type { Action } from '../../policy/defaults.ts';
import type { Policy } from '../../policy/policy.ts';
import { authorize, listScope } from '../access.ts';
import { pathOf } from '../access-log.ts';
import { representations } from '../collections.ts';
import type { ApiDeps } from '../deps.ts';
import { listableFields } from '../filters.ts';
import { invalidMarker, type ListRequest, type QueryString, readFields, readListRequest } from '../list-request.ts';
import { pageLinks } from '../page-links.ts';
import { links, list } from '../schemas/fields.ts';
import { loadBalancerShowView, loadBalancerStatusAnswer } from '../schemas/load-balancer.ts';
import { freshness, listQuery, showQuery } from '../schemas/query.ts';
import type { ReadsOf } from '../shared-reads.ts';
import { reasonToWire, treeToStatus } from '../wire/load-balancer.ts';

type Found<Kind extends ResourceKind> = Resources[Kind] & { related: RelatedIds };

/** Lists and shows of a load balancer and what belongs to it. */
export function readRoutes(
  app: FastifyInstance,
  deps: Pick<ApiDeps, 'policy' | 'paging'> & { readsOf: ReadsOf },
): void {
  const { policy, readsOf } = deps;

  for (const kind of ['loadbalancer', 'listener', 'pool', 'healthmonitor', 'l7policy'] as const) {
    const path = `/${representations[kind].many}`;
    app.get(path, { schema: listSchema(kind) }, (request, reply) =>
      answerList(request, reply, kind, (asked) => ({
        projectId: listScope(policy, kind, callerOf(request), asked.projectId),
      })),
    );
    app.get<{ Params: { id: string } }>(`${path}/:id`, { schema: showSchema(kind) }, async (request) => {
      const found = await find(request, kind, request.params.id);
      authorize(policy, `${kind}:get_one`, callerOf(request), found.projectId);
      return show(kind, found, request, policy);
    });
  }

  nested('member', 'pool', '/pools/:parentId/members');
  nested('l7rule', 'l7policy', '/l7policies/:parentId/rules');

  for (const path of ['/loadbalancers/:id/status', '/loadbalancers/:id/statuses']) {
    const schema = { headers: freshness(), response: { 200: loadBalancerStatusAnswer } };
    app.get<{ Params: { id: string } }>(path, { schema }, async (request) => {
      const tree = await readsOf(request).store.tree(request.params.id);
      if (!tree) throw notFound(kindTitle.loadbalancer, request.params.id);
      authorize(policy, 'loadbalancer:get_status', callerOf(request), tree.loadBalancer.projectId);
      return treeToStatus(tree);
    });
  }

  function nested(kind: 'member' | 'l7rule', parentKind: 'pool' | 'l7policy', path: string): void {
    app.get<{ Params: { parentId: string } }>(path, { schema: listSchema(kind) }, async (request, reply) => {
      const parent = await findParent(request, parentKind, request.params.parentId);
      authorize(policy, `${kind}:get_all`, callerOf(request), parent.projectId);
      return answerList(request, reply, kind, (asked) => ({ projectId: asked.projectId, parentId: parent.id }));
    });
    app.get<{ Params: { parentId: string; id: string } }>(
      `${path}/:id`,
      { schema: showSchema(kind) },
      async (request) => {
        const { parentId, id } = request.params;
        const found = await readsOf(request).store.get(kind, id);
        if (!found) {
          await findParent(request, parentKind, parentId);
          throw notFound(kindTitle[kind], id);
        }
        authorize(policy, `${kind}:get_one`, callerOf(request), found.projectId);
        if (parentOf(found) !== parentId) throw notFound(kindTitle[kind], id);
        return show(kind, found, request, policy);
      },
    );
  }

  /** What others are in; Octavia calls a policy otherwise there. */
  async function findParent(
    request: FastifyRequest,
    kind: 'pool' | 'l7policy',
    id: string,
  ): Promise<Found<'pool' | 'l7policy'>> {
    const found = await readsOf(request).store.get(kind, id);
    if (!found) throw notFound(kind === 'l7policy' ? 'L7Policy' : kindTitle[kind], id);
    return found;
  }

  async function find<Kind extends ResourceKind>(
    request: FastifyRequest,
    kind: Kind,
    id: string,
  ): Promise<Found<Kind>> {
    const found = await readsOf(request).store.get(kind, id);
    if (!found) throw notFound(kindTitle[kind], id);
    return found;
  }

  async function answerList<Kind extends ResourceKind>(
    request: FastifyRequest,
    reply: FastifyReply,
    kind: Kind,
    scope: (asked: ListRequest) => { projectId: string | null; parentId?: string },
  ): Promise<string> {
    const asked = readListRequest(listableFields[kind], request.query as QueryString, deps.paging.maximum);
    const scoped = scope(asked);
    const { store } = readsOf(request);
    const rows = asked.nothing ? [] : await store.list(kind, { ...asked.query, ...scoped });
    // Asked only where it matters, so that a page costs one query.
    const { marker } = asked.page;
    if (rows.length === 0 && marker !== null) {
      // One that the list can't show to this caller counts as one that is not there.
      const [at] = await store.list(kind, { ...scoped, filters: { id: [marker] }, sort: [], limit: 1 });
      if (!at) throw invalidMarker(marker);
    }
    const { many } = representations[kind];
    const links = pageLinks(
      pathUrl(request, deps.paging.baseUri),
      asked.page,
      rows.map(({ id }) => id),
    );
    reply.type('application/json; charset=utf-8');
    const texts = rows.map((row) => (asked.fields === null ? textOf(kind, row) : write(kind, row, asked.fields)));
    return `{"${many}":[${texts.join()}],"${many}_links":${JSON.stringify(links)}}`;
  }
}

function write<Kind extends ResourceKind>(kind: Kind, row: Found<Kind>, fields: readonly string[] | null): string {
  return JSON.stringify(pick(representations[kind].toWire(row, row.related), fields));
}

const textsOf = new WeakMap<object, string>();
/** With all of its fields; of load balancers once for each object, as the store has the same one for pages that have the same on them. */
function textOf<Kind extends ResourceKind>(kind: Kind, row: Found<Kind>): string {
  if (kind !== 'loadbalancer') return write(kind, row, null);
  const known = textsOf.get(row);
  if (known !== undefined) return known;
  const text = write(kind, row, null);
  textsOf.set(row, text);
  return text;
}

function show<Kind extends ResourceKind>(kind: Kind, found: Found<Kind>, request: FastifyRequest, policy: Policy) {
  const { one, toWire } = representations[kind];
  const { reason } = found.related;
  // Kiln's own, behind Octavia's fields, and only where there is something to tell.
  // Who may see amphorae may read what was wrong with them: addresses, servers, what other services said.
  const whole = policy.allows('amphora:get_one', callerOf(request), null);
  const more = reason ? { provisioning_reason: reasonToWire(whole ? reason : tenantReason(reason)) } : {};
  return { [one]: pick({ ...toWire(found, found.related), ...more }, readFields(request.query as QueryString)) };
}

/** The caller, where one must be known: routes of the API are behind authentication. */
export function callerOf(request: FastifyRequest): Caller {
  if (!request.caller) throw policyForbids();
  return request.caller;
}

/** For what belongs to no project: the caller's own counts. @throws KilnError REQUEST_FORBIDDEN. */
export function authorizeCaller(policy: Policy, action: Action, request: FastifyRequest): Caller {
  const caller = callerOf(request);
  authorize(policy, action, caller, caller.projectId);
  return caller;
}

function parentOf(row: { poolId: string } | { l7PolicyId: string }): string {
  return 'poolId' in row ? row.poolId : row.l7PolicyId;
}

/** Only the fields that were asked for. */
export function pick(row: Record<string, unknown>, fields: readonly string[] | null): Record<string, unknown> {
  if (fields === null) return row;
  return Object.fromEntries(Object.entries(row).filter(([field]) => fields.includes(field)));
}

/** Scheme, host and path that the client asked. */
export function pathUrl(request: FastifyRequest, baseUri: string | null): string {
  return `${baseUri?.replace(/\/+$/, '') ?? `${request.protocol}://${request.host}`}${pathOf(request)}`;
}

function listSchema(kind: ResourceKind) {
  const { many, view } = representations[kind];
  return {
    querystring: listQuery(listableFields[kind], { tags: true }),
    headers: freshness(),
    response: { 200: Type.Object({ [many]: list(view), [`${many}_links`]: links() }) },
  };
}

function showSchema(kind: ResourceKind) {
  const { one, view } = representations[kind];
  const shown = kind === 'loadbalancer' ? loadBalancerShowView : view;
  return { querystring: showQuery(), headers: freshness(), response: { 200: Type.Object({ [one]: shown }) } };
}
