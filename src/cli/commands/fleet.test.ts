import { describe, expect, it } from 'vitest';
import { driveCli } from '../../../test/kit/cli.ts';
import type { Fleet, FleetImage } from '../../model/fleet.ts';

const image = (imageId: string, more: Partial<FleetImage>): FleetImage => ({
  imageId,
  name: null,
  createdAt: null,
  presence: 'present',
  currentForTags: [],
  loadBalancers: 0,
  assigned: 0,
  amphorae: 0,
  inError: 0,
  silent: 0,
  behind: 0,
  behindSeconds: null,
  ...more,
});

const found: Fleet = {
  at: '2026-03-01T12:00:00.000Z',
  tags: [
    {
      tag: 'amphora',
      imageId: '3c16294e-0000-4000-8000-000000000001',
      imageName: 'amphora-2026.2',
      imageCreatedAt: '2026-02-25T09:00:00Z',
      candidates: 2,
      loadBalancers: 8000,
      error: null,
    },
  ],
  images: [
    image('3c16294e-0000-4000-8000-000000000001', {
      name: 'amphora-2026.2',
      createdAt: '2026-02-25T09:00:00Z',
      currentForTags: ['amphora'],
      loadBalancers: 412,
      amphorae: 603,
    }),
    image('81e705b8-0000-4000-8000-000000000002', {
      name: 'amphora-2026.1-built-by-the-night-shift',
      createdAt: '2026-01-26T09:00:00Z',
      loadBalancers: 7541,
      amphorae: 11_007,
      inError: 3,
      silent: 1,
      behind: 11_007,
      behindSeconds: 30 * 86_400,
    }),
    image('5be01c77-0000-4000-8000-000000000003', {
      presence: 'gone',
      loadBalancers: 47,
      amphorae: 47,
      behind: 47,
    }),
  ],
  totals: {
    loadBalancers: 8000,
    pairs: 3657,
    mixedPairs: 19,
    amphorae: 11_657,
    behind: 11_054,
    inError: 3,
    silent: 1,
    imageGone: 47,
  },
  warnings: [{ code: 'IMAGE_CANDIDATES', message: '2 images are candidates', advice: 'Take the tag off one.' }],
};

const context = (fleet: Fleet = found) => ({ fleet: async () => async () => fleet });

describe('fleet', () => {
  it.each([80, 120])('fits a terminal of %d columns and never cuts an ID', async (columns) => {
    const run = await driveCli('fleet', context(), { columns });
    for (const line of run.stdout.split('\n').slice(1)) expect(line.length).toBeLessThanOrEqual(columns);
    for (const { imageId } of found.images) expect(run.stdout).toContain(imageId);
    await expect(run.stdout).toMatchFileSnapshot(`../golden/fleet.${columns}.txt`);
    expect(run.exitCode).toBe(0);
  });

  it('gives all of it as JSON, and the images alone with --quiet', async () => {
    expect((await driveCli('fleet --json', context())).json()).toEqual(found);
    expect((await driveCli('fleet --quiet', context())).stdout.trim().split('\n')).toHaveLength(3);
  });

  it('says what it can when nothing is there yet', async () => {
    const tag = { ...found.tags[0], imageId: null, candidates: 0, error: { code: 'X', message: 'm', advice: 'a' } };
    const empty = { ...found, tags: [tag] as Fleet['tags'], images: [], warnings: [] };
    const { stdout } = await driveCli('fleet', context(empty));
    expect(stdout).toContain('Tag amphora → no image');
  });

  it('lets nothing of a name through that a terminal acts on', async () => {
    const name = 'evil\u001b[2J';
    const [first] = found.images as [FleetImage];
    const spoiled = {
      ...found,
      images: [{ ...first, name }],
      tags: found.tags.map((tag) => ({ ...tag, imageName: name })),
    };
    expect((await driveCli('fleet', context(spoiled))).stdout).not.toContain('\u001b[2J');
  });
});
