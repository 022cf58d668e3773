import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as option from './option.ts';

/** The value, or the fault as a string. */
function read<T>(declared: option.Option<T>, text: string): unknown {
  const parsed = declared.parse(text);
  return 'fault' in parsed ? `fault: ${parsed.fault}` : parsed.value;
}

describe('values', () => {
  it('booleans in all spellings', () => {
    const flag = option.boolean({ default: false, help: '' });
    for (const word of ['true', 'True', 'TRUE', '1', 'on', 'On', 'yes', 'YES']) expect(read(flag, word)).toBe(true);
    for (const word of ['false', 'False', '0', 'off', 'OFF', 'no', 'No']) expect(read(flag, word)).toBe(false);
    for (const word of ['', '2', 'y', 't', 'enabled', 'true false'])
      expect(read(flag, word)).toMatch(/^fault: must be/);
  });

  it('integers, as Python takes them, within their bounds', () => {
    const count = option.integer({ default: 9, min: 8, max: 255, help: '' });
    expect(count.allowed).toBe('an integer from 8 to 255');
    expect(['8', ' 010 ', '+9', '2_5', ''].map((text) => read(count, text))).toEqual([8, 10, 9, 25, 9]);
    for (const text of ['7', '0', '256', '-1', '1.0', '0x10', 'ten', '1 0', '_8', '9'.repeat(400)]) {
      expect(read(count, text)).toBe('fault: must be an integer from 8 to 255');
    }
    expect(read(option.integer({ default: null, help: '' }), '')).toBeNull();
    expect(read(option.port({ default: 1, help: '' }), '65536')).toBe('fault: must be a port from 0 to 65535');
  });

  it('numbers', () => {
    const seconds = option.float({ default: 10, min: 0, help: '' });
    expect(['1', '1.5', '.5', '5.', '1e3', ''].map((text) => read(seconds, text))).toEqual([1, 1.5, 0.5, 5, 1000, 10]);
    for (const text of ['nan', 'inf', '-1', '1,5', '.', 'e1']) expect(read(seconds, text)).toMatch(/^fault/);
  });

  it('strings: an empty one is "not set" exactly where the default is null', () => {
    expect(read(option.string({ default: null, help: '' }), '')).toBeNull();
    expect(read(option.string({ default: 'x', help: '' }), '')).toBe('');
  });

  it('choices, exactly', () => {
    const policy = option.choice(['newest', 'unique'], { default: 'newest', help: '' });
    expect(read(policy, 'unique')).toBe('unique');
    for (const text of ['Unique', '', 'uniq']) expect(read(policy, text)).toBe('fault: must be one of: newest, unique');
  });

  it('addresses', () => {
    const address = option.ipAddress({ default: '::', help: '' });
    for (const text of ['127.0.0.1', '::', 'fe80::1']) expect(read(address, text)).toBe(text);
    for (const text of ['', 'localhost', '1.2.3', '010.0.0.1', 'fe80::1%eth0'])
      expect(read(address, text)).toMatch(/^fault/);
  });

  it('lists: blanks around items and commas at the end go, an item may hold a comma where its rule says so', () => {
    const names = option.list({ default: [], help: '' });
    expect(read(names, ' a, b c ,,d,, ')).toEqual(['a', 'b c', '', 'd']);
    expect(read(names, '')).toEqual([]);
    const targets = option.list({ default: [], item: { test: /^\S+:\d+$/, description: 'host:port' }, help: '' });
    expect(read(targets, '192.0.2.1:514,\n[::1]:514')).toEqual(['192.0.2.1:514', '[::1]:514']);
    expect(read(targets, 'a:1,b')).toBe('fault: "b" must be host:port');
  });

  it('dictionaries', () => {
    const pairs = option.dict({ default: {}, help: '' });
    expect(read(pairs, 'a:1, b : c:d,__proto__:x')).toEqual(JSON.parse('{"a":"1","b":"c:d","__proto__":"x"}'));
    expect(read(pairs, '')).toEqual({});
    expect(read(pairs, 'a')).toMatch(/"a" has no ":"/);
    expect(read(pairs, 'a:1,a:2')).toMatch(/"a" twice/);
    expect(read(pairs, ':1')).toMatch(/must have a key/);
  });

  it('any text is a value or a fault with words, never an exception', () => {
    const all: option.Option<unknown>[] = [
      option.boolean({ default: null, help: '' }),
      option.integer({ default: null, help: '' }),
      option.float({ default: null, help: '' }),
      option.list({ default: [], help: '' }),
      option.dict({ default: {}, help: '' }),
      option.ipAddress({ default: null, help: '' }),
    ];
    fc.assert(
      fc.property(fc.constantFrom(...all), fc.string({ unit: 'binary' }), (declared, text) => {
        const parsed = declared.parse(text);
        if ('fault' in parsed) expect(parsed.fault.length).toBeGreaterThan(0);
      }),
    );
  });
});
