import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createTestAuthority, type TestAuthority } from '../../../test/kit/certificate-authority.ts';
import { createFakeLoadBalancerDeps } from '../../../test/kit/fakes/fake-load-balancer-deps.ts';
import { aNetwork, aSubnet } from '../../../test/kit/fakes/fake-network.ts';
import { storedListener, storedLoadBalancer, storedMember, storedPool } from '../../../test/kit/stored-resources.ts';
import { createVipPort } from '../../../test/kit/vip-port.ts';
import { createAmphoraAgentClient } from '../../adapters/amphora-agent/client.ts';
import type { FlowName } from '../../model/flow-name.ts';
import type { JsonObject } from '../../model/operation.ts';
import type { AmphoraAgent } from '../../ports/amphora-agent.ts';
import { runFlow } from '../engine/run-flow.ts';
import { rememberTrees } from '../lib/remember-trees.ts';
import { loadBalancerFlows } from './index.ts';

/**
 * The agent of the amphora that serves is broken, and is asked over real TLS: a change ends, with the reason; then a failover to
 * an amphora that is well ends it all, and so does a deletion.
 */

const GIVE_UP_MS = 60_000;
const limits = { attempts: 2, firstPauseMs: 10, longestPauseMs: 100 };
/** Of the client, in real time. */
const READ_TIMEOUT_SECONDS = 0.2;
const at = '2026-11-23T11:00:00.000Z';

type Handler = (request: IncomingMessage, response: ServerResponse) => void;
interface Fault {
  handle: Handler;
  /** Its certificate, of a day that has gone by. */
  expired?: boolean;
}

const json = (response: ServerResponse, status: number, body: unknown) => {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
};
/** A well agent's answers where nothing is changed; `change` has the others. */
const wellBut =
  (change: Handler): Handler =>
  (request, response) => {
    if (request.method !== 'GET') return change(request, response);
    if (request.url === '/') return json(response, 200, { api_version: '1.0' });
    if (request.url?.includes('/certificates/')) return json(response, 404, { message: 'No certificate' });
    json(response, 200, {
      hostname: 'amphora',
      haproxy_version: '2.6.12',
      api_version: '1.0',
      cpu: { total: 1 },
      cpu_count: 1,
      active_tuned_profiles: '',
      memory: { total: 1 },
      listeners: [],
    });
  };
const diskIsFull: Handler = (request, response) => {
  request.resume();
  json(response, 500, { message: 'Error', details: 'No space left on device' });
};

const faults: Record<string, Fault> = {
  'answers 500 to everything, as JSON': { handle: diskIsFull },
  'answers 500 to what changes something: its disk is full': { handle: wellBut(diskIsFull) },
  'answers 500 without JSON': { handle: (_request, response) => void response.writeHead(500).end('oops') },
  'answers 503 for ever': { handle: (_request, response) => void response.writeHead(503).end() },
  'never answers': { handle: () => {} },
  'never ends its answer': { handle: (_request, response) => void response.writeHead(200).write('{') },
  'answers a byte at a time': {
    handle: (request, response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      const dribble = setInterval(() => response.write(' '), 20);
      request.on('close', () => clearInterval(dribble));
      response.on('close', () => clearInterval(dribble));
    },
  },
  'answers nonsense': { handle: (_request, response) => void response.writeHead(200).end('<html>welcome</html>') },
  'answers JSON of another service': { handle: (_request, response) => json(response, 200, { versions: [] }) },
  'answers a list': { handle: (_request, response) => json(response, 200, []) },
  'is of another version': { handle: (_request, response) => json(response, 200, { api_version: '7.0' }) },
  'speaks no HTTP': { handle: (request) => void request.socket.end('SSH-2.0-OpenSSH_9.2\r\n') },
  'hangs up': { handle: (request) => void request.socket.destroy() },
  redirects: { handle: (_request, response) => void response.writeHead(302, { location: '/login' }).end() },
  'sends without end': {
    handle: (_request, response) => {
      response.writeHead(200);
      const fill = () => {
        while (!response.destroyed && response.write('x'.repeat(65_536)));
      };
      response.on('drain', fill);
      fill();
    },
  },
  'has a certificate that has expired': { handle: wellBut(diskIsFull), expired: true },
};

let folder: string;
let authority: TestAuthority;
const closers: (() => void)[] = [];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'kiln-faulty-agent-'));
  authority = await createTestAuthority(folder, 'ca', { kind: 'ec' });
  await authority.issueToFile(join(folder, 'client.pem'), 'controller');
});
afterEach(() => {
  for (const close of closers.splice(0)) close();
  rmSync(folder, { recursive: true, force: true });
});

