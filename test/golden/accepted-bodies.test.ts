/**
 * Whatever the API accepts, the real HAProxy and the real keepalived take: each field that reaches a configuration gets
 * every odd value here, through the API's own reader and rules, and what comes of it is rendered and checked.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readBody } from '../../src/api/v2/read-body.ts';
import { loadBalancerCreateBody } from '../../src/api/v2/schemas/load-balancer.ts';
import { camel } from '../../src/api/v2/wire/camel.ts';
import { defaultApiSettings } from '../kit/api-settings.ts';
import { makeFullyPopulated } from '../../src/core/lbaas/fully-populated.ts';
import { renderHaproxyConfiguration } from '../../src/core/haproxy/render.ts';
import type { TlsFiles } from '../../src/core/haproxy/settings.ts';
import { renderLvsConfiguration } from '../../src/core/keepalived/lvs/render.ts';
import { KilnError } from '../../src/model/errors.ts';
import type { LoadBalancerTree } from '../../src/model/load-balancer.ts';
import { aLoadBalancer, certificatePath, defaultSettings, listenerId, tlsFileNames } from './haproxy/build.ts';
import { type ConfigurationChecker, createChecker, hasHaproxy } from './haproxy/check.ts';

type Json = Record<string, unknown>;

let ids = 0;
const newId = () => `a0000000-0000-4000-8000-${`${++ids}`.padStart(12, '0')}`;

/** What the API makes of a body; null when it refuses it. */
function accepted(body: Json): LoadBalancerTree | null {
  try {
    const read = readBody(loadBalancerCreateBody, { loadbalancer: body }) as { loadbalancer: never };
    const making = { now: '2026-11-28T00:00:00Z', newId, settings: defaultApiSettings };
    const loadBalancer = aLoadBalancer({ id: newId() });
    return makeFullyPopulated(making, camel(read.loadbalancer), loadBalancer);
  } catch (error) {
    if (error instanceof KilnError && error.code !== 'INTERNAL') return null;
    throw error;
  }
}

const integers = [-2, -1, 0, 1, 2, 256, 257, 65_535, 65_536, 4293, 4294, 2_147_482, 2_147_483, 2_147_484, 2_147_483_647, 2_147_483_648];
const texts = [
  ...['', ' ', 'a b', 'x'.repeat(255), 'é', '🦊', '%', '%%', '%[env(HOME)]', '%zz', '%20', '"', "'", '"a', '"a b"', '\\', '\\x', '#'],
  ...['a#b', '$HOME', '${HOME}', '{', '}', '!', '@', ',', ';', ':', '=', '|', '||', '&', '<x>', '-f', '--', '\t', '\n', '\r\n', '\0'],
  ...['a\nglobal', '# members are down', '/', '//', '/a', '/a b', '/a?b=c', '/%', '/%41', '/"', "/'", '/\\', '/#', '/é', '/{x}', '/$x'],
  ...['http://a', 'https://a/b?c=d#e', 'http://a/%', 'http://a/"', "http://a/'", 'http://[::1]/', 'http://a/{', 'http://é/', 'http://'],
];
const expressions = ['[^]', '\\p', '(?<=a+)b', '(?i)^/admin', '(?P<v>x)', 'a++', '(a)\\1', '[\\w-.]', '(', 'a{2,1}', '\\', '(?x) #'];
const names = ['a', 'JSESSIONID', 'a b', 'a,b', 'a;b', 'a(b)', "a'b", 'a"b', 'a\\b', '#a', '%a', '$a', '-a', '!', 'é', '', 'a'.repeat(255)];
const ciphers = [
  ...['', 'ECDHE-RSA-AES128-GCM-SHA256', 'HIGH:!aNULL', 'ALL:@SECLEVEL=0', '@SECLEVEL=9', '@SECLEVEL=x', '@STRENGTH', 'DEFAULT'],
  ...['nonsense', 'nonsense:HIGH', '!ALL', 'HIGH:!HIGH', ':', '::', 'HIGH::', '-ALL', '+HIGH', 'TLS_AES_128_GCM_SHA256', 'kRSA+AES'],
  ...['HIGH:TLS_AES_128_GCM_SHA256', 'RC4', 'eNULL', 'NULL', '@', 'a=b', '.', '_', 'HIGH@SECLEVEL=1', 'ALL:!COMPLEMENTOFDEFAULT', 'aNULL'],
  ...['HIGH:-', 'HIGH:!', 'HIGH:+', 'PSK', 'SRP', 'DES-CBC3-SHA', 'HIGH:@nonsense', 'DEFAULT@SECLEVEL=2', 'HIGH:DEFAULT'],
];
const lists = (choices: readonly string[]) => [[], ...choices.map((one) => [one]), [...choices], [...choices].reverse(), [choices[0], choices[0]]];
const versions = lists(['TLSv1.3', 'TLSv1.2', 'TLSv1.1', 'TLSv1', 'SSLv3', 'TLSv9']);
const alpn = lists(['h2', 'http/1.1', 'http/1.0']);

