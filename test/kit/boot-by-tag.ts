import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createSystemClock } from '../../src/adapters/clock/system-clock.ts';
import { loadConfiguration } from '../../src/config/load.ts';
import { wireOwnAmphoraOperations } from '../../src/main/amphora-operations.ts';
import { findAccess } from '../../src/main/cloud-access.ts';
import { createOpenStack, type OpenStack } from '../../src/main/openstack.ts';
import { openState } from '../../src/main/state.ts';
import { statePaths } from '../../src/main/state-paths.ts';
import { secretStore } from '../../src/main/wire.ts';
import type { Amphora } from '../../src/model/amphora.ts';
import type { ComputeService } from '../../src/ports/compute.ts';
import { createFakeLog } from './fakes/fake-log.ts';

export interface BootSubject {
  /** octavia.conf of the cloud. */
  configurationFile: string;
  /** Bytes of an image that this cloud can boot. */
  imageData: Buffer;
  /** ID of a flavor that is too small for an image with min_ram 48. */
  smallFlavorId: string;
  /** Runs what Nova's pretended hypervisor does not: the agent. Absent where servers are real. */
  withGuests?: (compute: ComputeService) => ComputeService;
  /** Ends what `withGuests` runs: their addresses are given to the next servers. */
  endGuests?: () => Promise<void>;
  close(): Promise<void>;
}

/**
 * What can go wrong around a boot by tag, with hands between Kiln and Nova, whichever cloud it is. Which image is booted is
 * what test/e2e/by-tag shows, from outside.
 */
