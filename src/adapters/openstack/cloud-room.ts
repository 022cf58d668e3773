import { Type } from 'typebox';
import { noneIfGone } from '../../model/errors.ts';
import type { CloudRoom, Left } from '../../ports/cloud-room.ts';
import { readerOf } from './answers.ts';
import { type ServiceClient, segment } from './service-client.ts';

const usage = Type.Object({ limit: Type.Integer(), in_use: Type.Integer(), reserved: Type.Optional(Type.Integer()) });
const readServer = readerOf(Type.Object({ server: Type.Object({ tenant_id: Type.String({ minLength: 1 }) }) }));
const readQuota = readerOf(Type.Object({ quota_set: Type.Object({ instances: usage, cores: usage, ram: usage }) }));
const readServices = readerOf(
  Type.Object({
    services: Type.Array(Type.Object({ binary: Type.String(), status: Type.String(), state: Type.String() })),
  }),
);

/** @param options.headers of the microversion that is spoken with Nova. */
export function createCloudRoom(options: { compute: ServiceClient; headers: Record<string, string> }): CloudRoom {
  const { compute, headers } = options;
  return {
    async projectOf(serverId) {
      const path = `/servers/${segment('The ID of a server', serverId)}`;
      return (await compute.call({ method: 'GET', path, headers }, readServer)).server.tenant_id;
    },
    async quotaOf(projectId) {
      const path = `/os-quota-sets/${segment('The ID of a project', projectId)}/detail`;
      const answer = await compute.call({ method: 'GET', path, headers }, readQuota).catch(noneIfGone);
      if (answer === null) return null;
      const { instances, cores, ram } = answer.quota_set;
      return { instances: leftOf(instances), cores: leftOf(cores), ramMiB: leftOf(ram) };
    },
    async hostsUp() {
      const { services } = await compute.call({ method: 'GET', path: '/os-services', headers }, readServices);
      return services.filter(
        ({ binary, status, state }) => binary === 'nova-compute' && status === 'enabled' && state === 'up',
      ).length;
    },
  };
}

/** Nova's "no limit" is -1. */
function leftOf({ limit, in_use: used, reserved = 0 }: { limit: number; in_use: number; reserved?: number }): Left {
  return limit < 0 ? null : Math.max(0, limit - used - reserved);
}