const pool = (fields: Json = {}) => ({ name: 'p', protocol: 'HTTP', lb_algorithm: 'ROUND_ROBIN', members: [member()], ...fields });
const member = (fields: Json = {}) => ({ address: '192.0.2.1', protocol_port: 80, ...fields });
const monitor = (fields: Json = {}) => ({ type: 'HTTP', delay: 5, timeout: 3, max_retries: 3, ...fields });
const listener = (fields: Json = {}) => ({ protocol: 'HTTP', protocol_port: 80, default_pool: pool(), ...fields });
const tlsListener = (fields: Json = {}) => listener({ protocol: 'TERMINATED_HTTPS', default_tls_container_ref: 'https://c/1', ...fields });
const withListener = (fields: Json) => ({ listeners: [listener(fields)] });
const withTls = (fields: Json) => ({ listeners: [tlsListener(fields)] });
const withPool = (fields: Json) => withListener({ default_pool: pool(fields) });
const withMonitor = (fields: Json) => withPool({ healthmonitor: monitor(fields) });
const withDatagrams = (fields: Json, listenerFields: Json = {}) => ({
  listeners: [listener({ protocol: 'UDP', default_pool: pool({ protocol: 'UDP', ...fields }), ...listenerFields })],
});
const withPolicy = (fields: Json) => withListener({ l7policies: [{ action: 'REJECT', rules: [rule()], ...fields }] });
const rule = (fields: Json = {}) => ({ type: 'PATH', compare_type: 'STARTS_WITH', value: '/a', ...fields });
const withRule = (fields: Json) => withPolicy({ rules: [rule(fields)] });

