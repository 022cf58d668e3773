export interface AgentCertificate {
  /** PEM: the certificate, with CN and SAN equal to the amphora's ID. */
  certificatePem: string;
  /** PEM: its private key, not encrypted. A secret. */
  privateKeyPem: string;
  /** ISO 8601 UTC. */
  notAfter: string;
}

/** The certificate authority configured in [certificates]. */
export interface CertificateIssuer {
  /** A new key and certificate for one amphora's agent. CERTIFICATE_AUTHORITY_UNUSABLE when the CA can't be used. */
  issueAgentCertificate(amphoraId: string, validitySeconds: number): Promise<AgentCertificate>;
}
