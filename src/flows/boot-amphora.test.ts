import { describe, expect, it } from 'vitest';
import { anImage, aServerSpec } from '../../test/kit/builders.ts';
import { createFakeDeps } from '../../test/kit/fakes/fake-amphora-deps.ts';
import { aServiceError } from '../../test/kit/fault-injection.ts';
import type { BootEvent } from '../model/amphora.ts';
import { KilnError } from '../model/errors.ts';
import { bootAmphora } from './boot-amphora.ts';
import { createAmphoraOperations, recoverAmphorae } from './index.ts';

const byTag = { imageId: null };
const quiet = () => {};

describe('booting an amphora', () => {
  it('boots the image that carries the tag and records everything about the choice', async () => {
    const { deps, compute, store, image } = createFakeDeps();
    const events: BootEvent[] = [];
    const amphora = await bootAmphora(deps, byTag, (event) => events.push(event));

    const [only] = compute.servers();
    expect(only?.spec).toMatchObject({ name: 'amphora-amphora-id-1', imageId: 'image-1', flavorId: '65' });
    expect(only?.spec.files['/etc/octavia/certs/server.pem']).toContain('certificate of amphora-id-1');
    expect(amphora).toMatchObject({
      status: 'READY',
      worker: null,
      imageId: 'image-1',
      computeId: only?.server.id,
      lbNetworkIp: '10.0.0.1',
      agentVersion: '0.1.0, of image amphora 1.0',
      certExpiration: '2026-12-22T12:00:00.000Z',
      cachedZone: 'nova',
      imageChoice: { rule: 'only-candidate', tag: 'amphora', image, candidates: [{ id: 'image-1' }] },
    });
    expect(await store.get(amphora.id)).toEqual(amphora);
    expect(Object.keys(amphora.timings)).toEqual(['chooseMs', 'createMs', 'activeMs', 'agentMs']);
    expect(events.map((event) => ('part' in event ? `${event.kind} ${event.part}` : event.kind))).toEqual([
      'started',
      'part-started choose',
      'part-done choose',
      'part-started create',
      'part-done create',
      'part-started active',
      'part-done active',
      'part-started agent',
      'part-done agent',
    ]);
  });

  it('boots the image that was asked for by ID, and asks Glance nothing', async () => {
    const { deps, images } = createFakeDeps();
    const amphora = await bootAmphora(deps, { imageId: 'mine' }, quiet);
    expect(amphora).toMatchObject({ imageId: 'mine', imageChoice: { rule: 'requested-id' } });
    expect(images.calls('list')).toBe(0);
  });

  it("follows the flavor's capabilities", async () => {
    const { deps, images } = createFakeDeps();
    images.put(anImage({ id: 'big', tags: ['big'] }));
    const amphora = await bootAmphora(deps, { imageId: null, capabilities: { amp_image_tag: 'big' } }, quiet);
    expect(amphora).toMatchObject({ imageId: 'big', imageChoice: { tagSource: 'flavor' } });
    const wrong = { imageId: null, capabilities: { compute_flavor: 'none' } };
    await expect(bootAmphora(deps, wrong, quiet)).rejects.toThrow('Nova has no flavor none');
  });

  it('chooses again, once, when the image vanished before Nova looked at it', async () => {
    const { deps, images, compute } = createFakeDeps();
    images.put(anImage({ id: 'image-2', createdAt: '2026-11-23T00:00:00Z' }));
    compute.allowImages((imageId) => imageId === 'image-1');
    compute.beforeNext('createServer', () => images.remove('image-2'));
    const amphora = await bootAmphora(deps, byTag, quiet);
    expect(amphora).toMatchObject({ imageId: 'image-1', imageChoice: { imageId: 'image-1' } });
    expect(compute.calls('createServer')).toBe(2);
  });

  it('does not choose a third time', async () => {
    const { deps, compute, store } = createFakeDeps();
    compute.allowImages(() => false);
    await expect(bootAmphora(deps, byTag, quiet)).rejects.toMatchObject({ code: 'IMAGE_GONE' });
    expect(compute.calls('createServer')).toBe(2);
    expect((await store.list())[0]).toMatchObject({ status: 'ERROR', reason: { code: 'IMAGE_GONE' } });
  });

  it('does not choose for the caller who named the image', async () => {
    const { deps, compute } = createFakeDeps();
    compute.allowImages(() => false);
    await expect(bootAmphora(deps, { imageId: 'gone' }, quiet)).rejects.toMatchObject({ code: 'IMAGE_GONE' });
    expect(compute.calls('createServer')).toBe(1);
  });

  it('without an image asks Nova for nothing, and needs no Nova to be done with it', async () => {
    const { deps, images, compute, store } = createFakeDeps();
    images.remove('image-1');
    await expect(bootAmphora(deps, byTag, quiet)).rejects.toMatchObject({ code: 'IMAGE_NOT_FOUND', exitCode: 3 });
    expect(compute.calls('createServer') + compute.calls('findServersByName')).toBe(0);
    expect((await store.list())[0]).toMatchObject({ status: 'ERROR', worker: null });
  });

  describe('undoes what it did, and says why, when', () => {
    async function failing(prepare: (fake: ReturnType<typeof createFakeDeps>) => void) {
      const fake = createFakeDeps();
      prepare(fake);
      const error = await bootAmphora(fake.deps, byTag, quiet).then(
        () => null,
        (thrown: KilnError) => thrown,
      );
      const [amphora] = await fake.store.list();
      expect(fake.compute.servers()).toEqual([]);
      expect(amphora).toMatchObject({ status: 'ERROR', worker: null, reason: { code: error?.code } });
      return { error, ...fake };
    }

    it('Nova builds it to ERROR', async () => {
      const { error } = await failing(({ compute }) => compute.bootsEndAs('error'));
      expect(error).toMatchObject({ code: 'BOOT_FAILED', exitCode: 6 });
      expect(error?.message).toContain('No valid host was found');
    });
    it('Nova takes too long', async () => {
      const { error, clock } = await failing(({ compute }) => compute.bootsEndAs('stuck'));
      expect(error).toMatchObject({ code: 'BOOT_TIMEOUT', exitCode: 6 });
      expect(Math.max(...clock.sleeps)).toBeLessThanOrEqual(10_000);
    });
    it('the server vanishes while it is built', async () => {
      const { error } = await failing((fake) => {
        fake.compute.beforeNext('getServer', async () => {
          for (const { server } of fake.compute.servers()) await fake.compute.deleteServer(server.id);
        });
      });
      expect(error?.message).toContain('was deleted while it was being built');
    });
    it('the agent never answers', async () => {
      const { error } = await failing(({ agent }) =>
        agent.failNext('getInfo', new KilnError('AGENT_UNREACHABLE', 'connection refused'), 1000),
      );
      expect(error).toMatchObject({ code: 'AGENT_UNREACHABLE' });
      expect(error?.message).toContain('within 30 s; the last try said: connection refused');
    });
    it('the agent shows a certificate of somebody else', async () => {
      const { error, agent } = await failing((fake) =>
        fake.agent.failNext('getInfo', new KilnError('AGENT_REFUSED', 'wrong name')),
      );
      expect(error?.code).toBe('AGENT_REFUSED');
      expect(agent.calls('getInfo')).toBe(1);
    });
    it('the server dies while its agent is waited for', async () => {
      const { error } = await failing((fake) => {
        const unreachable = new KilnError('AGENT_UNREACHABLE', 'refused');
        fake.agent.beforeNext('getInfo', async () => {
          for (const { server } of fake.compute.servers()) await fake.compute.deleteServer(server.id);
          throw unreachable;
        });
        fake.agent.failNext('getInfo', unreachable, 1000);
      });
      expect(error?.code).toBe('BOOT_FAILED');
    });
    it('the answer to the create was lost and the server was made', async () => {
      const { error, compute } = await failing((fake) =>
        fake.compute.loseNextAnswer('createServer', aServiceError('SERVICE_TIMEOUT', { outcomeUnknown: true })),
      );
      expect(error?.code).toBe('SERVICE_TIMEOUT');
      expect(compute.calls('createServer')).toBe(1);
    });
  });

  it('finds a server that Nova makes only after the boot has failed', async () => {
    const fake = createFakeDeps({ createLookupSeconds: 20 });
    const { deps, compute, store } = fake;
    compute.failNext('createServer', aServiceError('SERVICE_TIMEOUT', { outcomeUnknown: true }));
    // Nova gets to it while we look for it.
    for (let look = 0; look < 3; look++) compute.beforeNext('findServersByName', quiet);
    compute.beforeNext('findServersByName', async () => {
      const [amphora] = await store.list();
      await compute.createServer(aServerSpec({ imageId: 'image-1', name: amphora?.serverName ?? '' }));
    });
    await expect(bootAmphora(deps, byTag, quiet)).rejects.toMatchObject({ code: 'SERVICE_TIMEOUT' });
    expect(compute.calls('createServer')).toBe(2);
    expect(compute.servers()).toEqual([]);
    expect((await store.list())[0]?.status).toBe('ERROR');
  });

  it('goes on while Nova fails for a moment', async () => {
    const { deps, compute } = createFakeDeps();
    compute.failNext('getServer', aServiceError('SERVICE_FAILED', { status: 503 }), 2);
    compute.failNext('listInterfaces', aServiceError('SERVICE_UNREACHABLE'), 2);
    expect(await bootAmphora(deps, byTag, quiet)).toMatchObject({ status: 'READY' });
  });

  it('is undone when it is cancelled', async () => {
    const { deps, compute, store } = createFakeDeps();
    const control = new AbortController();
    const boot = bootAmphora(
      deps,
      byTag,
      (event) => {
        if (event.kind === 'part-started' && event.part === 'active') control.abort();
      },
      control.signal,
    );
    await expect(boot).rejects.toMatchObject({ code: 'CANCELLED' });
    expect(compute.servers()).toEqual([]);
    expect((await store.list())[0]?.status).toBe('ERROR');
  });
});

