import type { ServiceSession } from './service-client.ts';

/**
 * Calls with the token of a user, to endpoints that Kiln's own session knows: what a service then shows is what the user
 * may see. A token that is refused can't be renewed: the refusal stands.
 */
export function createUserSession(own: ServiceSession, userToken: string): ServiceSession {
  return {
    token: async () => userToken,
    tokenAfterRefusal: async () => userToken,
    endpoint: (serviceType) => own.endpoint(serviceType),
  };
}