/** Bodies by the field that has an odd value. */
const odd: Record<string, (value: unknown) => Json> = {};
const values: Record<string, readonly unknown[]> = {};
function vary(field: string, given: readonly unknown[], make: (value: unknown) => Json): void {
  odd[field] = make;
  values[field] = given;
}
for (const type of ['HTTP', 'HTTPS', 'TCP', 'PING', 'TLS-HELLO']) {
  for (const field of ['delay', 'timeout', 'max_retries', 'max_retries_down']) {
    vary(`healthmonitor(${type}).${field}`, integers, (value) => withMonitor({ type, [field]: value }));
  }
}
for (const type of ['UDP-CONNECT', 'TCP', 'HTTP']) {
  for (const field of ['delay', 'timeout', 'max_retries', 'max_retries_down']) {
    vary(`udp healthmonitor(${type}).${field}`, integers, (value) => withDatagrams({ healthmonitor: monitor({ type, [field]: value }) }));
  }
}
const methods = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'TRACE', 'OPTIONS', 'CONNECT', 'PATCH', '', 'get', ...texts];
const codes = ['200', '200,404', '200 , 404', '200-204', '404-200', '000', '999', '000-999', '200,', '20', '200-204,404', '٢٠٠', '200\n', '600', '100-599', '100-350', '100-351'];
const longPaths = [256, 900, 901, 1024, 2048, 2049].flatMap((length) => [`/${'a'.repeat(length - 1)}`, `/${'\'é'.repeat(length / 2).slice(0, length - 1)}`]);
for (const [prefix, make] of [
  ['', withMonitor],
  ['udp ', (fields: Json) => withDatagrams({ healthmonitor: monitor(fields) })],
] as const) {
  vary(`${prefix}healthmonitor.http_method`, methods, (value) => make({ http_method: value }));
  vary(`${prefix}healthmonitor.url_path`, [...texts, ...longPaths], (value) => make({ url_path: value }));
  vary(`${prefix}healthmonitor.expected_codes`, codes, (value) => make({ expected_codes: value }));
  vary(`${prefix}healthmonitor.http_version`, [1, 1.1, '1.1', 2, 0.9, null], (value) => make({ http_version: value }));
  vary(`${prefix}healthmonitor.domain_name`, ['a.example', 'a_b.example', '-a', 'a\n', ...texts], (value) =>
    make({ domain_name: value, http_version: 1.1 }),
  );
  vary(`${prefix}healthmonitor.name`, texts, (value) => make({ name: value }));
}
for (const field of ['connection_limit', 'protocol_port', 'timeout_client_data', 'timeout_member_connect', 'timeout_member_data', 'timeout_tcp_inspect']) {
  vary(`listener.${field}`, [...integers, 86_400_000, 2_073_600_000, 2_073_600_001], (value) => withListener({ [field]: value }));
  vary(`udp listener.${field}`, integers, (value) => withDatagrams({}, { [field]: value }));
}
vary('listener.tls_ciphers', ciphers, (value) => withTls({ tls_ciphers: value }));
vary('listener.tls_ciphers with TLS 1.3 alone', ciphers, (value) => withTls({ tls_ciphers: value, tls_versions: ['TLSv1.3'] }));
vary('listener.tls_versions', versions, (value) => withTls({ tls_versions: value }));
vary('listener.alpn_protocols', alpn, (value) => withTls({ alpn_protocols: value }));
vary('listener.hsts_max_age', integers, (value) => withTls({ hsts_max_age: value, hsts_preload: true }));
vary('listener.insert_headers', [{}, { 'X-Forwarded-For': 'true' }, ...texts.map((text) => ({ 'X-Forwarded-For': text })), ...names.map((name) => ({ [name]: 'true' }))], (value) => withListener({ insert_headers: value }));
vary('listener.insert_headers with TLS', ['X-SSL-Client-CN', 'X-SSL-Client-DN', 'X-SSL-Client-Not-After', 'X-SSL-Nonsense'], (name) => withTls({ insert_headers: { [name as string]: 'true' } }));
vary('listener.allowed_cidrs', [[], ['0.0.0.0/0'], ['192.0.2.1'], ['::/0'], ['x']], (value) => withListener({ allowed_cidrs: value }));
vary('listener.name', texts, (value) => withListener({ name: value, description: value, tags: [value] }));
vary('pool.name', texts, (value) => withPool({ name: value, description: value, tags: [value] }));
vary('pool.tls_ciphers', ciphers, (value) => withPool({ tls_enabled: true, tls_ciphers: value }));
vary('pool.tls_versions', versions, (value) => withPool({ tls_enabled: true, tls_versions: value }));
vary('pool.alpn_protocols', alpn, (value) => withPool({ tls_enabled: true, alpn_protocols: value }));
for (const protocol of ['HTTP', 'TCP', 'HTTPS', 'PROXY', 'PROXYV2']) {
  const listenerProtocol = protocol === 'HTTP' ? 'HTTP' : 'TCP';
  const make = (persistence: Json) => withListener({ protocol: listenerProtocol, default_pool: pool({ protocol, session_persistence: persistence }) });
  vary(`${protocol} pool.session_persistence.type`, ['SOURCE_IP', 'HTTP_COOKIE', 'APP_COOKIE'], (type) => make({ type, ...(type === 'APP_COOKIE' ? { cookie_name: 'c' } : {}) }));
  vary(`${protocol} pool.session_persistence.cookie_name`, [...names, ...texts], (value) => make({ type: 'APP_COOKIE', cookie_name: value }));
}
vary('udp pool.session_persistence.persistence_timeout', integers, (value) => withDatagrams({ session_persistence: { type: 'SOURCE_IP', persistence_timeout: value } }));
vary('udp pool.session_persistence.persistence_granularity', ['255.255.255.255', '255.255.0.0', '0.0.0.0', '255.0.255.0', '1.2.3.4', '::', 'ffff::', 'x'], (value) => withDatagrams({ session_persistence: { type: 'SOURCE_IP', persistence_granularity: value } }));
for (const [kind, make] of [
  ['', (one: Json) => withPool({ members: [member(one)], healthmonitor: monitor() })],
  ['udp ', (one: Json) => withDatagrams({ members: [member(one)], healthmonitor: monitor({ type: 'UDP-CONNECT' }) })],
] as const) {
  for (const field of ['weight', 'protocol_port', 'monitor_port']) vary(`${kind}member.${field}`, integers, (value) => make({ [field]: value }));
  for (const field of ['address', 'monitor_address']) {
    vary(`${kind}member.${field}`, ['192.0.2.9', '0.0.0.0', '255.255.255.255', '::', '::1', '2001:db8::1', 'fe80::1', '::ffff:192.0.2.1', 'fe80::1%eth0', 'x', '192.0.2.1/24', '192.0.2.01'], (value) => make({ [field]: value }));
  }
  vary(`${kind}member.name`, texts, (value) => make({ name: value, tags: [value] }));
}
for (const type of ['HOST_NAME', 'PATH', 'FILE_TYPE', 'HEADER', 'COOKIE', 'SSL_CONN_HAS_CERT', 'SSL_VERIFY_RESULT', 'SSL_DN_FIELD']) {
  const keyed = ['HEADER', 'COOKIE', 'SSL_DN_FIELD'].includes(type);
  for (const compare of ['REGEX', 'STARTS_WITH', 'ENDS_WITH', 'CONTAINS', 'EQUAL_TO']) {
    const given = [...texts, ...expressions, 'true', '0', '99999999999', '²'];
    vary(`l7rule(${type} ${compare}).value`, given, (value) => withRule({ type, compare_type: compare, value, ...(keyed ? { key: 'k' } : {}) }));
    if (keyed) vary(`l7rule(${type} ${compare}).key`, [...names, ...texts], (key) => withRule({ type, compare_type: compare, value: 'v', key }));
  }
}
vary('l7policy.redirect_url', texts, (value) => withPolicy({ action: 'REDIRECT_TO_URL', redirect_url: value }));
vary('l7policy.redirect_prefix', texts, (value) => withPolicy({ action: 'REDIRECT_PREFIX', redirect_prefix: value }));
vary('l7policy.redirect_http_code', [301, 302, 303, 307, 308, 300, 200, null], (value) => withPolicy({ action: 'REDIRECT_TO_URL', redirect_url: 'http://a', redirect_http_code: value }));
vary('l7policy.position', integers, (value) => withPolicy({ position: value }));
vary('l7policy.name', texts, (value) => withPolicy({ name: value, description: value }));
vary('l7policy.rules', [0, 1, 50, 51], (count) => withPolicy({ action: 'REDIRECT_TO_URL', redirect_url: 'http://a', redirect_http_code: 301, rules: Array.from({ length: Math.min(Math.abs(Number(count)) || 0, 51) }, (_, index) => rule({ value: `/${index}` })) }));