describe('when Nova is down while a boot is undone', () => {
  async function owing() {
    const fake = createFakeDeps();
    fake.compute.bootsEndAs('error');
    const down = aServiceError('SERVICE_UNREACHABLE');
    fake.compute.failNext('deleteServer', down, 1000);
    await expect(bootAmphora(fake.deps, byTag, quiet)).rejects.toMatchObject({ code: 'BOOT_FAILED' });
    return fake;
  }

  it('the debt stays on record, and recovery pays it with the first reason kept', async () => {
    const { deps, compute, store } = await owing();
    expect((await store.list())[0]).toMatchObject({ status: 'PENDING_DELETE', worker: null });
    expect(compute.servers()).toHaveLength(1);
    while (compute.servers().length > 0) await recoverAmphorae(deps);
    expect((await store.list())[0]).toMatchObject({ status: 'ERROR', reason: { code: 'BOOT_FAILED' } });
  });

  it('an operator can delete it', async () => {
    const { deps, compute, store } = await owing();
    const [amphora] = await store.list();
    const operations = createAmphoraOperations(deps);
    for (let tries = 0; tries < 200 && compute.servers().length > 0; tries++) {
      await operations.delete(amphora?.id ?? '').catch(quiet);
    }
    expect(await operations.get(amphora?.id ?? '')).toMatchObject({ status: 'DELETED', reason: null });
  });
});