/** A client of one that serves on loopback, whichever amphora is asked for. */
async function faultyAgent({ handle, expired }: Fault, amphoraId: string): Promise<AmphoraAgent> {
  const past = { kind: 'ec' as const, notAfter: new Date(Date.now() - 1000) };
  const issuer = expired ? await createTestAuthority(folder, 'past', past) : authority;
  const file = join(folder, 'agent.pem');
  await issuer.issueToFile(file, amphoraId);
  const pem = readFileSync(file, 'utf8');
  const server = createServer({ cert: pem, key: pem }, handle);
  server.on('clientError', (_error, socket) => socket.destroy());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return createAmphoraAgentClient(() => ({
    clientCertFile: join(folder, 'client.pem'),
    serverCaFile: issuer.certificateFile,
    port: (server.address() as AddressInfo).port,
    connectTimeoutSeconds: 2,
    readTimeoutSeconds: READ_TIMEOUT_SECONDS,
    lbNetworkInterface: 'o-hm0',
    tlsProtocol: 'TLSv1.2',
  }));
}

function setUp() {
  const fakes = createFakeLoadBalancerDeps();
  const { deps, journal, clock, log, loadBalancers, network, compute, amphorae } = fakes;
  network.addNetwork(aNetwork({ id: 'member-net', subnetIds: ['member-subnet'] }), [
    aSubnet({ id: 'member-subnet', networkId: 'member-net', cidr: '10.7.0.0/16' }),
  ]);
  const engine = { journal, clock, log, doing: limits, undoing: limits, giveUpAfterMs: GIVE_UP_MS };
  let faulty: { id: string | null; agent: AmphoraAgent } | null = null;
  let asked = 0;

  /** Each amphora's calls to its own agent. */
  const agent = new Proxy(fakes.agent, {
    get(target, name) {
      const well = Reflect.get(target, name) as unknown;
      if (typeof well !== 'function') return well;
      return async (...values: unknown[]) => {
        const { id } = values[0] as { id: string };
        const isFaulty = faulty && (faulty.id === null || faulty.id === id);
        if (!isFaulty) return await Reflect.apply(well, target, values);
        const [amphora, ...rest] = values as [{ id: string }];
        const broken = Reflect.get(faulty?.agent ?? {}, name) as (...all: unknown[]) => Promise<unknown>;
        return await broken({ ...amphora, address: '127.0.0.1' }, ...rest);
      };
    },
  });
  async function carryOut(name: FlowName, fields: JsonObject = {}): Promise<string> {
    const id = `op-${++asked}`;
    const input = { loadBalancerId: 'lb', resourceId: 'lb', ...fields };
    await journal.enqueue({ id, flow: name, subject: 'lb', input, priority: 0 });
    const flow = loadBalancerFlows.find((one) => one.name === name) ?? expect.unreachable();
    for (let life = 0; life < 10; life++) {
      const claimed = (await journal.claim(id, `w${life}`)) ?? expect.unreachable();
      const acting = {
        ...deps,
        agent,
        loadBalancers: rememberTrees(loadBalancers),
        settings: () => ({ ...deps.settings(), agentWaitSeconds: 10 }),
      };
      const end = await runFlow(flow, acting, claimed, engine, new AbortController().signal);
      if (end !== 'released') return end;
      await clock.sleep(GIVE_UP_MS / 2);
    }
    return 'never';
  }
  async function write(): Promise<void> {
    const vip = await createVipPort(network);
    const state = { provisioningStatus: 'PENDING_CREATE' as const };
    await loadBalancers.apply({
      loadBalancerId: 'lb',
      mutableFrom: [],
      rows: [
        {
          kind: 'loadbalancer',
          put: storedLoadBalancer('lb', { ...state, vip }),
        },
        { kind: 'pool', put: storedPool('po', 'lb', state) },
        { kind: 'listener', put: storedListener('li', 'lb', { ...state, defaultPoolId: 'po' }) },
      ],
      operation: null,
    });
  }
  /** As the API writes it. */
  async function ask(
    row:
      | { kind: 'listener'; put: ReturnType<typeof storedListener> }
      | { kind: 'member'; put: ReturnType<typeof storedMember> },
  ) {
    const lb = (await loadBalancers.get('loadbalancer', 'lb')) ?? expect.unreachable();
    const held = { ...lb, provisioningStatus: 'PENDING_UPDATE' as const, updatedAt: at };
    await loadBalancers.apply({
      loadBalancerId: 'lb',
      mutableFrom: ['ACTIVE'],
      rows: [{ kind: 'loadbalancer', put: held }, row],
      operation: null,
    });
  }
  const status = async () => (await loadBalancers.get('loadbalancer', 'lb'))?.provisioningStatus;
  return {
    ...fakes,
    carryOut,
    write,
    ask,
    status,
    serving: async () => (await amphorae.list({ loadBalancerId: 'lb' })).find((one) => one.status === 'ALLOCATED'),
    /** @param id of the one amphora that it is; null: of every one. */
    async breakAgent(fault: Fault, id: string | null) {
      faulty = { id, agent: await faultyAgent(fault, id ?? 'any') };
    },
    mendAgents: () => {
      faulty = null;
    },
    left: () => ({
      servers: compute.servers().length,
      ports: network.ports().map(({ name }) => name),
      groups: network.securityGroups().filter(({ name }) => name === 'lb-lb').length,
    }),
  };
}

