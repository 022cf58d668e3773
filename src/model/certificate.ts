/** An agent's certificate that has ended, or that could not be renewed. */
export interface TroubledCertificate {
  amphoraId: string;
  loadBalancerId: string | null;
  /** ISO 8601 UTC. */
  certExpiration: string;
  /** Renewals that were begun. */
  attempts: number;
  /** Why the last renewal failed; null when none has. */
  reason: { code: string; message: string; advice: string } | null;
}

/** What is to be known of a certificate file. Nothing of it is an error: the fields say what is wrong. */
export interface CertificateInspection {
  /** Null: the option is not set. */
  file: string | null;
  /** Why the file could not be used at all (not there, not readable, not PEM); null when it could. */
  problem: string | null;
  /** What follows is null when there is a problem, or where it does not apply. */
  subject: string | null;
  notBefore: string | null;
  /** ISO 8601 UTC. Of a file with several certificates: the one that ends first. */
  notAfter: string | null;
  isCa: boolean | null;
  /** Whether the private key could be read (with its passphrase) and belongs to the certificate. */
  matchesKey: boolean | null;
  /** Why the key could not be read; null when it could. */
  keyProblem: string | null;
  /** Whether it was issued by the authority, or verifies the certificate, that it has to. */
  trusted: boolean | null;
}

/** A file of the controller's own with certificates that end: of authorities, and of itself. */
export interface OwnCertificate {
  /** "[haproxy_amphora] client_cert". */
  option: string;
  file: string;
  /** ISO 8601 UTC. Of a file with several certificates: the one that ends first. Null where it can't be read. */
  notAfter: string | null;
  /** Why it can't be read; null when it can. */
  problem: string | null;
}
