import { KilnError } from '../../model/errors.ts';
import type { SecretStore } from '../../ports/secret-store.ts';

/**
 * A `[certificates] cert_manager` of Octavia's that Kiln doesn't have: no reference can be read, and each refusal says why.
 * @param manager its name in octavia.conf.
 */
export function createUnsupportedSecretStore(manager: string): SecretStore {
  const refuse = (reference: string) =>
    Promise.reject(
      new KilnError('SECRET_NOT_FOUND', `Kiln does not read secrets by ${manager} yet: ${reference}.`, {
        advice:
          'Set [certificates] cert_manager = local_cert_manager, keep the certificate with `kiln secret store FILE`, and refer to it.',
      }),
    );
  return { getCertificate: refuse, getCaCertificates: refuse, getRevocationList: refuse };
}
