import { randomInt, randomUUID } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type AgentProcess, startAgentProcess } from '../kit/agent-process.ts';
import { createTestAuthority } from '../kit/certificate-authority.ts';
import { type KilnProcess, startKiln } from '../kit/kiln-process.ts';

/** Every server of Kiln's programs, with clients that are silent, slow or never content: they end within seconds. */
let folder: string;
let cloud: KilnProcess;
let serve: KilnProcess;
let agent: AgentProcess;
let clientPem: string;
const agentHost = `127.${randomInt(130, 190)}.${randomInt(256)}.1`;
const sockets: Socket[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kiln-slow-'));
  const authority = await createTestAuthority(folder, 'ca', { kind: 'ec' });
  const id = randomUUID();
  await authority.issueToFile(join(folder, 'server.pem'), id);
  await authority.issueToFile(join(folder, 'client.pem'), 'controller');
  clientPem = await readFile(join(folder, 'client.pem'), 'utf8');
  agent = startAgentProcess({
    program: join(import.meta.dirname, '../../src/dev-agent/main.ts'),
    root: join(folder, 'root'),
    bindHost: agentHost,
    files: {
      '/etc/octavia/amphora-agent.conf': `[amphora_agent]\namphora_id = ${id}\n`,
      '/etc/octavia/certs/server.pem': await readFile(join(folder, 'server.pem'), 'utf8'),
      '/etc/octavia/certs/client_ca.pem': await readFile(authority.certificateFile, 'utf8'),
    },
  });
  cloud = startKiln(['--json', 'dev', '--state-dir', join(folder, 'cloud')]);
  await agent.listening;
  await cloud.line(/clouds\.yaml/);
  serve = startKiln(['serve', '--config-file', join(folder, 'cloud', 'octavia.conf')]);
  await serve.line(/"msg":"serving"/);
}, 60_000);
afterAll(async () => {
  for (const socket of sockets) socket.destroy();
  await Promise.all([serve?.kill(), cloud?.kill(), agent?.stop()]);
  await rm(folder, { recursive: true, force: true });
});

const request = (path: string, more: string) => `POST ${path} HTTP/1.1\r\nHost: a\r\n${more}\r\n\r\n`;

/** Silent ones; half a head; half a body; an answer had, and more to send; an answer had and silence. */
async function besiege(open: () => Socket, path: string): Promise<void> {
  const openings = ['', 'GET / HT', request(path, 'Content-Length: 100\r\nContent-Type: application/json')];
  openings.push(request(path, 'Content-Length: 1000000000'), request(path, 'Content-Length: 0'));
  const all = Array.from({ length: 100 }, (_none, index) => {
    const socket = open().on('error', () => {});
    socket.write(openings[index % openings.length] ?? '');
    sockets.push(socket);
    return new Promise((resolve) => socket.once('ready', resolve));
  });
  await Promise.all(all);
  await new Promise((resolve) => setTimeout(resolve, 500));
}

async function secondsToEnd(ended: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await ended();
  return (performance.now() - began) / 1000;
}

const said = (process: KilnProcess, pattern: RegExp) => process.line(pattern).then((line) => JSON.parse(line));

it('kiln serve, its API and its control socket', { timeout: 60_000 }, async () => {
  const url = new URL((await said(serve, /the load-balancer API listens/)).url);
  const { socket: path } = await said(serve, /"msg":"serving"/);
  await besiege(() => connect(Number(url.port), url.hostname), '/v2/lbaas/loadbalancers');
  await besiege(() => connect({ path }), '/amphorae');
  expect(await secondsToEnd(() => serve.stop())).toBeLessThan(18);
});

it('kiln dev', { timeout: 60_000 }, async () => {
  const file = await readFile(join(folder, 'cloud', 'octavia.conf'), 'utf8');
  const url = new URL(/auth_url = (\S+)/.exec(file)?.[1] ?? '');
  await besiege(() => connect(Number(url.port), url.hostname), '/identity/v3/auth/tokens');
  expect(await secondsToEnd(() => cloud.stop())).toBeLessThan(18);
});

it('the agent, whose clients may never finish their TLS handshake', { timeout: 60_000 }, async () => {
  const place = { port: 9443, host: agentHost };
  const keys = { cert: clientPem, key: clientPem, rejectUnauthorized: false };
  await besiege(() => connect(place), '/1.0/info');
  await besiege(() => connectTls({ ...place, ...keys }), '/1.0/info');
  expect(await secondsToEnd(() => agent.stop())).toBeLessThan(18);
});
