import { generateKeyPair, hash, type KeyObject, randomBytes, sign } from 'node:crypto';
import { promisify } from 'node:util';
import type { AgentCertificate, CertificateIssuer } from '../../ports/certificates.ts';
import type { Clock } from '../../ports/clock.ts';
import {
  type CertificateAuthority,
  type CertificateAuthoritySettings,
  loadCertificateAuthority,
  requireValidAt,
} from './authority.ts';
import { bitString, der, objectIdentifier, time } from './der.ts';
import { createFileBacked } from './file-backed.ts';

/** In threads of their own. */
const generateKeyPairAsync = promisify(generateKeyPair);
const signAsync = promisify<string, Buffer, KeyObject, Buffer>(sign);

/** An amphora whose clock runs behind must not refuse its own certificate. */
const backdatedSeconds = 300;

/**
 * Issues certificates of amphora agents as Octavia's local generator does (octavia/certificates/generator/local.py): CN
 * and SAN equal to the amphora's ID, for servers and clients. The key is ECDSA on P-256, where Octavia makes RSA 2048:
 * docs/decisions/0011-agent-keys.md says why. The authority's files are read once,
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
  const { publicKey, privateKey: privateKeyPem } = await generateKeyPairAsync('ec', {
    namedCurve: 'prime256v1',
    publicKeyEncoding: { type: 'spki', format: 'der' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  const notBefore = new Date(now.getTime() - backdatedSeconds * 1000);
  const notAfter = new Date(Math.min(now.getTime() + validitySeconds * 1000, authority.notAfter.getTime()));
  notAfter.setUTCMilliseconds(0);
  const extensions = [
    basicConstraints,
    extension('2.5.29.17', der('sequence', der(DNS_NAME, amphoraId))),
    keyUsage,
    extendedKeyUsage,
    extension('2.5.29.14', der('octetString', hash('sha1', publicKey.subarray(-POINT_BYTES), 'buffer'))),
    authority.keyIdentifier,
  ];
  const certificate = der(
    'sequence',
    version3,
    der('integer', randomSerialNumber()),
    authority.signatureAlgorithm,
    authority.name,
    der('sequence', time(notBefore), time(notAfter)),
    der('sequence', der('set', der('sequence', commonName, der('utf8String', amphoraId)))),
    publicKey,
    der(EXTENSIONS, der('sequence', ...extensions)),
  );
  const signature = bitString(await signAsync(authority.digest, certificate, authority.key));
  const signed = der('sequence', certificate, authority.signatureAlgorithm, signature);
  return { certificatePem: toPem(signed), privateKeyPem, notAfter: notAfter.toISOString() };
}

/** Tags that have their meaning from where they stand (RFC 5280, 4.1 and 4.2.1.6). */
const VERSION = 0xa0;
const EXTENSIONS = 0xa3;
const DNS_NAME = 0x82;
/** Of a public key on P-256, uncompressed, which stands at the end of its DER. */
const POINT_BYTES = 65;

const version3 = der(VERSION, der('integer', Buffer.from([2])));
const commonName = objectIdentifier('2.5.4.3');

const critical = der('boolean', Buffer.from([0xff]));
const extension = (id: string, value: Buffer, ...flags: Buffer[]) =>
  der('sequence', objectIdentifier(id), ...flags, der('octetString', value));

/** No authority. */
const basicConstraints = extension('2.5.29.19', der('sequence'), critical);
/**
 * Digital signature and key agreement, the first and the fifth of eight bits; three are left over. Such a key enciphers nothing
 * (RFC 5480, 3), unlike the RSA key for which Octavia allows that too.
 */
const keyUsage = extension('2.5.29.15', der('bitString', Buffer.from([3, 0b10001000])), critical);
/** For servers and for clients. */
const extendedKeyUsage = extension(
  '2.5.29.37',
  der('sequence', objectIdentifier('1.3.6.1.5.5.7.3.1'), objectIdentifier('1.3.6.1.5.5.7.3.2')),
  critical,
);

/** 127 random bits, positive and of fixed length (RFC 5280 asks for uniqueness, at most 20 bytes). */
function randomSerialNumber(): Buffer {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] ?? 0) & 0x3f) | 0x40;
  return bytes;
}

function toPem(certificate: Buffer): string {
  const lines = certificate.toString('base64').match(/.{1,64}/g) ?? [];
  return ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----', ''].join('\n');
}
