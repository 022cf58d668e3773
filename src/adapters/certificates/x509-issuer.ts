import 'reflect-metadata';
import { generateKeyPair, randomBytes } from 'node:crypto';
import { promisify } from 'node:util';
import * as x509 from '@peculiar/x509';
import type { AgentCertificate, CertificateIssuer } from '../../ports/certificates.ts';
import type { Clock } from '../../ports/clock.ts';
import {
  type CertificateAuthority,
  type CertificateAuthoritySettings,
  loadCertificateAuthority,
  requireValidAt,
} from './authority.ts';
import { createFileBacked } from './file-backed.ts';

const generateKeyPairAsync = promisify(generateKeyPair);

const { KeyUsageFlags: usage, ExtendedKeyUsage: purpose } = x509;
/** Encoded once: that costs a third of a certificate. */
const ofEveryAgent = [
  new x509.BasicConstraintsExtension(false, undefined, true),
  // Such a key enciphers nothing (RFC 5480, 3), unlike the RSA key for which Octavia allows that too.
  new x509.KeyUsagesExtension(usage.digitalSignature | usage.keyAgreement, true),
  new x509.ExtendedKeyUsageExtension([purpose.serverAuth, purpose.clientAuth], true),
];

/** An amphora whose clock runs behind must not refuse its own certificate. */
const backdatedSeconds = 300;

/**
 * Issues certificates of amphora agents as Octavia's local generator does (octavia/certificates/generator/local.py): CN
 * and SAN equal to the amphora's ID, for servers and clients. The key is ECDSA on P-256, where Octavia makes RSA 2048:
 * docs/decisions/0011-agent-keys.md says why. It is made in a thread of its own. The authority's files are read once,
 * and again when they change on disk. A certificate never outlives its authority.
 */
export function createX509Issuer(settings: CertificateAuthoritySettings, clock: Pick<Clock, 'now'>): CertificateIssuer {
  const authority = createFileBacked([settings.caCertificateFile, settings.caPrivateKeyFile], () =>
    loadCertificateAuthority(settings),
  );
  return {
    async issueAgentCertificate(amphoraId, validitySeconds) {
      const now = clock.now();
      return issue(requireValidAt(await authority(), now, settings), amphoraId, validitySeconds, now);
    },
  };
}

async function issue(
  authority: CertificateAuthority,
  amphoraId: string,
  validitySeconds: number,
  now: Date,
): Promise<AgentCertificate> {
  const { publicKey: publicKeyDer, privateKey: privateKeyPem } = await generateKeyPairAsync('ec', {
    namedCurve: 'prime256v1',
    publicKeyEncoding: { type: 'spki', format: 'der' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  const publicKey = new x509.PublicKey(publicKeyDer);
  const notAfter = new Date(Math.min(now.getTime() + validitySeconds * 1000, authority.notAfter.getTime()));
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: randomSerialNumber(),
    issuer: authority.name,
    subject: [{ CN: [amphoraId] }],
    notBefore: new Date(now.getTime() - backdatedSeconds * 1000),
    notAfter,
    publicKey,
    signingKey: authority.signingKey,
    signingAlgorithm: authority.signingAlgorithm,
    extensions: [
      ...ofEveryAgent,
      new x509.SubjectAlternativeNameExtension([{ type: 'dns', value: amphoraId }]),
      await x509.SubjectKeyIdentifierExtension.create(publicKey),
      authority.keyIdentifier,
    ],
  });
  return {
    certificatePem: `${certificate.toString('pem').trimEnd()}\n`,
    privateKeyPem,
    notAfter: certificate.notAfter.toISOString(),
  };
}

/** 127 random bits, positive and of fixed length, in hexadecimal (RFC 5280 asks for uniqueness, at most 20 bytes). */
function randomSerialNumber(): string {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] ?? 0) & 0x3f) | 0x40;
  return bytes.toString('hex');
}
