import { createPrivateKey, X509Certificate } from 'node:crypto';

/** What one wants to know of a certificate. */
export interface CertificateDescription {
  /** Such as "CN=amphora-ca, O=Example". */
  subject: string;
  /** ISO 8601 UTC. */
  notBefore: string;
  notAfter: string;
  /** True when it may sign other certificates. */
  isCa: boolean;
  /** Whether the private key belongs to it; null when no key was given. */
  matchesKey: boolean | null;
}

/**
 * Describes the first certificate of a PEM text.
 * @param privateKey its key, to be compared. Throws node's error when certificate or key can't be read.
 */
export function describeCertificate(
  certificatePem: string,
  privateKey?: { pem: string; passphrase?: string | null },
): CertificateDescription {
  const certificate = new X509Certificate(certificatePem);
  return {
    subject: certificate.subject.replaceAll('\n', ', '),
    notBefore: certificate.validFromDate.toISOString(),
    notAfter: certificate.validToDate.toISOString(),
    isCa: certificate.ca,
    matchesKey: privateKey
      ? certificate.checkPrivateKey(
          createPrivateKey({
            key: privateKey.pem,
            ...(privateKey.passphrase ? { passphrase: privateKey.passphrase } : {}),
          }),
        )
      : null,
  };
}
