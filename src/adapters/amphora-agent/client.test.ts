/** Agents of all kinds of ill behaviour, played by real TLS servers. An agent that behaves is asked in test/integration. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer as createHttpServer, type RequestListener } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createTestAuthority, type TestAuthority } from '../../../test/kit/certificate-authority.ts';
import type { KilnError } from '../../model/errors.ts';
import type { AmphoraAgent } from '../../ports/amphora-agent.ts';
import { createAmphoraAgentClient } from './client.ts';
import { type AmphoraAgentSettings, withZone } from './connection.ts';

const id = 'c3b6a5d0-9c1e-4a0b-8f52-0a2e5f6f7a01';
const address = '127.0.0.1';
let directory: string;
let authority: TestAuthority;
let serverPem: string;
const endings: Array<() => unknown> = [];

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'kiln-agent-client-'));
  authority = await createTestAuthority(directory, 'ca', { kind: 'ec' });
  await authority.issueToFile(join(directory, 'client.pem'), 'controller');
  await authority.issueToFile(join(directory, 'server.pem'), id);
  serverPem = readFileSync(join(directory, 'server.pem'), 'utf8');
});
afterEach(async () => {
  for (const end of endings.splice(0)) await end();
});
afterAll(() => rmSync(directory, { recursive: true }));

async function listen(server: Server): Promise<number> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
  });
  server.listen(0, address);
  await once(server, 'listening');
  endings.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

function serve(listener: RequestListener, pem = serverPem): Promise<number> {
  const ca = readFileSync(authority.certificateFile);
  return listen(createHttpsServer({ cert: pem, key: pem, ca, requestCert: true, rejectUnauthorized: true }, listener));
}

/** Answers by path; what is not named is a 404 as Flask has it. */
function answers(byPath: Record<string, [status: number, body: unknown]>): RequestListener {
  return (request, response) => {
    const [status, body] = byPath[request.url ?? ''] ?? [404, { error: '404 Not Found', http_code: 404 }];
    response.writeHead(status, { 'Content-Type': typeof body === 'string' ? 'text/html' : 'application/json' });
    response.end(typeof body === 'string' ? body : JSON.stringify(body));
  };
}

function client(port: number, changes: Partial<AmphoraAgentSettings> = {}) {
  return createAmphoraAgentClient(() => ({
    clientCertFile: join(directory, 'client.pem'),
    serverCaFile: authority.certificateFile,
    port,
    connectTimeoutSeconds: 10,
    readTimeoutSeconds: 10,
    lbNetworkInterface: 'o-hm0',
    tlsProtocol: 'TLSv1.2',
    ...changes,
  }));
}

async function failure(port: number, changes: Partial<AmphoraAgentSettings> = {}): Promise<KilnError> {
  return client(port, changes)
    .getInfo({ id, address })
    .then(
      () => expect.unreachable('answered'),
      (error: KilnError) => error,
    );
}

const discovery: [number, unknown] = [200, { api_version: '1.0' }];
const info = { hostname: 'amphora', haproxy_version: '2.6.12-1+deb12u4', api_version: '1.0' };

it("reads what Octavia's agent says, which knows no image", async () => {
  const port = await serve(answers({ '/': discovery, '/1.0/info': [200, info] }));
  await expect(client(port).getInfo({ id, address })).resolves.toEqual({
    hostname: 'amphora',
    apiVersion: '1.0',
    haproxyVersion: '2.6.12-1+deb12u4',
    agentVersion: null,
    imageName: null,
    imageVersion: null,
  });
});

it('takes an agent without version discovery for 0.5', async () => {
  const port = await serve(answers({ '/0.5/info': [200, info] }));
  await expect(client(port).getInfo({ id, address })).resolves.toMatchObject({ apiVersion: '0.5' });
});

