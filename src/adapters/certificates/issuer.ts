import type { CertificateIssuer } from '../../ports/certificates.ts';
import type { Clock } from '../../ports/clock.ts';
import type { CertificateAuthoritySettings } from './authority.ts';

/** As `createX509Issuer`, which is loaded with all that it needs when the first certificate is asked for. */
export function createCertificateIssuer(
  settings: CertificateAuthoritySettings,
  clock: Pick<Clock, 'now'>,
): CertificateIssuer {
  let issuer: Promise<CertificateIssuer> | null = null;
  const load = () => {
    issuer ??= import('./x509-issuer.ts').then(({ createX509Issuer }) => createX509Issuer(settings, clock));
    return issuer;
  };
  return {
    issueAgentCertificate: async (amphoraId, validitySeconds) =>
      (await load()).issueAgentCertificate(amphoraId, validitySeconds),
  };
}
