import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createSecureContext, TLSSocket } from 'node:tls';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createTestAuthority } from '../../../test/kit/certificate-authority.ts';
import { createFakeClock } from '../../../test/kit/fakes/fake-clock.ts';
import { openDatabase } from './database.ts';

/**
 * Who is sent the password. The server here speaks MySQL's protocol only as far as that
 * (https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_connection_phase.html): greeting, TLS, and a refusal of
 * whatever login comes.
 */

const folder = mkdtempSync(join(tmpdir(), 'kiln-database-tls-'));
let server: Server;
let certificateFile: string;
const sockets: Socket[] = [];

beforeAll(async () => {
  const [authority] = await Promise.all(['ca', 'other-ca'].map((name) => createTestAuthority(folder, name)));
  for (const [name, type] of [
    ['127.0.0.1', 'ip'],
    ['localhost', 'dns'],
  ] as const) {
    await authority?.issueToFile(join(folder, `${name}.pem`), 'database', [{ type, value: name }]);
  }
  server = createServer(greet);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterAll(() => {
  for (const socket of sockets) socket.destroy();
  server.close();
  rmSync(folder, { recursive: true });
});

const packet = (sequence: number, body: Buffer) =>
  Buffer.concat([Buffer.from([body.length, body.length >> 8, body.length >> 16, sequence]), body]);

function greet(socket: Socket): void {
  sockets.push(socket.on('error', () => {}));
  // CLIENT_PROTOCOL_41, CLIENT_SSL, CLIENT_SECURE_CONNECTION; CLIENT_PLUGIN_AUTH
  const [lowerCapabilities, upperCapabilities] = [0x8a00, 0x0008];
  const greeting = Buffer.concat([
    Buffer.from('\x0a8.0.0\0\x01\0\0\0saltsalt\0', 'latin1'),
    Buffer.from([lowerCapabilities & 0xff, lowerCapabilities >> 8, 45, 2, 0, upperCapabilities, 0, 21]),
    Buffer.from(`${'\0'.repeat(10)}saltsaltsalt\0mysql_native_password\0`, 'latin1'),
  ]);
  socket.write(packet(0, greeting));
  socket.on('readable', function upgrade() {
    const SSL_REQUEST_BYTES = 36;
    if (socket.read(SSL_REQUEST_BYTES) === null) return;
    socket.removeListener('readable', upgrade);
    const pem = readFileSync(certificateFile);
    const secure = new TLSSocket(socket, {
      isServer: true,
      secureContext: createSecureContext({ key: pem, cert: pem }),
    });
    secure.on('error', () => {});
    secure.once('data', () => secure.end(packet(3, Buffer.from('\xff\x15\x04#28000the login came', 'latin1'))));
  });
}

it.each([
  ['127.0.0.1', '127.0.0.1', 'ca', '', /the login came/],
  ['127.0.0.1', 'localhost', 'ca', '', /127.0.0.1 is not in the cert's list/],
  ['localhost', 'localhost', 'ca', '', /the login came/],
  ['localhost', '127.0.0.1', 'ca', '', /localhost. is not/],
  ['localhost', '127.0.0.1', 'ca', '&ssl_check_hostname=false', /the login came/],
  ['localhost', 'localhost', 'other-ca', '', /certificate/],
  ['localhost', 'localhost', 'other-ca', '&ssl_check_hostname=false', /certificate/],
])('%s with a certificate for %s, trusting %s%s', async (host, holder, ca, query, outcome) => {
  certificateFile = join(folder, `${holder}.pem`);
  const { port } = server.address() as AddressInfo;
  const connection = `mysql+pymysql://octavia:secret@${host}:${port}/octavia?ssl_ca=${folder}/${ca}.pem${query}`;
  const opening = openDatabase(connection, createFakeClock({ autoAdvance: true }));
  await expect(opening).rejects.toMatchObject({ code: 'STATE_UNUSABLE', retryable: false });
  await expect(opening).rejects.toThrow(outcome);
});