const nothing = { servers: 0, ports: [], groups: 0 };
/** Nobody waits longer, whatever the agent does. */
const LONGEST_MS = 100_000;

describe.each(Object.entries(faults))('an agent that %s', (_name, fault) => {
  it('does not keep a change, a failover or a deletion from ending', async () => {
    for (const way of ['failover', 'deletion'] as const) {
      const harness = setUp();
      const { carryOut, write, ask, status, serving, breakAgent, loadBalancers } = harness;
      await write();
      expect(await carryOut('create-load-balancer')).toBe('done');
      const old = await serving();
      await breakAgent(fault, old?.id ?? '');
      const beganMs = performance.now();

      const pending = { provisioningStatus: 'PENDING_CREATE' as const };
      const member = {
        kind: 'member' as const,
        put: storedMember('me', 'po', { ...pending, subnetId: 'member-subnet', address: '10.7.0.1' }),
      };
      const listener = {
        kind: 'listener' as const,
        put: storedListener('li2', 'lb', { ...pending, protocolPort: 81 }),
      };
      await ask(way === 'failover' ? member : listener);
      const created =
        way === 'failover'
          ? carryOut('create-member', { resourceId: 'me' })
          : carryOut('create-listener', { resourceId: 'li2' });
      expect(await created).toBe('undone');
      expect(await status()).toMatch(/^(ERROR|ACTIVE)$/);
      expect((await loadBalancers.reasonOf('lb'))?.code).toMatch(/^AGENT_|^SERVICE_RESPONSE_INVALID$/);

      if (way === 'failover') {
        expect(await carryOut('failover-load-balancer')).toBe('done');
        expect(await status()).toBe('ACTIVE');
        expect((await serving())?.id).not.toBe(old?.id);
      }
      expect(await carryOut('delete-load-balancer')).toBe('done');
      expect(await status()).toBeUndefined();
      expect(harness.left()).toEqual(nothing);
      expect(performance.now() - beganMs).toBeLessThan(LONGEST_MS);
    }
  }, 120_000);

  it('of a new amphora fails its creation, and a failover, which leaves the old one serving; both can be deleted', async () => {
    const harness = setUp();
    const { carryOut, write, status, serving, breakAgent, mendAgents, left, loadBalancers } = harness;
    await write();
    await breakAgent(fault, null);
    const beganMs = performance.now();
    expect(await carryOut('create-load-balancer')).toBe('undone');
    expect(await status()).toBe('ERROR');
    expect((await loadBalancers.reasonOf('lb'))?.code).toMatch(/^AGENT_|^SERVICE_RESPONSE_INVALID$/);
    expect(left()).toEqual({ ...nothing, ports: ['octavia-lb-lb'] });

    mendAgents();
    // What a failover of one that never came to be asks for: see planFailover.
    const tree = (await loadBalancers.tree('lb')) ?? expect.unreachable();
    const pending = { provisioningStatus: 'PENDING_CREATE' as const };
    await loadBalancers.apply({
      loadBalancerId: 'lb',
      mutableFrom: ['ERROR'],
      rows: [
        { kind: 'loadbalancer', put: { ...tree.loadBalancer, provisioningStatus: 'PENDING_UPDATE' } },
        { kind: 'listener', put: storedListener('li', 'lb', { ...pending, defaultPoolId: 'po' }) },
        { kind: 'pool', put: storedPool('po', 'lb', pending) },
      ],
      operation: null,
    });
    expect(await carryOut('failover-load-balancer')).toBe('done');
    expect(await status()).toBe('ACTIVE');
    const old = await serving();

    await breakAgent(fault, null);
    expect(await carryOut('failover-load-balancer')).toBe('undone');
    expect(await status()).toBe('ACTIVE');
    expect((await serving())?.id).toBe(old?.id);
    expect(await carryOut('delete-load-balancer')).toBe('done');
    expect(left()).toEqual(nothing);
    expect(performance.now() - beganMs).toBeLessThan(LONGEST_MS);
  }, 120_000);
});
