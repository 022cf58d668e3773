/** Our own agent as it is in a virtual machine: the kernel's interfaces, HAProxy and keepalived as services. */
import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect, createServer as createTcpServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { inflateSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { renderVrrpConfiguration } from '../../src/core/keepalived/vrrp/render.ts';
import { SANDBOX_WITHIN_MS } from '../kit/agent-sandbox.ts';
import { describeAmphoraAgentContract } from '../kit/contract/amphora-agent.ts';
import { describeLvsListeners } from '../kit/contract/lvs-listeners.ts';
import { agentIsImpossible } from '../kit/octavia-agent.ts';
import { type SandboxedAgent, startSandboxedAgent } from '../kit/sandboxed-agent.ts';

const root = join(import.meta.dirname, '../..');
const programs = join(root, 'src/adapters/vm-image/recipe/agents/kiln/files/usr/lib/kiln/agent/programs');
const command = [process.execPath, join(root, 'src/dev-agent/main.ts'), '--system', '--programs', programs];

if (agentIsImpossible === null) {
  describeAmphoraAgentContract(
    'own agent, of a virtual machine',
    { traffic: true, hardware: true, lvs: true, vrrp: true, reconfigurable: true },
    () => startSandboxedAgent(command),
  );
  describeLvsListeners('own agent, of a virtual machine', () => startSandboxedAgent(command));
  describeMachine();
  describePair();
} else {
  describe('AmphoraAgent: own agent, of a virtual machine', () => {
    it.skip(agentIsImpossible ?? '', () => undefined);
  });
}

/** Tests build on each other. */
function describeMachine(): void {
  describe('own agent, of a virtual machine', { timeout: 120_000 }, () => {
    const loadBalancerId = randomUUID();
    const ipv6Vip = 'fd00:77::101';
    const patience = { timeout: 30_000, interval: 100 };
    let sandbox: SandboxedAgent;
    let member: Server;
    const network = (...words: string[]) => sandbox.inside('ip', '-n', 'amphora-haproxy', ...words);
    const ask = async (address: string) =>
      await (await fetch(`http://${address}:8080/`, { headers: { connection: 'close' } })).text();

    /** This machine's end of the sandbox's network. */
    const addHostAddress = () => execFileSync('ip', ['address', 'add', 'fd00:77::1/64', 'dev', 'kiln-br0', 'nodad']);

    /** All of its ports are on one bridge, and the kernel answers at each for the addresses of the others. */
    const reachVipByItsPort = () => {
      const macAddress = /link\/ether (\S+)/.exec(network('link', 'show', 'dev', 'eth1'))?.[1] ?? 'none';
      const neighbour = [sandbox.vip.address, 'lladdr', macAddress, 'nud', 'permanent', 'dev', 'kiln-br0'];
      execFileSync('ip', ['neigh', 'replace', ...neighbour]);
    };

    beforeAll(async () => {
      sandbox = await startSandboxedAgent(command);
      addHostAddress();
      member = createServer((_, response) => response.end('member'));
      member.listen(0, sandbox.traffic.memberAddress);
      await once(member, 'listening');
    }, SANDBOX_WITHIN_MS);
    afterAll(async () => {
      member?.closeAllConnections();
      member?.close();
      await sandbox?.close();
    });

    const uploadText = (text: string) =>
      sandbox.agent.uploadHaproxyConfiguration(sandbox.amphora, loadBalancerId, text);
    const upload = async (comment: string, ofBackend = '', ofServer = '') => {
      const bind = [sandbox.vip.address, ipv6Vip].map((address) => `    bind ${address}:8080\n`).join('');
      const { port } = member.address() as AddressInfo;
      await uploadText(
        `${header(comment)}frontend listener
${bind}    mode http
    default_backend pool
backend pool
    mode http
${ofBackend}    server member ${sandbox.traffic.memberAddress}:${port} ${ofServer}
`,
      );
    };
    const header = (comment: string) => {
      const base = `/var/lib/octavia/${loadBalancerId}`;
      return `# ${comment}
global
    daemon
    user nobody
    stats socket ${base}.sock mode 0666 level user
    server-state-file ${base}/servers-state
    maxconn 1000
    external-check
    insecure-fork-wanted
defaults
    timeout client 50000
    timeout connect 5000
    timeout server 50000
`;
    };

    it('gives the VIPs of both families their routes, rules, MTU and masquerading', async () => {
      const { agent, amphora, vip } = sandbox;
      const macAddress = await sandbox.attachInterface();
      const route = { destination: '198.18.9.0/24', nexthop: '169.254.77.254' };
      const subnet = { subnetCidr: vip.subnetCidr, gateway: '169.254.77.1', hostRoutes: [route] };
      const additional = { ipAddress: ipv6Vip, subnetCidr: 'fd00:77::/64', gateway: 'fd00:77::1', hostRoutes: [] };
      await agent.plugVip(amphora, vip.address, {
        ...{ ...subnet, macAddress, mtu: 1400, vrrpIp: vip.vrrpIp, additionalVips: [additional], isSriov: false },
      });
      expect(network('link', 'show', 'dev', 'eth1')).toMatch(/<[^>]*\bUP\b[^>]*> mtu 1400 /);
      const addresses = network('-brief', 'address', 'show', 'dev', 'eth1').split(/\s+/);
      expect(addresses).toEqual(expect.arrayContaining(['169.254.77.102/24', '169.254.77.101/32', `${ipv6Vip}/128`]));
      expect(
        network('-4', 'route', 'show', 'table', '1')
          .split('\n')
          .map((line) => line.trim()),
      ).toEqual(
        expect.arrayContaining([
          'default via 169.254.77.1 dev eth1 proto static onlink',
          '169.254.77.0/24 dev eth1 proto static scope link src 169.254.77.101',
          '198.18.9.0/24 via 169.254.77.254 dev eth1 proto static onlink',
        ]),
      );
      expect(network('-6', 'route', 'show', 'table', '1')).toContain('default via fd00:77::1 dev eth1');
      expect(network('-4', 'route', 'show', 'default')).toContain('via 169.254.77.1 dev eth1');
      expect(network('-4', 'rule', 'show')).toContain('from 169.254.77.101 lookup 1');
      expect(network('-6', 'rule', 'show')).toContain(`from ${ipv6Vip} lookup 1`);
      const rules = sandbox.inside('ip', 'netns', 'exec', 'amphora-haproxy', 'nft', 'list', 'ruleset');
      expect(rules).toMatch(/oifname "eth1" meta l4proto \{ .*udp.* \} masquerade/);
      expect(await agent.getInterface(amphora, ipv6Vip.toUpperCase())).toBe('eth1');
    });

    it('takes away what a network no longer has, and leaves the rest', async () => {
      const { agent, amphora } = sandbox;
      const macAddress = await sandbox.attachInterface();
      const address = (ipAddress: string, subnetCidr: string, destination: string, nexthop: string) => ({
        ...{ ipAddress, subnetCidr, gateway: null, hostRoutes: [{ destination, nexthop }] },
      });
      const ipv4 = address('198.18.7.10', '198.18.7.0/24', '198.18.8.0/24', '198.18.7.1');
      const ipv6 = address('fd00:78::10', 'fd00:78::/64', 'fd00:79::/64', 'fd00:78::1');
      const port = { macAddress, mtu: 1450, isSriov: false };
      await agent.plugNetwork(amphora, { ...port, fixedIps: [ipv4, ipv6] });
      expect(network('-4', 'route', 'show', 'dev', 'eth2')).toContain('198.18.8.0/24 via 198.18.7.1');
      expect(network('-6', 'route', 'show', 'dev', 'eth2')).toContain('fd00:79::/64 via fd00:78::1');
      const rules = network('-4', 'rule', 'show');
      await agent.plugNetwork(amphora, { ...port, fixedIps: [ipv4] });
      expect(network('address', 'show', 'dev', 'eth2')).not.toContain('fd00:78::10');
      expect(network('-6', 'route', 'show', 'dev', 'eth2')).not.toContain('fd00:79::');
      expect(network('-4', 'route', 'show', 'dev', 'eth2')).toContain('198.18.8.0/24 via 198.18.7.1');
      expect(network('-4', 'rule', 'show')).toBe(rules);
    });

    it('refuses what it can not do, and says why', async () => {
      const { agent, amphora } = sandbox;
      const port = { macAddress: 'fa:16:3e:00:00:01', mtu: 1450, isSriov: false };
      await expect(agent.plugNetwork(amphora, { ...port, fixedIps: [] })).rejects.toMatchObject({
        call: { status: 500, serviceMessage: expect.stringContaining('DHCP') },
      });
    });

    it('serves both families', async () => {
      await upload('first');
      await sandbox.agent.act(sandbox.amphora, loadBalancerId, 'start');
      expect(await ask(sandbox.vip.address)).toBe('member');
      expect(await ask(`[${ipv6Vip}]`)).toBe('member');
    });

    it('finds a member by ping, as a user without privileges', async () => {
      const { agent, amphora } = sandbox;
      await upload(
        'ping',
        '    option external-check\n    external-check command /var/lib/octavia/ping-wrapper.sh\n',
        'check inter 500',
      );
      await agent.act(amphora, loadBalancerId, 'reload');
      // Up until its first checks have failed.
      await sleep(3000);
      expect(await ask(sandbox.vip.address)).toBe('member');
      await upload('no monitor');
      await agent.act(amphora, loadBalancerId, 'reload');
    });

    it('tells neighbours where its addresses are', async () => {
      const { vip } = sandbox;
      const elsewhere = '02:00:00:00:00:01';
      for (const [family, address] of [
        ['-4', vip.address],
        ['-6', ipv6Vip],
      ] as const) {
        execFileSync('ip', [
          family,
          'neigh',
          'replace',
          address,
          'lladdr',
          elsewhere,
          'nud',
          'stale',
          'dev',
          'kiln-br0',
        ]);
      }
      await sandbox.agent.act(sandbox.amphora, loadBalancerId, 'reload');
      const neighbours = () => execFileSync('ip', ['neigh', 'show', 'dev', 'kiln-br0'], { encoding: 'utf8' });
      await expect.poll(neighbours, patience).not.toContain(elsewhere);
    });

    it('loses no connection at reloads', async () => {
      const { agent, amphora, vip } = sandbox;
      const idle = connect(8080, vip.address);
      const answers: string[] = [];
      idle.setEncoding('utf8').on('data', (text: string) => answers.push(text));
      await once(idle, 'connect');
      let reloading = true;
      const failed: unknown[] = [];
      let answered = 0;
      const client = async () => {
        while (reloading) {
          await ask(vip.address).then(
            () => answered++,
            (error: unknown) => failed.push(error),
          );
        }
      };
      const clients = [client(), client(), client()];
      for (const number of [1, 2, 3]) {
        await upload(`reload ${number}`);
        await agent.act(amphora, loadBalancerId, 'reload');
      }
      reloading = false;
      await Promise.all(clients);
      expect(failed).toEqual([]);
      expect(answered).toBeGreaterThan(3);
      // Its worker has been asked to end since, and still answers who is connected.
      idle.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
      await expect.poll(() => answers.join(''), patience).toContain('member');
      idle.destroy();
    });

    it('counts errors of servers, connections and answers, and retries, in heartbeats that name them', async () => {
      const { agent, amphora, vip, traffic } = sandbox;
      const [listenerId, poolId] = [randomUUID(), randomUUID()];
      // One member hangs up without an answer; at the port of the other nobody listens.
      const mute = createTcpServer((socket) => socket.on('data', () => socket.destroy()));
      mute.listen(0, traffic.memberAddress);
      await once(mute, 'listening');
      const servers = [(mute.address() as AddressInfo).port, 1].map(
        (port) => `    server ${randomUUID()} ${traffic.memberAddress}:${port}\n`,
      );
      await uploadText(`${header('errors')}frontend ${listenerId}
    bind ${vip.address}:8080
    mode http
    default_backend ${poolId}:${listenerId}
backend ${poolId}:${listenerId}
    mode http
    retries 1
${servers.join('')}`);
      await agent.act(amphora, loadBalancerId, 'reload');
      const counted = { hrsp_5xx: 0, econ: 0, eresp: 0, wretr: 0 };
      let asking = true;
      // Each heartbeat has what came since the one before.
      const listening = (async () => {
        while (asking) {
          const said = JSON.parse(inflateSync(await traffic.nextHeartbeat()).toString());
          for (const name of Object.keys(counted) as Array<keyof typeof counted>)
            counted[name] += said.listeners[listenerId]?.stats[name] ?? 0;
        }
      })();
      for (const status of [502, 503]) expect(await ask(vip.address)).toContain(`${status}`);
      const atLeastOnce = expect.toSatisfy((count: number) => count > 0);
      await expect
        .poll(() => counted, patience)
        .toEqual({
          ...{ hrsp_5xx: atLeastOnce, econ: atLeastOnce, eresp: atLeastOnce, wretr: atLeastOnce },
        });
      asking = false;
      await listening;
      mute.close();
      await upload('without errors');
      await agent.act(amphora, loadBalancerId, 'reload');
    });

    it('filters a port that no hypervisor filters (SR-IOV), and lets in what the controller names', async () => {
      const { agent, amphora, vip, traffic } = sandbox;
      reachVipByItsPort();
      const rules = `/1.0/interface/${vip.address}/rules`;
      const allow = (cidr: string | null, port: number) => [{ protocol: 'TCP', cidr, port }];
      const opens = async () => {
        const socket = connect(8080, vip.address).on('error', () => undefined);
        const opened = once(socket, 'connect').then(() => true);
        const outcome = await Promise.race([opened, sleep(2000, false)]);
        socket.destroy();
        return outcome;
      };
      expect(await sandbox.put(rules, [])).toBe(200);
      expect(await opens()).toBe(false);
      expect(await sandbox.put(rules, allow('198.18.0.0/15', 8080))).toBe(200);
      expect(await opens()).toBe(false);
      expect(await sandbox.put(rules, allow(null, 8081))).toBe(200);
      expect(await opens()).toBe(false);
      expect(await sandbox.put(rules, [...allow(`${traffic.memberAddress}/32`, 8080), ...allow(null, 8082)])).toBe(200);
      // Its own connections to members leave by this port, too: they are answered.
      expect(await ask(vip.address)).toBe('member');
      expect(await sandbox.put(rules, allow(null, 0))).toBe(400);
      expect(await sandbox.put(rules, [{ protocol: 'ICMP', cidr: null, port: 1 }])).toBe(400);
      expect(await sandbox.put('/1.0/interface/203.0.113.1/rules', [])).toBe(404);
      // What the network needs of a port that is SR-IOV from the start; nobody else gets in.
      const macAddress = await sandbox.attachInterface();
      const fixedIps = [{ ipAddress: '198.18.6.10', subnetCidr: '198.18.6.0/24', gateway: null, hostRoutes: [] }];
      await agent.plugNetwork(amphora, { macAddress, mtu: 1450, isSriov: true, fixedIps });
      const loaded = sandbox.inside('ip', 'netns', 'exec', 'amphora-haproxy', 'nft', 'list', 'ruleset');
      expect(loaded).toContain('table inet kiln-firewall-eth3');
      expect(loaded).not.toMatch(/iifname "eth[13]" meta l4proto tcp notrack/);
      expect(await sandbox.put(rules, allow(null, 8080))).toBe(200);
    });

    it('goes on when its agent dies', async () => {
      const { agent, amphora, vip } = sandbox;
      sandbox.killAgent();
      await expect(agent.getInfo(amphora)).rejects.toThrow();
      expect(await ask(vip.address)).toBe('member');
    });

    it('has all of it again after a reboot', async () => {
      const { vip } = sandbox;
      await sandbox.reboot();
      addHostAddress();
      await expect.poll(() => network('link', 'show'), patience).toContain('eth1');
      reachVipByItsPort();
      await expect.poll(() => ask(vip.address).catch(String), patience).toBe('member');
      await expect.poll(() => ask(`[${ipv6Vip}]`).catch(String), patience).toBe('member');
      expect(network('-4', 'rule', 'show')).toContain('from 169.254.77.101 lookup 1');
      // Its card may come after the one that serves.
      const routes = () => network('-4', 'route', 'show');
      await expect.poll(routes, patience).toMatch(/198\.18\.8\.0\/24 via 198\.18\.7\.1 dev eth2/);
      const loaded = sandbox.inside('ip', 'netns', 'exec', 'amphora-haproxy', 'nft', 'list', 'ruleset');
      expect(loaded).toContain('tcp dport 8080 accept');
    });
  });
}

/** One of a pair, whose other one is away. Tests build on each other. */
function describePair(): void {
  describe('own agent, of a virtual machine of a pair', { timeout: 120_000 }, () => {
    const loadBalancerId = randomUUID();
    const patience = { timeout: 30_000, interval: 100 };
    let sandbox: SandboxedAgent;
    let macAddress: string;
    const network = (...words: string[]) => sandbox.inside('ip', '-n', 'amphora-haproxy', ...words);
    const addresses = () => network('-brief', 'address', 'show', 'dev', 'eth1');
    const vipOf = ({ vip }: SandboxedAgent) => ({
      ...{ subnetCidr: vip.subnetCidr, gateway: '169.254.77.1', macAddress, mtu: 1450, vrrpIp: vip.vrrpIp },
      ...{ hostRoutes: [], additionalVips: [], isSriov: false },
    });

    beforeAll(async () => {
      sandbox = await startSandboxedAgent(command, 'ACTIVE_STANDBY');
      macAddress = await sandbox.attachInterface();
    }, SANDBOX_WITHIN_MS);
    afterAll(() => sandbox?.close());

    it('leaves the VIP, and what belongs to it, to keepalived', async () => {
      await sandbox.agent.plugVip(sandbox.amphora, sandbox.vip.address, vipOf(sandbox));
      expect(addresses()).toContain('169.254.77.102/24');
      expect(addresses()).not.toContain('169.254.77.101');
      expect(network('-4', 'rule', 'show')).not.toContain('169.254.77.101');
      expect(await sandbox.agent.getInterface(sandbox.amphora, sandbox.vip.address)).toBeNull();
    });

    it('has the VIP as MASTER while its HAProxy answers', async () => {
      const { agent, amphora, vip } = sandbox;
      const { address, vrrpIp, subnetCidr } = vip;
      const base = `/var/lib/octavia/${loadBalancerId}`;
      await agent.uploadHaproxyConfiguration(
        amphora,
        loadBalancerId,
        `global
    daemon
    user nobody
    stats socket ${base}.sock mode 0666 level user
    maxconn 1000
defaults
    timeout client 50000
frontend listener
    bind ${address}:8080
    mode http
    http-request return status 200 content-type text/plain string served
`,
      );
      await agent.act(amphora, loadBalancerId, 'start');
      const configuration = renderVrrpConfiguration(
        {
          ...{ loadBalancerId, interfaceName: 'eth1', virtualRouterId: 1, priority: 100, vrrpIp },
          peerIps: ['169.254.77.99'],
          vip: { address, subnetCidr, gateway: '169.254.77.1', hostRoutes: [] },
          additionalVips: [],
        },
        {
          ...{ basePath: '/var/lib/octavia', advertIntervalSeconds: 0.1, checkIntervalSeconds: 1, failCount: 2 },
          ...{ successCount: 1, garpRefreshIntervalSeconds: 5, garpRefreshCount: 2, authenticationKey: 'insecure' },
        },
      );
      await agent.uploadVrrpConfiguration(amphora, configuration);
      await agent.actOnVrrp(amphora, 'start');
      await expect.poll(addresses, patience).toContain('169.254.77.101/32');
      expect(await (await fetch(`http://${address}:8080/`)).text()).toBe('served');
      expect(network('-4', 'route', 'show', 'table', '1')).toContain('default via 169.254.77.1');
      expect(await agent.getInterface(amphora, address)).toBe('eth1');
    });

    it('keeps it when its port is configured anew', async () => {
      const { agent, amphora, vip } = sandbox;
      const port = { macAddress, mtu: 1450, isSriov: false };
      const further = { ipAddress: '198.18.7.10', subnetCidr: '198.18.7.0/24', gateway: null, hostRoutes: [] };
      await agent.plugNetwork(amphora, {
        ...port,
        fixedIps: [further],
        vip: { ...vipOf(sandbox), vipAddress: vip.address },
      });
      expect(addresses()).toContain('198.18.7.10/24');
      expect(addresses()).toContain('169.254.77.101/32');
      expect(network('-4', 'rule', 'show')).toContain('from 169.254.77.101 lookup 1');
    });

    it('gives it up when HAProxy does not serve, and has it again when it does', async () => {
      const { agent, amphora } = sandbox;
      await agent.act(amphora, loadBalancerId, 'stop');
      await expect.poll(addresses, patience).not.toContain('169.254.77.101');
      await agent.act(amphora, loadBalancerId, 'start');
      await expect.poll(addresses, patience).toContain('169.254.77.101');
    });

    it('says nothing in heartbeats while keepalived does not run', async () => {
      const { agent, amphora, traffic } = sandbox;
      await traffic.nextHeartbeat();
      await agent.actOnVrrp(amphora, 'stop');
      await expect.poll(addresses, patience).not.toContain('169.254.77.101');
      const heard = traffic.nextHeartbeat().then(() => 'a heartbeat');
      // Three times the interval.
      expect(await Promise.race([heard, sleep(3000, 'silence')])).toBe('silence');
      await agent.actOnVrrp(amphora, 'start');
      expect(await heard).toBe('a heartbeat');
    });
  });
}
