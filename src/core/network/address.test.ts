import { expect, it } from 'vitest';
import { canonicalAddress } from './address.ts';

it.each([
  ['10.0.0.1', '10.0.0.1'],
  ['::ffff:10.0.0.1', '10.0.0.1'],
  ['::FFFF:7f00:4d', '127.0.0.77'],
  ['0:0:0:0:0:ffff:a9fe:a9fe', '169.254.169.254'],
  ['FE80:0:0:0:0:0:A9FE:A9FE', 'fe80::a9fe:a9fe'],
  ['fe80::a9fe:169.254', 'fe80::a9fe:169.254'],
  ['fe80::169.254.169.254', 'fe80::a9fe:a9fe'],
  ['fe80::a9fe:a9fe%eth0', 'fe80::a9fe:a9fe'],
  ['2001:0db8::0001', '2001:db8::1'],
  ['::1', '::1'],
])('%s is %s', (written, canonical) => expect(canonicalAddress(written)).toBe(canonical));
