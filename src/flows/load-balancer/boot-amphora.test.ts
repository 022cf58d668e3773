import { afterEach, describe, expect, it } from 'vitest';
import { GIVE_UP_MS, openBoots } from '../../../test/kit/boots.ts';
import { anImage, aServerSpec } from '../../../test/kit/builders.ts';
import { createFakeAmphoraAgent } from '../../../test/kit/fakes/fake-amphora-agent.ts';
import { aServiceError } from '../../../test/kit/fault-injection.ts';
import type { BootEvent } from '../../model/amphora.ts';
import { KilnError } from '../../model/errors.ts';
import type { AmphoraAgent } from '../../ports/amphora-agent.ts';
import { bootAmphora } from './boot-amphora.ts';
import type { LoadBalancerDeps } from './deps.ts';

const byTag = { imageId: null };
const quiet = () => {};
const endings: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of endings.splice(0)) await end();
});

async function open(over: Partial<LoadBalancerDeps> = {}) {
  const boots = await openBoots(over);
  endings.push(() => boots.close());
  return boots;
}

/** Does not answer for as long as it is waited for: the time of these tests is the flow's own, and passes at once. */
function silentAgent(): AmphoraAgent {
  const getInfo: AmphoraAgent['getInfo'] = (_amphora, signal) =>
    new Promise((_resolve, reject) => {
      const giveUp = () => reject(new KilnError('AGENT_UNREACHABLE', 'not yet'));
      if (signal?.aborted) giveUp();
      signal?.addEventListener('abort', giveUp);
    });
  return { ...createFakeAmphoraAgent(), getInfo };
}

