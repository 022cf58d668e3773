import { randomBytes, randomUUID } from 'node:crypto';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { envelope, integer, isUuid, optional } from './body.ts';
import { type Call, type Compute, selfLinks } from './compute.ts';
import { badRequest, conflict, notFound } from './fault.ts';
import { page, queryOf } from './paging.ts';
import { type ServerRow, timestamp } from './rows.ts';
import { filterServers } from './server-list.ts';
import { planServer, zoneName } from './server-plan.ts';
import { parseServerRequest, type ServerRequest } from './server-request.ts';
import { basicServer, detailedServer } from './server-view.ts';

type One = { Params: { id: string } };

/** Servers: create, list, show, delete, and the actions that the embedded cloud can do. */
export function serverRoutes(app: FastifyInstance, compute: Compute): void {
  app.post('/v2.1/servers', async (request, reply) => {
    const call = compute.callOf(request);
    const wanted = parseServerRequest(request.body, call.minor);
    const plan = planServer(compute, wanted, call);
    const reservationId = `r-${randomBytes(4).toString('hex')}`;
    const [first] = Array.from({ length: wanted.maxCount }, (_, index) => {
      const row = newServer(compute, wanted, plan.flavor, call, reservationId, index);
      compute.tables.servers.put(row);
      compute.lifecycle.build(row, { ...plan, files: wanted.files });
      return row;
    }) as [ServerRow];
    reply.code(202);
    if ((request.body as { server: { return_reservation_id?: unknown } }).server.return_reservation_id) {
      return { reservation_id: reservationId };
    }
    reply.header('location', `${compute.baseUrl()}/v2.1/servers/${first.id}`);
    return {
      server: {
        id: first.id,
        links: selfLinks(compute, 'servers', first.id),
        'OS-DCF:diskConfig': 'MANUAL',
        security_groups: (wanted.securityGroups ?? ['default']).map((name) => ({ name })),
        adminPass: randomBytes(9).toString('base64url'),
      },
    };
  });

  for (const [path, inDetail] of [
    ['/v2.1/servers', false],
    ['/v2.1/servers/detail', true],
  ] as const) {
    app.get(path, async (request) => {
      const call = compute.callOf(request);
      const query = queryOf(request);
      const { rows, links } = page(filterServers(compute, query, call), query, `${compute.baseUrl()}${path}`);
      const servers = rows.map((row) =>
        inDetail ? detailedServer(compute, row, call, true) : basicServer(compute, row),
      );
      return { servers, ...(links.length > 0 ? { servers_links: links } : {}) };
    });
  }

  app.get<One>('/v2.1/servers/:id', async (request) => {
    const call = compute.callOf(request);
    return { server: detailedServer(compute, findServer(compute, request, request.params.id), call, false) };
  });

  app.delete<One>('/v2.1/servers/:id', async (request, reply) => {
    compute.lifecycle.delete(findServer(compute, request, request.params.id).id);
    return reply.code(204).send();
  });

  app.get<One>('/v2.1/servers/:id/ips', async (request) => {
    const row = findServer(compute, request, request.params.id);
    return { addresses: detailedServer(compute, row, compute.callOf(request), false).addresses };
  });

  app.post<One>('/v2.1/servers/:id/action', async (request, reply) => {
    const row = findServer(compute, request, request.params.id);
    const [action = '', ...others] = Object.keys((request.body as object | null) ?? {});
    if (others.length > 0 || action === '') throw badRequest('Malformed request body');
    if (action === 'os-getConsoleOutput') {
      const { length } = envelope(request.body, action);
      const lines = optional(length, (value) => integer(value, 'length', -1));
      return { output: await compute.lifecycle.consoleOutput(row.id, lines === -1 ? null : lines) };
    }
    act(compute, row, action);
    return reply.code(202).send();
  });
}

/**
 * The server of a path, if the caller may see it.
 * @throws ComputeFault 404 in Nova's words.
 */
export function findServer(compute: Compute, request: FastifyRequest, id: string): ServerRow {
  const { user } = compute.callOf(request);
  const row = isUuid(id) ? compute.tables.servers.get(id) : undefined;
  if (!row || (!user.isAdmin && row.projectId !== user.projectId)) throw notFound(`Instance ${id} could not be found.`);
  return row;
}

/** Actions that change whether a server runs, and the state that each wants it in. */
const powerActions = {
  'os-start': { method: 'start', from: 'stopped' },
  'os-stop': { method: 'stop', from: 'active' },
  reboot: { method: 'reboot', from: 'active' },
} as const;

function act(compute: Compute, row: ServerRow, action: string): void {
  if (!(action in powerActions)) throw badRequest(`There is no such action: ${action}`);
  const { method, from } = powerActions[action as keyof typeof powerActions];
  if (row.vmState !== from || row.taskState !== null) {
    const [attribute, value] = row.taskState === null ? ['vm_state', row.vmState] : ['task_state', row.taskState];
    throw conflict(`Cannot '${method}' instance ${row.id} while it is in ${attribute} ${value}`);
  }
  compute.lifecycle[method](row.id);
}

function newServer(
  compute: Compute,
  request: ServerRequest,
  flavor: ServerRow['flavor'],
  { user }: Call,
  reservationId: string,
  index: number,
): ServerRow {
  const name = request.maxCount > 1 ? `${request.name}-${index + 1}` : request.name;
  const now = timestamp();
  return {
    id: randomUUID(),
    number: Math.max(0, ...compute.tables.servers.all().map((row) => row.number)) + 1,
    name,
    description: request.description,
    hostname: request.hostname ?? hostnameOf(name),
    projectId: user.projectId,
    userId: user.userId,
    imageId: request.imageId,
    flavor,
    keyName: request.keyName,
    availabilityZone: zoneName,
    serverGroupId: request.serverGroupId,
    configDrive: request.configDrive,
    userData: request.userData,
    metadata: request.metadata,
    tags: request.tags,
    reservationId,
    launchIndex: index,
    vmState: 'building',
    taskState: 'scheduling',
    fault: null,
    createdAt: now,
    updatedAt: now,
    launchedAt: null,
    portIds: [],
    ownPortIds: [],
  };
}

/** A name that DNS takes (nova/utils.py `sanitize_hostname`): what does not belong in one becomes a dash. */
function hostnameOf(name: string): string {
  const cleaned = name
    .toLowerCase()
    .replace(/[ _.]/g, '-')
    .replace(/[^a-z0-9-]/g, '');
  return cleaned.replace(/^[-.]+|[-.]+$/g, '').slice(0, 63) || 'server';
}
