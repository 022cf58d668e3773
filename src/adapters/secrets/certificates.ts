import 'reflect-metadata';
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import * as x509 from '@peculiar/x509';
import type { TlsCertificate } from '../../ports/secret-store.ts';
import { mostCertificates, secretInvalid } from './limits.ts';
import { toPem } from './pem.ts';

/** What was found in a secret, before it is known whether it fits together. */
export interface Material {
  certificates: readonly X509Certificate[];
  keys: readonly KeyObject[];
}

/** Makes one certificate with its key out of `material`. SECRET_INVALID says what is missing or does not fit. */
export function toTlsCertificate({ certificates, keys }: Material): TlsCertificate {
  if (certificates.length > mostCertificates) {
    throw secretInvalid(`holds ${certificates.length} certificates; ${mostCertificates} are the most`);
  }
  const key = onlyKey(keys);
  if (certificates.length === 0) throw secretInvalid('holds a private key and no certificate');
  const leaf = certificates.find((certificate) => certificate.checkPrivateKey(key));
  if (!leaf) {
    throw secretInvalid(
      certificates.length === 1
        ? 'holds a certificate and a key that do not belong together'
        : `holds a key that belongs to none of its ${certificates.length} certificates`,
    );
  }
  const others = certificates.filter((certificate) => certificate.fingerprint256 !== leaf.fingerprint256);
  return {
    certificatePem: pemOf(leaf),
    privateKeyPem: exportKey(key),
    intermediatesPem: inOrder(leaf, others).map(pemOf),
    ...namesOf(leaf),
    notAfter: leaf.validToDate.toISOString(),
  };
}

/** X.509 from DER or PEM. SECRET_INVALID where it is none. */
export function parseCertificate(source: Buffer | string): X509Certificate {
  try {
    return new X509Certificate(source);
  } catch {
    throw secretInvalid('holds a certificate that can not be read');
  }
}

/** A private key from PKCS#8 (DER) or PEM, not encrypted. SECRET_INVALID where it is none. */
export function parseKey(source: Buffer | string): KeyObject {
  try {
    return typeof source === 'string'
      ? createPrivateKey(source)
      : createPrivateKey({ key: source, format: 'der', type: 'pkcs8' });
  } catch {
    throw secretInvalid('holds a private key that can not be read');
  }
}

export const pemOf = (certificate: X509Certificate) => toPem('CERTIFICATE', certificate.raw);

function onlyKey([key, ...more]: readonly KeyObject[]): KeyObject {
  if (!key) throw secretInvalid('holds no private key');
  if (more.some((other) => !other.equals(key))) {
    throw secretInvalid(`holds ${more.length + 1} private keys; there must be one`);
  }
  return key;
}

/** As Octavia uploads it: PKCS#1 or SEC1 (octavia/common/tls_utils/cert_parser.py, prepare_private_key). */
function exportKey(key: KeyObject): string {
  const { asymmetricKeyType: kind } = key;
  if (kind !== 'rsa' && kind !== 'ec') throw secretInvalid(`holds a key of the kind ${kind}; allowed are RSA and EC`);
  return key
    .export({ type: kind === 'rsa' ? 'pkcs1' : 'sec1', format: 'pem' })
    .toString()
    .trim();
}

/**
 * Each behind the one that it signed, from `leaf` upwards. What leads nowhere (a cross-signed twin, say) follows in the
 * order given.
 */
function inOrder(leaf: X509Certificate, others: readonly X509Certificate[]): X509Certificate[] {
  const left = [...new Map(others.map((other) => [other.fingerprint256, other])).values()];
  const chain: X509Certificate[] = [];
  let issued = leaf;
  for (;;) {
    const place = left.findIndex((other) => hasIssued(other, issued));
    const [issuer] = place < 0 ? [] : left.splice(place, 1);
    if (!issuer) return [...chain, ...left];
    chain.push(issuer);
    issued = issuer;
  }
}

function hasIssued(issuer: X509Certificate, issued: X509Certificate): boolean {
  try {
    return issued.checkIssued(issuer) && issued.verify(issuer.publicKey);
  } catch {
    return false;
  }
}

function namesOf(certificate: X509Certificate): Pick<TlsCertificate, 'commonName' | 'dnsNames'> {
  try {
    const parsed = new x509.X509Certificate(certificate.raw);
    const names = parsed.getExtension(x509.SubjectAlternativeNameExtension)?.names.items ?? [];
    return {
      commonName: parsed.subjectName.getField('CN')[0] ?? null,
      dnsNames: names.filter(({ type }) => type === 'dns').map(({ value }) => value),
    };
  } catch {
    throw secretInvalid('holds a certificate with names that can not be read');
  }
}
