import { describe, expect, it } from 'vitest';
import { driveCli } from '../../../../test/kit/cli.ts';
import { makeImage } from '../../../../test/kit/recording-images.ts';
import type { Amphora, BootEvent } from '../../../model/amphora.ts';
import { KilnError } from '../../../model/errors.ts';
import type { AmphoraOperations, BootRequest } from '../../../ports/amphora-operations.ts';
import type { ComputeService } from '../../../ports/compute.ts';

const image = makeImage({ tags: ['amphora'] });
const ready: Amphora = {
  id: '0d6f2f1c-8f3e-4b0a-9a53-6f0f4d1f2f7a',
  status: 'READY',
  loadBalancerId: null,
  role: null,
  vrrpPortId: null,
  vrrpIp: null,
  haPortId: null,
  haIp: null,
  serverName: 'amphora-0d6f2f1c-8f3e-4b0a-9a53-6f0f4d1f2f7a',
  computeId: '5a1e0000-0000-4000-8000-00000000000a',
  lbNetworkIp: '192.0.2.17',
  imageId: image.id,
  imageChoice: {
    imageId: image.id,
    rule: 'only-candidate',
    tag: 'amphora',
    tagSource: 'configuration',
    ownerRequired: 'project-service',
    image,
    candidates: [{ id: image.id, name: image.name, createdAt: image.createdAt }],
    chosenAt: '2026-03-01T11:59:00.000Z',
  },
  computeFlavor: '65',
  cachedZone: 'nova',
  certExpiration: '2026-03-31T11:59:00Z',
  agentVersion: 'kiln-amphora 2026.1',
  timings: { chooseMs: 87, createMs: 412, activeMs: 6120, agentMs: 13_044 },
  worker: null,
  reason: null,
  createdAt: '2026-03-01T11:59:00Z',
  updatedAt: '2026-03-01T11:59:20Z',
};
const broken: Amphora = {
  ...ready,
  id: '1111aaaa-0000-4000-8000-000000000000',
  serverName: 'amphora-1111aaaa-0000-4000-8000-000000000000',
  status: 'ERROR',
  lbNetworkIp: null,
  agentVersion: null,
  timings: { chooseMs: 90 },
  reason: { code: 'BOOT_FAILED', message: 'No valid host was found', advice: 'Look at Nova.' },
};
const events: BootEvent[] = [
  { kind: 'started', amphoraId: ready.id, serverName: ready.serverName },
  { kind: 'part-started', part: 'choose' },
  { kind: 'part-done', part: 'choose', milliseconds: 87, detail: `image ${image.id}` },
  { kind: 'part-started', part: 'create' },
  { kind: 'part-done', part: 'create', milliseconds: 412, detail: 'server 5a1e' },
  { kind: 'note', message: 'the image was gone; choosing again' },
  { kind: 'part-started', part: 'active' },
  { kind: 'part-done', part: 'active', milliseconds: 6120, detail: 'management address 192.0.2.17' },
  { kind: 'part-started', part: 'agent' },
  { kind: 'part-done', part: 'agent', milliseconds: 13_044, detail: 'kiln-amphora 2026.1' },
];

function stand(
  boot: (request: BootRequest, onEvent: (event: BootEvent) => void, signal?: AbortSignal) => Promise<Amphora>,
) {
  const known = new Map([ready, broken].map((amphora) => [amphora.id, amphora]));
  const get = async (id: string): Promise<Amphora> => {
    const amphora = known.get(id);
    if (!amphora) throw new KilnError('AMPHORA_NOT_FOUND', `no amphora ${id}`);
    return amphora;
  };
  const operations: AmphoraOperations = {
    boot,
    get,
    list: async ({ includeDeleted }) => [...known.values()].filter((it) => includeDeleted || it.status !== 'DELETED'),
    delete: async (id) => {
      const deleted: Amphora = { ...(await get(id)), status: 'DELETED' };
      known.set(id, deleted);
      return deleted;
    },
  };
  return { amphorae: async () => ({ operations, servedBy: 'kiln serve (pid 4711)' }) };
}
const unused = stand(() => Promise.reject(new Error('no boot here')));

describe('amphora console', () => {
  const gone: Amphora = { ...ready, id: '2222aaaa-0000-4000-8000-000000000000', status: 'DELETED' };
  function standWith(amphora: Amphora, output: string) {
    const asked: [string, number][] = [];
    const context = {
      amphorae: async () => ({
        operations: { get: async () => amphora } as unknown as AmphoraOperations,
        servedBy: null,
      }),
      compute: async () =>
        ({
          findServersByName: async (name: string) => (name === broken.serverName ? [{ id: 'by-name' }] : []),
          getConsoleOutput: async (serverId: string, lines: number) => {
            asked.push([serverId, lines]);
            return output;
          },
        }) as unknown as ComputeService,
    };
    return { context, asked };
  }

  it('prints what the guest wrote, without what a terminal would act on', async () => {
    const written =
      '[    0.000000] Linux version\r\n\u001b[1;31mFailed\u001b[0m to start\tagent\n\u001b]0;owned\u0007progress 1\rprogress 2\u0008\n\n';
    const { context, asked } = standWith(ready, written);
    const run = await driveCli(`amphora console ${ready.id} --lines 7`, context);
    expect(run.stdout).toBe('[    0.000000] Linux version\nFailed to start agent\nprogress 2\ufffd\n');
    expect(asked).toEqual([[ready.computeId, 7]]);
    const json = await driveCli(`amphora console ${ready.id} --json`, context);
    expect(json.json()).toEqual({ amphoraId: ready.id, serverId: ready.computeId, output: written });
  });

  it('finds a server whose ID was never recorded by its name', async () => {
    const { context, asked } = standWith({ ...broken, computeId: null }, '');
    const run = await driveCli(`amphora console ${broken.id}`, context);
    expect(run.stdout).toBe('Server by-name has written nothing yet.\n');
    expect(asked).toEqual([['by-name', 100]]);
  });

  it.each([gone, { ...ready, computeId: null }])('says that there is no server', async (amphora) => {
    const run = await driveCli(`amphora console ${amphora.id}`, standWith(amphora, '').context);
    expect(run.exitCode).not.toBe(0);
    expect(run.stderr).toContain(`amphora ${amphora.id} (${amphora.status}) has no server`);
  });

  it('refuses a number of lines that is none', async () => {
    const run = await driveCli(`amphora console ${ready.id} --lines 0`, {});
    expect(run.exitCode).toBe(2);
    expect(run.stderr).toContain('--lines');
  });
});

