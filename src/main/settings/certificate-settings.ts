import { signingDigestOf } from '../../config/options/certificates.ts';
import type { Configuration } from '../../config/options/index.ts';

/** [certificates]: who signs the certificates of amphorae, and how. */
export function issuerSettings({ certificates }: Configuration) {
  return {
    caCertificateFile: certificates.ca_certificate,
    caPrivateKeyFile: certificates.ca_private_key,
    caPrivateKeyPassphrase: certificates.ca_private_key_passphrase,
    signingDigest: signingDigestOf(certificates.signing_digest),
  };
}
