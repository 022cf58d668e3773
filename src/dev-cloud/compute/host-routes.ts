import type { FastifyInstance, FastifyRequest } from 'fastify';
import { hostName } from '../network/facade.ts';
import type { Compute } from './compute.ts';
import { policyFault } from './fault.ts';
import { timestamp } from './rows.ts';
import { zoneName } from './server-plan.ts';

/** IDs of what there is one of, for microversions that name it by UUID. */
const hypervisorId = '00000000-0000-4000-8000-000000000001';

const absoluteLimits = {
  ...{ maxTotalInstances: -1, maxTotalCores: -1, maxTotalRAMSize: -1, maxServerMeta: 128, maxTotalKeypairs: 100 },
  ...{ maxServerGroups: -1, maxServerGroupMembers: -1 },
};

const quotas = {
  ...{ cores: -1, instances: -1, ram: -1, key_pairs: 100, metadata_items: 128 },
  ...{ server_groups: -1, server_group_members: -1 },
};

/** What Nova says of its hosts and limits: one host, one zone, no limits. */
export function hostRoutes(app: FastifyInstance, compute: Compute): void {
  const requireAdmin = (request: FastifyRequest, action: string) => {
    if (!compute.callOf(request).user.isAdmin) throw policyFault(action);
  };

  app.get('/v2.1/os-availability-zone', () => zones());
  app.get('/v2.1/os-availability-zone/detail', (request) => {
    requireAdmin(request, 'os-availability-zone:detail');
    return zones();
  });

  app.get('/v2.1/limits', (request) => {
    const { user } = compute.callOf(request);
    const own = compute.tables.servers.all().filter((row) => row.projectId === user.projectId);
    const sum = (count: (flavor: (typeof own)[number]['flavor']) => number) =>
      own.reduce((total, row) => total + count(row.flavor), 0);
    const used = {
      totalInstancesUsed: own.length,
      totalCoresUsed: sum((flavor) => flavor.vcpus),
      totalRAMUsed: sum((flavor) => flavor.ramMiB),
      totalServerGroupsUsed: compute.tables.serverGroups.all().filter((row) => row.projectId === user.projectId).length,
    };
    return { limits: { rate: [], absolute: { ...absoluteLimits, ...used } } };
  });
  app.get<{ Params: { id: string } }>('/v2.1/os-quota-sets/:id', (request) => ({
    quota_set: { id: request.params.id, ...quotas },
  }));
  app.get<{ Params: { id: string } }>('/v2.1/os-quota-sets/:id/detail', (request) => {
    const own = compute.tables.servers.all().filter((row) => row.projectId === request.params.id);
    const used: Partial<Record<string, number>> = {
      instances: own.length,
      cores: own.reduce((total, row) => total + row.flavor.vcpus, 0),
      ram: own.reduce((total, row) => total + row.flavor.ramMiB, 0),
    };
    const usage = Object.entries(quotas).map(([name, limit]) => [
      name,
      { limit, in_use: used[name] ?? 0, reserved: 0 },
    ]);
    return { quota_set: { id: request.params.id, ...Object.fromEntries(usage) } };
  });

  app.get('/v2.1/os-services', (request) => {
    requireAdmin(request, 'os-services:list');
    const { minor } = compute.callOf(request);
    const services = ['nova-scheduler', 'nova-conductor', 'nova-compute'].map((binary, index) => ({
      binary,
      host: hostName,
      id: minor >= 53 ? `00000000-0000-4000-8000-00000000001${index}` : index + 1,
      zone: binary === 'nova-compute' ? zoneName : 'internal',
      status: 'enabled',
      state: 'up',
      updated_at: timestamp().replace('Z', '.000000'),
      disabled_reason: null,
      ...(minor >= 11 ? { forced_down: false } : {}),
    }));
    return { services };
  });

  for (const path of ['/v2.1/os-hypervisors', '/v2.1/os-hypervisors/detail']) {
    app.get(path, (request) => {
      requireAdmin(request, 'os-hypervisors:list');
      const id = compute.callOf(request).minor >= 53 ? hypervisorId : 1;
      const basic = { id, hypervisor_hostname: hostName, state: 'up', status: 'enabled' };
      const detail = { hypervisor_type: 'process', hypervisor_version: 1, host_ip: '127.0.0.1' };
      return { hypervisors: [path.endsWith('detail') ? { ...basic, ...detail } : basic] };
    });
  }
}

function zones() {
  return { availabilityZoneInfo: [{ zoneName, zoneState: { available: true }, hosts: null }] };
}
