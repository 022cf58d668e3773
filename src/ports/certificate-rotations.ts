import type { TroubledCertificate } from '../model/certificate.ts';
import type { FlowName } from '../model/flow-name.ts';
import type { NewOperation } from '../model/operation.ts';

/** An amphora whose agent's certificate is to be renewed. */
export interface RotationCandidate {
  amphoraId: string;
  certExpiration: string;
  /** Renewals that were begun for this certificate. */
  attempts: number;
}

/** Which certificates of agents are to be renewed, and who was asked to. Times are ISO 8601 UTC. */
export interface CertificateRotations {
  /** Those that end first come first; without those on which a renewal is under way or that wait to be tried again. */
  due(moment: { now: string; endsBefore: string }, limit: number): Promise<RotationCandidate[]>;
  /** Operations of this flow under way. */
  countRunning(flow: FlowName): Promise<number>;
  /**
   * Enqueues the operation that renews the certificate, in one transaction with the note of it.
   * @param retryAt not before then is it tried again, should this one fail.
   * @returns false when somebody else was faster, or the amphora is not what it was.
   */
  request(candidate: RotationCandidate, operation: NewOperation, retryAt: string): Promise<boolean>;
  /** Certificates that have ended, and those whose last renewal failed; those that end first come first. */
  troubled(now: string, limit: number): Promise<TroubledCertificate[]>;
  /** For metrics. `nextEnd` is null where there is no certificate. */
  survey(now: string): Promise<{ expired: number; failing: number; nextEnd: string | null }>;
}
