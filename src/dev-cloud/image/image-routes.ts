import { randomUUID } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import type { ImageService, OfImage } from './access.ts';
import { mutableImage, saveImage, visibleImage } from './access.ts';
import type { ImageData } from './data.ts';
import { ImageFault } from './fault.ts';
import { listImages } from './listing.ts';
import { checkAttributes, patchImage, refuseReserved, writableAttributes } from './patch.ts';
import type { ImageRow } from './rows.ts';
import { timestamp } from './rows.ts';
import { validateImage } from './schema.ts';
import { checkedTags } from './tags.ts';
import { imageView } from './view.ts';

export const patchType = 'application/openstack-images-v2.1-json-patch';

/** `/v2/images` and `/v2/images/{id}`, with the actions. */
export function imageRoutes(app: FastifyInstance, service: ImageService, store: ImageData): void {
  const { tables, context } = service;

  app.get('/v2/images', async (request) => listImages(tables, service.userOf(request), request.raw.url ?? ''));

  app.post('/v2/images', async (request, reply) => {
    const image = newImage(request.body, service.userOf(request));
    if (tables.images.get(image.id)) throw new ImageFault(409, `Image ID ${image.id} already exists!`);
    tables.images.put(image);
    reply
      .code(201)
      // Without the endpoint's own prefix: so says a Glance that stands behind one.
      .header('Location', `${context.baseUrl()}/v2/images/${image.id}`)
      .header('OpenStack-image-store-ids', 'fs');
    return imageView(image);
  });

  app.get<OfImage>('/v2/images/:id', async (request) => imageView(visibleImage(service, request)));

  app.patch<OfImage>('/v2/images/:id', async (request, reply) => {
    if (request.headers['content-type']?.split(';')[0] !== patchType) {
      reply.header('Accept-Patch', patchType);
      throw new ImageFault(415, `Image PATCH expects Content-Type one of: ${patchType}`);
    }
    const image = mutableImage(service, request, 'You are not permitted to modify this image.');
    const changes = patchImage(image, request.body, service.userOf(request));
    return imageView(saveImage(tables, image, changes));
  });

  app.delete<OfImage>('/v2/images/:id', async (request, reply) => {
    const image = mutableImage(service, request, 'You are not permitted to delete this image.');
    if (image.protected) {
      throw new ImageFault(403, `Image ${image.id} is protected and cannot be deleted.`);
    }
    tables.images.delete(image.id);
    for (const member of tables.members.all()) if (member.image_id === image.id) tables.members.delete(member.id);
    await store.remove(image.id);
    return reply.code(204).send();
  });

  const actions = { deactivate: 'deactivated', reactivate: 'active' } as const;
  for (const [action, status] of Object.entries(actions)) {
    app.post<OfImage>(`/v2/images/:id/actions/${action}`, async (request, reply) => {
      const image = mutableImage(service, request, `You are not permitted to ${action} this image.`);
      if (image.status !== 'active' && image.status !== 'deactivated') {
        throw new ImageFault(403, `Not allowed to ${action} image in status '${image.status}'`);
      }
      if (image.status !== status) saveImage(tables, image, { status });
      return reply.code(204).send();
    });
  }
}

/** The image that a POST describes: queued, shared and owned by the caller's project unless it says otherwise. */
function newImage(body: unknown, user: Parameters<typeof checkAttributes>[1]): ImageRow {
  if (typeof body !== 'object' || body === null) throw new ImageFault(400, 'Body expected in request.');
  for (const name of Object.keys(body)) refuseReserved(name);
  validateImage(body);
  const { id = randomUUID(), ...rest } = body as Record<string, unknown> & { id?: string };
  const isAttribute = ([name]: [string, unknown]) => (writableAttributes as readonly string[]).includes(name);
  const attributes = Object.fromEntries(Object.entries(rest).filter(isAttribute)) as Partial<ImageRow>;
  const properties = Object.entries(rest).filter((entry) => !isAttribute(entry));
  checkAttributes(attributes, user);
  if (attributes.owner !== undefined && attributes.owner !== user.projectId && !user.isAdmin) {
    throw new ImageFault(403, `You are not permitted to create images owned by '${attributes.owner}'.`);
  }
  const now = timestamp();
  return {
    id,
    name: null,
    disk_format: null,
    container_format: null,
    visibility: 'shared',
    size: null,
    virtual_size: null,
    status: 'queued',
    checksum: null,
    protected: false,
    min_ram: 0,
    min_disk: 0,
    owner: user.projectId,
    os_hidden: false,
    os_hash_algo: null,
    os_hash_value: null,
    created_at: now,
    updated_at: now,
    ...attributes,
    tags: checkedTags(id, attributes.tags ?? []),
    properties: Object.fromEntries(properties.map(([name, value]) => [name, String(value ?? '')])),
  };
}
