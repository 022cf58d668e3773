import type { RetrySettings, TransportSettings } from '../../adapters/openstack/settings.ts';
import type { Configuration } from '../../config/options/index.ts';

/** Octavia's options (tenacity's wait_exponential and stop_after_attempt) in our terms. */
export function retrySettings(options: Configuration['compute']): Partial<RetrySettings> {
  return {
    maxAttempts: options.max_retries,
    firstDelaySeconds: options.retry_backoff,
    minDelaySeconds: options.retry_interval,
    maxDelaySeconds: options.retry_max,
  };
}

/** Of each request to a service of the cloud. */
export function timeLimits({ kiln }: Configuration): TransportSettings {
  return {
    connectTimeoutSeconds: kiln.service_connect_timeout_seconds,
    requestTimeoutSeconds: kiln.service_request_timeout_seconds,
  };
}
