import type { Configuration } from '../config/options/index.ts';
import { KilnError } from '../model/errors.ts';
import { servedProviders } from '../model/provider.ts';
import type { ServeRole } from '../model/serve-role.ts';

/**
 * What must not be served as it is configured, or could not be.
 * @throws CONFIGURATION_INVALID
 */
export function refuseUnsafe(configuration: Configuration, roles: readonly ServeRole[]): void {
  if (roles.includes('health-manager') && !configuration.health_manager.heartbeat_key) {
    throw new KilnError(
      'CONFIGURATION_INVALID',
      '[health_manager] heartbeat_key is not set: whoever reaches the UDP port could set statuses and counters',
      {
        advice:
          'Set it to a long random text, the same on all controllers (openssl rand -hex 32). Amphorae that were booted ' +
          'without it get it by `openstack loadbalancer amphora configure`, or at their next failover.',
      },
    );
  }
  const { default_provider_driver: provider, enabled_provider_drivers: enabled } = configuration.api_settings;
  if (roles.includes('api') && !(servedProviders.has(provider) && Object.hasOwn(enabled, provider))) {
    throw new KilnError('CONFIGURATION_INVALID', `[api_settings] default_provider_driver = ${provider} is not served`, {
      advice: `Set one of ${[...servedProviders].join(', ')}, and name it in enabled_provider_drivers as well.`,
    });
  }
}
