import { describe, expect, it } from 'vitest';
import { driveCli, makeSettings } from '../../../../test/kit/cli.ts';
import { createRecordingImages, makeImage } from '../../../../test/kit/recording-images.ts';
import { type KnownImages, knownImages } from '../../../core/fleet/image-use.ts';
import { KilnError, ServiceError } from '../../../model/errors.ts';

const id = (n: number) => `00000000-0000-4000-8000-00000000000${n}`;
const at = (n: number) => makeImage({ id: id(n), name: `amphora-${n}`, createdAt: `2026-02-0${n}T00:00:00Z` });

/** Five images that booted amphorae once: the first is run, the last carries the tag. */
function harness(changes: { whileLooking?: (known: { running: string[] }, looks: number) => void } = {}) {
  const recording = createRecordingImages(at(1), at(2), at(3), at(4), { ...at(5), tags: ['amphora'] });
  const state = { running: [id(1)] };
  let looks = 0;
  const look = async (): Promise<KnownImages> => {
    changes.whileLooking?.(state, ++looks);
    const facts = {
      amphorae: state.running.map((imageId) => ({ imageId, amphorae: 1 })),
      loadBalancers: [],
      flavorTags: new Map(),
      images: new Map([1, 2, 3, 4, 5].map((n) => [id(n), null])),
    };
    return knownImages(facts, []);
  };
  const context = {
    images: async () => recording,
    knownImages: async () => look,
    settings: async () => makeSettings({ imageOwnerId: 'project-service' }),
  };
  return { recording, context };
}

describe('image prune', () => {
  it('changes nothing without --yes, and says what it would delete', async () => {
    const { recording, context } = harness();
    const run = await driveCli('image prune --keep 1', context, { columns: 100 });
    expect(run.exitCode).toBe(0);
    expect(recording.changes).toEqual([]);
    expect(run.stdout).toContain('2 images would be deleted, 3 kept. Nothing was changed; --yes deletes.');
    expect((await driveCli('image prune --keep 1 --quiet', context)).stdout.trim().split('\n')).toEqual([id(3), id(2)]);
  });

  it('deletes with --yes, and keeps three of the newest unless asked otherwise', async () => {
    const { recording, context } = harness();
    await driveCli('image prune --yes', context);
    expect(recording.changes).toEqual([]);
    const run = await driveCli('image prune --keep 1 --yes --json', context);
    expect(recording.changes).toEqual(['delete amphora-3', 'delete amphora-2']);
    expect(run.json()).toMatchObject({
      dryRun: false,
      images: [{}, {}, {}, { outcome: 'deleted' }, { outcome: 'deleted' }],
    });
  });

  it('looks again right before each deletion: an amphora that booted from it meanwhile keeps it', async () => {
    const { recording, context } = harness({
      whileLooking: (known, looks) => {
        if (looks === 2) known.running.push(id(3));
      },
    });
    const run = await driveCli('image prune --keep 1 --yes', context);
    expect(recording.changes).toEqual(['delete amphora-2']);
    expect(run.stdout).toContain('1 amphora runs it by now');
  });

  it('a tag or a protection that came meanwhile keeps it, too', async () => {
    const { recording, context } = harness({
      whileLooking: (_known, looks) => {
        if (looks === 1) recording.put({ ...at(3), protected: true });
        if (looks === 1) recording.put({ ...at(2), tags: ['amphora'] });
      },
    });
    await driveCli('image prune --keep 1 --yes', context);
    expect(recording.changes).toEqual([]);
  });

  it('what Glance refuses to delete is reported, and does not hold up the rest', async () => {
    const { recording, context } = harness();
    const refuse = async (imageId: string) => {
      if (imageId !== id(3)) return recording.delete(imageId);
      const call = { service: 'image', method: 'DELETE', path: '/v2/images/3', status: 409 } as const;
      const rest = { serviceMessage: null, requestId: null, retryAfterSeconds: null, outcomeUnknown: false };
      throw new ServiceError('SERVICE_CONFLICT', 'Image 3 could not be deleted because it is in use', {
        ...call,
        ...rest,
      });
    };
    const images = async () => ({ ...recording, delete: refuse });
    const run = await driveCli('image prune --keep 1 --yes', { ...context, images });
    expect(recording.changes).toEqual(['delete amphora-2']);
    expect(run.stdout).toContain('could not be deleted because it is in use');
    expect(run.exitCode).toBe(5);
  });

  it('refuses where it can not know what is in use', async () => {
    const { recording, context } = harness();
    const none = await driveCli('image prune --yes', { ...context, knownImages: async () => null });
    expect([none.exitCode, recording.changes]).toEqual([2, []]);
    const down = () => Promise.reject(new KilnError('STATE_UNUSABLE', 'no database'));
    expect((await driveCli('image prune --yes', { ...context, knownImages: down })).exitCode).toBe(2);
    expect(recording.changes).toEqual([]);
  });
});

describe('image list', () => {
  it('shows by how many an image is used, where that can be known', async () => {
    const { context } = harness();
    const { stdout } = await driveCli('image list', context);
    expect(stdout.split('\n')[0]).toContain('IN USE');
    expect((await driveCli('image list --json', context)).json()).toContainEqual(
      expect.objectContaining({ id: id(1), inUse: { amphorae: 1, assigned: 0 } }),
    );
  });

  it('goes on without the database, and says so', async () => {
    const { context } = harness();
    const down = () => Promise.reject(new KilnError('STATE_UNUSABLE', 'no database'));
    const run = await driveCli('image list', { ...context, knownImages: down });
    expect([run.exitCode, run.stdout.includes('IN USE')]).toEqual([0, false]);
    expect(run.stderr).toContain('what is in use is not shown: no database');
  });
});
