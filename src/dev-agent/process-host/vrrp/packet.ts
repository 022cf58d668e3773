import { timingSafeEqual } from 'node:crypto';

/** Version 3, type 1: an advertisement (RFC 9568, 5.1). */
const versionAndType = 0x31;
/** Then the password of version 2, filled up with zeros. */
const headerBytes = 4;
const passwordBytes = 8;

/** What VRRP's advertisements have, without what IP says: they go as UDP here. */
export interface VrrpPacket {
  virtualRouterId: number;
  priority: number;
}

export function encodeVrrpPacket({ virtualRouterId, priority }: VrrpPacket, password: string | null): Buffer {
  return Buffer.concat([Buffer.from([versionAndType, virtualRouterId, priority, 0]), passwordField(password)]);
}

/** Null for what is no advertisement, or does not know the password. */
export function decodeVrrpPacket(packet: Buffer, password: string | null): VrrpPacket | null {
  if (packet.length !== headerBytes + passwordBytes || packet[0] !== versionAndType) return null;
  if (!timingSafeEqual(packet.subarray(headerBytes), passwordField(password))) return null;
  return { virtualRouterId: packet[1] ?? 0, priority: packet[2] ?? 0 };
}

function passwordField(password: string | null): Buffer {
  return Buffer.concat([Buffer.from(password ?? ''), Buffer.alloc(passwordBytes)]).subarray(0, passwordBytes);
}