describe('answers that will not do', () => {
  const cases: Array<[string, Parameters<typeof answers>[0], string, RegExp]> = [
    [
      'unknown version',
      { '/': [200, { api_version: '2.0' }] },
      'AGENT_REFUSED',
      /API version "2\.0"; Kiln speaks 1\.0/,
    ],
    ['no version', { '/': [200, {}] }, 'AGENT_REFUSED', /speaks API version undefined/],
    ['not JSON', { '/': [200, '<html>'] }, 'AGENT_REFUSED', /answers GET \/ with what is not a JSON object/],
    ['a list', { '/': [200, []] }, 'AGENT_REFUSED', /what is not a JSON object/],
    ['403', { '/': [403, { message: 'no' }] }, 'AGENT_REFUSED', /answers 403 to GET \/: no/],
    ['302', { '/': [302, ''] }, 'AGENT_REFUSED', /answers 302/],
    ['500', { '/': [500, { error: '500 Internal' }] }, 'AGENT_UNREACHABLE', /answers 500 to GET \/: 500 Internal/],
    ['503', { '/': discovery, '/1.0/info': [503, 'busy'] }, 'AGENT_UNREACHABLE', /answers 503 to GET \/1\.0\/info/],
    ['404 of a web server', { '/': discovery, '/1.0/info': [404, '<html>'] }, 'AGENT_UNREACHABLE', /answers 404/],
    ['404 of the API', { '/': discovery }, 'AGENT_REFUSED', /answers 404 to GET \/1\.0\/info: 404 Not Found/],
    [
      'no hostname',
      { '/': discovery, '/1.0/info': [200, { haproxy_version: '2' }] },
      'AGENT_REFUSED',
      /without hostname/,
    ],
  ];
  it.each(cases)('%s', async (_name, byPath, code, message) => {
    const error = await failure(await serve(answers(byPath)));
    expect(error).toMatchObject({ code, message: expect.stringMatching(message) });
    expect(error.retryable).toBe(code === 'AGENT_UNREACHABLE');
    expect(error.message).toContain(`the agent of amphora ${id} at 127.0.0.1:`);
  });
});

