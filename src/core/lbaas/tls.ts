import { createSecureContext } from 'node:tls';
import { type TlsVersion, tlsVersions } from '../../model/load-balancer.ts';
import { validationFailure } from './api-errors.ts';
import type { ApiSettings } from './settings.ts';

/** What may be said of TLS on a listener or a pool (octavia/common/validate.py). */

export function checkCiphers(ciphers: string | null | undefined, settings: ApiSettings): void {
  if (!ciphers) return;
  // It will stand in HAProxy's configuration.
  if (!/^[A-Za-z0-9\-+!:@=_.]+$/.test(ciphers) || ciphers.includes('\n')) {
    throw validationFailure(
      'Invalid characters in cipher string. Only alphanumeric, -, +, !, :, @, =, _, and . are allowed.',
    );
  }
  if (!selectsCiphers(ciphers)) {
    throw validationFailure(
      `Invalid tls_ciphers '${ciphers}': they select no cipher that OpenSSL has. They hold for TLS 1.2 and older; the ` +
        'cipher suites of TLS 1.3 (TLS_…) can not be chosen. Name a cipher of TLS 1.2, or leave tls_ciphers out.',
    );
  }
  const rejected = ciphers.split(':').filter((cipher) => settings.prohibitedCiphers.includes(cipher));
  if (rejected.length > 0) {
    throw validationFailure(`The following ciphers have been prohibited by an administrator: ${rejected.join(', ')}`);
  }
}

/** Whether OpenSSL, which HAProxy gives the list to, finds a cipher by it. Names of TLS 1.3's suites mean nothing there. */
function selectsCiphers(ciphers: string): boolean {
  const older = ciphers.split(':').filter((cipher) => !cipher.startsWith('TLS_'));
  if (older.every((cipher) => cipher === '')) return false;
  try {
    createSecureContext({ ciphers: older.join(':') });
    return true;
  } catch {
    return false;
  }
}

/** Without one of these HAProxy refuses its configuration: it begins at TLS 1.2 for clients, and OpenSSL has no SSLv3. */
const spoken: Readonly<Record<'listener' | 'pool', readonly string[]>> = {
  listener: ['TLSv1.2', 'TLSv1.3'],
  pool: ['TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3'],
};

/** @returns the versions, which are names of versions now. */
export function checkTlsVersions(
  versions: readonly string[],
  settings: ApiSettings,
  owner: keyof typeof spoken,
): TlsVersion[] {
  if (versions.length === 0) {
    throw validationFailure(
      'Empty TLS version list. Either specify at least one TLS version or remove this parameter to use the default.',
    );
  }
  const known: readonly string[] = tlsVersions;
  const unknown = versions.filter((version) => !known.includes(version));
  if (unknown.length > 0) throw validationFailure(`Invalid TLS versions: ${unknown.join(', ')}`);
  if (!versions.some((version) => spoken[owner].includes(version))) {
    throw validationFailure(
      `HAProxy of the amphorae speaks none of the TLS versions ${versions.join(', ')} with a ${owner}: name at least one of ${spoken[owner].join(', ')}.`,
    );
  }
  const { minimumTlsVersion: minimum } = settings;
  const old = minimum ? versions.filter((version) => known.indexOf(version) < known.indexOf(minimum)) : [];
  if (old.length > 0) {
    throw validationFailure(`Requested TLS versions are less than the minimum: ${old.join(', ')} < ${minimum}`);
  }
  return [...new Set(versions)] as TlsVersion[];
}

export function checkAlpn(protocols: readonly string[]): void {
  if (protocols.length > 0) return;
  throw validationFailure(
    'Empty ALPN protocol list. Either specify at least one ALPN protocol or remove this parameter to use the default.',
  );
}
