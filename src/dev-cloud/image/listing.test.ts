import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { CloudUser } from '../context.ts';
import { CloudState } from '../state.ts';
import { fold } from './collation.ts';
import { listImages } from './listing.ts';
import type { ImageRow } from './rows.ts';
import { imageTables } from './rows.ts';

const user: CloudUser = {
  userId: 'u',
  userName: 'u',
  projectId: 'p',
  projectName: 'p',
  roles: ['admin'],
  isAdmin: true,
};

const rows = fc
  .array(
    fc.record({
      name: fc.option(fc.constantFrom('a', 'A', 'ä', 'b')),
      size: fc.option(fc.integer({ min: 0, max: 2 })),
      second: fc.integer({ min: 0, max: 3 }),
    }),
    { maxLength: 12 },
  )
  .map((items) => items.map(({ second, ...fields }, index): ImageRow => imageRow(index, second, fields)));

function imageRow(index: number, second: number, fields: Partial<ImageRow>): ImageRow {
  const time = `2026-01-01T00:00:0${second}Z`;
  return {
    id: `00000000-0000-0000-0000-0000000000${String(index).padStart(2, '0')}`,
    name: null,
    disk_format: null,
    container_format: null,
    visibility: 'private',
    size: null,
    virtual_size: null,
    status: 'queued',
    checksum: null,
    protected: false,
    min_ram: 0,
    min_disk: 0,
    owner: 'p',
    os_hidden: false,
    os_hash_algo: null,
    os_hash_value: null,
    created_at: time,
    updated_at: time,
    tags: [],
    properties: {},
    ...fields,
  };
}

const sorts = fc
  .uniqueArray(fc.constantFrom('name', 'size', 'status', 'created_at', 'id'), { maxLength: 3 })
  .chain((keys) =>
    fc.tuple(...keys.map((key) => fc.constantFrom(`${key}:asc`, `${key}:desc`, key))).map((parts) => parts.join(',')),
  );

test('pages, put together by marker, are the whole listing: nothing twice, nothing left out', () => {
  fc.assert(
    fc.property(rows, sorts, fc.integer({ min: 1, max: 5 }), (images, sort, limit) => {
      const state = new CloudState(':memory:');
      const tables = imageTables(state);
      for (const image of images) tables.images.put(image);
      const idsOf = (url: string) => {
        const answer = listImages(tables, user, url);
        return {
          ids: (answer.images as { id: string }[]).map(({ id }) => id),
          next: answer.next as string | undefined,
        };
      };
      const order = sort === '' ? '' : `&sort=${sort}`;
      const whole = idsOf(`/v2/images?limit=1000${order}`).ids;
      const paged: string[] = [];
      for (let url: string | undefined = `/v2/images?limit=${limit}${order}`; url; ) {
        const page = idsOf(url);
        paged.push(...page.ids);
        url = page.next;
      }
      state.close();
      expect(paged).toEqual(whole);
      expect([...whole].sort()).toEqual(images.map(({ id }) => id).sort());
    }),
    { numRuns: 60 },
  );
});

test('strings that differ in case, accents or trailing blanks only are one to the database', () => {
  for (const [left, right] of [
    ['Amphora', 'AMPHORA'],
    ['ämphora', 'amphora'],
    ['amphora', 'amphora   '],
    ['groß', 'gros'],
    ['Ёлка', 'елка'],
  ] as const) {
    expect(fold(left), `${left} = ${right}`).toBe(fold(right));
  }
  for (const [left, right] of [
    ['amphora', 'amphor'],
    ['amphora', ' amphora'],
    ['か', 'が'],
    ['가', '각'],
    ['a_b', 'a%b'],
  ] as const) {
    expect(fold(left), `${left} ≠ ${right}`).not.toBe(fold(right));
  }
});
