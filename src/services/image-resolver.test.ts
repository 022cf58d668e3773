import { describe, expect, it } from 'vitest';
import { anImage } from '../../test/kit/builders.ts';
import { createFakeDeps } from '../../test/kit/fakes/fake-amphora-deps.ts';
import { aServiceError } from '../../test/kit/fault-injection.ts';

const plain = { tag: null, flavorId: null };

describe('the image resolver', () => {
  it('asks Glance once for a choice, and Keystone for nothing but our own project', async () => {
    const { resolver, images, compute } = createFakeDeps();
    expect(await resolver.resolve({ tag: null, flavorId: '65' })).toMatchObject({ imageId: 'image-1' });
    expect(images.calls('list')).toBe(1);
    expect(compute.calls('getFlavor')).toBe(1);
  });

  it('sees a tag that moved with the very next question: nothing is cached', async () => {
    const { resolver, images } = createFakeDeps();
    await resolver.resolve(plain);
    images.put(anImage({ id: 'image-2', createdAt: '2026-11-23T00:00:00Z' }));
    expect((await resolver.resolve(plain)).imageId).toBe('image-2');
    await images.removeTag('image-2', 'amphora');
    expect((await resolver.resolve(plain)).imageId).toBe('image-1');
  });

  it('a thousand at once cause two requests, and each sees what was true when it asked', async () => {
    const { resolver, images, compute } = createFakeDeps();
    const all = Array.from({ length: 1000 }, () => resolver.resolve({ tag: null, flavorId: '65' }));
    await Promise.all(all);
    expect(images.calls('list')).toBe(2);
    expect(compute.calls('getFlavor')).toBe(2);
  });

  it('a request that hangs holds up nobody who comes later', async () => {
    const { resolver, images, compute, clock } = createFakeDeps();
    const never = () => new Promise<void>(() => {});
    const request = { tag: null, flavorId: '65' };
    images.beforeNext('list', never);
    void resolver.resolve(request);
    await clock.advance(3_000);
    compute.beforeNext('getFlavor', never);
    void resolver.resolve(request);
    await clock.advance(3_000);
    expect((await resolver.resolve(request)).imageId).toBe('image-1');
  }, 5_000);

  it('a wider look that hangs holds up nobody who comes later', async () => {
    const { resolver, images, clock } = createFakeDeps();
    images.remove('image-1');
    images.beforeNext('list', () => images.beforeNext('list', () => new Promise<void>(() => {})));
    void resolver.resolve(plain);
    await clock.advance(3_000);
    await expect(resolver.resolve(plain)).rejects.toMatchObject({ code: 'IMAGE_NOT_FOUND' });
  }, 5_000);

  it('boots amp_image_id without Glance and without Keystone, and says once that the tag is ignored', async () => {
    const { resolver, images, identity, settings, log } = createFakeDeps();
    settings.image = { ...settings.image, ampImageId: 'by-id' };
    for (let boot = 0; boot < 3; boot++) {
      expect(await resolver.resolve({ tag: null, flavorId: '65' })).toMatchObject({
        imageId: 'by-id',
        rule: 'configured-id',
        image: null,
      });
    }
    expect(images.calls('list') + images.calls('get') + identity.calls('authenticatedAs')).toBe(0);
    expect(log.lines.filter(({ message }) => message.includes('the ID wins'))).toHaveLength(1);
  });

  it('takes what a reload changed with the next boot', async () => {
    const { resolver, images, settings } = createFakeDeps();
    images.put(anImage({ id: 'image-3', tags: ['other'], owner: 'f3' }));
    settings.image = { ...settings.image, ampImageTag: 'other', ampImageOwnerId: 'f3' };
    expect((await resolver.resolve(plain)).imageId).toBe('image-3');
  });

  it('explains a missing image with one wider look: hidden, queued, of another project', async () => {
    const { resolver, images } = createFakeDeps();
    images.remove('image-1');
    images.put(anImage({ id: 'planted', owner: 'tenant' }));
    images.put(anImage({ id: 'half', status: 'queued' }));
    images.put(anImage({ id: 'dark', osHidden: true }));
    const failure = resolver.resolve(plain);
    await expect(failure).rejects.toMatchObject({ code: 'IMAGE_NOT_FOUND' });
    await expect(failure).rejects.toThrow(/planted belongs to project tenant, not service-project/);
    await expect(failure).rejects.toThrow(/half is queued/);
    await expect(failure).rejects.toThrow(/dark is hidden/);
    expect(images.calls('list')).toBe(3);
  });

  it('still says that there is none when the wider look fails', async () => {
    const { resolver, images, log } = createFakeDeps();
    images.remove('image-1');
    images.beforeNext('list', () => images.failNext('list', aServiceError('SERVICE_FAILED', { status: 500 })));
    await expect(resolver.resolve(plain)).rejects.toMatchObject({ code: 'IMAGE_NOT_FOUND' });
    expect(log.lines.some(({ level }) => level === 'warn')).toBe(true);
  });

  it("gives Glance's failure as it is", async () => {
    const { resolver, images } = createFakeDeps();
    images.failNext('list', aServiceError('SERVICE_UNREACHABLE', { service: 'image' }));
    await expect(resolver.resolve(plain)).rejects.toMatchObject({ code: 'SERVICE_UNREACHABLE' });
    expect((await resolver.resolve(plain)).imageId).toBe('image-1');
  });

  it('lets one caller give up while the others get their answer', async () => {
    const { resolver } = createFakeDeps();
    const control = new AbortController();
    const patient = resolver.resolve(plain);
    const hasty = resolver.resolve({ ...plain, signal: control.signal });
    const late = resolver.resolve({ ...plain, signal: AbortSignal.abort(new Error('too late')) });
    control.abort(new Error('enough'));
    await expect(hasty).rejects.toThrow('enough');
    await expect(late).rejects.toThrow('too late');
    expect((await patient).imageId).toBe('image-1');
  });

  it('shows several candidates as a status, and logs them once', async () => {
    const { resolver, images, log } = createFakeDeps();
    images.put(anImage({ id: 'image-0', createdAt: '2026-11-01T00:00:00Z' }));
    await resolver.resolve(plain);
    await resolver.resolve(plain);
    expect(resolver.status()).toMatchObject([
      { tag: 'amphora', error: null, choice: { candidates: [{ id: 'image-1' }, { id: 'image-0' }] } },
    ]);
    expect(log.lines.filter(({ message }) => message.includes('images carry the tag'))).toHaveLength(1);
  });

  it('explains who was refused beside the chosen one', async () => {
    const { resolver, images } = createFakeDeps();
    images.put(anImage({ id: 'planted', owner: 'tenant' }));
    const { choice, refused } = await resolver.explain(plain);
    expect(choice.imageId).toBe('image-1');
    expect(refused).toEqual([
      { imageId: 'planted', name: 'amphora', reason: 'belongs to project tenant, not service-project' },
    ]);
  });
});
