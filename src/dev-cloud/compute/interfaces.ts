import type { FastifyInstance } from 'fastify';
import type { ServerPort } from '../network/facade.ts';
import { NetworkFault } from '../network/fault.ts';
import * as read from './body.ts';
import type { Compute } from './compute.ts';
import { badRequest, ComputeFault, conflict, notFound } from './fault.ts';
import type { ServerRow } from './rows.ts';
import { findServer } from './servers.ts';

type One = { Params: { id: string } };
type Port = { Params: { id: string; portId: string } };

/** Network interfaces of a server. */
export function interfaceRoutes(app: FastifyInstance, compute: Compute): void {
  const { lifecycle, network, tables } = compute;

  function detach(serverId: string, portId: string): void {
    const row = tables.servers.get(serverId);
    if (!row) return;
    if (row.ownPortIds.includes(portId)) network.deletePort(portId);
    else network.unbindPort(portId);
    const without = (ids: readonly string[]) => ids.filter((id) => id !== portId);
    tables.servers.put({ ...row, portIds: without(row.portIds), ownPortIds: without(row.ownPortIds) });
  }

  app.get<One>('/v2.1/servers/:id/os-interface', async (request) => {
    const row = findServer(compute, request, request.params.id);
    const { minor } = compute.callOf(request);
    return { interfaceAttachments: network.portsOfServer(row.id).map((port) => view(port, minor)) };
  });

  app.get<Port>('/v2.1/servers/:id/os-interface/:portId', async (request) => {
    const { id, portId } = request.params;
    const row = findServer(compute, request, id);
    const port = network.portsOfServer(row.id).find((one) => one.id === portId);
    if (!port) throw notFound(`Instance ${id} does not have a port with id ${portId}`);
    return { interfaceAttachment: view(port, compute.callOf(request).minor) };
  });

  app.post<One>('/v2.1/servers/:id/os-interface', async (request) => {
    const row = findServer(compute, request, request.params.id);
    if (row.vmState !== 'active' && row.vmState !== 'stopped') {
      throw conflict(`Cannot 'attach_interface' instance ${row.id} while it is in vm_state ${row.vmState}`);
    }
    const port = attach(row, read.envelope(request.body ?? { interfaceAttachment: {} }, 'interfaceAttachment'));
    try {
      await lifecycle.plug(row.id, port);
    } catch (error) {
      detach(row.id, port.id);
      throw error;
    }
    return { interfaceAttachment: view(port, compute.callOf(request).minor) };

    function attach(server: ServerRow, attachment: read.Body): ServerPort {
      const { user } = compute.callOf(request);
      const portId = read.optional(attachment.port_id, (value) => read.uuid(value, 'port_id'));
      const netId = read.optional(attachment.net_id, (value) => read.uuid(value, 'net_id'));
      if (portId !== null && netId !== null) throw badRequest('Must not input both network_id and port_id');
      if (portId !== null) {
        const found = network.findPort(portId, user);
        if (!found) throw notFound(`Port id ${portId} could not be found.`);
        if (found.deviceId !== '') throw conflict(`Port ${portId} is still in use.`);
        const bound = network.bindPort(portId, server.id);
        tables.servers.put({ ...server, portIds: [...server.portIds, bound.id] });
        return bound;
      }
      const [first] = read.optional(attachment.fixed_ips, (value) => read.list(value, 'fixed_ips')) ?? [];
      const fixedIp = first === undefined ? null : read.string(read.object(first, '0').ip_address, 'ip_address');
      if (fixedIp !== null && netId === null) throw badRequest('Must input network_id when request IP address');
      const networkId = netId ?? onlyNetwork(network.availableNetworkIds(user));
      if (!network.findNetwork(networkId, user)) throw notFound(`Network ${networkId} could not be found.`);
      const options = { serverId: server.id, networkId, projectId: server.projectId, securityGroupIds: [], fixedIp };
      const made = refusalsAsNova(() => network.createPort(options));
      tables.servers.put({
        ...server,
        portIds: [...server.portIds, made.id],
        ownPortIds: [...server.ownPortIds, made.id],
      });
      return made;
    }
  });

  app.delete<Port>('/v2.1/servers/:id/os-interface/:portId', async (request, reply) => {
    const row = findServer(compute, request, request.params.id);
    const { portId } = request.params;
    // Nova answers 202 before it looks: a port that is not there is a success too (test/recorded/nova: 67).
    if (network.portsOfServer(row.id).some((port) => port.id === portId)) {
      await lifecycle.unplug(row.id, portId);
      detach(row.id, portId);
    }
    return reply.code(202).send();
  });
}

function view(port: ServerPort, minor: number) {
  return {
    net_id: port.networkId,
    port_id: port.id,
    mac_addr: port.macAddress,
    port_state: port.status,
    fixed_ips: port.fixedIps,
    ...(minor >= 70 ? { tag: null } : {}),
  };
}

function onlyNetwork(networkIds: readonly string[]): string {
  const [networkId, another] = networkIds;
  if (networkId === undefined) throw badRequest('No network available for interface attach.');
  if (another) throw badRequest('Multiple possible networks found, use a Network ID to be more specific.');
  return networkId;
}

function refusalsAsNova<Result>(work: () => Result): Result {
  try {
    return work();
  } catch (error) {
    if (error instanceof NetworkFault) throw new ComputeFault(error.status, error.message);
    throw error;
  }
}
