/**
 * The way of an amphora without a cloud: build an image, unpack it, give it the files that a controller writes, run it,
 * and ask its agent who it is.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { extract } from 'tar';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { createAmphoraAgentClient } from '../../src/adapters/amphora-agent/client.ts';
import { buildAmphoraImage } from '../../src/adapters/amphora-image/build.ts';
import { createCertificateIssuer } from '../../src/adapters/certificates/issuer.ts';
import { buildServerSpec } from '../../src/core/amphora/server-spec.ts';
import { type AgentProcess, startAgentProcess } from '../kit/agent-process.ts';
import { createTestAuthority, type TestAuthority } from '../kit/certificate-authority.ts';
import { defaultServerSettings } from '../kit/server-settings.ts';

const amphoraId = '7d3c8ed2-0b6a-4df5-9a52-9d1c5e0e4a11';
const otherId = '7d3c8ed2-0b6a-4df5-9a52-9d1c5e0e4a12';
const address = '127.78.41.7';

let directory: string;
let serverAuthority: TestAuthority;
let clientAuthority: TestAuthority;
let running: AgentProcess[] = [];

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'kiln-amphora-'));
  serverAuthority = await createTestAuthority(directory, 'server-ca');
  clientAuthority = await createTestAuthority(directory, 'client-ca', { kind: 'ec' });
  await clientAuthority.issueToFile(join(directory, 'client.pem'), 'controller');
  await serverAuthority.issueToFile(join(directory, 'stranger.pem'), 'stranger');
  const image = await buildAmphoraImage({ output: join(directory, 'amphora.img'), name: 'amphora-test', version: '7' });
  mkdirSync(join(directory, 'image'));
  await extract({ file: image.file, cwd: join(directory, 'image') });
});
afterEach(async () => {
  await Promise.all(running.map((agent) => agent.stop()));
  running = [];
});
afterAll(() => rmSync(directory, { recursive: true }));

async function startAmphora(changes: Record<string, string> = {}, bindHost = address): Promise<AgentProcess> {
  const issuer = createCertificateIssuer(
    {
      caCertificateFile: serverAuthority.certificateFile,
      caPrivateKeyFile: serverAuthority.keyFile,
      caPrivateKeyPassphrase: null,
      signingDigest: 'sha256',
    },
    { now: () => new Date() },
  );
  const spec = buildServerSpec(defaultServerSettings, {
    amphoraId,
    serverName: `amphora-${amphoraId}`,
    topology: 'SINGLE',
    imageId: 'any',
    computeFlavorId: 'any',
    certificate: await issuer.issueAgentCertificate(amphoraId, 3600),
    clientCaPem: readFileSync(clientAuthority.certificateFile, 'utf8'),
  });
  const agent = startAgentProcess({
    program: join(directory, 'image', 'agent.mjs'),
    root: mkdtempSync(join(directory, 'root-')),
    bindHost,
    files: { ...spec.files, ...changes },
  });
  running.push(agent);
  return agent;
}

function client(changes: Partial<ReturnType<Parameters<typeof createAmphoraAgentClient>[0]>> = {}) {
  return createAmphoraAgentClient(() => ({
    clientCertFile: join(directory, 'client.pem'),
    serverCaFile: serverAuthority.certificateFile,
    port: 9443,
    connectTimeoutSeconds: 10,
    readTimeoutSeconds: 60,
    lbNetworkInterface: 'o-hm0',
    tlsProtocol: 'TLSv1.2',
    ...changes,
  }));
}

it('tells which agent and which image runs', async () => {
  await (await startAmphora()).listening;
  const { version } = JSON.parse(readFileSync(join(import.meta.dirname, '../../package.json'), 'utf8'));
  await expect(client().getInfo({ id: amphoraId, address })).resolves.toEqual({
    hostname: expect.any(String),
    apiVersion: '1.0',
    haproxyVersion: expect.stringMatching(/^\d+\.\d+|^not installed$/),
    agentVersion: version,
    imageName: 'amphora-test',
    imageVersion: '7',
  });
});

it('is reached over IPv6', async () => {
  await (await startAmphora({}, '::1')).listening;
  await expect(client().getInfo({ id: amphoraId, address: '::1' })).resolves.toMatchObject({ imageVersion: '7' });
});

it('refuses a controller whose certificate comes from another authority, or who shows none', async () => {
  await (await startAmphora()).listening;
  const stranger = client({ clientCertFile: join(directory, 'stranger.pem') });
  await expect(stranger.getInfo({ id: amphoraId, address })).rejects.toMatchObject({
    code: 'AGENT_REFUSED',
    message: expect.stringContaining('it may not trust [haproxy_amphora] client_cert'),
  });
  const nobody = new Promise((resolve, reject) => {
    request({ host: address, port: 9443, path: '/', rejectUnauthorized: false }, resolve).on('error', reject).end();
  });
  await expect(nobody).rejects.toThrow();
});

it('is not taken for another amphora, nor for one of another authority', async () => {
  await (await startAmphora()).listening;
  await expect(client().getInfo({ id: otherId, address })).rejects.toMatchObject({
    code: 'AGENT_REFUSED',
    message: expect.stringMatching(`${otherId} at ${address}:9443 shows the certificate of someone else.*${amphoraId}`),
  });
  const misled = client({ serverCaFile: clientAuthority.certificateFile });
  await expect(misled.getInfo({ id: amphoraId, address })).rejects.toMatchObject({ code: 'AGENT_REFUSED' });
});

it('is unreachable, and worth another try, while nothing listens', async () => {
  await expect(client().getInfo({ id: amphoraId, address })).rejects.toMatchObject({
    code: 'AGENT_UNREACHABLE',
    retryable: true,
  });
});

it('ends on SIGTERM with status 0 and is gone', async () => {
  const agent = await startAmphora();
  await agent.listening;
  await client().getInfo({ id: amphoraId, address });
  agent.process.kill('SIGTERM');
  await expect(agent.exited).resolves.toEqual({ status: 0, signal: null, stderr: '' });
  await expect(client().getInfo({ id: amphoraId, address })).rejects.toMatchObject({ code: 'AGENT_UNREACHABLE' });
});

it.each([
  [
    'no certificate',
    { '/etc/octavia/certs/server.pem': 'garbage' },
    /agent_server_cert: .*server\.pem holds no certif/,
  ],
  [
    'no client CA',
    { '/etc/octavia/certs/client_ca.pem': '' },
    /agent_server_ca: .*client_ca\.pem holds no certificate/,
  ],
  [
    'certificate without its key',
    {
      '/etc/octavia/certs/server.pem': '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n',
    },
    /TLS can't be set up with .*server\.pem/,
  ],
  ['no amphora id', { '/etc/octavia/amphora-agent.conf': '[DEFAULT]\n' }, /\[amphora_agent\] amphora_id is not set/],
  ['garbage for configuration', { '/etc/octavia/amphora-agent.conf': 'x\n' }, /agent\.conf: line 1 is neither/],
])('ends at once, saying why: %s', async (_name, files, message) => {
  const agent = await startAmphora(files);
  await expect(agent.exited).resolves.toMatchObject({ status: 1, stderr: expect.stringMatching(message) });
});

it('ends when its address is taken', async () => {
  await (await startAmphora()).listening;
  const second = await startAmphora();
  await expect(second.exited).resolves.toMatchObject({
    status: 1,
    stderr: expect.stringMatching(/can't listen on 127\.78\.41\.7 port 9443: .*EADDRINUSE/),
  });
});
