import { afterEach, beforeEach, expect, it } from 'vitest';
import { createTagHistory } from '../../src/adapters/storage/tag-history.ts';
import { newImageId, oldImageId, openReleaseHarness, type ReleaseHarness } from '../kit/release-harness.ts';

/** `GET /v2/kiln/images` and `…/tag-history`, over a real database and a Glance in memory. */

let harness: ReleaseHarness;
beforeEach(async () => {
  harness = await openReleaseHarness();
});
afterEach(() => harness.close());

it('lists what could be released: active images of the trusted project, with their tags', async () => {
  const made = await harness.images.get(newImageId);
  const other = (last: string, fields: object) =>
    harness.images.put({ ...made, id: `33330000-0000-4000-8000-00000000000${last}`, ...fields });
  other('1', { owner: 'tenant', tags: ['amphora'] });
  other('2', { status: 'queued' });
  other('3', { osHidden: true });
  const { status, body } = await harness.call('GET', '/v2/kiln/images');
  expect(status).toBe(200);
  expect(body.images).toHaveLength(2);
  expect(body.images).toContainEqual(expect.objectContaining({ id: newImageId, name: 'amphora-2', tags: [] }));
  expect(body.images).toContainEqual({
    id: oldImageId,
    name: 'amphora-1',
    tags: ['amphora'],
    owner_id: 'service-project',
    hash_algo: 'sha512',
    hash: 'h1',
    created_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+$/),
  });
});

it('tells which images carried the tag, newest first', async () => {
  const history = createTagHistory(harness.database, harness.deps.clock);
  const one = { id: oldImageId, name: 'amphora-1' };
  await history.record('amphora', [one], '2026-11-28T10:00:00.000Z');
  await history.record('amphora', [{ id: newImageId, name: null }], '2026-11-28T11:00:00.000Z');
  const { status, body } = await harness.call('GET', '/v2/kiln/images/tag-history');
  expect([status, body.tag_history]).toEqual([
    200,
    [
      {
        tag: 'amphora',
        image_id: newImageId,
        image_name: null,
        seen_at: '2026-11-28T11:00:00',
        was_there: false,
        gone_at: null,
      },
      {
        tag: 'amphora',
        image_id: oldImageId,
        image_name: 'amphora-1',
        seen_at: '2026-11-28T10:00:00',
        was_there: true,
        gone_at: '2026-11-28T11:00:00',
      },
    ],
  ]);
});
