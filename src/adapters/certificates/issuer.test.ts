import { execFileSync } from 'node:child_process';
import { createPrivateKey, generateKeyPairSync, X509Certificate } from 'node:crypto';
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  createTestAuthority,
  type TestAuthority,
  type TestAuthorityOptions,
} from '../../../test/kit/certificate-authority.ts';
import type { CertificateAuthoritySettings } from './authority.ts';
import { describeCertificate } from './describe.ts';
import { createCertificateIssuer } from './issuer.ts';

const amphoraId = '5a0d7c1e-1111-4222-8333-444455556666';
const clock = { now: () => new Date() };
let directory: string;

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'kiln-certificates-'));
});
afterAll(() => rmSync(directory, { recursive: true }));

function settingsOf(authority: TestAuthority, passphrase: string | null = null): CertificateAuthoritySettings {
  return {
    caCertificateFile: authority.certificateFile,
    caPrivateKeyFile: authority.keyFile,
    caPrivateKeyPassphrase: passphrase,
    signingDigest: 'sha256',
  };
}

/** What `openssl verify` says of a certificate for one purpose; throws when it refuses it. */
function opensslVerify(authority: TestAuthority, certificatePem: string, purpose: string): string {
  const file = join(directory, 'leaf.pem');
  writeFileSync(file, certificatePem);
  const command = ['verify', '-x509_strict', '-CAfile', authority.certificateFile, '-purpose', purpose, file];
  return execFileSync('openssl', command, { encoding: 'utf8' });
}

const passphrase = 'pass: "phrase" ä$';
const kinds: Array<[name: string, options: TestAuthorityOptions]> = [
  ['rsa', {}],
  ['rsa-pkcs1-encrypted', { encryption: { format: 'pkcs1', passphrase } }],
  ['rsa-pkcs8-encrypted', { encryption: { format: 'pkcs8', passphrase } }],
  ['ec', { kind: 'ec' }],
  ['ec-pkcs8-encrypted', { kind: 'ec', encryption: { format: 'pkcs8', passphrase } }],
];

