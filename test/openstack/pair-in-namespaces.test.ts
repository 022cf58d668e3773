/**
 * A pair of real amphora parts in network namespaces: HAProxy and keepalived with what Kiln renders for both, two members, clients of
 * several addresses. HAProxy of the one that serves is killed; the VIP is handed over as planned; the standby is replaced. Needs root.
 */
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, createServer, get, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { peerName } from '../../src/core/haproxy/peers.ts';
import { renderHaproxyConfiguration } from '../../src/core/haproxy/render.ts';
import { renderVrrpConfiguration } from '../../src/core/keepalived/vrrp/render.ts';
import {
  aListener,
  aLoadBalancer,
  aMember,
  amphoraId,
  aPool,
  aVip,
  defaultSettings,
  loadBalancerId,
} from '../golden/haproxy/build.ts';
import { startPatientLoad } from '../kit/patient-load.ts';

const bridge = 'kiln-hp0';
const host = '169.254.79.1';
const vip = '169.254.79.100';
const subnetCidr = '169.254.79.0/24';
const clients = Array.from({ length: 8 }, (_none, index) => `169.254.79.${21 + index}`);
const members = [
  { name: 'kiln-hpa', ip: '169.254.79.11', priority: 100, id: amphoraId(1) },
  { name: 'kiln-hpb', ip: '169.254.79.12', priority: 90, id: amphoraId(2) },
] as const;
const [first, second] = members;

const ip = (...words: string[]) => execFileSync('ip', words, { stdio: ['ignore', 'pipe', 'pipe'], encoding: 'utf8' });
const isPossible =
  process.getuid?.() === 0 &&
  ['keepalived', 'haproxy'].every((program) => spawnSync(program, ['-v']).status === 0) &&
  spawnSync('ip', ['netns']).status === 0;

