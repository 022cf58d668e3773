import fc from 'fast-check';
import type { TSchema } from 'typebox';
import { describe, expect, it } from 'vitest';
import { KilnError } from '../../model/errors.ts';
import { formats } from './formats.ts';
import { readBody } from './read-body.ts';
import { healthMonitorCreateBody } from './schemas/health-monitor.ts';
import { listenerCreateBody } from './schemas/listener.ts';
import { loadBalancerCreateBody } from './schemas/load-balancer.ts';

const subnet = 'b5a1d6f0-0000-4000-8000-000000000001';
const refusal = (schema: TSchema, json: unknown): string => {
  try {
    readBody(schema, json);
  } catch (error) {
    if (error instanceof KilnError) return error.message;
    throw error;
  }
  return 'accepted';
};
const loadBalancer = (fields: object) => refusal(loadBalancerCreateBody, { loadbalancer: fields });

describe('a request body', () => {
  // The sentences were recorded from Octavia 11 with wsme 0.11.
  it.each([
    [{ bogus: 1 }, 'Unknown attribute for argument load_balancer.loadbalancer: bogus'],
    [{ bogus: 1, b2: 2 }, 'Unknown attributes for argument load_balancer.loadbalancer: bogus, b2'],
    [{ name: 1 }, "Invalid input for field/attribute name. Value: '1'. Value should be string"],
    [
      { name: 'x'.repeat(256) },
      `Invalid input for field/attribute name. Value: '${'x'.repeat(256)}'. Value should have a maximum character requirement of 255`,
    ],
    [
      { vip_subnet_id: 'zz' },
      "Invalid input for field/attribute vip_subnet_id. Value: 'zz'. Value should be UUID format",
    ],
    [
      { vip_address: '300.1.1.1' },
      "Invalid input for field/attribute vip_address. Value: '300.1.1.1'. Value should be IPv4 or IPv6 format",
    ],
    [
      { listeners: [{ protocol: 'HTTP' }] },
      "Invalid input for field/attribute protocol_port. Value: 'None'. Mandatory field missing.",
    ],
    [
      { listeners: [{ protocol: 'HTTP', protocol_port: 80, zz: 1 }] },
      'Unknown attribute for argument load_balancer.loadbalancer.listeners: zz',
    ],
  ])('refuses %j as Octavia does', (fields, message) => {
    expect(loadBalancer(fields)).toBe(message);
  });

  it.each([
    [undefined, 'Missing argument: "load_balancer"'],
    [{ loadbalance: {} }, 'Unknown attribute for argument load_balancer: loadbalance'],
    [{ loadbalancer: [] }, "Invalid input for field/attribute loadbalancer. Value: '[]'. Value should be an object"],
    [[], "Invalid input for field/attribute load_balancer. Value: '[]'. Value should be an object"],
  ])('refuses %j', (json, message) => {
    expect(refusal(loadBalancerCreateBody, json)).toBe(message);
  });

  it.each([[{}], [{ loadbalancer: null }]])('leaves it to the route to miss the object in %j', (json) => {
    expect(readBody(loadBalancerCreateBody, json)).toEqual({ loadbalancer: null });
  });

  it('tells null where a value has to be from a field that is not there', () => {
    const without = { pool_id: subnet, type: 'HTTP', timeout: 3, max_retries: 2 };
    const withNull = { healthmonitor: { ...without, delay: null } };
    expect(refusal(healthMonitorCreateBody, withNull)).toBe('None is not a valid option for delay');
    expect(refusal(healthMonitorCreateBody, { healthmonitor: without })).toBe(
      "Invalid input for field/attribute delay. Value: 'None'. Mandatory field missing.",
    );
  });

  it('takes text for numbers and flags, as wsme does', () => {
    const monitor = { pool_id: subnet, type: 'HTTP', delay: '5', timeout: ' 3', max_retries: '2', http_version: '1.1' };
    expect(readBody(healthMonitorCreateBody, { healthmonitor: { ...monitor, admin_state_up: 'true' } })).toEqual({
      healthmonitor: {
        pool_id: subnet,
        type: 'HTTP',
        delay: 5,
        timeout: 3,
        max_retries: 2,
        http_version: 1.1,
        admin_state_up: true,
      },
    });
  });

  it('takes null for what may be left out and keeps it apart from what was', () => {
    const read = readBody(loadBalancerCreateBody, { loadbalancer: { name: null, vip_subnet_id: subnet } });
    expect(read).toEqual({ loadbalancer: { name: null, vip_subnet_id: subnet } });
  });

  it.each([80.5, true, '8O', 2 ** 40, -1, [], {}, '1e3'])('takes no %j for a port', (port) => {
    const listener = { loadbalancer_id: subnet, protocol: 'TCP', protocol_port: port };
    expect(refusal(listenerCreateBody, { listener })).toContain('field/attribute protocol_port');
  });

  it('refuses what is no text and names that would reach the prototype', () => {
    expect(loadBalancer({ name: '\ud800' })).toContain('field/attribute name');
    expect(refusal(loadBalancerCreateBody, JSON.parse('{"loadbalancer":{"__proto__":{"name":"x"}}}'))).toContain(
      '__proto__',
    );
    expect(loadBalancer({ constructor: 1 })).toContain('constructor');
  });

  it('either is read or refused with a reason, whatever it is', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 5 }), (json) => {
        for (const one of [json, { loadbalancer: json }, { loadbalancer: { listeners: [json], tags: json } }]) {
          try {
            readBody(loadBalancerCreateBody, one);
          } catch (error) {
            expect(error).toBeInstanceOf(KilnError);
            expect((error as KilnError).httpStatus).toBe(400);
          }
        }
      }),
    );
  });

  it('does not walk all of what it refuses', () => {
    let deep: unknown = 1;
    for (let level = 0; level < 100_000; level++) deep = [deep];
    expect(loadBalancer({ name: deep })).toContain(`Value: '${'['.repeat(21)}...${']'.repeat(21)}'`);
    expect(loadBalancer({ tags: deep })).toContain('field/attribute tags');
  });
});

