import 'reflect-metadata';
import * as x509 from '@peculiar/x509';
import { KilnError } from '../../model/errors.ts';
import type { TlsCertificate } from '../../ports/secret-store.ts';
import { type Material, parseCertificate, parseKey, pemOf, toTlsCertificate } from './certificates.ts';
import { largestSecretBytes, secretInvalid } from './limits.ts';
import { looksLikePem, type PemBlock, pemBlocks, toPem } from './pem.ts';

const certificateLabels = ['CERTIFICATE', 'X509 CERTIFICATE'];
const keyLabels = ['PRIVATE KEY', 'RSA PRIVATE KEY', 'EC PRIVATE KEY'];
/** What programs write beside keys and what says nothing about them. */
const ignoredLabels = ['EC PARAMETERS', 'DH PARAMETERS'];

/** Reads a certificate with its key: PKCS#12 (DER, or that in base64) or PEM in any order. Throws SECRET_INVALID alone. */
export function readCertificate(content: Uint8Array): Promise<TlsCertificate> {
  return refusingAll(content, async (bytes) => {
    const text = bytes.toString('latin1');
    if (looksLikePem(text)) return toTlsCertificate(materialOf(pemBlocks(text)));
    // Few secrets are PKCS#12: what reads them is loaded with the first.
    const { readPkcs12 } = await import('./pkcs12.ts');
    const { certificates, keys } = await readPkcs12(toDer(bytes));
    return toTlsCertificate({ certificates: certificates.map(parseCertificate), keys: keys.map(parseKey) });
  });
}

/** Certificates of authorities, PEM, in the order given, one line feed at the end. Throws SECRET_INVALID alone. */
export function readCaCertificates(content: Uint8Array): Promise<string> {
  return refusingAll(content, async (bytes) => {
    const blocks = pemBlocks(bytes.toString('latin1'));
    if (blocks.some(({ label }) => label.endsWith('PRIVATE KEY'))) {
      throw secretInvalid('holds a private key; the certificates of authorities have to come without', notThese);
    }
    const certificates = blocks.filter(({ label }) => certificateLabels.includes(label)).map(certificateOf);
    if (certificates.length === 0) throw secretInvalid('holds no certificate in PEM format', notThese);
    return certificates.map((certificate) => `${pemOf(certificate)}\n`).join('');
  });
}

/** A revocation list, PEM, one line feed at the end. Throws SECRET_INVALID alone. */
export function readRevocationList(content: Uint8Array): Promise<string> {
  return refusingAll(content, async (bytes) => {
    const lists = pemBlocks(bytes.toString('latin1')).filter(({ label }) => label === 'X509 CRL');
    if (lists.length === 0) throw secretInvalid('holds no certificate revocation list in PEM format', notThese);
    return lists.map((block) => `${toPem('X509 CRL', revocationListOf(block))}\n`).join('');
  });
}

/** Instead of the catalogue's advice about certificates with keys. */
const notThese = { format: 'PEM' };

function materialOf(blocks: readonly PemBlock[]): Material {
  for (const { label, text } of blocks) {
    if (label === 'ENCRYPTED PRIVATE KEY' || (label.endsWith('PRIVATE KEY') && text.includes('ENCRYPTED'))) {
      throw secretInvalid('holds a private key that is encrypted; store it without a passphrase');
    }
    if (![...certificateLabels, ...keyLabels, ...ignoredLabels].includes(label)) {
      throw secretInvalid(`holds a ${label} block; wanted are a certificate, its key, and intermediates`);
    }
  }
  return {
    certificates: blocks.filter(({ label }) => certificateLabels.includes(label)).map(certificateOf),
    keys: blocks.filter(({ label }) => keyLabels.includes(label)).map(({ text }) => parseKey(text)),
  };
}

const certificateOf = ({ text }: PemBlock) => parseCertificate(text.replaceAll('X509 CERTIFICATE', 'CERTIFICATE'));

function revocationListOf({ text }: PemBlock): Buffer {
  try {
    const der = Buffer.from(text.split('\n').slice(1, -1).join(''), 'base64');
    return Buffer.from(new x509.X509Crl(der).rawData);
  } catch {
    throw secretInvalid('holds a revocation list that can not be read', notThese);
  }
}

/** DER starts with a SEQUENCE; what doesn't may be the same in base64. */
function toDer(bytes: Buffer): Buffer {
  if (bytes[0] === 0x30) return bytes;
  const text = bytes.toString('latin1').replace(/\s/g, '');
  const decoded = /^[A-Za-z0-9+/]+={0,2}$/.test(text) ? Buffer.from(text, 'base64') : bytes;
  if (decoded[0] === 0x30) return decoded;
  throw secretInvalid('is neither PKCS#12 (DER, or that in base64) nor PEM');
}

/** What libraries throw at nonsense tells nobody anything, and may show some of it. */
async function refusingAll<Value>(content: Uint8Array, read: (bytes: Buffer) => Promise<Value>): Promise<Value> {
  if (content.length === 0) throw secretInvalid('is empty');
  if (content.length > largestSecretBytes) throw secretInvalid(`has more than ${largestSecretBytes} bytes`);
  try {
    return await read(Buffer.from(content));
  } catch (error) {
    if (error instanceof KilnError) throw error;
    throw secretInvalid('can not be read');
  }
}
