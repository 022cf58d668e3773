import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type CloudSession, openCloudSession } from '../../../test/kit/cloud-session.ts';
import { type Cloud, startCloud } from '../cloud.ts';

/** What the recorded conversation (../recorded.test.ts) does not hold. */

const stateDirectory = mkdtempSync(join(tmpdir(), 'kiln-images-'));
const images = '/image/v2/images';
const octets = { 'Content-Type': 'application/octet-stream' };
const patchType = { 'Content-Type': 'application/openstack-images-v2.1-json-patch' };
let cloud: Cloud;
let kiln: CloudSession;
let demo: CloudSession;

beforeAll(async () => {
  cloud = await startCloud({ stateDirectory });
  kiln = await openCloudSession(cloud.url, cloud.accounts.kiln);
  demo = await openCloudSession(cloud.url, cloud.accounts.demo);
});
afterEach(async () => {
  for (const { id } of (await kiln.call('GET', `${images}?visibility=all&limit=1000`)).body.images) {
    await kiln.call(
      'PATCH',
      `${images}/${id}`,
      JSON.stringify([{ op: 'replace', path: '/protected', value: false }]),
      patchType,
    );
    await kiln.call('DELETE', `${images}/${id}`);
  }
});
afterAll(async () => {
  await cloud.close();
  rmSync(stateDirectory, { recursive: true });
});

async function create(session: CloudSession, fields: object = {}, data?: string): Promise<string> {
  const body = { name: 'an image', disk_format: 'raw', container_format: 'bare', ...fields };
  const { status, body: image } = await session.call('POST', images, body);
  expect(status).toBe(201);
  if (data !== undefined) {
    expect((await session.call('PUT', `${images}/${image.id}/file`, data, octets)).status).toBe(204);
  }
  return image.id;
}

const show = async (session: CloudSession, id: string) => (await session.call('GET', `${images}/${id}`)).body;
const patch = (session: CloudSession, id: string, changes: unknown) =>
  session.call('PATCH', `${images}/${id}`, JSON.stringify(changes), patchType);
async function namesOf(session: CloudSession, query: string): Promise<string[]> {
  const { status, body } = await session.call('GET', `${images}?${query}`);
  expect(status).toBe(200);
  return body.images.map((image: { name: string }) => image.name).sort();
}

