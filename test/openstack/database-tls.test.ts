import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { sql } from 'kysely';
import { createConnection } from 'mysql2/promise';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createSystemClock } from '../../src/adapters/clock/system-clock.ts';
import { openDatabase } from '../../src/adapters/storage/database.ts';

/** A MariaDB of this suite's own, that speaks TLS alone to whoever logs in by TCP. */

const folder = mkdtempSync(join(tmpdir(), 'kiln-tls-'));
const clock = createSystemClock();
let server: ChildProcess;
let port: number;

function openssl(...words: string[]): void {
  execFileSync('openssl', words, { cwd: folder, stdio: 'pipe' });
}

function makeCertificates(): void {
  for (const name of ['ca', 'other-ca'])
    openssl(
      'req',
      '-x509',
      '-newkey',
      'rsa:2048',
      '-nodes',
      '-keyout',
      `${name}.key`,
      '-out',
      `${name}.pem`,
      '-subj',
      `/CN=${name}`,
    );
  const issue = (name: string, extension: string) => {
    openssl(
      'req',
      '-newkey',
      'rsa:2048',
      '-nodes',
      '-keyout',
      `${name}.key`,
      '-out',
      `${name}.csr`,
      '-subj',
      `/CN=${name}`,
      '-addext',
      extension,
    );
    openssl(
      'x509',
      '-req',
      '-in',
      `${name}.csr`,
      '-CA',
      'ca.pem',
      '-CAkey',
      'ca.key',
      '-CAcreateserial',
      '-out',
      `${name}.pem`,
      '-copy_extensions',
      'copy',
    );
  };
  issue('server', 'subjectAltName=DNS:localhost');
  issue('client', 'extendedKeyUsage=clientAuth');
  openssl('rsa', '-in', 'client.key', '-aes256', '-passout', 'pass:opensesame', '-out', 'client-locked.key');
  mkdirSync(join(folder, 'cas'));
  cpSync(join(folder, 'ca.pem'), join(folder, 'cas', 'ca.pem'));
}

async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve));
  const { port: free } = probe.address() as AddressInfo;
  await new Promise((resolve) => probe.close(resolve));
  return free;
}

beforeAll(async () => {
  makeCertificates();
  port = await freePort();
  const user = userInfo().username;
  const place = ['--no-defaults', `--datadir=${folder}/data`, `--user=${user}`];
  execFileSync('mariadb-install-db', [...place, '--auth-root-authentication-method=normal', '--skip-test-db'], {
    stdio: 'pipe',
  });
  server = spawn(
    '/usr/sbin/mariadbd',
    [
      ...place,
      `--socket=${folder}/s`,
      '--bind-address=127.0.0.1',
      `--port=${port}`,
      `--ssl-ca=${folder}/ca.pem`,
      `--ssl-cert=${folder}/server.pem`,
      `--ssl-key=${folder}/server.key`,
      '--innodb-buffer-pool-size=16M',
    ],
    { stdio: 'ignore' },
  );
  for (let tries = 0; ; tries++) {
    try {
      const root = await createConnection({ socketPath: `${folder}/s`, user: 'root' });
      await root.query('create database kiln');
      await root.query("create user octavia identified by 'secret' require ssl");
      await root.query("create user certified identified by 'secret' require x509");
      await root.query('grant all on kiln.* to octavia');
      await root.query('grant all on kiln.* to certified');
      await root.end();
      return;
    } catch (error) {
      if (tries > 100) throw error;
      await clock.sleep(200);
    }
  }
});
afterAll(async () => {
  const ended = new Promise((resolve) => server.on('exit', resolve));
  server.kill('SIGTERM');
  await ended;
  rmSync(folder, { recursive: true });
});

const open = (query: string, host = 'localhost', user = 'octavia') =>
  openDatabase(
    `mysql+pymysql://${user}:secret@${host}:${port}/kiln?charset=utf8${query.replaceAll('@', `${folder}/`)}`,
    clock,
  );

it.each<[query: string, host?: string, user?: string]>([
  ['&ssl=true'],
  ['&ssl_mode=REQUIRED'],
  ['&ssl_ca=@ca.pem'],
  ['&ssl_capath=@cas'],
  ['&ssl_ca=@ca.pem&ssl_verify_cert=true&ssl_verify_identity=true'],
  ['&ssl_ca=@ca.pem&ssl_mode=VERIFY_IDENTITY&ssl_cipher=ECDHE-RSA-AES256-GCM-SHA384'],
  ['&ssl_ca=@other-ca.pem&ssl_verify_cert=false'],
  ['&ssl_ca=@ca.pem&ssl_verify_identity=false', '127.0.0.1'],
  ['&ssl_ca=@ca.pem&ssl_mode=VERIFY_CA', '127.0.0.1'],
  ['&ssl_ca=@ca.pem&ssl_cert=@client.pem&ssl_key=@client.key', 'localhost', 'certified'],
  [
    '&ssl_ca=@ca.pem&ssl_cert=@client.pem&ssl_key=@client-locked.key&ssl_key_password=opensesame',
    'localhost',
    'certified',
  ],
])('%s at %s is encrypted', async (query, host, user) => {
  const database = await open(query, host, user);
  const { rows } = await sql<{ Value: string }>`show status like 'Ssl_cipher'`.execute(database);
  expect(rows[0]?.Value).not.toBe('');
  await database.destroy();
});

it.each([
  ['', 'localhost', 'octavia', /Access denied/],
  ['&ssl_disabled=true&ssl_ca=@ca.pem', 'localhost', 'octavia', /Access denied/],
  ['&ssl_ca=@other-ca.pem', 'localhost', 'octavia', /certificate/],
  ['&ssl_verify_cert=true', 'localhost', 'octavia', /certificate/],
  ['&ssl_ca=@ca.pem', '127.0.0.1', 'octavia', /127.0.0.1 is not in the cert's list/],
  ['&ssl_ca=@ca.pem&ssl_verify_identity=true', '127.0.0.1', 'octavia', /127.0.0.1 is not in the cert's list/],
  ['&ssl_ca=@ca.pem', 'localhost', 'certified', /Access denied/],
])('%s at %s as %s is refused', async (query, host, user, words) => {
  const error = await open(query, host, user).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: 'STATE_UNUSABLE', retryable: false });
  expect((error as Error).message).toMatch(words);
  expect((error as Error).message).not.toContain('secret');
});
