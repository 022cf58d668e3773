import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { crtListsOf, toLocalConfiguration, toLocalCrtList } from './local-configuration.ts';

const paths = {
  here: (path: string) => `/home/me/root${path}`,
  localCrtList: (path: string) => `/home/me/root/lists${path}`,
  statsSocket: 'lb.sock',
  boundTo: (address: string) => (address === '192.0.2.9' ? '192.0.2.99' : address),
};
const local = (text: string) => toLocalConfiguration(text, paths);

describe('a configuration of an amphora, in a process', () => {
  it.each([
    ['global\n    daemon', 'global\n    # not here: daemon '],
    ['global\n    nbthread 3', 'global\n    # not here: nbthread 3'],
    ['global\n    tune.ssl.cachesize 400000', 'global\n    # not here: tune.ssl.cachesize 400000'],
    [
      'global\n    user nobody\n    group haproxy',
      'global\n    # not here: user nobody\n    # not here: group haproxy',
    ],
    ['global\n  chroot /var/lib/haproxy', 'global\n  # not here: chroot /var/lib/haproxy'],
    [
      'global\n  log /run/rsyslog/octavia/log local0',
      'global\n  # no syslog here: log /run/rsyslog/octavia/log local0',
    ],
    ['global\n  log 192.0.2.1:514 local0', 'global\n  log 192.0.2.1:514 local0'],
    ['frontend a\n    bind 192.0.2.9:80', 'frontend a\n    bind 192.0.2.99:80'],
    ['frontend a\n    bind 192.0.2.90:80 ssl crt-list x', 'frontend a\n    bind 192.0.2.90:80 ssl crt-list x'],
    [
      'global\n  stats socket /var/lib/octavia/lb.sock mode 0666 level user',
      'global\n  stats socket unix@lb.sock mode 0600 level user',
    ],
    ['global\n  server-state-file /a/s', 'global\n  server-state-file /home/me/root/a/s'],
    ['global\n  maxconn 5', 'global\n  maxconn 5'],
    [
      'frontend f\n  bind 127.0.0.1:443 ssl crt-list /c/l.pem ca-file /c/ca.pem verify required crl-file /c/crl.pem',
      'frontend f\n  bind 127.0.0.1:443 ssl crt-list /home/me/root/lists/c/l.pem ca-file /home/me/root/c/ca.pem verify required crl-file /home/me/root/c/crl.pem',
    ],
    [
      'backend b\n  server s 10.0.0.1:443 ssl crt /c/x.pem',
      'backend b\n  server s 10.0.0.1:443 ssl crt /home/me/root/c/x.pem',
    ],
    [
      'backend b\n  external-check command /var/lib/octavia/ping-wrapper.sh',
      'backend b\n  external-check command /home/me/root/var/lib/octavia/ping-wrapper.sh',
    ],
    // What a user wrote is nobody's path.
    ['frontend f\n  acl a path_beg crt /x', 'frontend f\n  acl a path_beg crt /x'],
    ['userlist u\n  user me password x', 'userlist u\n  user me password x'],
    ['frontend f\n  log /run/log local0', 'frontend f\n  log /run/log local0'],
  ])('%j', (text, expected) => {
    expect(local(text)).toBe(expected);
  });

  it('quotes folders of any name', () => {
    const here = (path: string) => `/home/a "b" $c${path}`;
    expect(toLocalConfiguration('global\n  server-state-file /s', { ...paths, here })).toBe(
      'global\n  server-state-file "/home/a \\"b\\" \\$c/s"',
    );
  });

  it('has as many lines, so that what HAProxy says of a line is said of that line', () => {
    const word = fc.constantFrom(
      'global',
      'frontend',
      'user',
      'daemon',
      'log',
      'stats',
      'socket',
      'bind',
      '/x',
      'crt-list',
    );
    const line = fc.array(word, { maxLength: 5 }).map((words) => words.join(' '));
    fc.assert(
      fc.property(fc.array(line), (lines) => {
        expect(local(lines.join('\n')).split('\n')).toHaveLength(lines.join('\n').split('\n').length);
      }),
    );
  });
});

it('finds lists of certificates, and has them name files that are here', () => {
  const text =
    'frontend f\n  bind 127.0.0.1:443 ssl crt-list /c/l.pem alpn h2\n  bind [::1]:443 ssl crt-list /c/m.pem\n';
  expect(crtListsOf(text)).toEqual(['/c/l.pem', '/c/m.pem']);
  expect(toLocalCrtList('/c/a.pem\n/c/b.pem [alpn h2] *.example.org\n', paths.here)).toBe(
    '/home/me/root/c/a.pem\n/home/me/root/c/b.pem [alpn h2] *.example.org\n',
  );
});
