import { X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import type { CertificateMaterial } from './plan-tls-material.ts';

/** The sums by which a signature can be forged today. */
const weakDigest = /md2|md4|md5|sha1(?!\d)/i;

/**
 * Why an amphora's HAProxy would refuse to load this certificate, as the rest of a sentence about it: OpenSSL, at the security
 * level that distributions set (2), takes no small keys and no signatures over weak sums. Null where it loads it.
 */
export function weaknessOf({
  certificatePem,
  privateKeyPem,
  intermediatesPem,
}: Pick<CertificateMaterial, 'certificatePem' | 'privateKeyPem' | 'intermediatesPem'>): string | null {
  const chain = [certificatePem, ...intermediatesPem];
  try {
    createSecureContext({ cert: chain.join('\n'), key: privateKeyPem });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const enough = 'RSA keys need 2048 bits, EC keys 224';
    if (code === 'ERR_SSL_EE_KEY_TOO_SMALL') return `has a key that is too small: ${enough}`;
    if (code === 'ERR_SSL_CA_KEY_TOO_SMALL') return `comes with an authority whose key is too small: ${enough}`;
  }
  // What it is signed with matters of none that is signed by itself.
  const weak = chain
    .map((pem) => new X509Certificate(pem))
    .find((one) => weakDigest.test(one.signatureAlgorithm ?? '') && !isSignedByItself(one));
  return weak
    ? `is signed with ${weak.signatureAlgorithm}, or comes with an authority that is: SHA-256 is needed`
    : null;
}

function isSignedByItself(certificate: X509Certificate): boolean {
  return certificate.subject === certificate.issuer && certificate.verify(certificate.publicKey);
}
