import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:https';
import { type AddressInfo, createServer as createTcpServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { createTestAuthority, type TestAuthority } from '../../../test/kit/certificate-authority.ts';
import { createFakeClock } from '../../../test/kit/fakes/fake-clock.ts';
import { createFakeLog } from '../../../test/kit/fakes/fake-log.ts';
import { createHttp } from './http.ts';
import type { TransportSettings } from './settings.ts';

const directory = mkdtempSync(join(tmpdir(), 'kiln-tls-'));
const file = (name: string) => join(directory, name);
let authority: TestAuthority;
let server: ReturnType<typeof createServer>;
let url: string;
let connections = 0;

beforeAll(async () => {
  authority = await createTestAuthority(directory, 'authority');
  await createTestAuthority(directory, 'stranger');
  await authority.issueToFile(file('server.pem'), 'localhost');
  await authority.issueToFile(file('client.pem'), 'kiln');
  const pem = readFileSync(file('server.pem'));
  const ca = readFileSync(authority.certificateFile);
  server = createServer(
    { cert: pem, key: pem, ca, requestCert: true, rejectUnauthorized: false },
    (request, response) => {
      const peer = (
        request.socket as unknown as { getPeerCertificate(): { subject?: { CN?: string } } }
      ).getPeerCertificate();
      response.setHeader('x-client', peer.subject?.CN ?? 'nobody');
      response.end('{}');
    },
  );
  server.on('secureConnection', () => connections++);
  await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve));
  url = `https://localhost:${(server.address() as AddressInfo).port}/v2/images`;
});
afterAll(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  rmSync(directory, { recursive: true, force: true });
});

function connect(settings: TransportSettings) {
  const log = createFakeLog();
  const clock = createFakeClock({ autoAdvance: true });
  const http = createHttp({ settings, clock, log });
  onTestFinished(() => http.close());
  return { log, clock, get: (to = url) => http.request({ service: 'image', method: 'GET', url: to }) };
}

describe('TLS', () => {
  it('trusts the authority in the CA file, and keeps the connection', async () => {
    const { get, log } = connect({ caFile: authority.certificateFile });
    const before = connections;
    expect((await get()).header('x-client')).toBe('nobody');
    for (let call = 0; call < 20; call++) await get();
    // A second one is opened when a call follows so closely that the first is not quite free.
    expect(connections - before).toBeLessThanOrEqual(2);
    expect(log.lines.filter((line) => line.level === 'warn')).toEqual([]);
  });

  it.each([
    ['without one', {}],
    ['with a stranger', { caFile: file('stranger.pem') }],
  ])('refuses the certificate %s, at once, and says what to do', async (_what, settings) => {
    const { get, clock } = connect(settings);
    await expect(get()).rejects.toMatchObject({
      code: 'SERVICE_UNREACHABLE',
      retryable: false,
      message: expect.stringContaining('TLS certificate is not accepted'),
      advice: expect.stringContaining('ca_certificates_file'),
      call: { outcomeUnknown: false },
    });
    expect(clock.sleeps).toEqual([]);
  });

  it('refuses a certificate of another name', async () => {
    const { get } = connect({ caFile: authority.certificateFile });
    const other = url.replace(
      'localhost',
      server.address() && (server.address() as AddressInfo).address === '::1' ? '[::1]' : '127.0.0.1',
    );
    await expect(get(other)).rejects.toMatchObject({ code: 'SERVICE_UNREACHABLE', retryable: false });
  });

  it('takes any certificate when asked to be insecure, and warns once', async () => {
    const { get, log } = connect({ insecure: true });
    await get();
    await get();
    expect(log.lines.filter((line) => line.level === 'warn')).toHaveLength(1);
  });

  it('shows a client certificate, with the key beside it or in it', async () => {
    const both = connect({
      caFile: authority.certificateFile,
      certFile: file('client.pem'),
      keyFile: file('client.pem'),
    });
    expect((await both.get()).header('x-client')).toBe('kiln');
    const inOne = connect({ caFile: authority.certificateFile, certFile: file('client.pem') });
    expect((await inOne.get()).header('x-client')).toBe('kiln');
  });

  it('names a file that is not there', () => {
    expect(() => connect({ caFile: '/no/such.pem' })).toThrow("The CA file /no/such.pem can't be read");
  });

  it('names a file that holds no certificate', () => {
    expect(() => connect({ caFile: import.meta.filename })).toThrow(`The CA file ${import.meta.filename} holds no`);
  });

  it('says that the other side does not speak it', async () => {
    const plain = url.replace('https:', 'http:');
    await expect(connect({}).get(plain)).rejects.toMatchObject({ name: 'ServiceError' });
  });

  it('does not wait for a handshake that never ends', async () => {
    const sockets: Socket[] = [];
    const mute = createTcpServer((socket) => sockets.push(socket));
    await new Promise<void>((resolve) => mute.listen(0, '127.0.0.1', resolve));
    onTestFinished(async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => mute.close(resolve));
    });
    const { get } = connect({ connectTimeoutSeconds: 0.2, retry: { maxAttempts: 1 } });
    const call = get(`https://127.0.0.1:${(mute.address() as AddressInfo).port}/`);
    await expect(call).rejects.toMatchObject({
      code: 'SERVICE_UNREACHABLE',
      message: expect.stringContaining('no connection'),
    });
  });
});
