import { createHash, createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type KeyKind,
  type MadeCertificate,
  openTlsWorkshop,
  type TlsWorkshop,
} from '../../../test/kit/tls-material.ts';
import { KilnError } from '../../model/errors.ts';
import { largestSecretBytes } from './limits.ts';
import { readCaCertificates, readCertificate, readRevocationList } from './read-secret.ts';

let workshop: TlsWorkshop;
let root: MadeCertificate;
let upper: MadeCertificate;
let lower: MadeCertificate;
let stranger: MadeCertificate;
const leaves = {} as Record<KeyKind, MadeCertificate>;

beforeAll(() => {
  workshop = openTlsWorkshop();
  root = workshop.make('root', { isCa: true });
  upper = workshop.make('upper', { isCa: true, issuer: root });
  lower = workshop.make('lower', { isCa: true, issuer: upper, kind: 'rsa' });
  stranger = workshop.make('stranger', { isCa: true });
  for (const kind of ['rsa', 'ec'] as const) {
    leaves[kind] = workshop.make(`leaf-${kind}`, {
      kind,
      issuer: lower,
      subject: '/O=Example/CN=www.example.org',
      dnsNames: ['www.example.org', 'example.org'],
    });
  }
});
afterAll(() => workshop.close());

const bytes = (...parts: string[]) => Buffer.from(parts.join('\n'));
const literally = (text: string) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
const fingerprint = (pem: string) => new X509Certificate(pem).fingerprint256;
const refusal = async (reading: Promise<unknown>) =>
  reading.then(
    () => expect.unreachable('was read'),
    (error: unknown) => {
      expect(error).toBeInstanceOf(KilnError);
      expect((error as KilnError).code).toBe('SECRET_INVALID');
      return (error as KilnError).message;
    },
  );

describe.each(['rsa', 'ec'] as const)('a %s key', (kind) => {
  const expectRead = async (content: Uint8Array) => {
    const leaf = leaves[kind];
    const read = await readCertificate(content);
    expect(read.certificatePem).toBe(leaf.certificate.trim());
    expect(read.privateKeyPem).toMatch(
      kind === 'rsa' ? /^-----BEGIN RSA PRIVATE KEY-----/ : /^-----BEGIN EC PRIVATE KEY-----/,
    );
    expect(createPrivateKey(read.privateKeyPem).equals(createPrivateKey(leaf.key))).toBe(true);
    expect(read.intermediatesPem.map(fingerprint)).toEqual(
      [lower, upper].map(({ certificate }) => fingerprint(certificate)),
    );
    expect(read).toMatchObject({
      commonName: 'www.example.org',
      dnsNames: ['www.example.org', 'example.org'],
      notAfter: new X509Certificate(leaf.certificate).validToDate.toISOString(),
    });
  };

  it.each([
    ["OpenSSL 3's own choice", []],
    ['what OpenSSL 1 chose: RC2-40, 3DES, MAC with SHA-1', ['-legacy']],
    ['3DES with SHA-1', ['-keypbe', 'PBE-SHA1-3DES', '-certpbe', 'PBE-SHA1-3DES', '-macalg', 'sha1']],
    ['AES-128', ['-keypbe', 'AES-128-CBC', '-certpbe', 'AES-128-CBC', '-macalg', 'sha384']],
    ['AES-192', ['-keypbe', 'AES-192-CBC', '-certpbe', 'AES-192-CBC', '-macalg', 'sha512']],
    ['3DES in PBES2', ['-keypbe', 'DES-EDE3-CBC', '-certpbe', 'DES-EDE3-CBC']],
    ['nothing encrypted', ['-keypbe', 'NONE', '-certpbe', 'NONE']],
    ['no MAC', ['-nomac']],
    ['many rounds', ['-iter', '100000']],
    ['with names', ['-name', 'my certificate', '-caname', 'its authority']],
  ])('in PKCS#12, %s', async (_title, options) => {
    await expectRead(workshop.pkcs12(leaves[kind], [upper, lower], options));
  });

  it('in PKCS#12 in base64, with and without line ends', async () => {
    const base64 = workshop.pkcs12(leaves[kind], [lower, upper]).toString('base64');
    await expectRead(Buffer.from(base64));
    await expectRead(Buffer.from(`${base64.replace(/.{64}/g, '$&\r\n')}\n`));
  });

  it('in PEM, whatever the order, with text between', async () => {
    const { certificate, key } = leaves[kind];
    await expectRead(bytes(certificate, key, lower.certificate, upper.certificate));
    await expectRead(bytes('Bag Attributes', upper.certificate, key, '# mine', lower.certificate, certificate));
    await expectRead(bytes(key, lower.certificate, certificate, upper.certificate).map((byte) => byte));
    await expectRead(
      Buffer.from([certificate, key, upper.certificate, lower.certificate].join('').replaceAll('\n', '\r\n')),
    );
  });

  it('in PEM in its own old form', async () => {
    const { certificate, keyFile } = leaves[kind];
    const old =
      kind === 'rsa'
        ? workshop.openssl('rsa', '-traditional', '-in', keyFile)
        : Buffer.concat([workshop.openssl('ecparam', '-name', 'prime256v1'), workshop.openssl('ec', '-in', keyFile)]);
    await expectRead(bytes(old.toString(), certificate, lower.certificate, upper.certificate, certificate));
  });
});

