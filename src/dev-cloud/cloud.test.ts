import { spawn } from 'node:child_process';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, onTestFinished, test } from 'vitest';
import { parse } from 'yaml';
import { type CloudSession, openCloudSession } from '../../test/kit/cloud-session.ts';
import { type Cloud, startCloud } from './cloud.ts';

let stateDirectory: string;

beforeEach(() => {
  stateDirectory = mkdtempSync(join(tmpdir(), 'kiln-cloud-'));
});
afterEach(() => rmSync(stateDirectory, { recursive: true, force: true }));

async function start(port?: number): Promise<Cloud> {
  const cloud = await startCloud({ stateDirectory, ...(port !== undefined && { port }) });
  let open = true;
  const close = async () => {
    if (open) await cloud.close();
    open = false;
  };
  onTestFinished(close);
  return { ...cloud, close };
}

async function newImage(session: CloudSession, fields: object = {}): Promise<string> {
  const created = await session.call('POST', '/image/v2/images', {
    name: 'an image',
    disk_format: 'raw',
    container_format: 'bare',
    ...fields,
  });
  expect(created.status).toBe(201);
  return created.body.id;
}

const octets = { 'Content-Type': 'application/octet-stream' };

test('a restart keeps the URL, tokens, images and their data', async () => {
  const first = await start();
  const session = await openCloudSession(first.url, first.accounts.demo);
  const id = await newImage(session, { tags: ['amphora'] });
  await session.call('PUT', `/image/v2/images/${id}/file`, Buffer.from('data'), octets);
  await first.close();

  const second = await start();
  expect(second.url).toBe(first.url);
  expect(second.accounts).toEqual(first.accounts);
  const shown = await session.call('GET', `/image/v2/images/${id}`);
  expect(shown.body).toMatchObject({ status: 'active', size: 4, tags: ['amphora'] });
  expect((await session.call('GET', `/image/v2/images/${id}/file`)).body).toBe('data');
});

test('a state folder serves one process at a time', async () => {
  await start();
  await expect(startCloud({ stateDirectory })).rejects.toThrow(/Another process runs the embedded cloud in /);
});

test('the remembered port taken by something else is an error that names it, and another port can be given', async () => {
  const first = await start();
  const port = Number(new URL(first.url).port);
  await first.close();
  const squatter = createServer().listen(port, '127.0.0.1');
  await once(squatter, 'listening');
  onTestFinished(() => void squatter.close());

  await expect(startCloud({ stateDirectory })).rejects.toThrow(`Port ${port} of 127.0.0.1`);
  const other = createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  const free = (other.address() as { port: number }).port;
  other.close();
  await once(other, 'close');
  expect((await start(free)).url).toBe(`http://127.0.0.1:${free}`);
});

test('it listens on loopback only', async () => {
  await expect(startCloud({ stateDirectory, host: '0.0.0.0' })).rejects.toThrow(/loopback/);
});

test('clouds.yaml has three clouds, and nobody else on the machine can read a secret', async () => {
  const cloud = await start();
  const { clouds } = parse(readFileSync(cloud.cloudsFile, 'utf8')) as { clouds: Record<string, unknown> };
  expect(Object.keys(clouds)).toEqual(['kiln-dev', 'kiln-dev-admin', 'kiln-dev-demo']);
  expect(clouds['kiln-dev']).toMatchObject({
    auth: { auth_url: `${cloud.url}/identity/v3`, username: 'kiln', project_name: 'service' },
  });
  const folder = join(stateDirectory, 'certificates');
  const secrets = [cloud.cloudsFile, cloud.configurationFile, join(stateDirectory, 'cloud.sqlite')];
  for (const file of [...secrets, ...readdirSync(folder).map((name) => join(folder, name))]) {
    expect(statSync(file).mode & 0o077, file).toBe(0);
  }
});

test('octavia.conf names authorities that fit together', async () => {
  const cloud = await start();
  const text = readFileSync(cloud.configurationFile, 'utf8');
  const option = (name: string) => new RegExp(`^${name} = (.*)$`, 'm').exec(text)?.[1] ?? '';
  const serverCa = new X509Certificate(readFileSync(option('server_ca')));
  expect(option('ca_certificate')).toBe(option('server_ca'));
  const keyPem = readFileSync(option('ca_private_key'), 'utf8');
  expect(keyPem).toContain('ENCRYPTED');
  const key = createPrivateKey({ key: keyPem, passphrase: option('ca_private_key_passphrase') });
  expect(serverCa.checkPrivateKey(key)).toBe(true);

  const clientPem = readFileSync(option('client_cert'), 'utf8');
  const client = new X509Certificate(clientPem);
  const clientCa = new X509Certificate(readFileSync(option('client_ca')));
  expect(client.verify(clientCa.publicKey)).toBe(true);
  expect(client.checkPrivateKey(createPrivateKey(clientPem))).toBe(true);
  expect(client.verify(serverCa.publicKey)).toBe(false);
});

test('an octavia.conf that was edited keeps the edits; when the URL moves, only the URL changes', async () => {
  const first = await start();
  const edited = `${readFileSync(first.configurationFile, 'utf8')}\n# mine, and ${first.url}0 is not the cloud\n`;
  writeFileSync(first.configurationFile, edited);
  await first.close();
  const second = await start();
  expect(second.notices).toEqual([]);
  expect(readFileSync(second.configurationFile, 'utf8')).toBe(edited);
  await second.close();

  const spare = createServer().listen(0, '127.0.0.1');
  await once(spare, 'listening');
  const { port } = spare.address() as { port: number };
  spare.close();
  await once(spare, 'close');
  const third = await start(port);
  expect(third.notices).toHaveLength(2);
  expect(third.notices[1]).toContain(third.configurationFile);
  const moved = readFileSync(third.configurationFile, 'utf8');
  expect(moved).toContain(`auth_url = ${third.url}/identity/v3`);
  expect(moved).toContain(`# mine, and ${first.url}0 is not the cloud`);
});

