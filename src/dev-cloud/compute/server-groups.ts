import { randomUUID } from 'node:crypto';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import * as read from './body.ts';
import type { Compute } from './compute.ts';
import { badRequest, notFound } from './fault.ts';
import { maxPageSize, queryOf } from './paging.ts';
import type { ServerGroupRow } from './rows.ts';

type One = { Params: { id: string } };

const hardPolicies = ['anti-affinity', 'affinity'];
/** The soft ones came with 2.15; one `policy` instead of a list of them with 2.64. */
const allPolicies = [...hardPolicies, 'soft-anti-affinity', 'soft-affinity'];

/** Groups of servers that are to be kept apart; on the one host that there is (lifecycle.ts), or not. */
export function serverGroupRoutes(app: FastifyInstance, compute: Compute): void {
  const { serverGroups, servers } = compute.tables;

  function find(request: FastifyRequest<One>): ServerGroupRow {
    const { user } = compute.callOf(request);
    const row = serverGroups.get(request.params.id);
    if (!row || (!user.isAdmin && row.projectId !== user.projectId)) {
      throw notFound(`Instance group ${request.params.id} could not be found.`);
    }
    return row;
  }
  function view(row: ServerGroupRow, minor: number) {
    const members = servers.all().filter((server) => server.serverGroupId === row.id);
    return {
      id: row.id,
      name: row.name,
      ...(minor >= 64 ? { policy: row.policy, rules: row.rules } : { policies: [row.policy], metadata: {} }),
      members: members.map((server) => server.id),
      ...(minor >= 13 ? { project_id: row.projectId, user_id: row.userId } : {}),
    };
  }

  app.get('/v2.1/os-server-groups', async (request) => {
    const { user, minor } = compute.callOf(request);
    const everybodys = user.isAdmin && queryOf(request).has('all_projects');
    const rows = serverGroups.all().filter((row) => everybodys || row.projectId === user.projectId);
    const start = Number(queryOf(request).get('offset') ?? 0);
    const page = rows.slice(start, start + maxPageSize);
    return { server_groups: page.map((row) => view(row, minor)) };
  });

  app.get<One>('/v2.1/os-server-groups/:id', async (request) => {
    return { server_group: view(find(request), compute.callOf(request).minor) };
  });

  app.post('/v2.1/os-server-groups', async (request) => {
    const { user, minor } = compute.callOf(request);
    const { policy, name, rules } = parseGroup(request.body, minor);
    const row = { id: randomUUID(), name, policy, rules, projectId: user.projectId, userId: user.userId };
    serverGroups.put(row);
    return { server_group: view(row, minor) };
  });

  app.delete<One>('/v2.1/os-server-groups/:id', async (request, reply) => {
    serverGroups.delete(find(request).id);
    return reply.code(204).send();
  });
}

function parseGroup(body: unknown, minor: number): Pick<ServerGroupRow, 'name' | 'policy' | 'rules'> {
  const group = read.envelope(body, 'server_group');
  if (minor >= 64) {
    read.checkKeys(group, 'server_group', ['name', 'policy'], ['rules']);
    const policy = read.oneOf(group.policy, 'policy', allPolicies);
    const rules = read.optional(group.rules, (value) => read.object(value, 'rules')) ?? {};
    if (policy !== 'anti-affinity' && Object.keys(rules).length > 0) {
      throw badRequest('Only anti-affinity policy supports rules.');
    }
    return { name: read.name(group.name, 'name'), policy, rules };
  }
  read.checkKeys(group, 'server_group', ['name', 'policies'], []);
  const policies = read.list(group.policies, 'policies');
  if (policies.length === 0) throw read.invalid('policies', policies, '[] is too short');
  if (policies.length > 1) throw read.invalid('policies', policies, `${JSON.stringify(policies)} is too long`);
  const policy = read.oneOf(policies[0], '0', minor >= 15 ? allPolicies : hardPolicies);
  return { name: read.name(group.name, 'name'), policy, rules: {} };
}
