import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { peerName } from '../../src/core/haproxy/peers.ts';
import { planListeners } from '../../src/core/haproxy/plan.ts';
import { renderHaproxyConfiguration } from '../../src/core/haproxy/render.ts';
import { cases } from '../golden/haproxy/cases.ts';
import { parseConfiguration } from '../golden/haproxy/parse.ts';

/**
 * Every golden case, rendered by the real Octavia as well (Debian: python3-octavia, 11.0) and compared word by word, as
 * HAProxy reads them. Where the two differ, docs/haproxy-differences.md says why; what is not listed there and here is
 * a fault.
 */
const python = '/usr/bin/python3';
const isInstalled = spawnSync(python, ['-c', 'import octavia.common.jinja.haproxy.combined_listeners']).status === 0;

/** Octavia's renderer is never asked without a listener: then its driver deletes the configuration. */
const { 'no-listener': _noListener, ...compared } = cases;

/** `SECTION | WORDS` for each line. `known` takes away what differs everywhere. */
function directives(text: string): string[] {
  return parseConfiguration(text).flatMap(({ header, lines }) => lines.map((words) => `${header} | ${known(words)}`));
}

function known(words: string[]): string {
  const line = words.join(' ');
  const [first] = words;
  // `--` before a value that could look like a flag.
  if (first === 'acl') return line.replace(' -- ', ' ').replace(/(path_end) -m str/, '$1');
  // Octavia takes the codes from a Python set, in no order.
  if (line.startsWith('http-check expect rstatus')) return `rstatus ${words[3]?.split('|').sort().join('|')}`;
  // One table type for both families, as in later Octavias.
  if (first === 'stick-table') return line.replace('type ip ', 'type ipv6 ');
  // Octavia 11 ends the request line itself and hides the Host header behind it.
  if (line.startsWith('option httpchk')) return line.replace(/\r\n$/, '');
  return line;
}

/** Lines that act on requests, in the order in which HAProxy carries them out. */
function actions(lines: string[]): string[] {
  const kinds = ['http-request', 'redirect', 'use_backend'];
  const kindOf = (line: string) => kinds.indexOf(line.split(' ')[3] ?? '');
  return lines.filter((line) => kindOf(line) >= 0).sort((one, other) => kindOf(one) - kindOf(other));
}

/** What only one side has: `-` Octavia, `+` Kiln. IDs are shortened. What both have to do comes in the same order. */
function difference(our: string, their: string): string[] {
  const ours = directives(our);
  const only = (these: string[], others: string[]) => these.filter((line) => !others.includes(line));
  const octavia = directives(their);
  const shared = (lines: string[], others: string[]) => actions(lines).filter((line) => others.includes(line));
  expect(shared(ours, octavia)).toEqual(shared(octavia, ours));
  return [...only(octavia, ours).map((line) => `- ${line}`), ...only(ours, octavia).map((line) => `+ ${line}`)].map(
    shorten,
  );
}

/** `2000…0001` as `listener1`; the address of a member goes with its ID. */
function shorten(line: string): string {
  const kinds = ['', 'lb', 'listener', 'pool', 'member', '', 'policy', 'rule'];
  return line
    .replace(/\/var\/lib\/octavia\/certs\/\S+\/(\w\w)\w+\.pem/g, '$1.pem')
    .replace(/(\d)0000000-0000-4000-8000-0*(\d+)/g, (_id, kind, number) => `${kinds[Number(kind)]}${Number(number)}`);
}

const logFormat = (request: string) =>
  `log-format e3cd678b11784734bc366148aa37580e lb1 %f %ci %cp %t ${request} %B %U %[ssl_c_verify] %{+Q}[ssl_c_s_dn] %b %s %Tt %tsc`;
const servers = (side: '-' | '+', options: string) =>
  [1, 2].map((n) => `${side} backend pool1:listener1 | server member${n} 192.0.2.${n}:8080 weight 1${options}`);
const check = 'inter 5s fall 4 rise 2';
const reEncryption =
  'ssl crt c1.pem ca-file ca.pem crl-file c7.pem verify required sni ssl_fc_sni ciphers ECDHE-RSA-AES256-GCM-SHA384 no-sslv3 no-tlsv10 no-tlsv11 no-tlsv13 alpn h2,http/1.1';
const prometheusLog = (listener: string) => [
  `- frontend ${listener} | ${logFormat('- -')}`,
  `+ frontend ${listener} | ${logFormat('%{+Q}r %ST')}`,
];

