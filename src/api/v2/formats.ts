import { isIPv4, isIPv6 } from 'node:net';
import { addressToNumber, networkAddress } from '../../core/network/address.ts';

/**
 * The formats that strings of request bodies may have: each gives the value as it is kept, or null when it is not one.
 * The sentences are those of Octavia and wsme (octavia/api/common/types.py, wsme/types.py).
 */
export interface Format {
  refusal: string;
  read(value: string): string | null;
}

export const formats: Readonly<Record<string, Format>> = {
  uuid: { refusal: 'Value should be UUID format', read: readUuid },
  ip: { refusal: 'Value should be IPv4 or IPv6 format', read: (value) => (isAddress(value) ? value : null) },
  cidr: { refusal: 'Value should be IPv4 or IPv6 CIDR format', read: readCidr },
  'secret-reference': { refusal: 'Value should be string', read: (value) => (value.isWellFormed() ? value : null) },
  'alpn-protocol': { refusal: 'Value should be a valid ALPN protocol ID', read: (value) => value },
  'http-url': { refusal: 'Value must be a valid URL string', read: (value) => (isHttpUrl(value) ? value : null) },
  'url-path': { refusal: 'Value must be a valid URL Path string', read: (value) => (isUrlPath(value) ? value : null) },
};

/** Characters: more than any spelling of one has, so that no pattern below runs over a text as large as a body. */
const longestUuid = 100;

/** As Python's uuid.UUID reads it: braces, a urn prefix and missing dashes are taken; kept in the usual form. */
function readUuid(value: string): string | null {
  if (value.length > longestUuid) return null;
  const digits = value
    .replaceAll(/urn:|uuid:/g, '')
    .replaceAll(/^[{}]+|[{}]+$/g, '')
    .replaceAll('-', '');
  if (!/^[0-9a-f]{32}$/i.test(digits)) return null;
  return digits.toLowerCase().replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

/** Node takes a zone (`fe80::1%eth0`); nobody else in the cloud does. */
function isAddress(value: string): boolean {
  return !value.includes('%') && (isIPv4(value) || isIPv6(value));
}

/** The network with its prefix length: `10.1.2.3/8` is kept as `10.0.0.0/8`, a single address as `/32` or `/128`. */
function readCidr(value: string): string | null {
  const [address = '', length, ...rest] = value.split('/');
  if (rest.length > 0 || !isAddress(address)) return null;
  const bits = isIPv4(address) ? 32 : 128;
  const prefix = length === undefined ? bits : prefixLength(length, bits);
  if (prefix === null) return null;
  return `${networkAddress(address, prefix)}/${prefix}`;
}

function prefixLength(text: string, bits: number): number | null {
  if (/^\d{1,3}$/.test(text)) return Number(text) <= bits ? Number(text) : null;
  if (bits !== 32 || !isIPv4(text)) return null;
  // A netmask: ones, then zeros.
  const mask = addressToNumber(text).toString(2).padStart(32, '0');
  return /^1*0*$/.test(mask) ? mask.indexOf('0') + (mask.includes('0') ? 0 : 33) : null;
}

/**
 * Octavia takes all characters but blanks and controls, and brackets in a path (octavia/common/validate.py); the renderer
 * quotes them (core/haproxy/quote.ts).
 */
const blankOrControl = /[\p{Cc}\s]/u;
/** Of a host, a port and who asks. */
const authority =
  /^https?:\/\/(?:[\w\-.~!$&'()*+,;=:]*@)?(?:\[[0-9A-Fa-f:.]+\]|[\w\-.~!$&'()*+,;=]+)(?::\d*)?(?=[/?#]|$)/;
const isPathWithoutBrackets = (value: string) => !/^[^?#]*[[\]]/.test(value);

function isHttpUrl(value: string): boolean {
  const [start] = authority.exec(value) ?? [];
  return start !== undefined && !blankOrControl.test(value) && isPathWithoutBrackets(value.slice(start.length));
}

/** Rejects whole URLs and `//host/path` too. */
function isUrlPath(value: string): boolean {
  return /^\/(?!\/)/.test(value) && !blankOrControl.test(value) && isPathWithoutBrackets(value);
}