describe('data', () => {
  test('comes back as it was sent, with its hashes; deleting the image removes it', async () => {
    const id = await create(kiln, {}, 'some data');
    const image = await show(kiln, id);
    const digest = (algorithm: string) => createHash(algorithm).update('some data').digest('hex');
    expect(image).toMatchObject({
      status: 'active',
      size: 9,
      virtual_size: 9,
      checksum: digest('md5'),
      os_hash_algo: 'sha512',
      os_hash_value: digest('sha512'),
    });
    const file = await kiln.call('GET', `${images}/${id}/file`);
    expect(file.body).toBe('some data');
    expect(file.headers.get('Content-Md5')).toBe(image.checksum);
    expect(readdirSync(join(stateDirectory, 'images'))).toEqual([id]);
    expect((await kiln.call('DELETE', `${images}/${id}`)).status).toBe(204);
    expect(readdirSync(join(stateDirectory, 'images'))).toEqual([]);
  });

  test('is taken once, and only by an image that says what it is', async () => {
    const id = await create(kiln, {}, 'first');
    expect((await kiln.call('PUT', `${images}/${id}/file`, 'second', octets)).status).toBe(409);
    expect((await kiln.call('GET', `${images}/${id}/file`)).body).toBe('first');

    const bare = await create(kiln, { disk_format: null });
    const refused = await kiln.call('PUT', `${images}/${bare}/file`, 'data', octets);
    expect(refused.status).toBe(400);
    expect(refused.body).toContain('disk_format');
    expect((await kiln.call('PUT', `${images}/${bare}/file`, 'data', { 'Content-Type': 'text/plain' })).status).toBe(
      415,
    );
    expect((await kiln.call('GET', `${images}/${bare}/file`)).status).toBe(204);
    expect((await show(kiln, bare)).status).toBe('queued');
  });

  test('that breaks off leaves the image queued and no file', async () => {
    const id = await create(kiln);
    const upload = request(`${cloud.url}${images}/${id}/file`, {
      method: 'PUT',
      headers: { ...octets, 'X-Auth-Token': kiln.token, 'Content-Length': 1_000_000 },
    });
    upload.on('error', () => {});
    upload.write(Buffer.alloc(100_000));
    await expect.poll(async () => (await show(kiln, id)).status).toBe('saving');
    expect((await kiln.call('PUT', `${images}/${id}/file`, 'other', octets)).status).toBe(409);
    upload.destroy();
    await expect.poll(async () => (await show(kiln, id)).status).toBe('queued');
    expect(readdirSync(join(stateDirectory, 'images'))).toEqual([]);
  });

  test('of an image that is deleted meanwhile is thrown away', async () => {
    const id = await create(kiln);
    const upload = request(`${cloud.url}${images}/${id}/file`, {
      method: 'PUT',
      headers: { ...octets, 'X-Auth-Token': kiln.token },
    });
    const answered = new Promise<number | undefined>((resolve) =>
      upload.on('response', (answer) => resolve(answer.statusCode)),
    );
    upload.write('half');
    await expect.poll(async () => (await show(kiln, id)).status).toBe('saving');
    await kiln.call('DELETE', `${images}/${id}`);
    upload.end('the rest');
    expect(await answered).toBe(410);
    expect(readdirSync(join(stateDirectory, 'images'))).toEqual([]);
  });

  test('of a deactivated image is refused, but not to an administrator', async () => {
    const id = await create(demo, {}, 'data');
    expect((await demo.call('POST', `${images}/${id}/actions/deactivate`)).status).toBe(204);
    expect((await show(demo, id)).status).toBe('deactivated');
    expect((await demo.call('GET', `${images}/${id}/file`)).status).toBe(403);
    expect((await kiln.call('GET', `${images}/${id}/file`)).body).toBe('data');
    expect((await demo.call('POST', `${images}/${id}/actions/reactivate`)).status).toBe(204);
    expect((await demo.call('GET', `${images}/${id}/file`)).body).toBe('data');
    const queued = await create(demo);
    expect((await demo.call('POST', `${images}/${queued}/actions/deactivate`)).status).toBe(403);
  });

  test('a qcow2 header says how large the disk is', async () => {
    const header = Buffer.alloc(100);
    header.write('QFI\xfb', 'latin1');
    header.writeBigUInt64BE(5n * 1024n ** 3n, 24);
    const id = await create(kiln, { disk_format: 'qcow2' });
    await kiln.call('PUT', `${images}/${id}/file`, header, octets);
    expect(await show(kiln, id)).toMatchObject({ size: 100, virtual_size: 5 * 1024 ** 3 });
  });
});

describe('who may', () => {
  test("see: nobody another project's private image, everybody a public one, an administrator all", async () => {
    const own = await create(demo, { name: 'private', visibility: 'private' });
    const foreign = await create(kiln, { name: 'foreign', visibility: 'private' });
    await create(kiln, { name: 'public', visibility: 'public' });
    expect(await namesOf(demo, '')).toEqual(['private', 'public']);
    expect(await namesOf(kiln, '')).toEqual(['foreign', 'private', 'public']);
    for (const [method, path] of [
      ['GET', ''],
      ['DELETE', ''],
      ['GET', '/file'],
      ['PUT', '/tags/mine'],
      ['GET', '/members'],
    ] as const) {
      expect((await demo.call(method, `${images}/${foreign}${path}`)).status, `${method} ${path}`).toBe(404);
    }
    expect((await kiln.call('DELETE', `${images}/${own}`)).status).toBe(204);
  });

  test('change: the owner; who only sees the image gets 403', async () => {
    const id = await create(kiln, { visibility: 'public', tags: ['amphora'] }, 'data');
    expect((await demo.call('PUT', `${images}/${id}/tags/mine`)).status).toBe(403);
    expect((await demo.call('DELETE', `${images}/${id}/tags/amphora`)).status).toBe(403);
    expect((await patch(demo, id, [{ op: 'replace', path: '/name', value: 'x' }])).status).toBe(403);
    expect((await demo.call('DELETE', `${images}/${id}`)).status).toBe(403);
    expect((await demo.call('POST', `${images}/${id}/actions/deactivate`)).status).toBe(403);
    expect(await show(demo, id)).toMatchObject({ name: 'an image', tags: ['amphora'], status: 'active' });
  });

  test('make public, or give away: administrators', async () => {
    const id = await create(demo);
    expect((await patch(demo, id, [{ op: 'replace', path: '/visibility', value: 'public' }])).status).toBe(403);
    expect((await demo.call('POST', images, { name: 'x', visibility: 'public' })).status).toBe(403);
    const kilns = cloud.accounts.kiln.projectId;
    expect((await patch(demo, id, [{ op: 'replace', path: '/owner', value: kilns }])).status).toBe(403);
    expect((await demo.call('POST', images, { name: 'x', owner: kilns })).status).toBe(403);
    expect((await patch(kiln, id, [{ op: 'replace', path: '/owner', value: kilns }])).body.owner).toBe(kilns);
    expect((await demo.call('GET', `${images}/${id}`)).status).toBe(404);
  });

  test('delete a protected image: nobody', async () => {
    const id = await create(kiln, { protected: true });
    expect((await kiln.call('DELETE', `${images}/${id}`)).status).toBe(403);
    await patch(kiln, id, [{ op: 'replace', path: '/protected', value: false }]);
    expect((await kiln.call('DELETE', `${images}/${id}`)).status).toBe(204);
  });
});