describe('requests', () => {
  const vip = {
    subnetCidr: '10.0.0.0/24',
    gateway: null,
    macAddress: '06:00:00:00:00:01',
    vrrpIp: '10.0.0.3',
    mtu: 1450,
    hostRoutes: [{ destination: '10.1.0.0/24', nexthop: '10.0.0.1' }],
    additionalVips: [{ ipAddress: '10.2.0.2', subnetCidr: '10.2.0.0/24', gateway: '10.2.0.1', hostRoutes: [] }],
    isSriov: false,
  };
  /** An agent that takes everything, and what it was asked. */
  async function recording(status = 202, body: unknown = { message: 'OK' }) {
    const asked: string[] = [];
    const port = await serve((request, response) => {
      let sent = '';
      request.on('data', (chunk) => {
        sent += chunk;
      });
      request.on('end', () => {
        asked.push(`${request.method} ${request.url} ${sent}`.trimEnd());
        response.writeHead(request.url === '/' ? 404 : status, { 'Content-Type': 'application/json' });
        response.end(JSON.stringify(request.url === '/' ? {} : body));
      });
    });
    return { agent: client(port), asked };
  }
  const known = { id, address, apiVersion: '1.0' };

  it('are those of API 1.0', async () => {
    const { agent, asked } = await recording();
    await agent.uploadHaproxyConfiguration(known, 'lb', 'global');
    await agent.uploadLvsConfiguration(known, 'li', 'virtual');
    await agent.act(known, 'lb', 'reload');
    await agent.deleteListener(known, 'lb');
    await agent.uploadCertificate(known, 'lb', 'a.pem', 'PEM');
    await agent.deleteCertificate(known, 'lb', '../a.pem');
    await agent.rotateAgentCertificate(known, 'PEM');
    await agent.updateAgentConfiguration(known, '[DEFAULT]');
    expect(asked).toEqual([
      `PUT /1.0/loadbalancer/${id}/lb/haproxy global`,
      `PUT /1.0/listeners/${id}/li/udp_listener virtual`,
      'PUT /1.0/loadbalancer/lb/reload',
      'DELETE /1.0/listeners/lb',
      'PUT /1.0/loadbalancer/lb/certificates/a.pem PEM',
      'DELETE /1.0/loadbalancer/lb/certificates/..%2Fa.pem',
      'PUT /1.0/certificate PEM',
      'PUT /1.0/config [DEFAULT]',
    ]);
  });

  it('are those of API 0.5, where each listener has its HAProxy', async () => {
    const { agent, asked } = await recording();
    await agent.uploadHaproxyConfiguration({ id, address }, 'li', 'global');
    const old = { id, address, apiVersion: '0.5' };
    await agent.act(old, 'li', 'start');
    await agent.uploadCertificate(old, 'li', 'a.pem', 'PEM');
    await agent.deleteListener(old, 'li');
    expect(asked).toEqual([
      'GET /',
      `PUT /0.5/listeners/${id}/li/haproxy global`,
      'PUT /0.5/listeners/li/start',
      'PUT /0.5/listeners/li/certificates/a.pem PEM',
      'DELETE /0.5/listeners/li',
    ]);
  });

  it("plug with the words of Octavia's driver", async () => {
    const { agent, asked } = await recording();
    await agent.plugVip(known, '2001:db8::1', vip);
    const fixedIps = [{ ipAddress: '10.3.0.2', subnetCidr: '10.3.0.0/24', gateway: null, hostRoutes: [] }];
    const port = { macAddress: 'm', mtu: 1, isSriov: true, fixedIps };
    await agent.plugNetwork(known, { ...port, vip: { ...vip, vipAddress: '10.0.0.2' } });
    const reported = {
      subnet_cidr: '10.0.0.0/24',
      gateway: null,
      mac_address: '06:00:00:00:00:01',
      vrrp_ip: '10.0.0.3',
      mtu: 1450,
      host_routes: [{ destination: '10.1.0.0/24', nexthop: '10.0.0.1' }],
      additional_vips: [{ ip_address: '10.2.0.2', subnet_cidr: '10.2.0.0/24', host_routes: [], gateway: '10.2.0.1' }],
      is_sriov: false,
    };
    expect(asked.map((line) => line.split(' ').slice(0, 2).join(' '))).toEqual([
      'POST /1.0/plug/vip/2001:db8::1',
      'POST /1.0/plug/network',
    ]);
    expect(asked.map((line) => JSON.parse(line.slice(line.indexOf('{'))))).toEqual([
      reported,
      {
        mac_address: 'm',
        mtu: 1,
        is_sriov: true,
        fixed_ips: [{ ip_address: '10.3.0.2', subnet_cidr: '10.3.0.0/24', host_routes: [], gateway: null }],
        vip_net_info: { ...reported, vip: '10.0.0.2' },
      },
    ]);
  });

  it('whose end is reached already are done', async () => {
    const gone = (await recording(404, { message: 'Not Found' })).agent;
    await gone.deleteListener(known, 'lb');
    await gone.deleteCertificate(known, 'lb', 'a.pem');
    expect(await gone.getCertificateMd5(known, 'lb', 'a.pem')).toBeNull();
    expect(await gone.getInterface(known, '10.0.0.2')).toBeNull();
    const there = (await recording(409, { message: 'Interface already exists' })).agent;
    await there.plugVip(known, '10.0.0.2', vip);
  });

  it.each<[number, unknown, object]>([
    [400, { message: 'Invalid request', details: 'line 3' }, { code: 'AGENT_REFUSED', retryable: false }],
    [404, { details: 'No suitable network interface found' }, { code: 'AGENT_REFUSED', retryable: true }],
    [404, { message: 'Not Found' }, { code: 'AGENT_REFUSED', retryable: false }],
    [
      500,
      { message: 'Error', details: 'why' },
      { code: 'AGENT_REFUSED', retryable: true, call: { outcomeUnknown: true } },
    ],
    [503, 'busy', { code: 'AGENT_UNREACHABLE', retryable: true }],
  ])('that fail with %i %j', async (status, body, error) => {
    const { agent } = await recording(status, body);
    await expect(agent.plugVip(known, '10.0.0.2', vip)).rejects.toMatchObject(error);
  });

  it('whose answer is lost may have been carried out', async () => {
    const port = await serve((request) => request.socket.destroy());
    await expect(client(port).act(known, 'lb', 'start')).rejects.toMatchObject({ call: { outcomeUnknown: true } });
    await expect(client(port).getInfo(known)).rejects.toMatchObject({ call: { outcomeUnknown: false } });
  });

  it.each([
    [{}, { cpuCount: null, activeTunedProfiles: [], memoryKiB: null }],
    [
      {
        cpu_count: 2,
        active_tuned_profiles: ' virtual-guest  amphora',
        memory: { free: 3, buffers: 2, cached: 1, slab: 9 },
        haproxy_count: 1,
      },
      {
        runningHaproxyCount: 1,
        cpuCount: 2,
        activeTunedProfiles: ['virtual-guest', 'amphora'],
        memoryKiB: { free: 3, buffers: 2, cached: 1 },
      },
    ],
    [
      { cpu_count: '2', memory: { free: -1, buffers: 2, cached: 1 }, haproxy_count: 'one' },
      { cpuCount: null, memoryKiB: null, runningHaproxyCount: null },
    ],
    [
      { cpu_count: 0, memory: 'much' },
      { cpuCount: null, memoryKiB: null },
    ],
  ])('details with %j', async (body, details) => {
    const { agent } = await recording(200, { hostname: 'a', haproxy_version: '2', listeners: [], ...body });
    expect(await agent.getDetails(known)).toMatchObject(details);
  });

  it.each([
    ['listListeners', {}],
    ['listListeners', [{ uuid: 'a', status: 'ACTIVE' }]],
    ['getDetails', { hostname: 'a', haproxy_version: '2' }],
  ] as const)('%s can not make sense of %j', async (method, body) => {
    const { agent } = await recording(200, body);
    await expect(agent[method](known)).rejects.toMatchObject({ code: 'AGENT_REFUSED', retryable: false });
  });
});

