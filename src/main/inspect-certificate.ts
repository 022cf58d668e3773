import { type InspectionRequest, inspectCertificate } from '../adapters/certificates/inspect.ts';
import type { CertificateRole } from '../cli/context.ts';
import type { Configuration } from '../config/options/index.ts';
import type { CertificateInspection } from '../model/certificate.ts';

const nothing = { keyFile: null, keyPassphrase: null, issuedBy: null, mustVerify: null };

/** Which file plays which role, and what must hold between them. */
export function inspectByRole(configuration: Configuration, role: CertificateRole): Promise<CertificateInspection> {
  const { certificates, controller_worker: worker, haproxy_amphora: haproxy } = configuration;
  const requests: Record<CertificateRole, InspectionRequest> = {
    authority: {
      ...nothing,
      file: certificates.ca_certificate,
      keyFile: certificates.ca_private_key,
      keyPassphrase: certificates.ca_private_key_passphrase,
    },
    'client-ca': { ...nothing, file: worker.client_ca },
    client: { ...nothing, file: haproxy.client_cert, keyFile: haproxy.client_cert, issuedBy: worker.client_ca },
    'server-ca': { ...nothing, file: haproxy.server_ca, mustVerify: certificates.ca_certificate },
  };
  return inspectCertificate(requests[role]);
}
