import { KilnError, ServiceError } from '../model/errors.ts';
import type { NetworkService, Port, Subnet } from '../ports/network.ts';

/** What a request refers to in Neutron, as `network` shows it; each method throws REQUEST_INVALID in Octavia's words. */
export function createReferenceLookup(network: NetworkService) {
  return {
    subnet: (id: string): Promise<Subnet> => network.getSubnet(id).catch(orRefuse('Subnet', id)),
    network: (id: string) => network.getNetwork(id).catch(orRefuse('Network', id)),
    port: (id: string): Promise<Port> => network.getPort(id).catch(orRefuse('Port', id)),
    async securityGroup(id: string): Promise<void> {
      await network.getSecurityGroup(id).catch(orRefuse('Security Group', id));
    },
    /** octavia/common/validate.py, qos_policy_exists. */
    async qosPolicy(id: string): Promise<void> {
      await network.getQosPolicy(id).catch((error: unknown) => {
        // A Neutron without QoS says that the path is not there, and not that the policy isn't.
        const said = error instanceof ServiceError ? (error.call.serviceMessage ?? '') : '';
        if (error instanceof ServiceError && error.code === 'SERVICE_NOT_FOUND' && !said.includes(id)) {
          throw validationFailure('VIP QoS policy is not allowed in this deployment.');
        }
        return orRefuse('qos_policy', id)(error);
      });
    },
  };
}

export const validationFailure = (detail: string, cause?: unknown) =>
  new KilnError('REQUEST_INVALID', `Validation failure: ${detail}`, { cause });

/** A reference to what is not there. */
export const notFound = (resource: string, id: string) =>
  new KilnError('REQUEST_INVALID', `${resource} ${id} not found.`);

/** What is not there, or not to be seen, is the caller's mistake; a Neutron that can't be asked is not. */
function orRefuse(resource: string, id: string) {
  return (error: unknown): never => {
    throw isMissing(error) ? notFound(resource, id) : error;
  };
}

/** Neutron also forbids what it would rather not show. */
export function isMissing(error: unknown): boolean {
  const codes: readonly string[] = ['SERVICE_NOT_FOUND', 'SERVICE_FORBIDDEN', 'USAGE'];
  return error instanceof KilnError && codes.includes(error.code);
}
