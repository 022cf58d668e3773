import 'reflect-metadata';
import { KeyObject, randomBytes, webcrypto } from 'node:crypto';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import * as x509 from '@peculiar/x509';
import { writeFileAtomicallySync } from '../lib/atomic-files.ts';

/** Files of the two authorities of a controller, as Octavia's guide has them: one for agents, one for controllers. */
export interface AuthorityFiles {
  /** Signs the certificates of agents. */
  serverCa: string;
  /** Encrypted with the passphrase. */
  serverCaKey: string;
  /** Signed the certificate of the controller. */
  clientCa: string;
  /** The controller's certificate and key. */
  clientCertificate: string;
}

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const tenYearsMs = 10 * 365 * 24 * 3600 * 1000;

/**
 * Names the files in `directory` and makes them if one is missing, or all anew if `renew`; the keys never leave it.
 */
export async function ensureAuthorities(
  directory: string,
  passphrase: string,
  renew: boolean,
): Promise<AuthorityFiles> {
  const files: AuthorityFiles = {
    serverCa: join(directory, 'server_ca.cert.pem'),
    serverCaKey: join(directory, 'server_ca.key.pem'),
    clientCa: join(directory, 'client_ca.cert.pem'),
    clientCertificate: join(directory, 'client.cert-and-key.pem'),
  };
  if (!renew && Object.values(files).every((file) => existsSync(file))) return files;

  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const server = await newAuthority('Kiln development: amphora agents');
  const client = await newAuthority('Kiln development: controllers');
  const controller = await newKeys();
  const controllerCertificate = await x509.X509CertificateGenerator.create({
    ...validity(),
    serialNumber: serialNumber(),
    subject: [{ CN: ['Kiln controller'] }],
    issuer: client.certificate.subjectName,
    publicKey: controller.publicKey,
    signingKey: client.keys.privateKey,
    signingAlgorithm: algorithm,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.clientAuth]),
      await x509.AuthorityKeyIdentifierExtension.create(client.keys.publicKey),
    ],
  });

  writeFileAtomicallySync(files.serverCa, pem(server.certificate));
  writeFileAtomicallySync(files.serverCaKey, keyPem(server.keys.privateKey, passphrase));
  writeFileAtomicallySync(files.clientCa, pem(client.certificate));
  writeFileAtomicallySync(files.clientCertificate, pem(controllerCertificate) + keyPem(controller.privateKey, null));
  return files;
}

async function newAuthority(name: string): Promise<{ certificate: x509.X509Certificate; keys: CryptoKeyPair }> {
  const keys = await newKeys();
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    ...validity(),
    serialNumber: serialNumber(),
    name: [{ CN: [name] }],
    keys,
    signingAlgorithm: algorithm,
    extensions: [
      new x509.BasicConstraintsExtension(true, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { certificate, keys };
}

type CryptoKeyPair = Awaited<ReturnType<typeof newKeys>>;

function newKeys() {
  return webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
}

/** An hour back, for clocks that run behind. */
function validity(): { notBefore: Date; notAfter: Date } {
  const now = Date.now();
  return { notBefore: new Date(now - 3_600_000), notAfter: new Date(now + tenYearsMs) };
}

/** Positive, whatever the first bit. */
function serialNumber(): string {
  return `00${randomBytes(16).toString('hex')}`;
}

function pem(certificate: x509.X509Certificate): string {
  return `${certificate.toString('pem').trimEnd()}\n`;
}

function keyPem(key: webcrypto.CryptoKey, passphrase: string | null): string {
  const encryption = passphrase === null ? {} : { cipher: 'aes-256-cbc', passphrase };
  return KeyObject.from(key)
    .export({ type: 'pkcs8', format: 'pem', ...encryption })
    .toString();
}
