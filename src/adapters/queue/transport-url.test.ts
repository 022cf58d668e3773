import fc from 'fast-check';
import { expect, it } from 'vitest';
import { KilnError } from '../../model/errors.ts';
import { readTransportUrl } from './transport-url.ts';

const guest = { user: 'guest', password: 'guest' };

it.each([
  ['rabbit://u:p@h:5673/v', [{ host: 'h', port: 5673, user: 'u', password: 'p' }], 'v'],
  ['rabbit://u:p@h', [{ host: 'h', port: null, user: 'u', password: 'p' }], '/'],
  ['rabbit://u:p@h/', [{ host: 'h', port: null, user: 'u', password: 'p' }], '/'],
  ['rabbit://u:p@h//', [{ host: 'h', port: null, user: 'u', password: 'p' }], '/'],
  ['rabbit://u:p@h/%2Fkiln', [{ host: 'h', port: null, user: 'u', password: 'p' }], '/kiln'],
  ['rabbit://h:/', [{ host: 'h', port: null, ...guest }], '/'],
  [
    'rabbit://a:1@h1:1,b:2@h2,[::1]:3/x',
    [
      { host: 'h1', port: 1, user: 'a', password: '1' },
      { host: 'h2', port: null, user: 'b', password: '2' },
      { host: '::1', port: 3, ...guest },
    ],
    'x',
  ],
  ['rabbit://u%40x:p%2C%2F%3A%C3%A4%zz@h', [{ host: 'h', port: null, user: 'u@x', password: 'p,/:ä%zz' }], '/'],
  ['rabbit://u:p:q@r@h:1', [{ host: 'h', port: 1, user: 'u', password: 'p:q@r' }], '/'],
  ['rabbit://u@h', [{ host: 'h', port: null, user: 'u', password: '' }], '/'],
  [' RABBIT://h \n', [{ host: 'h', port: null, ...guest }], '/'],
] as const)('reads %s', (url, hosts, virtualHost) => {
  expect(readTransportUrl(url)).toEqual({ hosts, virtualHost, options: {} });
});

it('reads options', () => {
  expect(readTransportUrl('rabbit://h/v?ssl=1&ssl_ca_file=/a%20b.pem').options).toEqual({
    ssl: '1',
    ssl_ca_file: '/a b.pem',
  });
});

it.each([
  '',
  'h:5672',
  'amqp://sesame@h',
  'rabbit://',
  'rabbit:///v',
  'rabbit://u:sesame@h:port',
  'rabbit://u:p@h:0',
  'rabbit://u:sesame@[::1',
])('refuses "%s" and repeats nothing of it', (url) => {
  expect(() => readTransportUrl(url)).toThrow(KilnError);
  expect(() => readTransportUrl(url)).not.toThrow(/sesame/);
});

it('any user, password and virtual host come back from their percent-encoding', () => {
  const text = fc.string({ unit: 'grapheme', minLength: 1 }).filter((value) => value.isWellFormed());
  fc.assert(
    fc.property(text, text, text, fc.integer({ min: 1, max: 65_535 }), (user, password, virtualHost, port) => {
      const encode = (value: string) => encodeURIComponent(value);
      const url = `rabbit://${encode(user)}:${encode(password)}@h:${port},x/${encode(virtualHost)}`;
      expect(readTransportUrl(url)).toEqual({
        hosts: [
          { host: 'h', port, user, password },
          { host: 'x', port: null, ...guest },
        ],
        virtualHost,
        options: {},
      });
    }),
  );
});

it('never throws anything else, and never names what stood before an @', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      try {
        readTransportUrl(`rabbit://u:sesame${text}`);
      } catch (error) {
        expect(error).toMatchObject({ code: 'CONFIGURATION_INVALID' });
        expect((error as Error).message).not.toContain('sesame');
      }
    }),
  );
});
