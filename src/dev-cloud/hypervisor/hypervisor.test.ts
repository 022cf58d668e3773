import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { gzipSync } from 'node:zlib';
import { create, Header } from 'tar';
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { createHypervisor, GuestEndedError, type GuestSpec, type Hypervisor, UnusableImageError } from './index.ts';

let folder: string;
let hypervisor: Hypervisor;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kiln-hypervisor-'));
  hypervisor = await createHypervisor({ stateDirectory: folder });
});
afterEach(async () => {
  await hypervisor.close();
  await rm(folder, { recursive: true, force: true });
});

const manifest = { format: 'kiln-amphora-1', name: 'test', version: '1', entry: 'agent.mjs', createdAt: '2026-01-01' };
const sleeps = 'console.log("up", process.argv.slice(2).join(" ")); setInterval(() => {}, 1000);';

/** Packs the files into an image and returns where it lies. */
async function image(files: Record<string, string>): Promise<string> {
  const source = await mkdtemp(join(folder, 'source-'));
  for (const [name, text] of Object.entries(files)) await writeFile(join(source, name), text);
  const file = `${source}.tgz`;
  await create({ gzip: true, file, cwd: source }, Object.keys(files));
  return file;
}

async function spec(agent: string, extra: Partial<GuestSpec> = {}): Promise<GuestSpec> {
  const imageFile = await image({ 'amphora.json': JSON.stringify(manifest), 'agent.mjs': agent });
  return { ...bare(imageFile), ports: [loopbackPort], ...extra };
}

const bare = (imageFile: string, serverId = 's1'): GuestSpec => ({
  ...{ serverId, imageFile, hostname: 'guest', memoryMiB: 64, ports: [], publicKeys: {}, files: [], userData: null },
});
const loopbackPort = {
  ...{ id: 'p1', networkId: 'n1', macAddress: 'fa:16:3e:00:00:01', mtu: 1450 },
  addresses: [{ address: '127.77.0.9', prefixLength: 16, gateway: null }],
};

/** An archive with one entry of whatever kind, which no honest packer would write. */
async function oddArchive(entry: {
  path: string;
  type: 'File' | 'SymbolicLink' | 'Link';
  linkpath?: string;
  size?: number;
}) {
  const header = new Header({ mode: 0o644, size: 0, mtime: new Date(0), ...entry });
  header.encode();
  const file = join(folder, 'odd.tgz');
  await writeFile(file, gzipSync(Buffer.concat([header.block as Buffer, Buffer.alloc(1024)])));
  return file;
}

const root = (serverId = 's1') => join(folder, 'servers', serverId, 'root');
const processOf = async (serverId = 's1') =>
  JSON.parse(await readFile(join(folder, 'servers', serverId, 'process.json'), 'utf8')).pid as number;
const alive = (pid: number) => existsSync(`/proc/${pid}`);