/** Many configurations become one file, which has one such section: nothing in there is a user's. */
const withoutGlobal = (text: string) => text.replace(/^global\n(?:[ \t#].*\n|\n)*/m, '');

const global = 'global\n    external-check\n    insecure-fork-wanted\n';

interface Rendered {
  what: string;
  haproxy: string;
  lvs: readonly string[];
}

function rendered(field: string, value: unknown): Rendered | null {
  const tree = accepted(odd[field]?.(value) ?? {});
  if (!tree) return null;
  const files: TlsFiles = { listeners: {}, pools: {} };
  for (const { id, protocol } of tree.listeners) {
    if (protocol !== 'TERMINATED_HTTPS') continue;
    const clientCa = certificatePath(tlsFileNames.ca);
    (files.listeners as Json)[id] = { certificateList: certificatePath(`${listenerId()}.pem`), clientCa, clientRevocationList: null };
  }
  const datagrams = tree.listeners.filter(({ protocol }) => protocol === 'UDP' || protocol === 'SCTP');
  return {
    what: `${field} = ${JSON.stringify(value)}`,
    haproxy: datagrams.length > 0 ? '' : withoutGlobal(renderHaproxyConfiguration(tree, files, defaultSettings)),
    lvs: datagrams.map((one) => renderLvsConfiguration(tree, one, { basePath: '/var/lib/octavia' })),
  };
}

/** HAProxy looks names up in lists: large files take long. */
const batch = 100;

/** Which of `all` make `isGood` false, in few calls. */
function culprits(all: readonly Rendered[], isGood: (some: readonly Rendered[]) => boolean): string[] {
  if (all.length > batch) return [...culprits(all.slice(0, batch), isGood), ...culprits(all.slice(batch), isGood)];
  if (all.length === 0 || isGood(all)) return [];
  if (all.length === 1) return all.map(({ what }) => what);
  const half = Math.ceil(all.length / 2);
  return [...culprits(all.slice(0, half), isGood), ...culprits(all.slice(half), isGood)];
}

const every = Object.keys(odd).flatMap((field) => (values[field] ?? []).map((value) => ({ field, value })));
const made = every.map(({ field, value }) => rendered(field, value)).filter((one) => one !== null);
const free = fc.tuple(fc.constantFrom(...Object.keys(odd)), fc.oneof(fc.string({ maxLength: 12 }), fc.integer(), fc.constantFrom(...texts, ...expressions)));
const generated = fc.sample(free, { numRuns: 2000 }).flatMap(([field, value]) => rendered(field, value) ?? []);

let checker: ConfigurationChecker;
let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'kiln-bodies-'));
  if (hasHaproxy) checker = await createChecker();
});
afterAll(() => {
  checker?.close();
  rmSync(folder, { recursive: true });
});

