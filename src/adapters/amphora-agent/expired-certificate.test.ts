import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { createTestAuthority, type TestAuthority } from '../../../test/kit/certificate-authority.ts';
import { createAmphoraAgentClient } from './client.ts';

const id = 'c3b6a5d0-9c1e-4a0b-8f52-0a2e5f6f7a01';
const address = '127.0.0.1';
const ended = new Date(Date.now() - 60_000);
const endings: (() => unknown)[] = [];
let folder: string;
let authority: TestAuthority;
/** Of the same name as the authority, with another key. */
let impostor: TestAuthority;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'kiln-expired-'));
  mkdirSync(join(folder, 'impostor'));
  authority = await createTestAuthority(folder, 'ca', { kind: 'ec' });
  impostor = await createTestAuthority(join(folder, 'impostor'), 'ca', { kind: 'ec' });
  await authority.issueToFile(join(folder, 'client.pem'), 'controller');
});
afterEach(() => {
  for (const end of endings.splice(0)) end();
});
afterAll(() => rmSync(folder, { recursive: true }));

/** An agent that shows a certificate, and counts what it is asked. */
async function agentShowing(issuer: TestAuthority, name: string, endsAt?: Date) {
  const file = join(folder, 'server.pem');
  await issuer.issueToFile(file, name, [{ type: 'dns', value: name }], endsAt);
  const pem = readFileSync(file, 'utf8');
  const asked: string[] = [];
  const ca = readFileSync(authority.certificateFile);
  const server = createServer(
    { cert: pem, key: pem, ca, requestCert: true, rejectUnauthorized: true },
    (request, response) => {
      asked.push(`${request.method} ${request.url}`);
      request.resume().on('end', () => {
        response.writeHead(202, { 'Content-Type': 'application/json' });
        response.end(JSON.stringify({ api_version: '1.0' }));
      });
    },
  ).listen(0, address);
  await once(server, 'listening');
  endings.push(() => {
    server.closeAllConnections();
    server.close();
  });
  const agent = createAmphoraAgentClient(() => ({
    clientCertFile: join(folder, 'client.pem'),
    serverCaFile: authority.certificateFile,
    port: (server.address() as AddressInfo).port,
    connectTimeoutSeconds: 10,
    readTimeoutSeconds: 10,
    lbNetworkInterface: 'o-hm0',
    tlsProtocol: 'TLSv1.2',
  }));
  return { agent, asked, pem };
}
const amphora = { id, address };

it('an agent whose certificate has expired is given a new one, and asked for nothing else', async () => {
  const { agent, asked, pem } = await agentShowing(authority, id, ended);
  await agent.rotateAgentCertificate(amphora, 'PEM');
  expect(asked).toEqual(['GET /', 'PUT /1.0/certificate']);
  await expect(agent.getInfo(amphora)).rejects.toMatchObject({ code: 'AGENT_REFUSED' });
  await expect(agent.updateAgentConfiguration(amphora, '')).rejects.toMatchObject({ code: 'AGENT_REFUSED' });
  expect(asked).toHaveLength(2);
  expect(await agent.showsCertificate(amphora, pem)).toBe(true);
  expect(await agent.showsCertificate(amphora, readFileSync(authority.certificateFile, 'utf8'))).toBe(false);
});

it.each([
  ['is forged and has expired', () => agentShowing(impostor, id, ended)],
  ['is forged', () => agentShowing(impostor, id)],
  ['is that of another amphora, and has expired', () => agentShowing(authority, 'another', ended)],
  ['is that of another amphora', () => agentShowing(authority, 'another')],
])('no key goes to who shows a certificate that %s', async (_what, show) => {
  const { agent, asked, pem } = await show();
  await expect(agent.rotateAgentCertificate(amphora, 'SECRET KEY')).rejects.toMatchObject({ code: 'AGENT_REFUSED' });
  await expect(agent.showsCertificate(amphora, pem)).rejects.toMatchObject({ code: 'AGENT_REFUSED' });
  expect(asked).toEqual([]);
});