describe('a server that runs', () => {
  test('gets its files, its address and nothing of our environment, and prints to its console', async () => {
    const files = [{ path: '/etc/octavia/certs/server.pem', contents: Buffer.from('KEY'), mode: 0o600 }];
    const agent = `console.log(Object.keys(process.env).sort().join()); ${sleeps}`;
    await hypervisor.build(await spec(agent, { files }));
    expect(hypervisor.isRunning('s1')).toBe(true);
    expect(await readFile(join(root(), 'etc/octavia/certs/server.pem'), 'utf8')).toBe('KEY');
    expect((await stat(join(root(), 'etc/octavia/certs/server.pem'))).mode & 0o777).toBe(0o600);
    await vi.waitFor(
      async () => {
        const [environment, line] = (await hypervisor.consoleOutput('s1', null)).split('\n');
        expect(environment).toBe('PATH');
        expect(line).toBe(
          `up --root ${root()} --config-file ${root()}/etc/octavia/amphora-agent.conf --bind-host 127.77.0.9`,
        );
      },
      { timeout: 60_000 },
    );
    expect(await hypervisor.consoleOutput('s1', 1)).toMatch(/^up .*\n$/);
  });

  test('gets the files of its user data', async () => {
    const packed = gzipSync('packed').toString('base64');
    const userData = `#cloud-config
write_files:
- path: /etc/octavia/amphora-agent.conf
  permissions: '0600'
  content: |
    [DEFAULT]
- {path: ../../../../outside, encoding: b64, content: aW5zaWRl}
- {path: /packed, encoding: gz+b64, content: ${packed}}
- {path: /broken, encoding: gz+b64, content: AAAA}
`;
    await hypervisor.build(await spec(sleeps, { userData }));
    expect(await readFile(join(root(), 'etc/octavia/amphora-agent.conf'), 'utf8')).toBe('[DEFAULT]\n');
    expect(await readFile(join(root(), 'outside'), 'utf8')).toBe('inside');
    expect(await readFile(join(root(), 'packed'), 'utf8')).toBe('packed');
    expect(existsSync(join(root(), 'broken'))).toBe(false);
    expect(await readFile(join(root(), 'var/lib/cloud/user-data'), 'utf8')).toBe(userData);
  });

  test('ends with its children when destroyed, and its folder goes', async () => {
    const agent = `import { spawn } from 'node:child_process';
      process.on('SIGTERM', () => {});
      console.log(spawn('sleep', ['1000']).pid); setInterval(() => {}, 1000);`;
    hypervisor = await createHypervisor({ stateDirectory: folder, graceMilliseconds: 50 });
    await hypervisor.build(await spec(agent));
    const child = await vi.waitFor(
      async () => {
        const pid = Number(await hypervisor.consoleOutput('s1', 1));
        expect(pid).toBeGreaterThan(0);
        return pid;
      },
      { timeout: 60_000 },
    );
    const pid = await processOf();
    await hypervisor.destroy('s1');
    expect(alive(pid)).toBe(false);
    await vi.waitFor(() => expect(isRunning(child)).toBe(false), { timeout: 60_000 });
    expect(existsSync(join(folder, 'servers/s1'))).toBe(false);
    await hypervisor.destroy('s1');
  });

  test('tells when it ends by itself, and not when it is stopped', async () => {
    const ended: string[] = [];
    hypervisor.onEnded((serverId) => ended.push(serverId));
    await hypervisor.build(await spec(sleeps));
    await hypervisor.stop('s1');
    expect(hypervisor.isRunning('s1')).toBe(false);
    expect(ended).toEqual([]);
    await hypervisor.start('s1');
    process.kill(await processOf(), 'SIGKILL');
    await vi.waitFor(() => expect(ended).toEqual(['s1']), { timeout: 60_000 });
    expect(hypervisor.isRunning('s1')).toBe(false);
  });
});