it('is about many bodies, accepted and refused', () => {
  expect(made.length).toBeGreaterThan(500);
  expect(made.length).toBeLessThan(every.length - 500);
  for (const field of Object.keys(odd)) expect({ field, some: values[field]?.length }).toEqual({ field, some: expect.any(Number) });
});

describe.skipIf(!hasHaproxy)('HAProxy (skipped without it)', () => {
  const isGood = (some: readonly Rendered[]) => checker.check([global, ...some.map(({ haproxy }) => haproxy)].join('\n')).status === 0;

  it('takes every odd value that the API takes', () => {
    expect(culprits(made.filter(({ haproxy }) => haproxy), isGood)).toEqual([]);
  }, 180_000);

  it('takes whatever is generated and the API takes', () => {
    expect(culprits(generated.filter(({ haproxy }) => haproxy), isGood)).toEqual([]);
  }, 180_000);
});

describe.skipIf(spawnSync('keepalived', ['--version']).status !== 0)('keepalived (skipped without it)', () => {
  // A member of weight 0 leaves keepalived without a quorum; that is what it is for.
  const isGood = (some: readonly Rendered[]) => {
    const file = join(folder, 'lvs.conf');
    const text = some.flatMap(({ lvs }) => lvs).join('\n');
    writeFileSync(file, text.replaceAll('net_namespace amphora-haproxy', ''));
    const run = spawnSync('keepalived', ['--config-test', '--log-console', '--use-file', file], { encoding: 'utf8' });
    const known = /has no real servers - ignoring|script_security not enabled|duplicate|quorum|^$/i;
    return `${run.stdout}${run.stderr}`.split('\n').every((line) => known.test(line));
  };

  it('takes whatever the API takes', () => {
    expect(culprits([...made, ...generated].filter(({ lvs }) => lvs.length > 0), isGood)).toEqual([]);
  }, 180_000);
});