describe.each(kinds)('an authority of the kind %s', (name, options) => {
  it('issues certificates that openssl verifies, for server and client', async () => {
    const authority = await createTestAuthority(directory, name, options);
    const issuer = createCertificateIssuer(settingsOf(authority, options.encryption ? passphrase : null), clock);
    const issued = await issuer.issueAgentCertificate(amphoraId, 3600);

    expect(opensslVerify(authority, issued.certificatePem, 'sslserver')).toContain('OK');
    expect(opensslVerify(authority, issued.certificatePem, 'sslclient')).toContain('OK');
    const certificate = new X509Certificate(issued.certificatePem);
    expect(certificate.subject).toBe(`CN=${amphoraId}`);
    expect(certificate.subjectAltName).toBe(`DNS:${amphoraId}`);
    expect(certificate.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.2']);
    expect(certificate.ca).toBe(false);
    expect(issued.privateKeyPem).toMatch(/^-----BEGIN PRIVATE KEY-----/);
    expect(certificate.checkPrivateKey(createPrivateKey(issued.privateKeyPem))).toBe(true);
    expect(certificate.publicKey.asymmetricKeyDetails?.namedCurve).toBe('prime256v1');
  });
});

it('marks usage and constraints as critical, as Octavia does', async () => {
  const authority = await createTestAuthority(directory, 'critical');
  const { certificatePem } = await createCertificateIssuer(settingsOf(authority), clock).issueAgentCertificate(
    amphoraId,
    3600,
  );
  const text = execFileSync('openssl', ['x509', '-noout', '-text'], { encoding: 'utf8', input: certificatePem });
  expect(text).toMatch(/Basic Constraints: critical\s+CA:FALSE/);
  expect(text).toMatch(/X509v3 Key Usage: critical\s+Digital Signature, Key Agreement\s/);
  expect(text).toMatch(/Extended Key Usage: critical\s+TLS Web Server Authentication, TLS Web Client Authentication/);
  expect(text).toContain('X509v3 Subject Key Identifier');
  expect(text).toContain('X509v3 Authority Key Identifier');
});

it('backdates a little, lasts as long as asked, and never beyond the authority', async () => {
  const end = new Date(Math.floor(Date.now() / 1000) * 1000 + 7200_000);
  const authority = await createTestAuthority(directory, 'ending', { notAfter: end });
  const now = new Date(Math.floor(Date.now() / 1000) * 1000);
  const issuer = createCertificateIssuer(settingsOf(authority), { now: () => now });
  const short = await issuer.issueAgentCertificate(amphoraId, 3600);
  expect(describeCertificate(short.certificatePem).notBefore).toBe(new Date(now.getTime() - 300_000).toISOString());
  expect(short.notAfter).toBe(new Date(now.getTime() + 3600_000).toISOString());
  expect((await issuer.issueAgentCertificate(amphoraId, 10 * 365 * 86_400)).notAfter).toBe(end.toISOString());
});

it('carries dates after 2049', async () => {
  const authority = await createTestAuthority(directory, 'long', { notAfter: new Date('2090-01-01T00:00:00Z') });
  const issued = await createCertificateIssuer(settingsOf(authority), clock).issueAgentCertificate(amphoraId, 4e9);
  expect(issued.notAfter).toBe('2090-01-01T00:00:00.000Z');
  expect(describeCertificate(issued.certificatePem).notAfter).toBe('2090-01-01T00:00:00.000Z');
});

it('never repeats a serial number or a key', async () => {
  const authority = await createTestAuthority(directory, 'serials');
  const issuer = createCertificateIssuer(settingsOf(authority), clock);
  const issued = await Promise.all(Array.from({ length: 4 }, () => issuer.issueAgentCertificate(amphoraId, 60)));
  const certificates = issued.map(({ certificatePem }) => new X509Certificate(certificatePem));
  expect(new Set(certificates.map(({ serialNumber }) => serialNumber)).size).toBe(4);
  expect(new Set(issued.map(({ privateKeyPem }) => privateKeyPem)).size).toBe(4);
});

it('uses the files anew when they change, without a restart', async () => {
  const old = await createTestAuthority(directory, 'before');
  const fresh = await createTestAuthority(directory, 'after', { kind: 'ec' });
  const issuer = createCertificateIssuer(settingsOf(old), clock);
  const before = await issuer.issueAgentCertificate(amphoraId, 60);
  expect(new X509Certificate(before.certificatePem).issuer).toContain('CN=before');
  copyFileSync(fresh.certificateFile, old.certificateFile);
  copyFileSync(fresh.keyFile, old.keyFile);
  const after = await issuer.issueAgentCertificate(amphoraId, 60);
  expect(new X509Certificate(after.certificatePem).issuer).toContain('CN=after');
});

describe('an authority that can not be used', () => {
  const failing = async (settings: CertificateAuthoritySettings) =>
    createCertificateIssuer(settings, clock)
      .issueAgentCertificate(amphoraId, 60)
      .then(
        () => expect.unreachable('issued'),
        (error: unknown) => error,
      );
  let good: TestAuthority;
  beforeAll(async () => {
    good = await createTestAuthority(directory, 'good');
  });

  it.each([
    ['wrong', /ca_private_key \(.*\) can't be decrypted: ca_private_key_passphrase is wrong/],
    [null, /is encrypted, and \[certificates\] ca_private_key_passphrase is not set/],
  ])('passphrase %s', async (given, message) => {
    for (const format of ['pkcs1', 'pkcs8'] as const) {
      const locked = await createTestAuthority(directory, 'locked', { encryption: { format, passphrase: 'right' } });
      const error = await failing(settingsOf(locked, given));
      expect(error).toMatchObject({ code: 'CERTIFICATE_AUTHORITY_UNUSABLE', message: expect.stringMatching(message) });
      expect(JSON.stringify(error)).not.toContain('"wrong"');
    }
  });

  it('key of another certificate', async () => {
    const other = await createTestAuthority(directory, 'other');
    await expect(failing({ ...settingsOf(good), caPrivateKeyFile: other.keyFile })).resolves.toMatchObject({
      code: 'CERTIFICATE_AUTHORITY_UNUSABLE',
      message: expect.stringContaining('do not belong together'),
    });
  });

  it('not an authority', async () => {
    const leaf = await createTestAuthority(directory, 'leaf-only', { isCa: false });
    await expect(failing(settingsOf(leaf))).resolves.toMatchObject({
      code: 'CERTIFICATE_AUTHORITY_UNUSABLE',
      message: expect.stringContaining(`ca_certificate (${leaf.certificateFile}) is not a certificate authority`),
    });
  });

  it('expired', async () => {
    const expired = await createTestAuthority(directory, 'expired', { notAfter: new Date(Date.now() - 60_000) });
    await expect(failing(settingsOf(expired))).resolves.toMatchObject({
      code: 'CERTIFICATE_AUTHORITY_UNUSABLE',
      message: expect.stringMatching(/expired on 20/),
    });
  });

  it('missing file, garbage, unknown kind of key, unknown digest', async () => {
    const garbage = join(directory, 'garbage');
    writeFileSync(garbage, 'garbage');
    const edKey = join(directory, 'ed25519.key');
    const pair = generateKeyPairSync('ed25519');
    writeFileSync(edKey, pair.privateKey.export({ type: 'pkcs8', format: 'pem' }));
    const settings = settingsOf(good);
    const faults: Array<[CertificateAuthoritySettings, RegExp]> = [
      [
        { ...settings, caCertificateFile: '/nowhere/ca.pem' },
        /ca_certificate \(\/nowhere\/ca.pem\) can't be read: ENOENT/,
      ],
      [
        { ...settings, caPrivateKeyFile: '/nowhere/ca.key' },
        /ca_private_key \(\/nowhere\/ca.key\) can't be read: ENOENT/,
      ],
      [{ ...settings, caCertificateFile: garbage }, /holds no certificate/],
      [{ ...settings, caPrivateKeyFile: garbage }, /holds no private key/],
      [{ ...settings, caPrivateKeyFile: edKey }, /do not belong together/],
      [{ ...settings, signingDigest: 'md5' }, /signing_digest is "md5"; allowed are sha1, sha256, sha384, sha512/],
    ];
    for (const [faulty, message] of faults) {
      const error = await failing(faulty);
      expect(error).toMatchObject({ code: 'CERTIFICATE_AUTHORITY_UNUSABLE', message: expect.stringMatching(message) });
    }
  });

  it('is tried again: a fault fixed on disk is fixed without a restart', async () => {
    const broken = join(directory, 'fixed.pem');
    writeFileSync(broken, 'garbage');
    const issuer = createCertificateIssuer({ ...settingsOf(good), caCertificateFile: broken }, clock);
    await expect(issuer.issueAgentCertificate(amphoraId, 60)).rejects.toThrow('holds no certificate');
    copyFileSync(good.certificateFile, broken);
    await expect(issuer.issueAgentCertificate(amphoraId, 60)).resolves.toBeDefined();
  });
});

it('describes a certificate and compares its key', async () => {
  const authority = await createTestAuthority(directory, 'described');
  const { certificatePem, privateKeyPem } = await createCertificateIssuer(
    settingsOf(authority),
    clock,
  ).issueAgentCertificate(amphoraId, 60);
  const foreign = generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).privateKey;
  expect(describeCertificate(certificatePem)).toMatchObject({
    subject: `CN=${amphoraId}`,
    isCa: false,
    matchesKey: null,
  });
  expect(describeCertificate(certificatePem, { pem: privateKeyPem }).matchesKey).toBe(true);
  const foreignPem = foreign.export({ type: 'pkcs8', format: 'pem' }).toString();
  expect(describeCertificate(certificatePem, { pem: foreignPem }).matchesKey).toBe(false);
});