describe('amphora boot', () => {
  it('tells each part as it goes, and prints the amphora and the times', async () => {
    const requests: BootRequest[] = [];
    const parts = stand(async (request, onEvent) => {
      requests.push(request);
      events.forEach(onEvent);
      return ready;
    });
    const run = await driveCli('amphora boot', parts, { columns: 80 });
    expect(run.exitCode).toBe(0);
    await expect(`${run.stderr}----\n${run.stdout}`).toMatchFileSnapshot('../../golden/amphora-boot.80.txt');
    await driveCli(`amphora boot --image ${image.id} --flavor 7`, parts);
    expect(requests).toEqual([{ imageId: null }, { imageId: image.id, capabilities: { compute_flavor: '7' } }]);
  });

  it('refuses the name of an image before anything is asked for', async () => {
    const run = await driveCli('amphora boot --image amphora-2026.2', {});
    expect(run.exitCode).toBe(2);
    expect(run.stderr).toContain('`kiln image show amphora-2026.2 --quiet` prints the ID');
  });

  it('--json: the amphora on stdout, the progress on stderr', async () => {
    const run = await driveCli(
      'amphora boot --json',
      stand(async (_, onEvent) => {
        events.forEach(onEvent);
        return ready;
      }),
    );
    expect(run.json()).toEqual(ready);
    expect(run.stderr).toContain('✓ agent answers');
  });

  it.each([
    ['IMAGE_NOT_FOUND', 3],
    ['IMAGE_AMBIGUOUS', 4],
    ['SERVICE_UNREACHABLE', 5],
    ['BOOT_FAILED', 6],
    ['BOOT_TIMEOUT', 6],
    ['AGENT_UNREACHABLE', 6],
  ] as const)('%s ends it with %d and marks the part that failed', async (code, exitCode) => {
    const run = await driveCli(
      'amphora boot',
      stand(async (_, onEvent) => {
        events.slice(0, 4).forEach(onEvent);
        throw new KilnError(code, 'it failed');
      }),
    );
    expect(run.exitCode).toBe(exitCode);
    expect(run.stdout).toBe('');
    expect(run.stderr).toContain('✗ create server  failed\nerror: it failed\nwhat to do: ');
  });

  it('ctrl-C reaches the boot, and the command waits until it is undone', async () => {
    const controller = new AbortController();
    let undone = false;
    const run = await driveCli(
      'amphora boot',
      stand(async (_, onEvent, signal) => {
        events.slice(0, 2).forEach(onEvent);
        controller.abort();
        expect(signal?.aborted).toBe(true);
        await new Promise((resolve) => setImmediate(resolve));
        undone = true;
        throw new KilnError('CANCELLED', 'the boot was cancelled; its server was deleted');
      }),
      { signal: controller.signal },
    );
    expect(undone).toBe(true);
    expect(run.exitCode).toBe(6);
    expect(run.stderr).toContain('error: the boot was cancelled');
  });
});

describe('amphora list, show, delete', () => {
  it.each([80, 120])('list fits %d columns', async (columns) => {
    const run = await driveCli('amphora list', unused, { columns });
    for (const line of run.stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(columns);
    await expect(run.stdout).toMatchFileSnapshot(`../../golden/amphora-list.${columns}.txt`);
  });

  it('show says why an amphora is in ERROR', async () => {
    const run = await driveCli(`amphora show ${broken.id}`, unused, { columns: 80 });
    await expect(run.stdout).toMatchFileSnapshot('../../golden/amphora-show-error.80.txt');
    expect((await driveCli(`amphora show ${broken.id} --json`, unused)).json()).toEqual(broken);
    expect((await driveCli('amphora show nobody', unused)).exitCode).toBe(2);
  });

  it('delete, and --all shows what was deleted', async () => {
    const parts = stand(() => Promise.reject(new Error('no boot here')));
    const run = await driveCli(`amphora delete ${ready.id}`, parts);
    expect(run).toMatchObject({ exitCode: 0, stdout: `Amphora ${ready.id} is DELETED.\n` });
    expect((await driveCli('amphora list --quiet', parts)).stdout).toBe(`${broken.id}\n`);
    expect((await driveCli('amphora list --quiet --all', parts)).stdout).toBe(`${ready.id}\n${broken.id}\n`);
    expect((await driveCli('amphora delete nobody', parts)).exitCode).toBe(2);
  });
});
