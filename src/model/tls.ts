/**
 * The values of `[amphora_agent] agent_tls_protocol`, and the lowest TLS version that each means in node's words. No
 * OpenSSL of today speaks SSLv3: TLSv1 is the lowest that can be meant by it.
 */
export const minTlsVersions = {
  SSLv3: 'TLSv1',
  TLSv1: 'TLSv1',
  'TLSv1.1': 'TLSv1.1',
  'TLSv1.2': 'TLSv1.2',
  'TLSv1.3': 'TLSv1.3',
} as const;

export type TlsProtocol = keyof typeof minTlsVersions;
export type MinTlsVersion = (typeof minTlsVersions)[TlsProtocol];

export function isTlsProtocol(value: string): value is TlsProtocol {
  return Object.hasOwn(minTlsVersions, value);
}