describe('formats', () => {
  const read = (format: string, value: string) => formats[format]?.read(value);
  it.each([
    ['10.1.2.3/8', '10.0.0.0/8'],
    ['10.1.2.3', '10.1.2.3/32'],
    ['10.1.2.3/255.255.0.0', '10.1.0.0/16'],
    ['0.0.0.0/0', '0.0.0.0/0'],
    ['1.2.3.4/255.255.255.255', '1.2.3.4/32'],
    ['2001:DB8::1:2/64', '2001:db8::/64'],
    ['::/0', '::/0'],
    ['::1', '::1/128'],
    ['fe80::1%eth0/64', null],
    ['10.0.0.0/33', null],
    ['10.0.0.0/255.0.255.0', null],
    ['10.0.0.0/8/8', null],
    ['', null],
  ])('reads the network %s as %s', (text, network) => {
    expect(read('cidr', text)).toBe(network);
  });

  it.each([
    ['B5A1D6F000004000800000000000000A', 'b5a1d6f0-0000-4000-8000-00000000000a'],
    ['{b5a1d6f0-0000-4000-8000-000000000001}', subnet],
    ['b5a1d6f0-0000-4000-8000-00000000000', null],
  ])('reads the UUID %s as %s', (text, id) => {
    expect(read('uuid', text)).toBe(id);
  });

  it.each([
    ['/', true],
    ['/health?x=1#y', true],
    ['health', false],
    ['//evil/x', false],
    ['/a b', false],
    ['/a\n', false],
    ['http://x/', false],
    ['/%zz', true],
  ])('path %j: %s', (text, valid) => {
    expect(read('url-path', text) === text).toBe(valid);
  });

  it.each([
    ['https://example.org/x?y=1', true],
    ['http://[2001:db8::1]:8080', true],
    ['ftp://example.org', false],
    ['https://', false],
    ['https://a b', false],
    ['https://example.org/\r\nX: y', false],
    ['example.org', false],
  ])('URL %j: %s', (text, valid) => {
    expect(read('http-url', text) === text).toBe(valid);
  });
});
