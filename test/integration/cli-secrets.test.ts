/** No command, however it ends and however much it is asked to tell, prints or logs a secret of the configuration. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';

const secrets = ['s3cr3t-password', 's3cr3t-passphrase', 's3cr3t-heartbeat', 's3cr3t-env'] as const;
const [password, passphrase, heartbeatKey, fromEnvironment] = secrets;
const kiln = join(import.meta.dirname, '..', '..', 'bin', 'kiln');
let folder: string;
let keystone: Server;
let asked = 0;

beforeAll(async () => {
  keystone = createServer((_request, response) => {
    asked++;
    response.writeHead(401, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ error: { code: 401, title: 'Unauthorized', message: 'Wrong name or password.' } }));
  });
  await new Promise<void>((resolve) => keystone.listen(0, '127.0.0.1', resolve));
  folder = mkdtempSync(join(tmpdir(), 'kiln-secrets-'));
  writeFileSync(
    join(folder, 'octavia.conf'),
    `[service_auth]
auth_type = password
auth_url = http://127.0.0.1:${(keystone.address() as AddressInfo).port}/v3
username = kiln
password = ${password}
project_name = service
[certificates]
ca_private_key_passphrase = ${passphrase}
[health_manager]
heartbeat_key = ${heartbeatKey}
[controller_worker]
amp_image_tag = amphora
amp_flavor_id = 65
[kiln]
state_path = ${join(folder, 'state')}
`,
  );
});
afterAll(() => {
  keystone.close();
  rmSync(folder, { recursive: true, force: true });
});

async function run(typed: string, more: Record<string, string> = {}): Promise<{ exitCode: number; printed: string }> {
  const child = spawn(kiln, [...typed.split(' '), '--config-file', join(folder, 'octavia.conf')], {
    env: { HOME: folder, ...more },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let printed = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      printed += text;
    });
  }
  const exitCode = await new Promise<number>((resolve) => child.on('close', (code) => resolve(code ?? -1)));
  return { exitCode, printed };
}

it.each([
  ['config show', 0],
  ['config show --all --json --debug', 0],
  ['doctor --json', 5],
  ['doctor --debug', 5],
  ['image list --debug', 5],
  ['image resolve --why --json --debug', 5],
])('kiln %s', async (typed, exitCode) => {
  const result = await run(typed);
  expect(result).toMatchObject({ exitCode, printed: expect.stringMatching(/\S/) });
  for (const secret of secrets) expect(result.printed).not.toContain(secret);
});

it('the secrets were in use: Keystone was asked for a token', () => {
  expect(asked).toBeGreaterThan(0);
});

it('kiln config show masks what comes from the environment as well, and says where it comes from', async () => {
  const { printed } = await run('config show', { OS_SERVICE_AUTH__PASSWORD: fromEnvironment });
  expect(printed).toContain('OS_SERVICE_AUTH__PASSWORD');
  for (const secret of secrets) expect(printed).not.toContain(secret);
});

it('kiln config show masks them too when another value is not allowed', async () => {
  const { exitCode, printed } = await run('config show', { OS_HAPROXY_AMPHORA__BIND_PORT: 'many' });
  expect(exitCode).toBe(2);
  expect(printed).toContain('many');
  for (const secret of secrets) expect(printed).not.toContain(secret);
});