describe('members', () => {
  test('see an image once the owner adds them, and list it once they accept', async () => {
    const demoProject = cloud.accounts.demo.projectId;
    const id = await create(kiln, { name: 'shared' });
    const members = `${images}/${id}/members`;
    expect((await kiln.call('POST', members, { member: demoProject })).body).toMatchObject({ status: 'pending' });
    expect((await kiln.call('POST', members, { member: demoProject })).status).toBe(409);
    expect((await kiln.call('POST', members, {})).status).toBe(400);
    expect((await demo.call('GET', members)).body.members).toMatchObject([{ member_id: demoProject }]);
    expect((await demo.call('POST', members, { member: 'me too' })).status).toBe(403);
    expect(await namesOf(demo, '')).toEqual([]);

    expect((await demo.call('PUT', `${members}/${demoProject}`, { status: 'perhaps' })).status).toBe(400);
    expect((await demo.call('PUT', `${members}/${demoProject}`, { status: 'accepted' })).body.status).toBe('accepted');
    expect(await namesOf(demo, '')).toEqual(['shared']);
    expect((await demo.call('DELETE', `${members}/${demoProject}`)).status).toBe(403);
    expect((await demo.call('PUT', `${members}/${demoProject}`, { status: 'rejected' })).status).toBe(200);
    expect(await namesOf(demo, '')).toEqual([]);
    expect(await namesOf(demo, 'member_status=rejected')).toEqual(['shared']);

    expect((await kiln.call('DELETE', `${members}/${demoProject}`)).status).toBe(204);
    expect((await demo.call('GET', `${images}/${id}`)).status).toBe(404);
    expect((await kiln.call('GET', `${members}/${demoProject}`)).status).toBe(404);
  });

  test('an owner who is no administrator must not accept in their name', async () => {
    const kilns = cloud.accounts.kiln.projectId;
    const id = await create(demo);
    await demo.call('POST', `${images}/${id}/members`, { member: kilns });
    expect((await demo.call('PUT', `${images}/${id}/members/${kilns}`, { status: 'accepted' })).status).toBe(403);
  });

  test('only a shared image has them', async () => {
    const id = await create(kiln, { visibility: 'private' });
    expect((await kiln.call('POST', `${images}/${id}/members`, { member: 'x' })).status).toBe(403);
    expect((await kiln.call('GET', `${images}/${id}/members`)).status).toBe(403);
  });
});