const prometheus = [
  '- frontend prometheus-exporter-internal-endpoint | option http-use-htx',
  ...prometheusLog('listener1'),
];
/** By case: all there is of differences. */
const expected: Record<string, string[]> = {
  prometheus,
  'prometheus-tls': prometheus,
  'haproxy-1.8': prometheusLog('listener2'),
  'disabled-listener': ['- global | maxconn 100000', '+ global | maxconn 50000'],
  'terminated-https-hsts': [
    '+ frontend listener1 | http-response set-header Strict-Transport-Security max-age=31536000; includeSubDomains; preload;',
  ],
  'terminated-https-hsts-off': ['+ frontend listener1 | http-response set-header Strict-Transport-Security max-age=0;'],
  'tls-cache': ['+ global | tune.ssl.cachesize 52800', '+ global | nbthread 3', '+ global | cpu-map auto:1/1-3 1-3'],
  're-encryption-ca': [
    ...servers('-', ' ssl ca-file ca.pem sni ssl_fc_sni'),
    ...servers('+', ' ssl ca-file ca.pem verify required sni ssl_fc_sni'),
  ],
  're-encryption-everything': [
    ...servers('-', ` check check-ssl verify none ${check} ${reEncryption}`),
    ...servers('+', ` check check-ssl check-alpn h2,http/1.1 ${check} ${reEncryption}`),
  ],
  'monitor-http-1.1': [
    '- backend pool1:listener1 | option httpchk GET / HTTP/1.1\r\nHost: www.example.org',
    '+ backend pool1:listener1 | option httpchk GET / HTTP/1.1',
    '+ backend pool1:listener1 | http-check send hdr Host www.example.org',
  ],
  'monitor-tls-hello': [
    '- backend pool1:listener1 | option ssl-hello-chk',
    ...servers('-', ` check ${check}`),
    ...servers('+', ` check check-ssl verify none ${check}`),
  ],
  'monitor-tls-hello-re-encryption': [
    '- backend pool1:listener1 | option ssl-hello-chk',
    ...servers('-', ` check ${check} ssl verify none sni ssl_fc_sni alpn h2`),
    ...servers('+', ` check check-ssl check-alpn h2 ${check} ssl verify none sni ssl_fc_sni alpn h2`),
  ],
  'monitor-udp-connect': [
    '- backend pool1:listener1 | load-server-state-from-file global',
    '- backend pool1:listener1 | timeout check 3s',
    ...servers('-', ` check ${check}`),
    ...servers('+', ''),
  ],
  'monitor-elsewhere': [
    `- backend pool1:listener1 | server member3 192.0.2.3:8080 weight 1 check ${check} addr 2001:db8::9`,
    `+ backend pool1:listener1 | server member3 192.0.2.3:8080 weight 1 check ${check} addr [2001:db8::9]`,
  ],
  'l7-ampersand': [
    '- frontend listener1 | redirect location https://example.org/?a=1&amp;b=&lt;2&gt; if rule1',
    '- frontend listener1 | acl rule2 path -m str /a&amp;b',
    '+ frontend listener1 | acl rule2 path -m str /a&b',
    '+ frontend listener1 | redirect location https://example.org/?a=1&b=<2> if rule1',
  ],
  'l7-values': [
    '- frontend listener1 | acl rule2 req.hdr(X-Odd) -m str &',
    '- frontend listener1 | acl rule3 req.cook(it&',
    '+ frontend listener1 | acl rule2 req.hdr(X-Odd) -m str "it\'s" #1 for $HOME \\ 100%',
    "+ frontend listener1 | acl rule3 req.cook('it'\\''s,here') -m sub -f",
  ],
};

interface Answer {
  rendered: Record<string, string>;
  /** What the agent reads out of Kiln's configurations: its list of listeners and the VIPs that it announces. */
  read: Record<string, { socket: string; listeners: Record<string, { mode: string }>; vips: string[] }>;
  peers: Record<string, string>;
}

describe.skipIf(!isInstalled)("Octavia's renderer and agent (skipped without Debian's python3-octavia)", () => {
  const texts = Object.fromEntries(
    Object.entries(compared).map(([name, { tree, files, settings }]) => [
      name,
      renderHaproxyConfiguration(tree, files, settings),
    ]),
  );
  // Many enough that the name of one starts with a hyphen, which gets another first letter.
  const amphoraIds = Array.from({ length: 500 }, (_, number) => `amphora-${number}`);
  let octavia: Answer;
  beforeAll(() => {
    const run = spawnSync(python, [join(import.meta.dirname, 'haproxy-octavia.py')], {
      input: JSON.stringify({ cases: compared, texts, amphoraIds }),
      encoding: 'utf8',
      maxBuffer: 64 * 1024 * 1024,
      env: { LC_ALL: 'C.UTF-8' },
    });
    expect({ status: run.status, stderr: run.stderr }).toMatchObject({ status: 0 });
    octavia = JSON.parse(run.stdout);
  });

  it.each(Object.keys(compared))('%s: renders the same', (name) => {
    expect(difference(texts[name] ?? '', octavia.rendered[name] ?? '')).toEqual(expected[name] ?? []);
  });

  it.each(Object.entries(compared))('%s: the agent finds listeners, VIPs and socket', (name, { tree, settings }) => {
    const { loadBalancer } = tree;
    const listeners = planListeners(tree, settings);
    const modes = listeners.map(({ listener, mode }) => {
      const isTls = cases[name]?.files.listeners[listener.id] !== undefined;
      return [listener.id, isTls ? 'TERMINATED_HTTPS' : mode.toUpperCase()] as const;
    });
    const own = Object.entries(octavia.read[name]?.listeners ?? {}).filter(([id]) => !id.startsWith('prometheus'));
    expect(own.map(([id, { mode }]) => [id, mode])).toEqual(modes);
    const addresses = [loadBalancer.vip, ...loadBalancer.additionalVips].map(({ address }) => address);
    const vips = octavia.read[name]?.vips.filter((vip) => vip !== '127.0.0.1');
    expect(vips).toEqual(listeners.flatMap(() => addresses));
    expect(octavia.read[name]?.socket).toBe(`/var/lib/octavia/${loadBalancer.id}.sock`);
  });

  it('names peers alike', () => {
    expect(Object.fromEntries(amphoraIds.map((id) => [id, peerName(id)]))).toEqual(octavia.peers);
    expect(Object.values(octavia.peers).some((name) => name.startsWith('x'))).toBe(true);
  });
});
