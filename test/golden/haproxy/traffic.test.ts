/** What HAProxy does with odd values, seen from outside: it compares, redirects and checks with just these. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { renderHaproxyConfiguration } from '../../../src/core/haproxy/render.ts';
import type { L7Rule } from '../../../src/model/load-balancer.ts';
import {
  aCase,
  aListener,
  aMember,
  anHttpMonitor,
  aPolicy,
  aPool,
  aRule,
  aVip,
  defaultSettings,
  loadBalancerId,
} from './build.ts';
import { hasHaproxy } from './check.ts';
import { freePort } from '../../kit/free-port.ts';

const values = [
  'plain',
  'two words  and more',
  '"double" \'single\'',
  '$HOME ${HOME} "$HOME"',
  '%[env(HOME)] %% 100%',
  '# not a comment',
  'back\\slash \\n \\x41 \\',
  '{ } ( ) [ ] | & ; < >',
  '-f',
  '--',
  'a group of ',
  'tab\tbed',
  'if TRUE or !x',
];
/** Sent in a header of its own; rejected when the header is exactly so. Blanks around are not HTTP's to carry. */
const texts = values.map((value) => value.trim());
const regex = '^/(a|b){2}/\\d+ ?["\'#$]?$';
const oddName = "X-it's#$%&*|~";
const redirects = {
  '/fragment': 'https://example.org/a#b',
  '/format': 'https://example.org/%[env(HOME)]?a="b"&c=\'d\'',
};
const brokenRedirect = 'https://example.org/\r\nX-Evil: 1\r\n\r\nbody';

interface Answer {
  status: number | undefined;
  headers: IncomingMessage['headers'];
}

describe.skipIf(!hasHaproxy)('HAProxy (skipped without it)', () => {
  const folder = mkdtempSync(join(tmpdir(), 'kiln-haproxy-'));
  const checks: { url: string | undefined; host: string | undefined; rawHeaders: string[] }[] = [];
  let member: Server;
  let haproxy: ChildProcess;
  let port: number;

  beforeAll(async () => {
    member = createServer((asked, answer) => {
      if (asked.method === 'OPTIONS')
        checks.push({ url: asked.url, host: asked.headers.host, rawHeaders: asked.rawHeaders });
      answer.end('member');
    });
    member.listen(0, '127.0.0.1');
    await once(member, 'listening');
    const memberPort = (member.address() as AddressInfo).port;
    port = await freePort();

    let position = 0;
    const reject = (rule: Partial<L7Rule>) => aPolicy({ rules: [aRule(rule, ++position)] }, position);
    const redirect = (path: string, redirectUrl: string) =>
      aPolicy(
        {
          action: 'REDIRECT_TO_URL',
          redirectUrl,
          rules: [aRule({ value: path, compareType: 'EQUAL_TO' }, ++position)],
        },
        position,
      );
    const l7Policies = [
      ...texts.map((value, n) => reject({ type: 'HEADER', key: `X-${n}`, compareType: 'EQUAL_TO', value })),
      reject({ type: 'HEADER', key: oddName, compareType: 'EQUAL_TO', value: 'here' }),
      reject({ type: 'COOKIE', key: 'odd|name', compareType: 'EQUAL_TO', value: 'here' }),
      reject({ type: 'PATH', compareType: 'REGEX', value: regex }),
      ...Object.entries(redirects).map(([path, url]) => redirect(path, url)),
      redirect('/broken', brokenRedirect),
    ];
    const { tree, files, settings } = aCase({
      loadBalancer: { vip: aVip('127.0.0.1') },
      listeners: [aListener({ protocolPort: port, connectionLimit: 100, l7Policies })],
      pools: [
        aPool({
          members: [aMember({ address: '127.0.0.1', protocolPort: memberPort })],
          healthMonitor: anHttpMonitor({
            httpMethod: 'OPTIONS',
            urlPath: '/health?a=%20"b" c\r\nX-Evil: 1',
            httpVersion: 1.1,
            domainName: '%[env(HOME)]\r\nX-Evil: 1',
            delay: 1,
          }),
        }),
      ],
      settings: { basePath: folder, logging: { ...defaultSettings.logging, address: join(folder, 'log') } },
    });
    mkdirSync(join(folder, loadBalancerId));
    const configuration = renderHaproxyConfiguration(tree, files, settings);
    // Only root may become somebody else.
    writeFileSync(join(folder, 'haproxy.cfg'), configuration.replace(/ {4}user nobody\n/, ''));
    haproxy = spawn('haproxy', ['-db', '-f', join(folder, 'haproxy.cfg')], { stdio: 'ignore' });
    await vi.waitFor(async () => expect(await statusOf('/')).toBe(200), { timeout: 60_000 });
  });

  afterAll(async () => {
    if (haproxy?.exitCode === null && haproxy.signalCode === null) {
      const exit = once(haproxy, 'exit');
      haproxy.kill('SIGKILL');
      await exit;
    }
    member?.closeAllConnections();
    member?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  async function ask(path: string, headers: Record<string, string> = {}): Promise<Answer> {
    const asked = request({ host: '127.0.0.1', port, path, headers, agent: false });
    asked.end();
    const [answer] = (await once(asked, 'response')) as [IncomingMessage];
    answer.resume();
    return { status: answer.statusCode, headers: answer.headers };
  }
  const statusOf = async (path: string, headers: Record<string, string> = {}) => (await ask(path, headers)).status;

  it.each(texts.map((text, n) => [text, n]))('compares with %j', async (text, n) => {
    const header = `X-${n}`;
    expect(await statusOf('/', { [header]: `${text}` })).toBe(403);
    expect(await statusOf('/', { [header]: `${text}x` })).toBe(200);
    expect(await statusOf('/', { [header]: `x${text}` })).toBe(200);
  });

  it('finds headers and cookies of odd names', async () => {
    expect(await statusOf('/', { [oddName]: 'here' })).toBe(403);
    expect(await statusOf('/', { [oddName]: 'there' })).toBe(200);
    expect(await statusOf('/', { Cookie: 'other=1; odd|name=here' })).toBe(403);
    expect(await statusOf('/', { Cookie: 'odd|name=there' })).toBe(200);
  });

  it('takes a regular expression as it is', async () => {
    expect(await statusOf('/ab/12')).toBe(403);
    expect(await statusOf('/aba/12')).toBe(200);
    expect(await statusOf("/aa/1'")).toBe(403);
    expect(await statusOf('/aa/x')).toBe(200);
  });

  it.each(Object.entries(redirects))('redirects from %s to %s and nobody else', async (path, url) => {
    expect(await ask(path)).toMatchObject({ status: 302, headers: { location: url } });
  });

  it('lets no redirect write headers of its own', async () => {
    const { status, headers } = await ask('/broken');
    expect({ status, location: headers.location, evil: headers['x-evil'] }).toEqual({
      status: 302,
      location: 'https://example.org/%0D%0AX-Evil:%201%0D%0A%0D%0Abody',
      evil: undefined,
    });
  });

  it('checks members with just the path and the host name', async () => {
    await expect.poll(() => checks.length, { timeout: 60_000 }).toBeGreaterThan(0);
    expect(checks[0]).toMatchObject({
      url: '/health?a=%20"b"%20c%0D%0AX-Evil:%201',
      host: '%[env(HOME)]%0D%0AX-Evil:%201',
    });
    expect(checks[0]?.rawHeaders.join(' ')).not.toMatch(/X-Evil: 1$/m);
  });
});
