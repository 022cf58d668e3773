import { KilnError } from '../../model/errors.ts';

export interface BrokerHost {
  host: string;
  port: number | null;
  user: string;
  password: string;
}

export interface TransportUrl {
  /** To be tried in turn; at least one. */
  hosts: readonly BrokerHost[];
  virtualHost: string;
  /** What follows `?`: options of [oslo_messaging_rabbit] that take the place of the file's. */
  options: Readonly<Record<string, string>>;
}

/** Of a host without a user: oslo.messaging leaves it to py-amqp, which has RabbitMQ's own. */
const DEFAULT_USER = 'guest';

/**
 * Reads `[DEFAULT] transport_url`, as oslo.messaging does (transport.py, TransportURL.parse):
 * `rabbit://user:password@host:port,user2:password2@host2:port2/virtual_host?option=value`. User, password and virtual
 * host are percent-decoded; in user and password, `,` `/` `?` and `#` must be percent-encoded, `@` and `:` may stand.
 * Without a virtual host it is RabbitMQ's `/`.
 * @throws CONFIGURATION_INVALID when it is none. The message names no part of it.
 */
export function readTransportUrl(url: string): TransportUrl {
  const parts = /^(?<scheme>[a-z][a-z0-9+.-]*):\/\/(?<hosts>[^/?#]*)(?:\/(?<path>[^?#]*))?(?:\?(?<query>[^#]*))?/i.exec(
    url.trim(),
  )?.groups;
  if (!parts) throw invalid('it is not a URL');
  if (parts.scheme?.toLowerCase() !== 'rabbit') throw invalid('it must begin with rabbit://; no other broker is known');
  const hosts = (parts.hosts ?? '').split(',').filter((text) => text !== '');
  if (hosts.length === 0) throw invalid('it names no host');
  return {
    hosts: hosts.map(readHost),
    virtualHost: percentDecode(parts.path ?? '') || '/',
    options: Object.fromEntries(new URLSearchParams(parts.query ?? '')),
  };
}

function readHost(text: string): BrokerHost {
  const at = text.lastIndexOf('@');
  const [user, ...password] = at < 0 ? [] : text.slice(0, at).split(':');
  const place = /^(?:\[(?<ipv6>[^\]]*)\]|(?<name>[^:[\]]*))(?::(?<port>.*))?$/.exec(text.slice(at + 1))?.groups;
  if (!place) throw invalid('a host in it can not be read');
  return {
    host: place.ipv6 || place.name || 'localhost',
    port: readPort(place.port ?? ''),
    user: user === undefined ? DEFAULT_USER : percentDecode(user),
    password: user === undefined ? DEFAULT_USER : percentDecode(password.join(':')),
  };
}

function readPort(text: string): number | null {
  if (text === '') return null;
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  // Not repeated: it may be the rest of a password.
  if (port < 1 || port > 65_535) throw invalid('a port in it is no number from 1 to 65535');
  return port;
}

/** As Python's `unquote`: a % that begins no hexadecimal number stays, and bytes that are not UTF-8 are replaced. */
function percentDecode(text: string): string {
  return text.replace(/(?:%[0-9a-f]{2})+/gi, (run) => Buffer.from(run.replaceAll('%', ''), 'hex').toString('utf8'));
}

function invalid(why: string): KilnError {
  return new KilnError('CONFIGURATION_INVALID', `[DEFAULT] transport_url: ${why}`, {
    advice:
      'Write rabbit://user:password@host:port/virtual_host, several user:password@host:port separated by commas; in a ' +
      'password, percent-encode what has a meaning in URLs (, is %2C, / is %2F).',
  });
}
