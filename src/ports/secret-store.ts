/** A certificate that a listener shows, or that HAProxy shows to members. PEM, all of it. */
export interface TlsCertificate {
  certificatePem: string;
  /** Not encrypted. A secret. */
  privateKeyPem: string;
  /** From the one that signed the certificate upwards; the root may be missing. */
  intermediatesPem: readonly string[];
  /** Of the subject; null where it has none. */
  commonName: string | null;
  dnsNames: readonly string[];
  /** ISO 8601 UTC. */
  notAfter: string;
}

/**
 * The key manager: what users of the API refer to as `…_container_ref`. A reference that leads nowhere, or to something
 * that the caller may not read, is SECRET_NOT_FOUND; one that holds something else than it should, SECRET_INVALID, saying
 * what is wrong with it and never showing it.
 */
export interface SecretStore {
  /** A certificate with its key: PKCS#12 (without a passphrase) or PEM. */
  getCertificate(reference: string, projectId: string): Promise<TlsCertificate>;
  /** Certificates of authorities, PEM. */
  getCaCertificates(reference: string, projectId: string): Promise<string>;
  /** A revocation list, PEM. */
  getRevocationList(reference: string, projectId: string): Promise<string>;
}
