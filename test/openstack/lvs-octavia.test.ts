import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { renderLvsConfiguration } from '../../src/core/keepalived/lvs/render.ts';
import { cases, settings } from '../golden/keepalived/cases.ts';
import { commentsOf, parseLvsConfiguration } from '../golden/keepalived/parse.ts';

/**
 * Every golden case, rendered by the real Octavia as well (Debian: python3-octavia, 11.0) and compared word by word, as
 * keepalived reads them; and both texts read by Octavia's agent, which finds members in them. Where the two differ,
 * docs/keepalived-differences.md says why; what is not listed there and here is a fault.
 */
const python = '/usr/bin/python3';
const isInstalled = spawnSync(python, ['-c', 'import octavia.common.jinja.lvs.jinja_cfg']).status === 0;

interface Answer {
  rendered: Record<string, string>;
  read: Record<string, { octavia: unknown; kiln: unknown }>;
}

/** `BLOCKS | WORDS` for each line, with the number of the block among its like. */
function directives(text: string): string[] {
  return parseLvsConfiguration(text).map(({ within, words }) => `${within} | ${words.join(' ')}`);
}

/** What only one side has: `-` Octavia, `+` Kiln. IDs and the sections around are shortened. */
function difference(ours: readonly string[], octavia: readonly string[]): string[] {
  const only = (these: readonly string[], others: readonly string[]) => these.filter((line) => !others.includes(line));
  return [...only(octavia, ours).map((line) => `- ${line}`), ...only(ours, octavia).map((line) => `+ ${line}`)].map(
    (line) => line.replace(/virtual_server group (ipv\d)-group/, '$1').replaceAll(/ \/ real_server (\S+) 8080/g, ' $1'),
  );
}

const members = ['192.0.2.1', '192.0.2.2'];
const http = (line: string) => members.map((member) => `${line[0]} ipv4 ${member} / HTTP_GET / url |${line.slice(1)}`);

/** By case: all there is of differences. */
const expected: Record<string, string[]> = {
  'persistence-too-long': ['- ipv4 | persistence_timeout 2147483647', '+ ipv4 | persistence_timeout 2678400'],
  'persistence-ipv6': ['- ipv6 | persistence_granularity 255.255.255.255', '+ ipv6 | persistence_granularity 128'],
  'persistence-ipv6-given': [
    '- ipv6 | persistence_granularity ffff:ffff:ffff:ffff::',
    '+ ipv6 | persistence_granularity 64',
  ],
  'persistence-of-both-families': [
    '- ipv6 | persistence_granularity 255.255.255.0',
    '+ ipv6 | persistence_granularity 128',
  ],
  'members-of-one-family': [
    '- virtual_server_group ipv6-group | 2001:db8::5 53',
    '- ipv6 | lb_algo wrr',
    '- ipv6 | lb_kind NAT',
    '- ipv6 | protocol UDP',
  ],
  'monitor-http-codes': [
    ...members.flatMap((member) =>
      [200, 202, 203, 204, 404].map((code) => `- ipv4 ${member} / HTTP_GET / url | status_code ${code}`),
    ),
    ...http('+ status_code 200 202 203 204 404'),
  ],
  // As keepalived reads it: Octavia's path ends where the HTML escape of the quote starts a comment.
  'monitor-http-odd-path': [
    ...http('- path /it&'),
    ...http('+ path /it%27s?a=1&b=%24HOME%23%21%7Bx%7D%20~SEQ(a,1,3)/real%5Fserver%20192.0.2.9%201'),
  ],
};

describe.skipIf(!isInstalled)("Octavia's LVS renderer and agent (skipped without Debian's python3-octavia)", () => {
  const texts = Object.fromEntries(
    Object.entries(cases).map(([name, { tree, listener }]) => [name, renderLvsConfiguration(tree, listener, settings)]),
  );
  let octavia: Answer;
  beforeAll(() => {
    const run = spawnSync(python, [join(import.meta.dirname, 'lvs-octavia.py')], {
      input: JSON.stringify({ cases, texts }),
      encoding: 'utf8',
      maxBuffer: 64 * 1024 * 1024,
      env: { LC_ALL: 'C.UTF-8' },
    });
    expect({ status: run.status, stderr: run.stderr }).toMatchObject({ status: 0 });
    octavia = JSON.parse(run.stdout);
  });

  it.each(Object.keys(cases))('%s: renders the same', (name) => {
    const [ours, theirs] = [texts[name] ?? '', octavia.rendered[name] ?? ''];
    expect(difference(directives(ours), directives(theirs))).toEqual(expected[name] ?? []);
    // A disabled load balancer's listener counts as disabled.
    if (name !== 'disabled-load-balancer') expect(new Set(commentsOf(ours))).toEqual(new Set(commentsOf(theirs)));
  });

  it.each(Object.keys(cases))('%s: the agent finds the same members', (name) => {
    const { octavia: theirs, kiln } = octavia.read[name] ?? {};
    if (name === 'monitor-http-odd-path') {
      // The word `real_server` in a path is more than Octavia's agent can take from Octavia itself.
      expect(theirs).toHaveProperty('error');
      expect(kiln).toMatchObject({
        mapping: { Members: [{ ipport: '192.0.2.1:8080' }, { ipport: '192.0.2.2:8080' }] },
      });
    } else if (name === 'members-of-one-family') {
      // Of Octavia's file the agent looks for a virtual server that keepalived does not make.
      expect(theirs).toMatchObject({ mapping: { Listener: { ipports: ['203.0.113.5:53', '[2001:db8::5]:53'] } } });
      const members = [{ ipport: '192.0.2.1:8080' }, { ipport: null }];
      expect(kiln).toMatchObject({ mapping: { Listener: { ipports: ['203.0.113.5:53'] }, Members: members } });
    } else if (name === 'disabled-load-balancer') {
      expect(kiln).toMatchObject({ mapping: null, namespace: 'amphora-haproxy' });
    } else {
      expect(kiln).toEqual(theirs);
      expect(kiln).toMatchObject({ namespace: 'amphora-haproxy' });
    }
  });
});
