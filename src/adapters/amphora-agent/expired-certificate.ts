import { X509Certificate } from 'node:crypto';
import type { TLSSocket } from 'node:tls';

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/**
 * Whether nothing is wrong with the certificate that an agent showed but that it has ended. OpenSSL tells one error, the
 * last that it found: an end may hide a forged signature. So the signature of one of the authorities, the name and the
 * beginning are verified here.
 * @param serverCa PEM: the authorities.
 */
export function isOnlyExpired(socket: TLSSocket, amphoraId: string, serverCa: string): boolean {
  if (String(socket.authorizationError) !== 'CERT_HAS_EXPIRED') return false;
  const shown = new X509Certificate(socket.getPeerCertificate().raw);
  const nowMs = Date.now();
  const issuedBy = (authority: X509Certificate) =>
    authority.ca &&
    authority.validToDate.getTime() > nowMs &&
    shown.checkIssued(authority) &&
    shown.verify(authority.publicKey);
  return (
    shown.validToDate.getTime() <= nowMs &&
    shown.validFromDate.getTime() <= nowMs &&
    shown.checkHost(amphoraId, { subject: 'never' }) !== undefined &&
    (serverCa.match(CERTIFICATE) ?? []).some((pem) => issuedBy(new X509Certificate(pem)))
  );
}
