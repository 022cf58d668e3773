import { type TlsVersion, tlsVersions } from '../../model/load-balancer.ts';
import { words } from './section.ts';

const switchesOff: Record<TlsVersion, string> = {
  SSLv3: 'no-sslv3',
  TLSv1: 'no-tlsv10',
  'TLSv1.1': 'no-tlsv11',
  'TLSv1.2': 'no-tlsv12',
  'TLSv1.3': 'no-tlsv13',
};

/** Options of a `bind` or `server` line that keep TLS to `allowed`; none when everything is allowed. */
export function versionOptions(allowed: readonly TlsVersion[]): string {
  if (allowed.length === 0) return '';
  return words(...tlsVersions.filter((version) => !allowed.includes(version)).map((version) => switchesOff[version]));
}

/** `ciphers …`. What OpenSSL's list can't consist of is replaced by `fallback`, as Octavia does. */
export function cipherOptions(ciphers: string | null, fallback: string): string {
  if (ciphers === null) return '';
  return `ciphers ${/^[\w.:@=+!-]+$/.test(ciphers) ? ciphers : fallback}`;
}

/** Protocol IDs, with commas between; null when there are none. Only what an ID of ALPN looks like is kept. */
export function alpnList(protocols: readonly string[]): string | null {
  const known = protocols.filter((protocol) => /^[\w./-]{1,255}$/.test(protocol));
  return known.length === 0 ? null : known.join(',');
}
