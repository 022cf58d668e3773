import { createDecipheriv, createHmac, pbkdf2, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import forge from 'node-forge';
import { secretInvalid } from './limits.ts';

/** What a PKCS#12 file holds, in its order. DER. */
export interface Pkcs12Content {
  certificates: Buffer[];
  /** PKCS#8, not encrypted any more. */
  keys: Buffer[];
}

type Node = forge.asn1.Asn1;
/** An empty passphrase and none at all give different keys (RFC 7292, appendix B): programs write both. */
type Passphrase = '' | null;

const { asn1 } = forge;
const derive = promisify(pbkdf2);

/**
 * Rounds of key derivation over the whole file: some seconds at most. OpenSSL makes files with 3 × 2,048, and the most
 * that is recommended today is 3 × 600,000.
 */
const mostRounds = 3_000_000;

const oid = {
  data: '1.2.840.113549.1.7.1',
  encryptedData: '1.2.840.113549.1.7.6',
  keyBag: '1.2.840.113549.1.12.10.1.1',
  shroudedKeyBag: '1.2.840.113549.1.12.10.1.2',
  certificateBag: '1.2.840.113549.1.12.10.1.3',
  safeContentsBag: '1.2.840.113549.1.12.10.1.6',
  x509: '1.2.840.113549.1.9.22.1',
  pbes2: '1.2.840.113549.1.5.13',
  pbkdf2: '1.2.840.113549.1.5.12',
  tripleDes: '1.2.840.113549.1.12.1.3',
  rc2Of40Bits: '1.2.840.113549.1.12.1.6',
} as const;

const hmacDigests: Readonly<Record<string, string>> = {
  '1.2.840.113549.2.7': 'sha1',
  '1.2.840.113549.2.9': 'sha256',
  '1.2.840.113549.2.10': 'sha384',
  '1.2.840.113549.2.11': 'sha512',
};
const ciphers: Readonly<Record<string, { name: string; keyBytes: number }>> = {
  '2.16.840.1.101.3.4.1.2': { name: 'aes-128-cbc', keyBytes: 16 },
  '2.16.840.1.101.3.4.1.22': { name: 'aes-192-cbc', keyBytes: 24 },
  '2.16.840.1.101.3.4.1.42': { name: 'aes-256-cbc', keyBytes: 32 },
  '1.2.840.113549.3.7': { name: 'des-ede3-cbc', keyBytes: 24 },
};
const macDigests = {
  '1.3.14.3.2.26': { name: 'sha1', bytes: 20 },
  '2.16.840.1.101.3.4.2.1': { name: 'sha256', bytes: 32 },
  '2.16.840.1.101.3.4.2.2': { name: 'sha384', bytes: 48 },
  '2.16.840.1.101.3.4.2.3': { name: 'sha512', bytes: 64 },
} as const;

/**
 * Reads a PKCS#12 file that has no passphrase (RFC 7292): what OpenSSL 1 and 3, Java and Windows write. Keys encrypted
 * with PBES2 (AES, 3DES), 3DES or RC2-40, or not at all. SECRET_INVALID for everything else.
 */
export async function readPkcs12(der: Uint8Array): Promise<Pkcs12Content> {
  const file = parse(Buffer.from(der));
  const rounds = createRounds();
  let refusal: unknown;
  for (const passphrase of ['', null] as const) {
    try {
      return await readWith(file, passphrase, rounds);
    } catch (error) {
      refusal ??= error;
    }
  }
  throw refusal;
}

async function readWith(file: Node, passphrase: Passphrase, rounds: Rounds): Promise<Pkcs12Content> {
  const [, authSafe, mac] = sequence(file);
  const { type, content } = contentInfo(authSafe);
  if (type !== oid.data) throw malformed('it is sealed with a certificate instead of a passphrase');
  const signed = octets(content);
  if (mac) checkMac(mac, signed, passphrase, rounds);
  const found: Pkcs12Content = { certificates: [], keys: [] };
  for (const part of sequence(parse(signed))) {
    const info = contentInfo(part);
    const contents =
      info.type === oid.encryptedData
        ? await decryptContent(info.content, passphrase, rounds)
        : info.type === oid.data && octets(info.content);
    if (contents) await collect(parse(contents), found, passphrase, rounds);
  }
  return found;
}

async function collect(bags: Node, found: Pkcs12Content, passphrase: Passphrase, rounds: Rounds): Promise<void> {
  for (const bag of sequence(bags)) {
    const [bagType, wrapped] = sequence(bag);
    const value = only(wrapped);
    switch (objectId(bagType)) {
      case oid.keyBag:
        found.keys.push(toDer(value));
        break;
      case oid.shroudedKeyBag: {
        const [algorithm, encrypted] = sequence(value);
        found.keys.push(await decrypt(algorithm, octets(encrypted), passphrase, rounds));
        break;
      }
      case oid.certificateBag: {
        const [certificateType, certificate] = sequence(value);
        if (objectId(certificateType) === oid.x509) found.certificates.push(octets(only(certificate)));
        break;
      }
      case oid.safeContentsBag:
        await collect(value, found, passphrase, rounds);
    }
  }
}

/** Proves that the passphrase is the one, and that the file is whole. Kinds of MAC that are not known prove nothing. */
function checkMac(macData: Node, signed: Buffer, passphrase: Passphrase, rounds: Rounds): void {
  const [digestInfo, salt, iterations] = sequence(macData);
  const [algorithm, expected] = sequence(digestInfo);
  const digest = macDigests[objectId(sequence(algorithm)[0]) as keyof typeof macDigests];
  if (!digest) return;
  const count = iterations ? integer(iterations) : 1;
  rounds.spend(count);
  const key = forge.pkcs12.generateKey(
    passphrase,
    forge.util.createBuffer(octets(salt).toString('latin1')),
    3,
    count,
    digest.bytes,
    forge.md[digest.name].create(),
  );
  const mac = createHmac(digest.name, Buffer.from(key.getBytes(), 'latin1')).update(signed).digest();
  const stated = octets(expected);
  if (mac.length !== stated.length || !timingSafeEqual(mac, stated)) {
    throw secretInvalid('is a PKCS#12 file that needs a passphrase, or is damaged', details);
  }
}

function decryptContent(encryptedData: Node, passphrase: Passphrase, rounds: Rounds): Promise<Buffer> {
  const [, info] = sequence(encryptedData);
  const [, algorithm, content] = sequence(info);
  return decrypt(algorithm, octets(content), passphrase, rounds);
}

async function decrypt(
  algorithm: Node | undefined,
  encrypted: Buffer,
  passphrase: Passphrase,
  rounds: Rounds,
): Promise<Buffer> {
  const [type, parameters] = sequence(algorithm);
  switch (objectId(type)) {
    case oid.pbes2:
      return decryptPbes2(parameters, encrypted, rounds);
    case oid.tripleDes: {
      const key = deriveOld(parameters, 1, 24, passphrase, rounds);
      const iv = deriveOld(parameters, 2, 8, passphrase, rounds);
      return decipher('des-ede3-cbc', key, iv, encrypted);
    }
    case oid.rc2Of40Bits: {
      const key = deriveOld(parameters, 1, 5, passphrase, rounds);
      const cipher = forge.rc2.createDecryptionCipher(key.toString('latin1'), 40);
      cipher.start(deriveOld(parameters, 2, 8, passphrase, rounds).toString('latin1'));
      cipher.update(forge.util.createBuffer(encrypted.toString('latin1')));
      if (!cipher.finish()) throw undecipherable();
      return Buffer.from(cipher.output.getBytes(), 'latin1');
    }
  }
  throw secretInvalid('is a PKCS#12 file with an encryption that Kiln does not know', details);
}

/** RFC 8018. The empty passphrase and none are the same here. */
async function decryptPbes2(parameters: Node | undefined, encrypted: Buffer, rounds: Rounds): Promise<Buffer> {
  const [derivation, scheme] = sequence(parameters);
  const [derivationType, derivationParameters] = sequence(derivation);
  const [salt, iterations, ...rest] = sequence(derivationParameters);
  const [schemeType, iv] = sequence(scheme);
  const cipher = ciphers[objectId(schemeType)];
  const prf = rest.find((node) => node.type === asn1.Type.SEQUENCE);
  const digest = prf ? hmacDigests[objectId(sequence(prf)[0])] : 'sha1';
  if (objectId(derivationType) !== oid.pbkdf2 || !cipher || !digest) {
    throw secretInvalid('is a PKCS#12 file with an encryption that Kiln does not know', details);
  }
  const count = integer(iterations);
  rounds.spend(count);
  const key = await derive('', octets(salt), count, cipher.keyBytes, digest);
  return decipher(cipher.name, key, octets(iv), encrypted);
}

/** RFC 7292, appendix B. @param purpose 1: key, 2: initialization vector. */
function deriveOld(
  parameters: Node | undefined,
  purpose: number,
  bytes: number,
  passphrase: Passphrase,
  rounds: Rounds,
): Buffer {
  const [salt, iterations] = sequence(parameters);
  const count = integer(iterations);
  rounds.spend(count);
  const saltBuffer = forge.util.createBuffer(octets(salt).toString('latin1'));
  return Buffer.from(forge.pkcs12.generateKey(passphrase, saltBuffer, purpose, count, bytes).getBytes(), 'latin1');
}

function decipher(name: string, key: Buffer, iv: Buffer, encrypted: Buffer): Buffer {
  try {
    const cipher = createDecipheriv(name, key, iv);
    return Buffer.concat([cipher.update(encrypted), cipher.final()]);
  } catch {
    throw undecipherable();
  }
}

interface Rounds {
  spend(count: number): void;
}

function createRounds(): Rounds {
  let left = mostRounds;
  return {
    spend(count) {
      left -= count;
      if (count < 1 || left < 0) {
        throw secretInvalid(`is a PKCS#12 file that wants more than ${mostRounds} rounds of key derivation`, details);
      }
    },
  };
}

const details = { format: 'PKCS#12' };
const undecipherable = () => secretInvalid('is a PKCS#12 file that needs a passphrase, or is damaged', details);
const malformed = (why: string) => secretInvalid(`is no PKCS#12 file: ${why}`, details);

function parse(der: Buffer): Node {
  try {
    return asn1.fromDer(forge.util.createBuffer(der.toString('latin1')));
  } catch {
    throw malformed('it is not DER');
  }
}

const toDer = (node: Node) => Buffer.from(asn1.toDer(node).getBytes(), 'latin1');

function contentInfo(node: Node | undefined): { type: string; content: Node } {
  const [type, content] = sequence(node);
  return { type: objectId(type), content: only(content) };
}

/** What is in a SEQUENCE or SET. */
function sequence(node: Node | undefined): Node[] {
  if (!node || !Array.isArray(node.value)) throw malformed('a sequence is missing');
  return node.value;
}

/** What an explicit tag stands around. */
function only(node: Node | undefined): Node {
  const [inner] = sequence(node);
  if (!inner) throw malformed('a value is missing');
  return inner;
}

/** The bytes of an OCTET STRING, which BER may have cut in pieces. */
function octets(node: Node | undefined): Buffer {
  if (!node) throw malformed('a value is missing');
  if (Array.isArray(node.value)) return Buffer.concat(node.value.map(octets));
  return Buffer.from(node.value, 'latin1');
}

function objectId(node: Node | undefined): string {
  if (node?.type !== asn1.Type.OID || typeof node.value !== 'string') throw malformed('an identifier is missing');
  return asn1.derToOid(forge.util.createBuffer(node.value));
}

function integer(node: Node | undefined): number {
  const bytes = node?.type === asn1.Type.INTEGER ? octets(node) : Buffer.alloc(0);
  if (bytes.length === 0) throw malformed('a number is missing');
  return bytes.length > 5 ? Number.POSITIVE_INFINITY : bytes.readIntBE(0, bytes.length);
}