describe('booting an amphora', () => {
  it('boots the image that carries the tag and records everything about the choice', async () => {
    const { operations, compute, amphorae, journal, operationOn } = await open();
    const events: BootEvent[] = [];
    const amphora = await operations.boot(byTag, (event) => events.push(event));

    const [only] = compute.servers();
    expect(only?.spec).toMatchObject({ name: `amphora-${amphora.id}`, imageId: 'image-1', flavorId: '65' });
    expect(only?.spec.files['/etc/octavia/certs/server.pem']).toContain(`certificate of ${amphora.id}`);
    expect(amphora).toMatchObject({
      status: 'READY',
      worker: null,
      loadBalancerId: null,
      role: null,
      imageId: 'image-1',
      computeId: only?.server.id,
      agentVersion: '0.1.0, of image amphora 1.0',
      certExpiration: '2026-12-22T12:00:00.000Z',
      cachedZone: 'nova',
      imageChoice: { rule: 'only-candidate', tag: 'amphora', candidates: [{ id: 'image-1' }] },
    });
    expect(await amphorae.get(amphora.id)).toEqual(amphora);
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
    expect(events).toContainEqual(
      expect.objectContaining({ part: 'agent', detail: 'agent 0.1.0, of image amphora 1.0' }),
    );
    expect(events).toContainEqual(
      expect.objectContaining({
        part: 'create',
        detail: `server ${only?.server.id}`,
        milliseconds: expect.any(Number),
      }),
    );
    const { id, flow, status } = await operationOn(amphora.id);
    expect({ flow, status }).toEqual({ flow: 'boot-amphora', status: 'done' });
    // The key of the agent is nowhere but in the server's own files.
    expect(JSON.stringify(await journal.get(id))).not.toContain('key\\n');
  });

  it('boots the image that was asked for by ID, and asks Glance nothing', async () => {
    const { operations, images } = await open();
    const amphora = await operations.boot({ imageId: 'mine' }, quiet);
    expect(amphora).toMatchObject({ imageId: 'mine', imageChoice: { rule: 'requested-id' } });
    expect(images.calls('list')).toBe(0);
  });

  it("follows the flavor's capabilities", async () => {
    const { operations, images } = await open();
    images.put(anImage({ id: 'big', tags: ['big'] }));
    const amphora = await operations.boot({ imageId: null, capabilities: { amp_image_tag: 'big' } }, quiet);
    expect(amphora).toMatchObject({ imageId: 'big', imageChoice: { tagSource: 'flavor' } });
    const wrong = { imageId: null, capabilities: { compute_flavor: 'none' } };
    await expect(operations.boot(wrong, quiet)).rejects.toThrow('Nova has no flavor none');
  });

  it('chooses again when the image vanished before Nova looked at it, and says so', async () => {
    const { operations, images, compute } = await open();
    images.put(anImage({ id: 'image-2', createdAt: '2026-11-23T00:00:00Z' }));
    compute.allowImages((imageId) => imageId === 'image-1');
    compute.beforeNext('createServer', () => images.remove('image-2'));
    const events: BootEvent[] = [];
    const amphora = await operations.boot(byTag, (event) => events.push(event));
    expect(amphora).toMatchObject({ imageId: 'image-1', imageChoice: { imageId: 'image-1' } });
    expect(compute.calls('createServer')).toBe(2);
    expect(events).toContainEqual({
      kind: 'note',
      message: 'image image-2 is gone or no longer active; choosing again',
    });
  });

  it('does not choose for the caller who named the image', async () => {
    const { operations, compute, images, amphorae } = await open();
    compute.allowImages(() => false);
    await expect(operations.boot({ imageId: 'gone' }, quiet)).rejects.toMatchObject({ code: 'IMAGE_GONE' });
    expect(images.calls('list')).toBe(0);
    expect((await amphorae.list())[0]).toMatchObject({ status: 'ERROR', reason: { code: 'IMAGE_GONE' } });
  });

  it('without an image asks once, asks Nova for nothing, and needs no Nova to be done with it', async () => {
    const { operations, images, compute, amphorae } = await open();
    images.remove('image-1');
    const error = await operations.boot(byTag, quiet).catch((thrown: unknown) => thrown as KilnError);
    expect(error).toMatchObject({ code: 'IMAGE_NOT_FOUND', exitCode: 3, retryable: true });
    // For the choice, and to tell why there is none.
    expect(images.calls('list')).toBe(3);
    expect(compute.calls('createServer') + compute.calls('findServersByName')).toBe(0);
    expect((await amphorae.list())[0]).toMatchObject({ status: 'ERROR', worker: null });
  });

  it('tells of a failure what the service said, with its details', async () => {
    const { operations, compute } = await open();
    const refused = { status: 403, serviceMessage: 'Quota exceeded for cores', requestId: 'req-1' };
    compute.failNext('createServer', aServiceError('SERVICE_FORBIDDEN', refused), 2);
    const error = await operations.boot(byTag, quiet).catch((thrown: unknown) => thrown as KilnError);
    expect(error).toMatchObject({ code: 'SERVICE_FORBIDDEN', details: refused });
  });

  describe('undoes what it did, and says why, when', () => {
    async function failing(prepare: (boots: Awaited<ReturnType<typeof openBoots>>) => void) {
      const boots = await open();
      prepare(boots);
      const error = await boots.operations.boot(byTag, quiet).then(
        () => null,
        (thrown: KilnError) => thrown,
      );
      const [amphora] = await boots.amphorae.list();
      expect(boots.compute.servers()).toEqual([]);
      expect(amphora).toMatchObject({ status: 'ERROR', worker: null, reason: { code: error?.code } });
      return { error, ...boots };
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
      const { error } = await failing(({ compute }) => {
        compute.beforeNext('getServer', async () => {
          for (const { server } of compute.servers()) await compute.deleteServer(server.id);
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
      const { error, agent } = await failing((boots) =>
        boots.agent.failNext('getInfo', new KilnError('AGENT_REFUSED', 'wrong name')),
      );
      expect(error?.code).toBe('AGENT_REFUSED');
      expect(agent.calls('getInfo')).toBe(1);
    });
    it('the server dies while its agent is waited for', async () => {
      const { error } = await failing(({ agent, compute }) => {
        const unreachable = new KilnError('AGENT_UNREACHABLE', 'refused');
        agent.beforeNext('getInfo', async () => {
          for (const { server } of compute.servers()) await compute.deleteServer(server.id);
          throw unreachable;
        });
        agent.failNext('getInfo', unreachable, 1000);
      });
      expect(error?.code).toBe('BOOT_FAILED');
    });
  });

  it('goes on while Nova fails for a moment', async () => {
    const { operations, compute } = await open();
    compute.failNext('getServer', aServiceError('SERVICE_FAILED', { status: 503 }), 2);
    compute.failNext('listInterfaces', aServiceError('SERVICE_UNREACHABLE'), 2);
    expect(await operations.boot(byTag, quiet)).toMatchObject({ status: 'READY' });
  });

  it('many at once are each one server', async () => {
    const { operations, compute } = await open();
    const booted = await Promise.all(Array.from({ length: 8 }, () => operations.boot(byTag, quiet)));
    expect(booted.map(({ status }) => status)).toEqual(Array(8).fill('READY'));
    expect(compute.servers()).toHaveLength(8);
  });
});

describe('a boot that is cancelled', () => {
  it.each(['choose', 'create', 'active', 'agent'] as const)('while it is at "%s" is undone', async (part) => {
    const { operations, compute, amphorae, operationOn } = await open({ agent: silentAgent() });
    const control = new AbortController();
    const boot = operations.boot(
      byTag,
      (event) => {
        if (event.kind === 'part-started' && event.part === part) control.abort();
      },
      control.signal,
    );
    await expect(boot).rejects.toMatchObject({ code: 'CANCELLED', message: 'the boot was cancelled', exitCode: 6 });
    expect(compute.servers()).toEqual([]);
    const [amphora] = await amphorae.list();
    expect(amphora).toMatchObject({ status: 'ERROR', reason: { code: 'CANCELLED' } });
    expect((await operationOn(amphora?.id ?? '')).status).toBe('undone');
  });

  it('before anybody has begun it is undone by whoever comes', async () => {
    const { operations, amphorae, operationOn, die, carryOutAll, compute } = await open();
    die();
    const control = new AbortController();
    const boot = operations.boot(byTag, () => control.abort(), control.signal);
    boot.catch(quiet);
    await expect.poll(async () => (await amphorae.list()).length, { timeout: 60_000 }).toBe(1);
    const [amphora] = await amphorae.list();
    const status = async () => (await operationOn(amphora?.id ?? '')).status;
    await expect.poll(status, { timeout: 60_000 }).toBe('undoing');
    await carryOutAll();
    await expect(boot).rejects.toMatchObject({ code: 'CANCELLED' });
    expect(compute.calls('createServer')).toBe(0);
    expect(await amphorae.get(amphora?.id ?? '')).toMatchObject({ status: 'ERROR' });
  });

  it('says so and ends when Nova does not let it be undone; the next one does, with the first reason', async () => {
    const { operations, compute, amphorae, clock, carryOutAll } = await open();
    compute.bootsEndAs('error');
    compute.failNext('deleteServer', aServiceError('SERVICE_UNREACHABLE'), 30);
    await expect(operations.boot(byTag, quiet)).rejects.toMatchObject({ code: 'BOOT_FAILED' });
    await expect
      .poll(
        async () => {
          await carryOutAll();
          return (await amphorae.list())[0]?.status;
        },
        { timeout: 60_000 },
      )
      .toBe('ERROR');
    expect(compute.servers()).toEqual([]);
    expect((await amphorae.list())[0]?.reason).toMatchObject({ code: 'BOOT_FAILED' });
    expect(clock.monotonicMs()).toBeLessThan(GIVE_UP_MS);
  });
});

/** Wherever its worker dies: at the start of a step, after the first thing that it does, and at its end. */
describe('a boot whose worker died', () => {
  const moments = ['before', 'after'] as const;
  const points = bootAmphora.steps.flatMap(({ name }) => moments.map((moment) => [name, moment] as const));

  it.each(points)('at %s, %s its work, goes on to one server', async (step, moment) => {
    const { operations, operationOn, amphorae, compute, deps, die, carryOut } = await open();
    die();
    const boot = operations.boot(byTag, quiet);
    await expect.poll(async () => (await amphorae.list()).length, { timeout: 60_000 }).toBe(1);
    const [{ id } = { id: '' }] = await amphorae.list();
    const operation = await operationOn(id);
    await dying(deps, step, moment, (through) => carryOut(operation.id, 'the dead', through));
    expect((await amphorae.get(id))?.status).toBe('BOOTING');
    expect(await carryOut(operation.id, 'the next')).toBe('done');
    expect(await boot).toMatchObject({ status: 'READY', imageId: 'image-1' });
    expect(compute.servers().map(({ server }) => server.id)).toEqual([(await amphorae.get(id))?.computeId]);
  });

  /** Every step fails to be journalled from the chosen moment on: to its operation, the worker is dead. */
  async function dying(
    deps: LoadBalancerDeps,
    step: string,
    moment: (typeof moments)[number],
    work: (through: LoadBalancerDeps) => Promise<unknown>,
  ): Promise<void> {
    const steps = bootAmphora.steps as unknown as { name: string; do: unknown; settle?: unknown }[];
    const found = steps.find(({ name }) => name === step) ?? expect.unreachable();
    const key = found.settle ? 'settle' : 'do';
    const whole = found[key] as (...all: unknown[]) => Promise<unknown>;
    const dead = new KilnError('FENCED', 'dead');
    found[key] = async (...all: unknown[]) => {
      if (moment === 'after') await whole(...all);
      throw dead;
    };
    try {
      await work(deps).catch((error: unknown) => expect(error).toBe(dead));
    } finally {
      found[key] = whole;
    }
  }
});

describe('deleting', () => {
  it('is done twice without harm, and when the server is gone already', async () => {
    const { operations, compute } = await open();
    const { id } = await operations.boot(byTag, quiet);
    for (const { server } of compute.servers()) await compute.deleteServer(server.id);
    expect((await operations.delete(id)).status).toBe('DELETED');
    expect((await operations.delete(id)).status).toBe('DELETED');
    expect(await operations.list({ includeDeleted: false })).toEqual([]);
  });

  it('two at once both succeed', async () => {
    const { operations, compute } = await open();
    const { id } = await operations.boot(byTag, quiet);
    const both = await Promise.all([operations.delete(id), operations.delete(id)]);
    expect(both.map(({ status }) => status)).toEqual(['DELETED', 'DELETED']);
    expect(compute.servers()).toEqual([]);
  });

  it('leaves one that a load balancer has to it, unless it is in ERROR', async () => {
    const { operations, amphorae } = await open();
    const { id } = await operations.boot(byTag, quiet);
    await amphorae.update(id, { loadBalancerId: 'lb', status: 'ALLOCATED' });
    await expect(operations.delete(id)).rejects.toMatchObject({ code: 'RESOURCE_CONFLICT' });
    expect(await amphorae.get(id)).toMatchObject({ status: 'ALLOCATED' });
    await amphorae.update(id, { status: 'ERROR' });
    expect(await operations.delete(id)).toMatchObject({ status: 'DELETED' });
  });

  it('while it is being booted turns the boot around, and is done after it', async () => {
    const { operations, agent, amphorae, compute, operationOn } = await open();
    agent.failNext('getInfo', new KilnError('AGENT_UNREACHABLE', 'not yet'), 1000);
    let id = '';
    const reached = Promise.withResolvers<void>();
    const boot = operations.boot(byTag, (event) => {
      if (event.kind === 'started') id = event.amphoraId;
      if (event.kind === 'part-started' && event.part === 'active') reached.resolve();
    });
    boot.catch(quiet);
    await reached.promise;
    const { id: operationId } = await operationOn(id);
    expect(await operations.delete(id)).toMatchObject({ status: 'DELETED' });
    await expect(boot).rejects.toThrow();
    expect(compute.servers()).toEqual([]);
    expect((await amphorae.get(id))?.status).toBe('DELETED');
    expect((await operationOn(id)).id).not.toBe(operationId);
  });

  it('that Nova does not let be done says why, and can be asked for again', async () => {
    const { operations, compute } = await open();
    const { id } = await operations.boot(byTag, quiet);
    compute.failNext('deleteServer', aServiceError('SERVICE_FORBIDDEN', { status: 403 }));
    await expect(operations.delete(id)).rejects.toMatchObject({ code: 'SERVICE_FORBIDDEN', exitCode: 5 });
    expect((await operations.get(id)).status).toBe('ERROR');
    expect(await operations.delete(id)).toMatchObject({ status: 'DELETED' });
    expect(compute.servers()).toEqual([]);
  });

  it('says that it never knew the amphora', async () => {
    const { operations } = await open();
    await expect(operations.delete('nobody')).rejects.toMatchObject({ code: 'AMPHORA_NOT_FOUND' });
    await expect(operations.get('nobody')).rejects.toMatchObject({ code: 'AMPHORA_NOT_FOUND' });
  });
});

describe('who waits', () => {
  it('is notified that Kiln stops, and the boot goes on with the next one', async () => {
    const { operations, agent, amphorae, stop, operationOn } = await open();
    agent.failNext('getInfo', new KilnError('AGENT_UNREACHABLE', 'not yet'), 1000);
    const boot = operations.boot(byTag, (event) => {
      if (event.kind === 'part-started' && event.part === 'active') stop();
    });
    await expect(boot).rejects.toMatchObject({ code: 'CANCELLED', exitCode: 6 });
    const [{ id } = { id: '' }] = await amphorae.list();
    await expect.poll(async () => (await operationOn(id)).worker, { timeout: 60_000 }).toBeNull();
    expect(await operationOn(id)).toMatchObject({ status: 'running' });
    expect(await amphorae.get(id)).toMatchObject({ status: 'BOOTING' });
  });

  it('gets the server that a try has made whose answer was lost, and no second one', async () => {
    const { operations, compute } = await open();
    compute.loseNextAnswer('createServer', aServiceError('SERVICE_TIMEOUT', { outcomeUnknown: true }));
    const { computeId } = await operations.boot(byTag, quiet);
    expect(compute.servers().map(({ server }) => server.id)).toEqual([computeId]);
    expect(compute.calls('createServer')).toBe(1);
  });

  it('gets no second server while Nova does not say whether the first one is there', async () => {
    const { operations, compute } = await open();
    compute.loseNextAnswer('createServer', aServiceError('SERVICE_TIMEOUT', { outcomeUnknown: true }));
    compute.failNext('findServersByName', aServiceError('SERVICE_TIMEOUT'));
    await expect(operations.boot(byTag, quiet)).rejects.toMatchObject({ code: 'SERVICE_TIMEOUT' });
    expect(compute.calls('createServer')).toBe(1);
    expect(compute.servers()).toEqual([]);
  });

  it('finds a server that Nova makes only after the boot has failed', async () => {
    const { operations, compute, amphorae } = await open();
    compute.failNext('createServer', aServiceError('SERVICE_TIMEOUT', { outcomeUnknown: true }), 2);
    // Nova gets to it while we look for it.
    for (let look = 0; look < 3; look++) compute.beforeNext('findServersByName', quiet);
    compute.beforeNext('findServersByName', async () => {
      const [amphora] = await amphorae.list();
      await compute.createServer(aServerSpec({ imageId: 'image-1', name: amphora?.serverName ?? '' }));
    });
    await expect(operations.boot(byTag, quiet)).rejects.toMatchObject({ code: 'SERVICE_TIMEOUT' });
    expect(compute.servers()).toEqual([]);
    expect((await amphorae.list())[0]?.status).toBe('ERROR');
  });
});