describe('an image that can not run', () => {
  test.each([
    ['garbage', Buffer.from('garbage'.repeat(1000)), /is not a gzip'ed tar archive/],
    ['nothing', Buffer.alloc(0), /is not a gzip'ed tar archive/],
    ['garbage, compressed', gzipSync('garbage'.repeat(1000)), /is not a gzip'ed tar archive/],
  ])('%s', async (_name, bytes, message) => {
    const imageFile = join(folder, 'image');
    await writeFile(imageFile, bytes);
    const built = hypervisor.build(bare(imageFile));
    await expect(built).rejects.toThrow(UnusableImageError);
    await expect(built).rejects.toThrow(message);
  });

  test('half an archive', async () => {
    const whole = await spec(`// ${Array.from({ length: 9999 }, () => Math.random()).join()}\n${sleeps}`);
    const bytes = await readFile(whole.imageFile);
    await writeFile(whole.imageFile, bytes.subarray(0, bytes.length / 2));
    await expect(hypervisor.build(whole)).rejects.toThrow(UnusableImageError);
  });

  test.each([
    ['no manifest', { 'agent.mjs': sleeps }, /no readable amphora\.json/],
    ['another format', { 'amphora.json': '{"format":"other"}' }, /does not say format "kiln-amphora-1"/],
    ['no entry', { 'amphora.json': JSON.stringify(manifest) }, /has no file agent\.mjs/],
    ['an entry outside', { 'amphora.json': JSON.stringify({ ...manifest, entry: '../x' }) }, /lies outside of it/],
  ])('%s', async (_name, files, message) => {
    const imageFile = await image(files as Record<string, string>);
    const built = hypervisor.build(bare(imageFile));
    await expect(built).rejects.toThrow(message);
  });

  test.each([
    [{ path: '/tmp/kiln-escaped', type: 'File' }, /leads out of it/],
    [{ path: 'a/../../kiln-escaped', type: 'File' }, /leads out of it/],
    [{ path: 'link', type: 'SymbolicLink', linkpath: '/etc' }, /of type SymbolicLink/],
    [{ path: 'link', type: 'Link', linkpath: '/etc/passwd' }, /of type Link/],
    [{ path: 'large', type: 'File', size: 2 ** 32 }, /holds more than \d+ bytes/],
  ] as const)('%j', async (entry, message) => {
    const imageFile = await oddArchive(entry);
    const built = hypervisor.build(bare(imageFile));
    await expect(built).rejects.toThrow(message);
    expect(existsSync('/tmp/kiln-escaped')).toBe(false);
    expect(hypervisor.isRunning('s1')).toBe(false);
  });

  test('one whose data is gone is no bad image', async () => {
    const gone = bare(join(folder, 'gone'));
    await expect(hypervisor.build(gone)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  test('one whose program ends at once', async () => {
    await hypervisor.close();
    hypervisor = await createHypervisor({ stateDirectory: folder, firstMomentMilliseconds: 20_000 });
    const ended: string[] = [];
    hypervisor.onEnded((serverId) => ended.push(serverId));
    const built = hypervisor.build(await spec('console.error("no such thing"); process.exit(3)'));
    await expect(built).rejects.toThrow(new GuestEndedError('ended at once with exit status 3'));
    expect(await hypervisor.consoleOutput('s1', 1)).toBe('no such thing\n');
    expect(ended).toEqual([]);
  });
});

describe('the end of the cloud', () => {
  test('close ends every server, and the next run starts them from their folders', async () => {
    await hypervisor.build(await spec(sleeps));
    const pid = await processOf();
    await hypervisor.close();
    expect(alive(pid)).toBe(false);
    await expect(hypervisor.start('s1')).rejects.toThrow('the cloud is stopping');

    hypervisor = await createHypervisor({ stateDirectory: folder });
    expect(hypervisor.isRunning('s1')).toBe(false);
    await hypervisor.start('s1');
    expect(alive(await processOf())).toBe(true);
  });

  test('a cloud that is killed leaves no server behind', async () => {
    const { imageFile } = await spec(sleeps);
    const script = join(folder, 'cloud.mts');
    await mkdir(join(folder, 'other'));
    await writeFile(
      script,
      `import { createHypervisor } from ${JSON.stringify(pathToFileURL(join(import.meta.dirname, 'index.ts')).href)};
       const hypervisor = await createHypervisor({ stateDirectory: ${JSON.stringify(join(folder, 'other'))} });
       const build = (serverId: string) =>
         hypervisor.build({ ...${JSON.stringify(bare(imageFile))}, serverId });
       await build('s1'); await build('s2'); await hypervisor.destroy('s2'); await build('s3');
       console.log('ready'); setInterval(() => {}, 1000);`,
    );
    const cloud = spawn(process.execPath, [script], { stdio: ['ignore', 'pipe', 'inherit'] });
    onTestFinished(() => void cloud.kill('SIGKILL'));
    await once(cloud.stdout, 'data');
    const pids = await Promise.all(['s1', 's3'].map((id) => processOf(`../other/servers/${id}`)));
    expect(pids.map(alive)).toEqual([true, true]);
    cloud.kill('SIGKILL');
    await vi.waitFor(() => expect(pids.map(isRunning)).toEqual([false, false]), { timeout: 60_000 });
  });

  test('leftovers of an earlier run are ended when it starts, and nobody else', async () => {
    const start = (argument: string) =>
      spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)', argument], { detached: true, stdio: 'ignore' });
    const leftover = start(root('old'));
    const stranger = start('another');
    for (const [serverId, { pid }] of [
      ['old', leftover],
      ['reused', stranger],
    ] as const) {
      await mkdir(join(folder, 'servers', serverId), { recursive: true });
      const startTime = (await readFile(`/proc/${pid}/stat`, 'utf8')).split(' ')[21];
      await writeFile(join(folder, 'servers', serverId, 'process.json'), JSON.stringify({ pid, startTime }));
    }
    const ended = once(leftover, 'exit');
    await vi.waitFor(
      async () => expect(await readFile(`/proc/${leftover.pid}/cmdline`, 'utf8')).toContain(root('old')),
      { timeout: 60_000 },
    );
    await createHypervisor({ stateDirectory: folder });
    expect((await ended)[1]).toBe('SIGKILL');
    expect(alive(stranger.pid as number)).toBe(true);
    stranger.kill('SIGKILL');
  });
});

/** False for a zombie too: where process 1 does not collect its orphans, the dead stay in the table. */
function isRunning(pid: number): boolean {
  const { stdout } = spawnSync('ps', ['-o', 'stat=', '-p', String(pid)], { encoding: 'utf8' });
  return stdout.trim() !== '' && !stdout.startsWith('Z');
}