describe('connections that fail', () => {
  it.each([
    ['hangs up before TLS', (socket: Socket) => socket.destroy()],
    ['says nothing', () => undefined],
  ])('%s: unreachable', async (_name, onConnection) => {
    const port = await listen(createTcpServer(onConnection));
    const error = await failure(port, { connectTimeoutSeconds: 0.2 });
    expect(error).toMatchObject({ code: 'AGENT_UNREACHABLE', retryable: true });
  });

  it('speaks no TLS: refused', async () => {
    const error = await failure(await listen(createHttpServer(answers({}))));
    expect(error).toMatchObject({ code: 'AGENT_REFUSED', message: expect.stringContaining('fails the TLS handshake') });
  });

  it('never answers: unreachable', async () => {
    const error = await failure(await serve(() => undefined), { connectTimeoutSeconds: 0.1, readTimeoutSeconds: 0.3 });
    expect(error).toMatchObject({ code: 'AGENT_UNREACHABLE', message: expect.stringContaining('in time') });
  });

  it.each([
    ['while it is connected to', async () => await listen(createTcpServer(() => undefined))],
    ['when it is asked', async () => await serve(() => undefined)],
  ])('never answers, %s, and has a limit of its own: unreachable', async (_when, hanging) => {
    const agent = client(await hanging(), { connectTimeoutSeconds: 3_600, readTimeoutSeconds: 3_600 });
    const asked = agent.getInfo({ id, address, limitMs: 200 });
    await expect(asked).rejects.toMatchObject({ code: 'AGENT_UNREACHABLE', retryable: true });
  });

  it('answers a byte at a time: unreachable', async () => {
    const port = await serve((_request, response) => {
      response.writeHead(200, { 'Content-Type': 'application/json' });
      const timer = setInterval(() => response.write(' '), 20);
      response.once('close', () => clearInterval(timer));
    });
    const error = await failure(port, { connectTimeoutSeconds: 0.1, readTimeoutSeconds: 0.3 });
    expect(error).toMatchObject({ code: 'AGENT_UNREACHABLE', message: expect.stringContaining('in time') });
  });

  it('answers without end: refused or unreachable, and soon', async () => {
    const port = await serve((_request, response) => {
      response.writeHead(200, { 'Content-Type': 'application/json' });
      const more = () => {
        while (!response.destroyed && response.write(' '.repeat(65_536)));
      };
      response.on('drain', more);
      more();
    });
    expect((await failure(port)).code).toMatch(/^AGENT_/);
  });

  it('answers half: unreachable', async () => {
    const port = await serve((_request, response) => {
      response.writeHead(200, { 'Content-Length': 100 });
      response.write('{"api_');
      setTimeout(() => response.destroy(), 20);
    });
    expect(await failure(port)).toMatchObject({ code: 'AGENT_UNREACHABLE', retryable: true });
  });

  it('stops when the caller does', async () => {
    const asked = Promise.withResolvers<void>();
    const port = await serve(() => asked.resolve());
    const abort = new AbortController();
    const answer = client(port).getInfo({ id, address }, abort.signal);
    void asked.promise.then(() => abort.abort(new Error('enough')));
    await expect(answer).rejects.toThrow('enough');
    await expect(client(port).getInfo({ id, address }, abort.signal)).rejects.toThrow('enough');
  });

  it.each<[string, (client: AmphoraAgent, signal: AbortSignal) => Promise<unknown>]>([
    ['asks', (agent, signal) => agent.getInfo({ id, address }, signal)],
    ['looks at the certificate', (agent, signal) => agent.showsCertificate({ id, address }, serverPem, signal)],
  ])('stops when the caller does who %s, of an agent that takes the connection and says nothing', async (_, call) => {
    const connected = Promise.withResolvers<Socket>();
    const port = await listen(createTcpServer((socket) => connected.resolve(socket)));
    const abort = new AbortController();
    const answer = call(client(port, { connectTimeoutSeconds: 600 }), abort.signal);
    const rejected = expect(answer).rejects.toThrow('enough');
    const socket = await connected.promise;
    socket.resume();
    const closed = once(socket, 'close');
    abort.abort(new Error('enough'));
    await rejected;
    await closed;
  });
});