describe.skipIf(!isPossible)('a pair in namespaces (skipped without root, keepalived and HAProxy)', () => {
  let folder: string;
  let running: Map<string, ChildProcess>;
  let servers: Server[];

  function takeDown(): void {
    for (const { name } of members) {
      spawnSync('ip', ['netns', 'del', name]);
      // Processes that are just ending hold the namespace, and with it the other end of the cable.
      spawnSync('ip', ['link', 'del', name]);
    }
    spawnSync('ip', ['link', 'del', bridge]);
  }

  const logOf = (name: string, program: string) => join(folder, name, `${program}.log`);

  function run(name: string, program: string, ...words: string[]): number {
    const log = openSync(logOf(name, program), 'a');
    const child = spawn('ip', ['netns', 'exec', name, program, ...words], {
      stdio: ['ignore', log, log],
      detached: true,
    });
    closeSync(log);
    running.set(`${name} ${program}`, child);
    if (child.pid === undefined) return expect.unreachable(`${program} of ${name} does not start`);
    return child.pid;
  }

  async function end(name: string, program: string, signal: NodeJS.Signals): Promise<void> {
    const child = running.get(`${name} ${program}`);
    if (child?.pid === undefined) return expect.unreachable(`${program} of ${name} does not run`);
    const ended = new Promise((resolve) => child.once('exit', resolve));
    process.kill(child.pid, signal);
    await ended;
  }

  function configure(member: (typeof members)[number]): void {
    const basePath = join(folder, member.name);
    mkdirSync(join(basePath, 'vrrp'), { recursive: true });
    mkdirSync(join(basePath, loadBalancerId));
    const pool = aPool({
      members: servers.map((server, index) => {
        return aMember({ address: host, protocolPort: (server.address() as AddressInfo).port }, index + 1);
      }),
      sessionPersistence: {
        type: 'SOURCE_IP',
        cookieName: null,
        persistenceTimeout: null,
        persistenceGranularity: null,
      },
    });
    const tree = {
      ...{ loadBalancer: aLoadBalancer({ topology: 'ACTIVE_STANDBY', vip: aVip(vip) }) },
      ...{ listeners: [aListener()], pools: [pool] },
    };
    const peers = members.map(({ id, ip: address }) => ({ amphoraId: id, address }));
    const haproxy = renderHaproxyConfiguration(
      tree,
      { listeners: {}, pools: {} },
      { ...defaultSettings, basePath, peers },
    );
    writeFileSync(join(basePath, 'haproxy.cfg'), haproxy);
    writeFileSync(join(basePath, 'group.cfg'), 'global\n    group nogroup\n    no strict-limits\n');
    // Cheaper than that of Octavia's agent, which asks HAProxy's socket: a busy machine is not to fail it.
    const look = `read -r pid <${join(basePath, 'haproxy.pid')} && [ -d /proc/$pid ]`;
    writeFileSync(join(basePath, 'vrrp/check_script.sh'), `#!/bin/sh\n${look}\n`, { mode: 0o755 });
    const vrrp = renderVrrpConfiguration(
      {
        ...{ loadBalancerId, interfaceName: 'eth1', virtualRouterId: 79, priority: member.priority, vrrpIp: member.ip },
        peerIps: members.filter((other) => other !== member).map((other) => other.ip),
        ...{ vip: { address: vip, subnetCidr, gateway: null, hostRoutes: [] }, additionalVips: [] },
      },
      {
        ...{ basePath, advertIntervalSeconds: 1, checkIntervalSeconds: 2, failCount: 2, successCount: 1 },
        ...{ garpRefreshIntervalSeconds: 5, garpRefreshCount: 2, authenticationKey: 'insecure' },
      },
    );
    writeFileSync(join(basePath, 'keepalived.conf'), vrrp);
  }

  const startHaproxy = ({ name, id }: (typeof members)[number]) => {
    const base = join(folder, name);
    const pid = run(
      name,
      'haproxy',
      '-db',
      '-L',
      peerName(id),
      '-f',
      join(base, 'haproxy.cfg'),
      '-f',
      join(base, 'group.cfg'),
    );
    writeFileSync(join(base, 'haproxy.pid'), `${pid}\n`);
  };
  const startKeepalived = ({ name }: (typeof members)[number]) => {
    const file = (ending: string) => join(folder, name, ending);
    run(name, 'keepalived', '-nDl', '-f', file('keepalived.conf'), '-p', file('pid'), '-r', file('vrrp.pid'));
  };

  beforeEach(async () => {
    takeDown();
    folder = mkdtempSync(join(tmpdir(), 'kiln-pair-'));
    execFileSync('chmod', ['755', folder]);
    running = new Map();
    ip('link', 'add', bridge, 'type', 'bridge');
    for (const address of [host, ...clients]) ip('address', 'add', `${address}/24`, 'dev', bridge);
    ip('link', 'set', bridge, 'up');
    servers = [];
    for (const name of ['one', 'two']) {
      const server = createServer((_request, answer) => answer.end(name));
      await new Promise<void>((resolve) => server.listen(0, host, resolve));
      servers.push(server);
    }
    for (const member of members) {
      const { name, ip: vrrpIp } = member;
      ip('netns', 'add', name);
      ip('link', 'add', name, 'type', 'veth', 'peer', 'name', 'eth1', 'netns', name);
      ip('link', 'set', name, 'master', bridge, 'up');
      ip('-n', name, 'address', 'add', `${vrrpIp}/24`, 'dev', 'eth1');
      ip('-n', name, 'link', 'set', 'lo', 'up');
      ip('-n', name, 'link', 'set', 'eth1', 'up');
      // As an amphora has it: HAProxy is ready at an address that is not there yet.
      ip('netns', 'exec', name, 'sysctl', '-qw', 'net.ipv4.ip_nonlocal_bind=1');
      configure(member);
      startHaproxy(member);
    }
    startKeepalived(first);
    await expect.poll(holders, { timeout: 30_000, interval: 50 }).toEqual([first.name]);
    startKeepalived(second);
    await expect.poll(() => standsBy(second), { timeout: 30_000, interval: 50 }).toBe(1);
    await expect.poll(() => ask(), { timeout: 60_000, interval: 50 }).not.toBeNull();
  }, 120_000);
  afterEach(() => {
    for (const { pid, exitCode, signalCode } of running.values()) {
      if (pid !== undefined && exitCode === null && signalCode === null) process.kill(-pid, 'SIGKILL');
    }
    for (const server of servers) {
      server.close();
      server.closeAllConnections();
    }
    takeDown();
    rmSync(folder, { recursive: true });
  });

  /** How often it has begun to. */
  const standsBy = ({ name }: { name: string }) =>
    readFileSync(logOf(name, 'keepalived'), 'utf8').split('Entering BACKUP STATE').length - 1;

  const holders = () => {
    const hasVip = ({ name }: { name: string }) => ip('-n', name, '-o', 'address').includes(` ${vip}/`);
    return members.filter(hasVip).map(({ name }) => name);
  };

  /** Which member answers; null: nobody does. */
  const ask = (localAddress = clients[0], agent: Agent | false = false, timeout = 300) =>
    new Promise<string | null>((resolve) => {
      const request = get({ host: vip, port: 80, localAddress, agent, timeout }, (answer) => {
        let text = '';
        answer.on('data', (data) => {
          text += data;
        });
        answer.on('end', () => resolve(answer.statusCode === 200 ? text : null));
        answer.on('error', () => resolve(null));
      });
      request.on('timeout', () => request.destroy());
      request.on('error', () => resolve(null));
    });

  /** Which client is sent to which member. */
  const sessions = async () => await Promise.all(clients.map((client) => ask(client, false, 5_000)));

  /** All clients ask all the while, on a new connection each time, as patiently as TCP is. */
  const load = () => startPatientLoad(clients.map((client) => async () => (await ask(client, false, 20_000)) !== null));

  it('HAProxy of the one that serves is killed: the other one takes over alone, and clients stay with their members', async () => {
    const before = await sessions();
    expect(new Set(before)).toEqual(new Set(['one', 'two']));
    await sleep(1_000); // HAProxy tells its peers a moment later.
    const clientsSee = load();
    await end(first.name, 'haproxy', 'SIGKILL');
    // Never two holders for long: whoever can't serve has let go.
    await expect.poll(holders, { timeout: 30_000, interval: 50 }).toEqual([second.name]);
    expect(await sessions()).toEqual(before);
    const { longestGapMs } = await clientsSee.end();
    console.log(`HAProxy is killed: no answer for ${longestGapMs} ms`);
  }, 120_000);

  // The other one waits for (256 - its priority) / 256 of an interval between advertisements, 0.65 s here: no request fails in that.
  it('keepalived is stopped, as in a planned failover: no request fails, and clients stay with their members', async () => {
    const before = await sessions();
    await sleep(1_000);
    const clientsSee = load();
    await sleep(500);
    await end(first.name, 'keepalived', 'SIGTERM');
    await expect.poll(holders, { timeout: 30_000, interval: 20 }).toEqual([second.name]);
    await sleep(1_500);
    const { answered, askedAgain, failed, longestGapMs } = await clientsSee.end();
    console.log(
      `handed over as planned: no answer for ${longestGapMs} ms; requests: ${answered}; asked again: ${askedAgain}; failed: ${failed}`,
    );
    expect(failed).toBe(0);
    // One of a connection that was open at that instant, at most, of each client.
    expect(askedAgain).toBeLessThanOrEqual(clients.length);
    expect(await sessions()).toEqual(before);
  }, 120_000);

  /** Whoever had the VIP at any time, by itself or with others. */
  async function holdersUntil(isOver: () => boolean): Promise<Set<string>> {
    const seen = new Set<string>();
    while (!isOver()) {
      seen.add(holders().join(' and '));
      await sleep(5);
    }
    return seen;
  }

  it('keepalived alone is killed: what it started ends by itself, and never two have the VIP', async () => {
    const child = running.get(`${first.name} keepalived`);
    process.kill(child?.pid ?? 0, 'SIGKILL');
    const seen = await holdersUntil(() => holders()[0] === second.name);
    expect([...seen]).not.toContainEqual(expect.stringContaining(' and '));
    await expect.poll(() => ask(), { timeout: 60_000, interval: 50 }).not.toBeNull();
  }, 120_000);

  it('all processes of keepalived are killed at once: as the image starts it again, never two have the VIP', async () => {
    const clientsSee = load();
    const child = running.get(`${first.name} keepalived`);
    process.kill(-(child?.pid ?? 0), 'SIGKILL');
    // octavia-keepalived.service.d/kiln.conf. There, systemd has seen to it that the dead are no processes any more.
    await sleep(200);
    rmSync(join(folder, first.name, 'vrrp.pid'));
    startKeepalived(first);
    let isOver = false;
    const watched = holdersUntil(() => isOver);
    await expect.poll(holders, { timeout: 30_000, interval: 20 }).toEqual([]);
    await expect.poll(holders, { timeout: 30_000, interval: 20 }).toHaveLength(1);
    await sleep(4_000); // The other one would have taken it, too, by now.
    isOver = true;
    expect([...(await watched)]).not.toContainEqual(expect.stringContaining(' and '));
    const { failed, longestGapMs } = await clientsSee.end();
    console.log(`all of keepalived is killed: no answer for ${longestGapMs} ms; failed: ${failed}`);
    expect(failed).toBe(0);
  }, 120_000);

  it('the standby is replaced: connections to the one that serves go on, and it gets to know the sessions', async () => {
    const before = await sessions();
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const sockets = new Set<unknown>();
    agent.on('free', (socket) => sockets.add(socket));
    expect(await ask(clients[0], agent, 5_000)).toBe(before[0]);
    await end(second.name, 'keepalived', 'SIGTERM');
    await end(second.name, 'haproxy', 'SIGTERM');
    for (let asked = 0; asked < 20; asked++) expect(await ask(clients[0], agent, 5_000)).toBe(before[0]);
    startHaproxy(second);
    startKeepalived(second);
    await expect.poll(() => standsBy(second), { timeout: 30_000, interval: 50 }).toBe(2);
    await sleep(4_000); // So long would it wait for an advertisement before it took the VIP.
    expect(holders()).toEqual([first.name]);
    expect(await ask(clients[0], agent, 5_000)).toBe(before[0]);
    expect(sockets.size).toBe(1);
    agent.destroy();

    await end(first.name, 'keepalived', 'SIGTERM');
    await expect.poll(holders, { timeout: 10_000, interval: 50 }).toEqual([second.name]);
    expect(await sessions()).toEqual(before);
  }, 120_000);
});