export function describeBootByTag(name: string, start: () => Promise<BootSubject>): void {
  describe(`booting by tag: ${name}`, () => {
    const clock = createSystemClock();
    let subject: BootSubject;
    let folder: string;
    let operator: OpenStack;
    const images: string[] = [];
    const booted: Amphora[] = [];
    let tag = '';

    beforeAll(async () => {
      subject = await start();
      folder = await mkdtemp(join(tmpdir(), 'kiln-boot-'));
      const { config } = load({});
      const deps = { clock, log: createFakeLog() };
      const options = { createLookupSeconds: 5 };
      operator = createOpenStack(findAccess(config, null, {}), deps, options);
    });
    afterEach(async () => {
      for (const { serverName } of booted.splice(0)) {
        for (const { id } of await operator.compute.findServersByName(serverName))
          await operator.compute.deleteServer(id);
      }
      await subject.endGuests?.();
      for (const id of images.splice(0)) await operator.images.delete(id);
    });
    afterAll(async () => {
      await operator?.close();
      await subject?.close();
      await rm(folder, { recursive: true, force: true });
    });

    function load(options: Record<string, string>) {
      const environment: Record<string, string> = { OS_KILN__STATE_PATH: folder };
      for (const [option, value] of Object.entries(options))
        environment[`OS_CONTROLLER_WORKER__${option.toUpperCase()}`] = value;
      return loadConfiguration({ configFiles: [subject.configurationFile], environment });
    }

    /** An active image with the test's tag. */
    async function push(minRamMiB = 0): Promise<string> {
      const wanted = { name: tag, diskFormat: 'raw', containerFormat: 'bare', minRamMiB };
      const image = await operator.images.create(wanted);
      images.push(image.id);
      const { imageData } = subject;
      await operator.images.upload(image.id, Readable.from([imageData]), imageData.length);
      await operator.images.addTag(image.id, tag);
      return image.id;
    }

    /** One Kiln, with its own state and this test's own tag. */
    async function kiln<Result>(
      options: Record<string, string>,
      work: (boot: () => Promise<Amphora>) => Promise<Result>,
      around: (compute: ComputeService) => ComputeService = (compute) => compute,
    ): Promise<Result> {
      const { config } = load({ amp_image_tag: tag, ...options });
      const log = createFakeLog();
      const guests = subject.withGuests?.(operator.compute) ?? operator.compute;
      const openstack = { ...operator, patient: { ...operator.patient, compute: around(guests) } };
      const paths = statePaths(config, {}, false);
      const state = await openState(paths.database, clock);
      const secrets = secretStore(config, paths);
      const runtime = { clock, log, current: () => config };
      const own = { openstack, state, secrets };
      const { operations, close } = wireOwnAmphoraOperations(own, runtime);
      try {
        return await work(async () => {
          const amphora = await operations.boot({ imageId: null }, () => {});
          booted.push(amphora);
          return amphora;
        });
      } finally {
        await close();
        await state.close();
      }
    }

    const aTag = () => {
      tag = `kiln-test-${randomUUID()}`;
    };
    /** Glance's times have a resolution of one second. */
    const nextSecond = () => new Promise((resolve) => setTimeout(resolve, 1100));

    it('refuses an image that does not fit the flavor, before Nova is asked', async () => {
      aTag();
      await push(48);
      let asked = 0;
      const watched = (compute: ComputeService): ComputeService => ({
        ...compute,
        createServer: (spec, signal) => {
          asked++;
          return compute.createServer(spec, signal);
        },
      });
      await kiln(
        { amp_flavor_id: subject.smallFlavorId },
        async (boot) => await expect(boot()).rejects.toMatchObject({ code: 'IMAGE_DOES_NOT_FIT', exitCode: 3 }),
        watched,
      );
      expect(asked).toBe(0);
    });

    const waysToSpoil: [how: string, spoil: (imageId: string) => Promise<unknown>][] = [
      ['deleted', (id) => operator.images.delete(id)],
      ['deactivated', (id) => operator.images.deactivate(id)],
    ];
    /** Before each request to Nova for a server, `spoil` gets its image; every name that was asked for is remembered. */
    const spoiling =
      (spoil: (imageId: string) => Promise<unknown>) =>
      (compute: ComputeService): ComputeService => ({
        ...compute,
        async createServer(spec, signal) {
          booted.push({ serverName: spec.name } as Amphora);
          await spoil(spec.imageId);
          return await compute.createServer(spec, signal);
        },
      });
    /** Every server that Nova has built turns to ERROR. */
    const endingInError = (compute: ComputeService): ComputeService => ({
      ...compute,
      listInterfaces: async () => [],
      getServer: async (serverId, signal) => {
        const server = await compute.getServer(serverId, signal);
        return server.status === 'ACTIVE'
          ? { ...server, status: 'ERROR', fault: { code: 500, message: 'spoilt' } }
          : server;
      },
    });
    async function expectNothingLeft(): Promise<void> {
      for (const { serverName } of booted) {
        const left = await operator.compute.findServersByName(serverName);
        // For a moment Nova still lists a server that it has deleted, as DELETED.
        expect(left.filter(({ status }) => status !== 'DELETED')).toEqual([]);
      }
    }

    it.each(waysToSpoil)('chooses again when the image is %s between the choice and Nova', async (_how, spoil) => {
      aTag();
      const older = await push();
      await nextSecond();
      const newer = await push();
      let tries = 0;
      const between = (compute: ComputeService): ComputeService => ({
        ...compute,
        async createServer(spec, signal) {
          if (tries++ === 0) await spoil(newer);
          return await compute.createServer(spec, signal);
        },
      });
      await kiln({}, async (boot) => expect((await boot()).imageId).toBe(older), between);
      expect(tries).toBe(2);
    });

    it.each(waysToSpoil)(
      'ends with the truth when the only image is %s between the choice and Nova',
      async (_how, spoil) => {
        aTag();
        await push();
        await kiln(
          {},
          async (boot) => {
            const message = expect.stringContaining(tag);
            await expect(boot()).rejects.toMatchObject({ code: 'IMAGE_NOT_FOUND', exitCode: 3, message });
          },
          spoiling(spoil),
        );
        // Asked for again, and each time under the same name.
        expect(new Set(booted.map(({ serverName }) => serverName)).size).toBe(1);
        await expectNothingLeft();
      },
    );

    it('asks for a third one when the image that was chosen again is deactivated as well', async () => {
      aTag();
      const oldest = await push();
      for (const _newer of [1, 2]) {
        await nextSecond();
        await push();
      }
      const asked: string[] = [];
      const spoilNewer = async (imageId: string) => {
        asked.push(imageId);
        if (imageId !== oldest) await operator.images.deactivate(imageId);
      };
      await kiln(
        {},
        async (boot) => await expect(boot()).rejects.toThrow('spoilt'),
        (compute) => endingInError(spoiling(spoilNewer)(compute)),
      );
      expect([new Set(asked).size, asked.at(-1)]).toEqual([3, oldest]);
      await expectNothingLeft();
    });

    it('leaves no server behind when a boot fails', async () => {
      aTag();
      await push();
      const remembering = spoiling(async () => {});
      await kiln(
        {},
        async (boot) => await expect(boot()).rejects.toThrow('spoilt'),
        (compute) => endingInError(remembering(compute)),
      );
      await expectNothingLeft();
    });

    it('boots several at once', async () => {
      aTag();
      const image = await push();
      await kiln({}, async (boot) => {
        const amphorae = await Promise.all(Array.from({ length: 5 }, () => boot()));
        expect(amphorae.map(({ imageId }) => imageId)).toEqual(Array(5).fill(image));
        expect(new Set(amphorae.map(({ lbNetworkIp }) => lbNetworkIp)).size).toBe(5);
      });
    });
  });
}