test('the catalog says where octavia.conf has the load-balancer API, also when its owner moved it', async () => {
  const first = await start();
  const urls = async (cloud: Cloud) => {
    const session = await openCloudSession(cloud.url, cloud.accounts.demo);
    const { catalog } = (await session.call('GET', '/identity/v3/auth/catalog')).body;
    const octavia = catalog.find((service: { name: string }) => service.name === 'octavia');
    expect(octavia.type).toBe('load-balancer');
    return octavia.endpoints.map((endpoint: { url: string }) => endpoint.url);
  };
  expect(await urls(first)).toEqual([first.apiUrl, first.apiUrl, first.apiUrl]);
  const text = readFileSync(first.configurationFile, 'utf8');
  const port = new URL(first.apiUrl).port;
  expect(text).toContain(`[api_settings]\nbind_host = 127.0.0.1\nbind_port = ${port}\n`);
  const [, heartbeats] = /^\[health_manager\]\nbind_ip = 127.0.0.1\nbind_port = (\d+)$/m.exec(text) ?? [];
  expect(text).toContain(`controller_ip_port_list = 127.0.0.1:${heartbeats}\n`);
  await first.close();

  const second = await start();
  expect(second.apiUrl).toBe(first.apiUrl);
  writeFileSync(second.configurationFile, text.replace(`bind_port = ${port}`, 'bind_port = 19876'));
  await second.close();
  const third = await start();
  expect(third.apiUrl).toBe('http://127.0.0.1:19876');
  expect(await urls(third)).toContain('http://127.0.0.1:19876');
});

test('an octavia.conf from before load balancers gets the port of their API, and keeps the rest', async () => {
  const first = await start();
  const before = readFileSync(first.configurationFile, 'utf8').replace(/\[api_settings\][^[]*/, '');
  writeFileSync(first.configurationFile, before);
  await first.close();
  const second = await start();
  expect(second.notices).toEqual([expect.stringContaining('[api_settings] bind_port = ')]);
  expect(readFileSync(second.configurationFile, 'utf8')).toBe(
    `${before}\n[api_settings]\nbind_host = 127.0.0.1\nbind_port = ${new URL(second.apiUrl).port}\n`,
  );
  await second.close();
  expect((await start()).notices).toEqual([]);
});

test('files of a cloud whose state is gone are put aside', async () => {
  const first = await start();
  const old = readFileSync(first.configurationFile, 'utf8');
  await first.close();
  rmSync(join(stateDirectory, 'cloud.sqlite'));
  const second = await start();
  expect(second.notices).toHaveLength(2);
  expect(readFileSync(`${first.configurationFile}.old`, 'utf8')).toBe(old);
  expect(readFileSync(second.configurationFile, 'utf8')).toContain(`password = ${second.accounts.kiln.password}`);
});

test('closing it in the middle of an upload ends both', async () => {
  const first = await start();
  const session = await openCloudSession(first.url, first.accounts.kiln);
  const id = await newImage(session);
  const upload = request(`${first.url}/image/v2/images/${id}/file`, {
    method: 'PUT',
    headers: { ...octets, 'X-Auth-Token': session.token },
  });
  const broken = once(upload, 'error');
  upload.write('half');
  await expect.poll(() => readdirSync(join(stateDirectory, 'images'))).toHaveLength(1);
  await first.close();
  await broken;
  await start();
  expect((await session.call('GET', `/image/v2/images/${id}`)).body.status).toBe('queued');
});

test('killed in the middle of an upload, it starts again with the image queued and no half data', async () => {
  const cloudModule = new URL('./cloud.ts', import.meta.url).href;
  const program = `import { startCloud } from ${JSON.stringify(cloudModule)};
    const cloud = await startCloud({ stateDirectory: ${JSON.stringify(stateDirectory)} });
    console.log(JSON.stringify(cloud));`;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  const running = JSON.parse(line.toString()) as Cloud;
  const session = await openCloudSession(running.url, running.accounts.kiln);
  const id = await newImage(session);

  const upload = request(`${running.url}/image/v2/images/${id}/file`, {
    method: 'PUT',
    headers: { ...octets, 'X-Auth-Token': session.token },
  });
  upload.on('error', () => {});
  upload.write(Buffer.alloc(300_000));
  await expect.poll(() => readdirSync(join(stateDirectory, 'images'))).toHaveLength(1);
  expect((await session.call('GET', `/image/v2/images/${id}`)).body.status).toBe('saving');
  child.kill('SIGKILL');
  await once(child, 'exit');

  await start();
  expect((await session.call('GET', `/image/v2/images/${id}`)).body).toMatchObject({ status: 'queued', size: null });
  expect(readdirSync(join(stateDirectory, 'images'))).toEqual([]);
  const again = await session.call('PUT', `/image/v2/images/${id}/file`, Buffer.from('whole'), octets);
  expect(again.status).toBe(204);
  expect((await session.call('GET', `/image/v2/images/${id}/file`)).body).toBe('whole');
});
