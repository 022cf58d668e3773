import 'reflect-metadata';
import { createPublicKey, generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as x509 from '@peculiar/x509';

interface TestKey {
  privateKey: KeyObject;
  algorithm: { name: string; hash?: string; namedCurve?: string };
}

export interface TestAuthority {
  certificateFile: string;
  keyFile: string;
  /** Signs a certificate and writes it with its key into one PEM file, as `[haproxy_amphora] client_cert` wants it. */
  issueToFile(
    file: string,
    commonName: string,
    alternativeNames?: x509.JsonGeneralName[],
    endsAt?: Date,
  ): Promise<void>;
}

export interface TestAuthorityOptions {
  kind?: 'rsa' | 'ec';
  /** Encrypts the key in this form. */
  encryption?: { format: 'pkcs1' | 'pkcs8'; passphrase: string };
  isCa?: boolean;
  notAfter?: Date;
}

/** A certificate authority made with other means than the issuer under test, in files of `directory`. */
export async function createTestAuthority(
  directory: string,
  name: string,
  options: TestAuthorityOptions = {},
): Promise<TestAuthority> {
  const key = generateKey(options.kind ?? 'rsa');
  const notBefore = new Date(Date.now() - 86_400_000);
  const notAfter = options.notAfter ?? new Date(Date.now() + 86_400_000 * 365);
  const subject = `CN=${name}, O=Kiln tests`;
  const certificate = await sign(key, subject, key, subject, { notBefore, notAfter }, [
    new x509.BasicConstraintsExtension(options.isCa ?? true, undefined, true),
    new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
    new x509.SubjectKeyIdentifierExtension(randomBytes(20).toString('hex')),
  ]);
  const certificateFile = join(directory, `${name}.pem`);
  const keyFile = join(directory, `${name}.key`);
  writeFileSync(certificateFile, `${certificate}\n`);
  writeFileSync(keyFile, exportKey(key.privateKey, options), { mode: 0o600 });
  return {
    certificateFile,
    keyFile,
    async issueToFile(file, commonName, alternativeNames = [], endsAt = notAfter) {
      const leaf = generateKey('ec');
      const names = alternativeNames.length > 0 ? [new x509.SubjectAlternativeNameExtension(alternativeNames)] : [];
      const issued = await sign(leaf, `CN=${commonName}`, key, subject, { notBefore, notAfter: endsAt }, names);
      writeFileSync(file, `${issued}\n${leaf.privateKey.export({ type: 'pkcs8', format: 'pem' })}`, { mode: 0o600 });
    },
  };
}

function generateKey(kind: 'rsa' | 'ec'): TestKey {
  return kind === 'rsa'
    ? {
        privateKey: generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey,
        algorithm: { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' },
      }
    : {
        privateKey: generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).privateKey,
        algorithm: { name: 'ECDSA', namedCurve: 'P-256' },
      };
}

async function sign(
  holder: TestKey,
  subject: string,
  signer: TestKey,
  issuer: string,
  validity: { notBefore: Date; notAfter: Date },
  extensions: x509.Extension[],
): Promise<string> {
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: `40${randomBytes(8).toString('hex')}`,
    subject,
    issuer,
    ...validity,
    publicKey: new x509.PublicKey(createPublicKey(holder.privateKey).export({ type: 'spki', format: 'der' })),
    signingKey: signer.privateKey.toCryptoKey(signer.algorithm, false, ['sign']),
    signingAlgorithm: { hash: 'SHA-256', ...signer.algorithm },
    extensions,
  });
  return certificate.toString('pem');
}

function exportKey(key: KeyObject, options: TestAuthorityOptions): string | Buffer {
  if (!options.encryption) return key.export({ type: 'pkcs8', format: 'pem' });
  const { format, passphrase } = options.encryption;
  return key.export({ type: format, format: 'pem', cipher: 'aes-256-cbc', passphrase });
}
