import { KilnError } from '../../model/errors.ts';
import type { SecretStore } from '../../ports/secret-store.ts';

/** `[certificates] cert_manager = barbican_cert_manager`: no reference can be read, and each refusal says why. */
export function createBarbicanNotYet(): SecretStore {
  const refuse = (reference: string) =>
    Promise.reject(
      new KilnError('SECRET_NOT_FOUND', `Kiln does not read secrets of Barbican yet: ${reference}.`, {
        advice:
          'Set [certificates] cert_manager = local_cert_manager, keep the certificate with `kiln secret store FILE`, and refer to it.',
      }),
    );
  return { getCertificate: refuse, getCaCertificates: refuse, getRevocationList: refuse };
}
