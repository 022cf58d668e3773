import { expect, it } from 'vitest';
import { canonicalAddress, translatedAddress } from './address.ts';

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

it.each([
  ['64:ff9b::a9fe:a9fe', '169.254.169.254'],
  ['64:FF9B::169.254.169.254', '169.254.169.254'],
  ['::169.254.169.254', '169.254.169.254'],
  ['::ffff:0:169.254.169.254', '169.254.169.254'],
  ['2002:a9fe:a9fe::1', '169.254.169.254'],
  ['64:ff9b:1::a9fe:a9fe', null],
  ['::ffff:169.254.169.254', null],
  ['2001:db8::a9fe:a9fe', null],
  ['fe80::a9fe:a9fe', null],
  ['1:2:3:4:5:6:7:8', null],
  ['169.254.169.254', null],
])('%s is translated to %s', (written, translated) => expect(translatedAddress(written)).toBe(translated));
