import type { TSchema } from 'typebox';
import { expect, it } from 'vitest';
import { formats } from './formats.ts';
import { healthMonitorCreateBody } from './schemas/health-monitor.ts';
import { l7PolicyCreateBody } from './schemas/l7-policy.ts';
import { l7RuleCreateBody } from './schemas/l7-rule.ts';
import { listenerCreateBody } from './schemas/listener.ts';
import { loadBalancerCreateBody } from './schemas/load-balancer.ts';
import { memberCreateBody } from './schemas/member.ts';
import { poolCreateBody } from './schemas/pool.ts';

const bodies: Record<string, TSchema> = {
  healthMonitorCreateBody,
  l7PolicyCreateBody,
  l7RuleCreateBody,
  listenerCreateBody,
  loadBalancerCreateBody,
  memberCreateBody,
  poolCreateBody,
};
const bounded = ['uuid', 'ip', 'cidr', 'date-time'];

/** The places of texts that could be longer than any column. */
function unbounded(schema: unknown, place: string): string[] {
  if (Array.isArray(schema)) return schema.flatMap((it) => unbounded(it, place));
  if (typeof schema !== 'object' || schema === null) return [];
  const { type, maxLength, format, enum: values, ...rest } = schema as Record<string, unknown>;
  const isBounded = maxLength !== undefined || values !== undefined || bounded.includes(String(format));
  const here = type === 'string' && !isBounded ? [place] : [];
  return [...here, ...Object.entries(rest).flatMap(([key, value]) => unbounded(value, `${place}.${key}`))];
}

it.each(Object.entries(bodies))('every text of %s has a greatest length', (name, schema) => {
  expect(unbounded(schema, name)).toEqual([]);
});

it.each(['/', '/a{b}|c^`"<>\\é%zz?[x]#y', '/%'])('takes the path %s, as Octavia', (path) => {
  expect(formats['url-path']?.read(path)).toBe(path);
});
it.each(['//h', 'a', '/a b', '/[', '/a\n', '/\u2028'])('refuses the path %j', (path) => {
  expect(formats['url-path']?.read(path)).toBeNull();
});
it.each(['http://h/{a}|"%', 'https://u@h:1/?[x]', 'http://[::1]/'])('takes the URL %s, as Octavia', (url) => {
  expect(formats['http-url']?.read(url)).toBe(url);
});
it.each(['http://', 'ftp://h/', 'http:///x', 'http://h:x/', 'http://h/\r\nX: y', 'http://h/[', 'http://a"b/'])(
  'refuses the URL %j',
  (url) => expect(formats['http-url']?.read(url)).toBeNull(),
);
