import { verify, X509Certificate } from 'node:crypto';

/** Digests by the identifier of the signature's algorithm, in DER: RSA (PKCS#1) and ECDSA (RFC 4055, RFC 5758). */
const digests: Readonly<Record<string, string>> = {
  '2a864886f70d010105': 'sha1',
  '2a864886f70d01010b': 'sha256',
  '2a864886f70d01010c': 'sha384',
  '2a864886f70d01010d': 'sha512',
  '2a8648ce3d0401': 'sha1',
  '2a8648ce3d040302': 'sha256',
  '2a8648ce3d040303': 'sha384',
  '2a8648ce3d040304': 'sha512',
};

/**
 * Whether each revocation list of `listsPem` is signed by one of the authorities of `authoritiesPem`. Both are PEM as
 * the key manager gives them. False as well for what can't be read and for signatures of another kind than RSA and ECDSA.
 */
export function isSignedByAuthority(listsPem: string, authoritiesPem: string): boolean {
  try {
    const authorities = blocks(authoritiesPem, 'CERTIFICATE').map((block) => new X509Certificate(block));
    const lists = blocks(listsPem, 'X509 CRL').map(derOf);
    return lists.length > 0 && lists.every((list) => authorities.some((authority) => isSignedBy(list, authority)));
  } catch {
    return false;
  }
}

/** CertificateList ::= SEQUENCE { tbsCertList, signatureAlgorithm SEQUENCE { OID … }, signature BIT STRING } (RFC 5280) */
function isSignedBy(list: Buffer, authority: X509Certificate): boolean {
  const [signed, algorithm, signature] = children(element(list, 0).content);
  const [identifier] = algorithm ? children(algorithm.content) : [];
  const digest = digests[identifier?.content.toString('hex') ?? ''];
  if (!signed || !signature || !digest) return false;
  // The first byte of a BIT STRING counts the bits of the last one that don't belong to it: none in a signature.
  return verify(digest, signed.whole, authority.publicKey, signature.content.subarray(1));
}

interface Element {
  whole: Buffer;
  content: Buffer;
}

function children(content: Buffer): Element[] {
  const found: Element[] = [];
  for (let at = 0; at < content.length; ) {
    const next = element(content, at);
    found.push(next);
    at += next.whole.length;
  }
  return found;
}

/** The DER element at an offset. Throws a RangeError where there is none. */
function element(bytes: Buffer, at: number): Element {
  const first = bytes.readUInt8(at + 1);
  const lengthBytes = first < 0x80 ? 0 : first & 0x7f;
  const start = at + 2 + lengthBytes;
  const length = lengthBytes === 0 ? first : bytes.readUIntBE(at + 2, lengthBytes);
  if (start + length > bytes.length) throw new RangeError('the element does not end');
  return { whole: bytes.subarray(at, start + length), content: bytes.subarray(start, start + length) };
}

function blocks(pem: string, label: string): string[] {
  return pem.match(new RegExp(`-----BEGIN ${label}-----[^-]*-----END ${label}-----`, 'g')) ?? [];
}

function derOf(block: string): Buffer {
  return Buffer.from(block.split('\n').slice(1, -1).join(''), 'base64');
}
