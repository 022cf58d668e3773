import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { CloudUser } from '../context.ts';
import { parseCidr, poolSize } from './addresses.ts';
import { networkNotFound } from './networks.ts';
import { listViews, selectFields, type View } from './query.ts';
import type { NetworkRow, NetworkTables } from './rows.ts';

const path = '/v2.0/network-ip-availabilities';

/** How many addresses there are, and how many are given out. Neutron shows administrators alone. */
export function ipAvailabilityRoutes(
  app: FastifyInstance,
  tables: NetworkTables,
  userOf: (request: FastifyRequest) => CloudUser,
  baseUrl: () => string,
): void {
  const queryOf = (request: FastifyRequest) => new URL(request.url, 'http://cloud').searchParams;

  app.get(path, (request) => {
    const rows = userOf(request).isAdmin ? tables.networks.all() : [];
    const filters = new Set(['network_id', 'network_name', 'project_id', 'tenant_id']);
    const views = rows.map((row) => availabilityOf(tables, row));
    return listViews(views, queryOf(request), filters, {
      name: 'network_ip_availabilities',
      url: `${baseUrl()}${path}`,
    });
  });

  app.get<{ Params: { id: string } }>(`${path}/:id`, (request) => {
    const row = tables.networks.get(request.params.id);
    if (!row || !userOf(request).isAdmin) throw networkNotFound(request.params.id);
    const view = availabilityOf(tables, row);
    return { network_ip_availability: selectFields(view, queryOf(request).getAll('fields')) };
  });
}

function availabilityOf(tables: NetworkTables, { id, name, project_id }: NetworkRow): View {
  const used = new Map<string, number>();
  for (const { network_id, fixed_ips } of tables.ports.all()) {
    if (network_id !== id) continue;
    for (const { subnet_id } of fixed_ips) used.set(subnet_id, (used.get(subnet_id) ?? 0) + 1);
  }
  const subnets = tables.subnets
    .all()
    .filter((subnet) => subnet.network_id === id)
    .map((subnet) => ({
      subnet_id: subnet.id,
      subnet_name: subnet.name,
      ip_version: parseCidr(subnet.cidr)?.version ?? 4,
      cidr: subnet.cidr,
      total_ips: Number(poolSize(subnet.allocation_pools)),
      used_ips: used.get(subnet.id) ?? 0,
    }));
  return {
    network_id: id,
    network_name: name,
    project_id,
    tenant_id: project_id,
    total_ips: sum(subnets.map(({ total_ips }) => total_ips)),
    used_ips: sum(subnets.map(({ used_ips }) => used_ips)),
    subnet_ip_availability: subnets,
  };
}

const sum = (numbers: readonly number[]) => numbers.reduce((all, one) => all + one, 0);
