import { type Static, Type } from 'typebox';
import type { Server, ServerGroup, ServerInterface } from '../../model/compute.ts';
import { readerOf } from './answers.ts';

const text = Type.Optional(Type.Union([Type.String(), Type.Null()]));
const wholeNumber = Type.Integer({ minimum: 0 });
const id = Type.String({ minLength: 1 });

const novaServer = Type.Object({
  id,
  name: Type.String(),
  status: Type.String({ minLength: 1 }),
  // An empty string for a server that boots from a volume.
  image: Type.Optional(Type.Union([Type.Object({ id }), Type.Literal(''), Type.Null()])),
  created: Type.String({ minLength: 1 }),
  'OS-EXT-AZ:availability_zone': text,
  fault: Type.Optional(Type.Object({ code: Type.Integer(), message: Type.String() })),
});

export const readServer = readerOf(Type.Object({ server: novaServer }));
export const readServers = readerOf(Type.Object({ servers: Type.Array(novaServer) }));

export function serverOf(server: Static<typeof novaServer>): Server {
  return {
    id: server.id,
    name: server.name,
    status: server.status,
    imageId: server.image ? server.image.id : null,
    createdAt: server.created,
    availabilityZone: server['OS-EXT-AZ:availability_zone'] || null,
    fault: server.fault ? { code: server.fault.code, message: server.fault.message } : null,
  };
}

/** Up to 2.63 a list of policies, which holds one. */
const novaServerGroup = Type.Object({ id, name: Type.String(), policies: Type.Array(Type.String()) });
export const readServerGroup = readerOf(Type.Object({ server_group: novaServerGroup }));
export const readServerGroups = readerOf(Type.Object({ server_groups: Type.Array(novaServerGroup) }));

export function serverGroupOf({ id, name, policies }: Static<typeof novaServerGroup>): ServerGroup {
  return { id, name, policy: policies[0] ?? '' };
}

const novaInterface = Type.Object({
  port_id: id,
  net_id: id,
  mac_addr: Type.String(),
  fixed_ips: Type.Array(Type.Object({ subnet_id: id, ip_address: Type.String({ minLength: 1 }) })),
});

export const readInterfaces = readerOf(Type.Object({ interfaceAttachments: Type.Array(novaInterface) }));

export function interfaceOf(one: Static<typeof novaInterface>): ServerInterface {
  return {
    portId: one.port_id,
    networkId: one.net_id,
    macAddress: one.mac_addr,
    fixedIps: one.fixed_ips.map((ip) => ({ subnetId: ip.subnet_id, ipAddress: ip.ip_address })),
  };
}

export const readFlavor = readerOf(
  Type.Object({
    flavor: Type.Object({
      id,
      name: Type.String(),
      vcpus: wholeNumber,
      ram: wholeNumber,
      disk: wholeNumber,
      extra_specs: Type.Optional(Type.Record(Type.String(), Type.String())),
    }),
  }),
);