describe('certificates that will not do', () => {
  it('of another amphora', async () => {
    const file = join(directory, 'other.pem');
    await authority.issueToFile(file, '00000000-0000-4000-8000-000000000000');
    const error = await failure(await serve(answers({}), readFileSync(file, 'utf8')));
    expect(error).toMatchObject({
      code: 'AGENT_REFUSED',
      retryable: false,
      message: expect.stringContaining('certificate of someone else'),
    });
  });

  it('expired', async () => {
    const past = await createTestAuthority(directory, 'past', { notAfter: new Date(Date.now() - 1000) });
    await past.issueToFile(join(directory, 'expired.pem'), id);
    const pem = readFileSync(join(directory, 'expired.pem'), 'utf8');
    const error = await failure(await serve(answers({}), pem), { serverCaFile: past.certificateFile });
    expect(error).toMatchObject({ code: 'AGENT_REFUSED', message: expect.stringContaining('not valid now') });
    expect(error.advice).toContain('clocks');
  });

  it.each(['-tls1_2', '-tls1_3'])('ours, refused with an alert (%s)', async (version) => {
    const stranger = await createTestAuthority(directory, 'stranger');
    const server = await opensslServer(version, stranger.certificateFile);
    const error = await failure(server);
    expect(error).toMatchObject({
      code: 'AGENT_REFUSED',
      message: expect.stringContaining('[haproxy_amphora] client_cert'),
    });
  });

  it('a TLS version that is too old', async () => {
    const port = await opensslServer('-tls1_2', authority.certificateFile);
    expect(await failure(port, { tlsProtocol: 'TLSv1.3' })).toMatchObject({
      code: 'AGENT_REFUSED',
      message: expect.stringContaining('fails the TLS handshake'),
    });
  });

  it.each([
    [{ clientCertFile: '/nowhere/client.pem' }, /client_cert \(\/nowhere\/client\.pem\) can't be read: ENOENT/],
    [{ serverCaFile: '/dev/null' }, /server_ca \(\/dev\/null\) holds no certificate/],
  ])('files at fault: %o', async (changes, message) => {
    expect(await failure(1, changes)).toMatchObject({
      code: 'CONFIGURATION_INVALID',
      message: expect.stringMatching(message),
    });
  });

  it('a client_cert without its key', async () => {
    expect(await failure(1, { clientCertFile: authority.certificateFile })).toMatchObject({
      code: 'CONFIGURATION_INVALID',
      advice: expect.stringContaining('unencrypted key'),
    });
  });
});

/** A server that refuses client certificates as OpenSSL does, with an alert. Node's own hangs up. */
async function opensslServer(version: string, clientCaFile: string): Promise<number> {
  const serverFile = join(directory, 'server.pem');
  const options = ['-accept', '127.0.0.1:0', version, '-cert', serverFile, '-key', serverFile, '-www'];
  const child: ChildProcess = spawn(
    'openssl',
    ['s_server', ...options, '-CAfile', clientCaFile, '-Verify', '1', '-verify_return_error'],
    { stdio: ['ignore', 'pipe', 'ignore'] },
  );
  endings.push(() => child.kill());
  let said = '';
  for await (const chunk of child.stdout?.iterator({ destroyOnReturn: false }) ?? []) {
    said += chunk;
    const port = /^ACCEPT 127\.0\.0\.1:(\d+)/m.exec(said)?.[1];
    if (port) return Number(port);
  }
  throw new Error(`openssl s_server said: ${said}`);
}

it('names the interface of link-local addresses only', () => {
  expect(withZone('fe80::1', 'o-hm0')).toBe('fe80::1%o-hm0');
  expect(withZone('fe80::1%eth0', 'o-hm0')).toBe('fe80::1%eth0');
  expect(withZone('2001:db8::1', 'o-hm0')).toBe('2001:db8::1');
  expect(withZone('192.0.2.1', 'o-hm0')).toBe('192.0.2.1');
});
