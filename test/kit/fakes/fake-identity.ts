import { KilnError } from '../../../src/model/errors.ts';
import type { AuthenticatedAs, IdentityService } from '../../../src/ports/identity.ts';
import { type Switches, withSwitches } from '../fault-injection.ts';

export type FakeIdentity = IdentityService & Switches<keyof IdentityService>;

/** Keystone in memory: one user, and the endpoints given. */
export function createFakeIdentity(
  options: { as?: Partial<AuthenticatedAs>; endpoints?: Readonly<Record<string, string>> } = {},
): FakeIdentity {
  const { endpoints = { image: 'http://glance', compute: 'http://nova/v2.1', network: 'http://neutron' } } = options;
  return withSwitches<IdentityService>({
    authenticatedAs: async () => ({
      projectId: 'service-project',
      projectName: 'service',
      userId: 'octavia-user',
      userName: 'octavia',
      roles: ['admin'],
      expiresAt: '2099-01-01T00:00:00.000000Z',
      ...options.as,
    }),
    endpoint: async (serviceType) => {
      const url = endpoints[serviceType];
      if (!url)
        throw new KilnError('CONFIGURATION_INVALID', `The catalog has no endpoint of the ${serviceType} service`);
      return url;
    },
  });
}