describe('recovery', () => {
  it('leaves the work of living processes alone', async () => {
    const { deps, compute, store } = createFakeDeps();
    await bootAmphora(deps, byTag, quiet);
    await store.update('amphora-id-1', { status: 'BOOTING', worker: 'host/2/2' });
    expect(await recoverAmphorae(deps)).toBe(0);
    expect(compute.servers()).toHaveLength(1);
  });

  it('undoes a boot whose process died, by name where the ID was never had', async () => {
    const { deps, compute, store, dead, clock } = createFakeDeps();
    await bootAmphora(deps, byTag, quiet);
    await store.update('amphora-id-1', { status: 'BOOTING', worker: 'host/2/2', computeId: null });
    dead.add('host/2/2');
    // Nova may not have made it yet: what is there is deleted, and the record waits for what may come.
    expect(await recoverAmphorae(deps)).toBe(1);
    expect(compute.servers()).toEqual([]);
    expect(await store.get('amphora-id-1')).toMatchObject({ status: 'BOOTING' });
    await compute.createServer(aServerSpec({ imageId: 'image-1', name: 'amphora-amphora-id-1' }));
    await clock.sleep(6_000);
    expect(await recoverAmphorae(deps)).toBe(1);
    expect(compute.servers()).toEqual([]);
    expect(await store.get('amphora-id-1')).toMatchObject({ status: 'ERROR', reason: { code: 'BOOT_FAILED' } });
    expect(await recoverAmphorae(deps)).toBe(0);
  });

  it('finishes a deletion whose process died', async () => {
    const { deps, compute, store, dead } = createFakeDeps();
    await bootAmphora(deps, byTag, quiet);
    await store.update('amphora-id-1', { status: 'PENDING_DELETE', worker: 'host/2/2' });
    dead.add('host/2/2');
    await recoverAmphorae(deps);
    expect(compute.servers()).toEqual([]);
    expect(await store.get('amphora-id-1')).toMatchObject({ status: 'DELETED' });
  });
});

describe('deleting', () => {
  it('is done twice without harm, and when the server is gone already', async () => {
    const { deps, compute } = createFakeDeps();
    const operations = createAmphoraOperations(deps);
    const { id } = await operations.boot(byTag, quiet);
    for (const { server } of compute.servers()) await compute.deleteServer(server.id);
    expect((await operations.delete(id)).status).toBe('DELETED');
    expect((await operations.delete(id)).status).toBe('DELETED');
    expect(await operations.list({ includeDeleted: false })).toEqual([]);
  });
  it('leaves one that a load balancer has to it, unless it is in ERROR', async () => {
    const { deps } = createFakeDeps();
    const operations = createAmphoraOperations(deps);
    const { id } = await operations.boot(byTag, quiet);
    await deps.store.update(id, { loadBalancerId: 'lb', status: 'ALLOCATED' });
    await expect(operations.delete(id)).rejects.toMatchObject({ code: 'RESOURCE_CONFLICT' });
    expect(await deps.store.get(id)).toMatchObject({ status: 'ALLOCATED' });
    await deps.store.update(id, { status: 'ERROR' });
    expect(await operations.delete(id)).toMatchObject({ status: 'DELETED' });
  });

  it('says that it never knew the amphora', async () => {
    const operations = createAmphoraOperations(createFakeDeps().deps);
    await expect(operations.delete('nobody')).rejects.toMatchObject({ code: 'AMPHORA_NOT_FOUND' });
    await expect(operations.get('nobody')).rejects.toMatchObject({ code: 'AMPHORA_NOT_FOUND' });
  });
});