it('leaves what is no part of the chain behind it, and the root at its end', async () => {
  const { certificate, key } = leaves.ec;
  const content = bytes(key, stranger.certificate, root.certificate, upper.certificate, certificate, lower.certificate);
  const { intermediatesPem } = await readCertificate(content);
  expect(intermediatesPem.map(fingerprint)).toEqual(
    [lower, upper, root, stranger].map(({ certificate: pem }) => fingerprint(pem)),
  );
});

it('takes a certificate that has ended, and tells so', async () => {
  const ended = workshop.make('ended', { days: -1, subject: '/O=Nobody' });
  const { notAfter, commonName, dnsNames } = await readCertificate(bytes(ended.certificate, ended.key));
  expect(new Date(notAfter).getTime()).toBeLessThan(Date.now());
  expect({ commonName, dnsNames }).toEqual({ commonName: null, dnsNames: [] });
});

it('says what is wrong with a certificate, and never shows it', async () => {
  const { certificate, key } = leaves.ec;
  const locked = workshop
    .openssl('pkcs8', '-topk8', '-in', leaves.ec.keyFile, '-passout', 'pass:secret phrase')
    .toString();
  const lockedOld = workshop
    .openssl('rsa', '-traditional', '-aes128', '-passout', 'pass:phrase', '-in', leaves.rsa.keyFile)
    .toString();
  workshop.openssl('genpkey', '-algorithm', 'ed25519', '-out', 'edwards.key');
  workshop.openssl('req', '-x509', '-key', 'edwards.key', '-subj', '/CN=edwards', '-out', 'edwards.pem');
  const edwards = ['edwards.key', 'edwards.pem'].map((file) => readFileSync(join(workshop.folder, file), 'utf8'));
  const pkcs7 = workshop.openssl('crl2pkcs7', '-nocrl', '-certfile', lower.certificateFile).toString();
  const passphrase = ['-passout', 'pass:secret phrase'];
  const plain = ['-keypbe', 'NONE', '-certpbe', 'NONE'];
  // 100,000 rounds in DER, and more than anyone should wait for in the same length.
  const endless = workshop.pkcs12(leaves.ec, [], ['-iter', '100000']);
  const roundsOfMac = endless.lastIndexOf('02030186a0', undefined, 'hex');
  endless.fill(Buffer.from('02037fffff', 'hex'), roundsOfMac, roundsOfMac + 5);
  const damaged = workshop.pkcs12(leaves.ec, [], plain);
  damaged[damaged.indexOf('www.example.org') + 1] = 0x78;
  const cases: Array<[content: Uint8Array, message: string | RegExp]> = [
    [bytes(''), 'The secret is empty.'],
    [bytes('garbage'), 'The secret is neither PKCS#12 (DER, or that in base64) nor PEM.'],
    [Buffer.alloc(largestSecretBytes + 1, '0'), 'The secret has more than 1048576 bytes.'],
    [bytes(certificate), 'The secret holds no private key.'],
    [bytes(key), 'The secret holds a private key and no certificate.'],
    [bytes(stranger.certificate, key), 'The secret holds a certificate and a key that do not belong together.'],
    [
      bytes(stranger.certificate, lower.certificate, key),
      'The secret holds a key that belongs to none of its 2 certificates.',
    ],
    [bytes(certificate, key, stranger.key), 'The secret holds 2 private keys; there must be one.'],
    [bytes(certificate, locked), 'The secret holds a private key that is encrypted; store it without a passphrase.'],
    [bytes(leaves.rsa.certificate, lockedOld), /is encrypted; store it without a passphrase/],
    [bytes(...edwards), 'The secret holds a key of the kind ed25519; allowed are RSA and EC.'],
    [bytes(certificate, key, pkcs7), /^The secret holds a PKCS7 block; wanted are a certificate, its key/],
    [bytes(certificate, key.replace('-----END', '')), 'The secret has a PRIVATE KEY block without an end.'],
    [bytes(certificate.replace('MII', 'AAA'), key), 'The secret holds a certificate that can not be read.'],
    [bytes(certificate, key.replace('M', 'A')), 'The secret holds a private key that can not be read.'],
    [bytes(key, ...Array<string>(51).fill(certificate)), 'The secret holds 51 certificates; 50 are the most.'],
    [workshop.pkcs12(leaves.ec, [], passphrase), /^The secret is a PKCS#12 file that needs a passphrase, or is dam/],
    [workshop.pkcs12(leaves.ec, [], [...passphrase, '-nomac']), /needs a passphrase, or is damaged/],
    [workshop.pkcs12(leaves.ec, [], [...passphrase, ...plain]), /needs a passphrase, or is damaged/],
    [workshop.pkcs12(leaves.ec, [], ['-nokeys']), 'The secret holds no private key.'],
    [endless, /wants more than 3000000 rounds of key deriv/],
    [damaged, /needs a passphrase, or is damaged/],
    [workshop.openssl('x509', '-in', leaves.ec.certificateFile, '-outform', 'DER'), /^The secret is no PKCS#12 file: /],
  ];
  for (const [content, message] of cases) {
    const said = await refusal(readCertificate(content));
    expect(said).toMatch(typeof message === 'string' ? new RegExp(`^${literally(message)}$`) : message);
    expect(said).not.toContain('phrase ');
  }
});

it('reads PKCS#12 that has no passphrase instead of an empty one', async () => {
  // pyOpenSSL and Windows write these; openssl can't. The parts are encrypted with the key of no passphrase.
  const { certificate, key } = await readCertificate(
    readFileSync(join(import.meta.dirname, '../../../test/recorded/pkcs12/pyopenssl-23-no-passphrase.p12')),
  ).then(({ certificatePem, privateKeyPem }) => ({ certificate: certificatePem, key: privateKeyPem }));
  expect(new X509Certificate(certificate).checkPrivateKey(createPrivateKey(key))).toBe(true);
});

describe('certificates of authorities', () => {
  it('are read in their order, without what stands between', async () => {
    const read = await readCaCertificates(bytes('# ours', root.certificate, '', stranger.certificate));
    expect(read).toBe(root.certificate + stranger.certificate);
  });

  it('are refused with a key, in DER, or when there are none', async () => {
    expect(await refusal(readCaCertificates(bytes(root.certificate, root.key)))).toContain('holds a private key');
    const der = workshop.openssl('x509', '-in', root.certificateFile, '-outform', 'DER');
    expect(await refusal(readCaCertificates(der))).toBe('The secret holds no certificate in PEM format.');
    expect(await refusal(readCaCertificates(bytes('x')))).toBe('The secret holds no certificate in PEM format.');
    const broken = root.certificate.replace('MII', 'AAA');
    expect(await refusal(readCaCertificates(bytes(broken)))).toContain('can not be read');
  });
});

describe('a revocation list', () => {
  it('is read as openssl reads it', async () => {
    const list = workshop.revocationList(root);
    const read = await readRevocationList(bytes('text', list));
    expect(read).toBe(list);
    writeFileSync(join(workshop.folder, 'read.crl'), read);
    expect(workshop.openssl('crl', '-in', 'read.crl', '-noout', '-issuer').toString()).toContain('CN = root');
  });

  it('is refused when it is none', async () => {
    expect(await refusal(readRevocationList(bytes(root.certificate)))).toContain('holds no certificate revocation');
    const broken = '-----BEGIN X509 CRL-----\nMAAA\n-----END X509 CRL-----';
    expect(await refusal(readRevocationList(bytes(broken)))).toContain('can not be read');
  });
});

describe('whatever comes in', () => {
  const readers = [readCertificate, readCaCertificates, readRevocationList];
  const expectOnlySecretInvalid = async (content: Uint8Array) => {
    for (const read of readers) {
      await read(content).catch((error: unknown) => expect((error as KilnError).code).toBe('SECRET_INVALID'));
    }
  };

  it('nothing but SECRET_INVALID is thrown: bytes', async () => {
    await fc.assert(fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), expectOnlySecretInvalid));
  });

  it('nothing but SECRET_INVALID is thrown: PEM of anything', async () => {
    const label = fc.constantFrom('CERTIFICATE', 'PRIVATE KEY', 'EC PRIVATE KEY', 'X509 CRL', 'PKCS7');
    const block = fc
      .record({ label, body: fc.base64String({ maxLength: 200 }) })
      .map((it) => `-----BEGIN ${it.label}-----\n${it.body}\n-----END ${it.label}-----\n`);
    await fc.assert(
      fc.asyncProperty(fc.array(block, { maxLength: 4 }), async (blocks) => {
        await expectOnlySecretInvalid(bytes(leaves.ec.certificate, ...blocks));
      }),
    );
  });

  it('nothing but SECRET_INVALID is thrown: good ones with some bytes changed', async () => {
    const { certificate, key } = leaves.ec;
    const good = [
      workshop.pkcs12(leaves.ec, [lower], ['-nomac']),
      workshop.pkcs12(leaves.ec, [lower], ['-nomac', '-keypbe', 'NONE', '-certpbe', 'NONE']),
      workshop.pkcs12(leaves.rsa, [], ['-legacy']),
      bytes(certificate, key, lower.certificate),
      Buffer.from(workshop.revocationList(root)),
    ];
    const change = fc.record({ place: fc.nat(), byte: fc.nat(255) });
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...good), fc.array(change, { minLength: 1, maxLength: 5 }), async (it, all) => {
        const content = Buffer.from(it);
        for (const { place, byte } of all) content[place % content.length] = byte;
        await expectOnlySecretInvalid(content);
      }),
      { numRuns: 300 },
    );
  }, 120_000);
});

it('names a file as Octavia does: by the SHA-1 of the PEM without its last line feed', async () => {
  const { certificate, key } = leaves.ec;
  const { certificatePem } = await readCertificate(bytes(certificate, key));
  expect(createHash('sha1').update(certificatePem).digest('hex')).toBe(
    createHash('sha1').update(certificate.trim()).digest('hex'),
  );
});
