import type { RabbitLinkSettings } from '../../adapters/queue/rabbit-link.ts';
import { readTransportUrl } from '../../adapters/queue/transport-url.ts';
import type { Configuration } from '../../config/options/index.ts';
import { osloMessagingRabbitOptions } from '../../config/options/messaging.ts';
import { KilnError } from '../../model/errors.ts';

type RabbitOptions = Configuration['oslo_messaging_rabbit'];

/**
 * How to reach the broker: `[DEFAULT] transport_url`, and [oslo_messaging_rabbit], whose options may also stand behind
 * the URL's `?` (oslo.messaging, _drivers/common.py, ConfigOptsProxy).
 * @throws CONFIGURATION_INVALID
 */
export function rabbitLinkSettings(transportUrl: string, configured: RabbitOptions): RabbitLinkSettings {
  const { hosts, virtualHost, options } = readTransportUrl(transportUrl);
  const rabbit = { ...configured, ...readOptions(options) };
  const tls = {
    caFile: rabbit.ssl_ca_file,
    certFile: rabbit.ssl_cert_file,
    keyFile: rabbit.ssl_key_file,
    verifyHostname: rabbit.ssl_enforce_hostname_verification && rabbit.ssl_ca_file !== null,
  };
  return {
    hosts,
    virtualHost,
    tls: rabbit.ssl ? tls : null,
    heartbeatTimeoutSeconds: rabbit.heartbeat_timeout_threshold,
  };
}

/** What Kiln doesn't know is left out, as it is in the file. */
function readOptions(written: Readonly<Record<string, string>>): Partial<RabbitOptions> {
  const read: [string, unknown][] = [];
  for (const [name, option] of Object.entries(osloMessagingRabbitOptions)) {
    const text = written[name];
    if (text === undefined) continue;
    const parsed = option.parse(text);
    if ('fault' in parsed)
      throw new KilnError('CONFIGURATION_INVALID', `[DEFAULT] transport_url: ${name} ${parsed.fault}`);
    read.push([name, parsed.value]);
  }
  return Object.fromEntries(read);
}