describe('tags', () => {
  test('128 fit, one more is 413; the same again is no more', async () => {
    const tags = Array.from({ length: 128 }, (_, index) => `t${index}`);
    const id = await create(kiln, { tags });
    expect((await kiln.call('PUT', `${images}/${id}/tags/t0`)).status).toBe(204);
    expect((await kiln.call('PUT', `${images}/${id}/tags/t128`)).status).toBe(413);
    expect((await patch(kiln, id, [{ op: 'replace', path: '/tags', value: [...tags, 'x'] }])).status).toBe(413);
    expect((await show(kiln, id)).tags).toHaveLength(128);
  });

  test.each(['a,b', 'a b', '100%', 'a&b=c', "o'clock", 'ümlaut', 'naïve 型'])(
    '%s is found by a search for it',
    async (tag) => {
      await create(kiln, { tags: [tag], name: 'it' });
      expect(await namesOf(kiln, `tag=${encodeURIComponent(tag)}`)).toEqual(['it']);
    },
  );

  test('a trailing blank is kept, and a search without it matches', async () => {
    const id = await create(kiln, { name: 'it' });
    expect((await kiln.call('PUT', `${images}/${id}/tags/amphora%20`)).status).toBe(204);
    expect((await show(kiln, id)).tags).toEqual(['amphora ']);
    expect(await namesOf(kiln, 'tag=amphora')).toEqual(['it']);
    expect((await kiln.call('DELETE', `${images}/${id}/tags/amphora`)).status).toBe(404);
  });

  test('one in another script is garbled by PUT, set right by PATCH', async () => {
    const id = await create(kiln);
    await kiln.call('PUT', `${images}/${id}/tags/gr%C3%B6n`);
    expect((await show(kiln, id)).tags).toEqual(['grÃ¶n']);
    expect((await patch(kiln, id, [{ op: 'replace', path: '/tags', value: ['grön'] }])).body.tags).toEqual(['grön']);
  });

  test('a slash does not fit into the path', async () => {
    expect((await kiln.call('PUT', `${images}/${await create(kiln)}/tags/a%2Fb`)).status).toBe(404);
  });
});

describe('PATCH', () => {
  test('adds, replaces and removes properties, all or nothing', async () => {
    const id = await create(kiln, { architecture: 'x86_64' });
    const changed = await patch(kiln, id, [
      { op: 'add', path: '/os_distro', value: 'debian' },
      { op: 'replace', path: '/architecture', value: 'aarch64' },
      { op: 'replace', path: '/min_disk', value: 3 },
    ]);
    expect(changed.body).toMatchObject({ os_distro: 'debian', architecture: 'aarch64', min_disk: 3 });
    const failing = [
      { op: 'remove', path: '/os_distro' },
      { op: 'replace', path: '/none', value: 'x' },
    ];
    expect((await patch(kiln, id, failing)).status).toBe(409);
    expect((await show(kiln, id)).os_distro).toBe('debian');
    expect((await patch(kiln, id, [{ op: 'remove', path: '/os_distro' }])).body).not.toHaveProperty('os_distro');
  });

  test.each([
    [403, { op: 'replace', path: '/status', value: 'active' }],
    [403, { op: 'replace', path: '/id', value: 'fca5354d-41d2-4f7e-a49f-75af4671e763' }],
    [403, { op: 'remove', path: '/name' }],
    [403, { op: 'add', path: '/os_glance_x', value: 'y' }],
    [403, { op: 'replace', path: '/locations', value: [] }],
    [403, { op: 'replace', path: '/disk_format', value: 'qcow2' }],
    [409, { op: 'remove', path: '/none' }],
    [400, { op: 'move', path: '/name', value: 'x' }],
    [400, { op: 'replace', path: 'name', value: 'x' }],
    [400, { op: 'replace', path: '/a/b', value: 'x' }],
    [400, { op: 'replace', path: '/name' }],
    [400, { op: 'replace', path: '/min_disk', value: -1 }],
    [400, { op: 'replace', path: '/visibility', value: 'everyone' }],
    [400, { op: 'replace', path: '/tags', value: ['x'.repeat(256)] }],
    [400, { op: 'add', path: '/property', value: 7 }],
    [400, 'not an operation'],
  ])('%i for %j', async (status, change) => {
    const id = await create(kiln, {}, 'data');
    const before = await show(kiln, id);
    expect((await patch(kiln, id, [change])).status).toBe(status);
    expect(await show(kiln, id)).toEqual(before);
  });

  test('wants its own content type', async () => {
    const id = await create(kiln);
    const answer = await kiln.call('PATCH', `${images}/${id}`, '[]', { 'Content-Type': 'application/json' });
    expect(answer.status).toBe(415);
    expect(answer.headers.get('Accept-Patch')).toBe(patchType['Content-Type']);
  });
});

