import { createHmac, timingSafeEqual } from 'node:crypto';
import { deflateSync, inflateSync } from 'node:zlib';

/**
 * A packet is zlib-compressed JSON and, after it, its HMAC-SHA256: 64 hexadecimal digits, or 32 bytes from agents before
 * Octavia 2 (octavia/amphorae/backends/health_daemon/status_message.py).
 */

/** What a UDP packet can hold over IPv4. */
export const longestPacketBytes = 65_507;
/** What a packet may decompress to. IDs compress three to one, so an honest one has no more than 300 kB. */
const longestMessageBytes = 2 * 1024 * 1024;
/**
 * Room for a message is taken in pieces of about what one needs: with zlib's 16 KiB, taking it would be most of the work. The
 * shortest ones come out of memory that Node keeps ready.
 */
const usualRatio = 4;
const shortestChunkBytes = 1024;
const hexBytes = 64;
const binaryBytes = 32;

/** Why a packet was dropped. */
export type PacketFault = 'too-short' | 'too-long' | 'signature' | 'compression' | 'json';

export type Unwrapped = { ok: true; message: unknown } | { ok: false; fault: PacketFault };

/** @param digest binary for controllers before Octavia 2; nobody sends that any more. */
export function wrapEnvelope(message: unknown, key: string, digest: 'hex' | 'binary' = 'hex'): Buffer {
  const payload = deflateSync(JSON.stringify(message), { level: 9 });
  return Buffer.concat([payload, sign(payload, key, digest)]);
}

/** Checks the signature before it looks at anything else. Never throws. */
export function unwrapEnvelope(packet: Uint8Array, key: string): Unwrapped {
  if (packet.byteLength > longestPacketBytes) return { ok: false, fault: 'too-long' };
  if (packet.byteLength <= binaryBytes) return { ok: false, fault: 'too-short' };
  const payload = payloadSignedBy(packet, key, 'hex') ?? payloadSignedBy(packet, key, 'binary');
  if (!payload) return { ok: false, fault: 'signature' };
  let text: string;
  try {
    const chunkSize = Math.max(shortestChunkBytes, payload.byteLength * usualRatio);
    text = inflateSync(payload, { maxOutputLength: longestMessageBytes, chunkSize }).toString('utf8');
  } catch {
    return { ok: false, fault: 'compression' };
  }
  try {
    return { ok: true, message: JSON.parse(text) };
  } catch {
    return { ok: false, fault: 'json' };
  }
}

function payloadSignedBy(packet: Uint8Array, key: string, digest: 'hex' | 'binary'): Uint8Array | null {
  const length = digest === 'hex' ? hexBytes : binaryBytes;
  if (packet.byteLength <= length) return null;
  const payload = packet.subarray(0, -length);
  return timingSafeEqual(packet.subarray(-length), sign(payload, key, digest)) ? payload : null;
}

function sign(payload: Uint8Array, key: string, digest: 'hex' | 'binary'): Buffer {
  const mac = createHmac('sha256', key).update(payload);
  return digest === 'hex' ? Buffer.from(mac.digest('hex'), 'latin1') : mac.digest();
}
