import { KilnError } from '../../model/errors.ts';

/** Bytes that a secret may have. Barbican's own limit is 20,000 by default. */
export const largestSecretBytes = 1024 * 1024;

/** Certificates in one secret. Each is verified against the others: a thousand would take minutes. */
export const mostCertificates = 50;

/** @param why what is wrong with it, as the rest of a sentence. Never what is in it. */
export function secretInvalid(why: string, details: Record<string, unknown> = {}): KilnError {
  return new KilnError('SECRET_INVALID', `The secret ${why}.`, { details });
}