describe('listing', () => {
  test.each([
    ['tags=ab', ['both']],
    ['tag=a&tag=b', ['both']],
    ['tag=A', ['both', 'one']],
    ['name=ONE', ['one']],
    ['name=in:one,"with, comma"', ['one', 'with, comma']],
    ['container_format=in:bare,ovf', ['both', 'one', 'with, comma']],
    ['min_ram_min=5', ['with, comma']],
    ['min_ram_max=4', ['both', 'one']],
    ['created_at=lt:2020-01-01T00:00:00Z', []],
    ['updated_at=gte:2020-01-01T00:00:00', ['both', 'one', 'with, comma']],
    ['protected=true', ['one']],
    ['protected=false', ['both', 'with, comma']],
    ['status=QUEUED', ['both', 'one', 'with, comma']],
    ['limit=2&limit=3', []],
  ])('%s', async (query, expected) => {
    await create(kiln, { name: 'both', tags: ['a', 'b'] });
    await create(kiln, { name: 'one', tags: ['a'], protected: true });
    await create(kiln, { name: 'with, comma', min_ram: 5 });
    expect(await namesOf(kiln, query)).toEqual(expected);
  });

  test.each([
    'name=gt:x',
    'created_at=gt:yesterday',
    'created_at=about:2020-01-01T00:00:00Z',
    'size_min=many',
    'protected=maybe',
    'name=in:a"b',
    'changes-since=2020-01-01T00:00:00Z',
    'sort_key=name&sort_key=size&sort_dir=asc&sort_dir=asc&sort_dir=asc',
  ])('400 for %s', async (query) => {
    expect((await kiln.call('GET', `${images}?${query}`)).status).toBe(400);
  });

  test('a page has 25 images unless asked for more, and a marker that the caller may not see is 403', async () => {
    for (let index = 0; index < 26; index++) await create(kiln, { name: `n${index}`, visibility: 'private' });
    const first = (await kiln.call('GET', images)).body;
    expect(first.images).toHaveLength(25);
    const second = (await kiln.call('GET', `/image${first.next}`)).body;
    expect(second.images).toHaveLength(1);
    expect(second).not.toHaveProperty('next');
    expect((await demo.call('GET', `${images}?marker=${first.images[0].id}`)).status).toBe(403);
  });
});

describe('errors', () => {
  test.each([
    ['text/html, application/json', 'text/html; charset=UTF-8'],
    ['application/json, */*;q=0.5', 'application/json'],
    ['image/png', 'text/plain; charset=UTF-8'],
  ])('Accept: %s is answered in %s', async (accept, contentType) => {
    const answer = await kiln.call('GET', `${images}/none`, undefined, { Accept: accept });
    expect(answer.status).toBe(404);
    expect(answer.headers.get('Content-Type')).toBe(contentType);
  });

  test('a body that is not JSON is 400, an unknown path 404, a read-only attribute 403', async () => {
    const json = { 'Content-Type': 'application/json' };
    expect((await kiln.call('POST', images, '{', json)).status).toBe(400);
    expect((await kiln.call('POST', images, '', json)).status).toBe(400);
    expect((await kiln.call('GET', '/image/v2/nothing')).status).toBe(404);
    expect((await kiln.call('POST', images, { status: 'active' })).status).toBe(403);
    expect((await kiln.call('POST', images, { id: 'not a UUID' })).status).toBe(400);
    const id = await create(kiln);
    expect((await kiln.call('POST', images, { id })).status).toBe(409);
  });
});

test('discovery offers no way to import, and there is none', async () => {
  const { status, body } = await kiln.call('GET', '/image/v2/info/import');
  expect([status, body['import-methods'].value]).toEqual([200, []]);
  const { body: image } = await kiln.call('POST', images, { name: 'x' });
  const asked = { method: { name: 'glance-direct' } };
  expect((await kiln.call('POST', `${images}/${image.id}/import`, asked)).status).toBe(404);
});
