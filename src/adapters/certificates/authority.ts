import 'reflect-metadata';
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import * as x509 from '@peculiar/x509';
import { KilnError } from '../../model/errors.ts';

/** The certificate authority that signs the certificates of amphorae: [certificates] of octavia.conf. */
export interface CertificateAuthoritySettings {
  /** `ca_certificate`: PEM file; the first certificate in it counts. */
  caCertificateFile: string;
  /** `ca_private_key`: PEM file, PKCS#1, PKCS#8 or SEC1, encrypted or not, RSA or EC. */
  caPrivateKeyFile: string;
  /** `ca_private_key_passphrase`; null for a key that is not encrypted. */
  caPrivateKeyPassphrase: string | null;
  /** `signing_digest`: sha1, sha256, sha384 or sha512, in any case. */
  signingDigest: string;
}

export interface CertificateAuthority {
  /** The name that its certificates have as their issuer. */
  name: x509.Name;
  /** The extension that says with which of its keys it has signed. */
  keyIdentifier: x509.AuthorityKeyIdentifierExtension;
  signingKey: CryptoKey;
  signingAlgorithm: { name: string; hash: string };
  notBefore: Date;
  notAfter: Date;
}

type CryptoKey = ReturnType<KeyObject['toCryptoKey']>;

const digests: Readonly<Record<string, string>> = {
  sha1: 'SHA-1',
  sha256: 'SHA-256',
  sha384: 'SHA-384',
  sha512: 'SHA-512',
};
const curves: Readonly<Record<string, string>> = { prime256v1: 'P-256', secp384r1: 'P-384', secp521r1: 'P-521' };

/** Reads and checks the authority. CERTIFICATE_AUTHORITY_UNUSABLE names the option and the file at fault. */
export async function loadCertificateAuthority(settings: CertificateAuthoritySettings): Promise<CertificateAuthority> {
  const hash = digests[settings.signingDigest.toLowerCase()];
  if (!hash) {
    throw unusable(
      `[certificates] signing_digest is "${settings.signingDigest}"; allowed are ${Object.keys(digests).join(', ')}.`,
    );
  }
  const certificateOption = `[certificates] ca_certificate (${settings.caCertificateFile})`;
  const keyOption = `[certificates] ca_private_key (${settings.caPrivateKeyFile})`;
  const certificatePem = await read(certificateOption, settings.caCertificateFile);
  const keyPem = await read(keyOption, settings.caPrivateKeyFile);

  const certificate = parseCertificate(certificateOption, certificatePem);
  const key = parseKey(keyOption, keyPem, settings.caPrivateKeyPassphrase);
  if (!certificate.checkPrivateKey(key)) {
    throw unusable(`${certificateOption} and ${keyOption} do not belong together: the key is not the certificate's.`);
  }
  if (!certificate.ca) {
    throw unusable(
      `${certificateOption} is not a certificate authority: its basic constraints or key usage do not let it sign.`,
    );
  }
  const { signingKey, signingAlgorithm } = importKey(keyOption, key, hash);
  const parsed = new x509.X509Certificate(certificate.raw);
  return {
    name: parsed.subjectName,
    keyIdentifier: await keyIdentifierOf(parsed),
    signingKey,
    signingAlgorithm,
    notBefore: certificate.validFromDate,
    notAfter: certificate.validToDate,
  };
}

/** Refuses an authority that is not valid at this time: certificates it signs would be refused by everyone. */
export function requireValidAt(
  authority: CertificateAuthority,
  now: Date,
  settings: CertificateAuthoritySettings,
): CertificateAuthority {
  const option = `[certificates] ca_certificate (${settings.caCertificateFile})`;
  if (now >= authority.notAfter) {
    throw unusable(`${option} expired on ${authority.notAfter.toISOString()}.`, {
      advice: 'Make a new certificate authority and roll it out to controllers and amphorae.',
    });
  }
  if (now < authority.notBefore) {
    throw unusable(`${option} is valid only from ${authority.notBefore.toISOString()} on.`, {
      advice: 'Check the clock of this host.',
    });
  }
  return authority;
}

async function read(option: string, file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    throw unusable(`${option} can't be read: ${messageOf(cause)}.`, { cause });
  }
}

function parseCertificate(option: string, pem: string): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch (cause) {
    throw unusable(`${option} holds no certificate in PEM format.`, { cause });
  }
}

function parseKey(option: string, pem: string, passphrase: string | null): KeyObject {
  const encrypted = /BEGIN ENCRYPTED PRIVATE KEY|Proc-Type: 4,ENCRYPTED/.test(pem);
  if (encrypted && !passphrase) {
    throw unusable(`${option} is encrypted, and [certificates] ca_private_key_passphrase is not set.`);
  }
  try {
    return createPrivateKey({ key: pem, ...(passphrase ? { passphrase } : {}) });
  } catch (cause) {
    // The cause is left out where a passphrase was tried: OpenSSL's words help nobody there.
    if (encrypted) throw unusable(`${option} can't be decrypted: ca_private_key_passphrase is wrong.`);
    throw unusable(`${option} holds no private key in PEM format.`, { cause });
  }
}

function importKey(
  option: string,
  key: KeyObject,
  hash: string,
): Pick<CertificateAuthority, 'signingKey' | 'signingAlgorithm'> {
  if (key.asymmetricKeyType === 'rsa') {
    const signingAlgorithm = { name: 'RSASSA-PKCS1-v1_5', hash };
    return { signingKey: key.toCryptoKey(signingAlgorithm, false, ['sign']), signingAlgorithm };
  }
  const namedCurve = curves[key.asymmetricKeyDetails?.namedCurve ?? ''];
  if (key.asymmetricKeyType === 'ec' && namedCurve) {
    const signingKey = key.toCryptoKey({ name: 'ECDSA', namedCurve }, false, ['sign']);
    return { signingKey, signingAlgorithm: { name: 'ECDSA', hash } };
  }
  const kind = key.asymmetricKeyDetails?.namedCurve ?? key.asymmetricKeyType ?? 'unknown';
  throw unusable(`${option} is a key of the kind ${kind}; allowed are RSA and EC on P-256, P-384 or P-521.`);
}

/** The authority's own subject key identifier where it has one: it need not be derived from the key as ours would be. */
async function keyIdentifierOf(certificate: x509.X509Certificate): Promise<x509.AuthorityKeyIdentifierExtension> {
  const own = certificate.getExtension(x509.SubjectKeyIdentifierExtension);
  return own
    ? new x509.AuthorityKeyIdentifierExtension(own.keyId)
    : await x509.AuthorityKeyIdentifierExtension.create(certificate.publicKey);
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}

function unusable(message: string, options: { advice?: string; cause?: unknown } = {}): KilnError {
  return new KilnError('CERTIFICATE_AUTHORITY_UNUSABLE', message, options);
}
