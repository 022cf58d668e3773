import type { Readable } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import type { ImageService, OfImage } from './access.ts';
import { mutableImage, saveImage, visibleImage } from './access.ts';
import type { ImageData } from './data.ts';
import { virtualSizeBytes } from './data.ts';
import { ImageFault } from './fault.ts';
import type { ImageRow } from './rows.ts';
import { hasData } from './view.ts';

/** `PUT` and `GET /v2/images/{id}/file`. */
export function dataRoutes(app: FastifyInstance, service: ImageService, store: ImageData): void {
  const { images } = service.tables;
  const path = '/v2/images/:id/file';
  // Connections are cut when the server closes; what their uploads still write has to be done before the state closes.
  const uploads = new Set<Promise<unknown>>();
  app.addHook('onClose', async () => void (await Promise.allSettled(uploads)));

  app.put<OfImage>(path, async (request, reply) => {
    if (request.headers['content-type'] !== 'application/octet-stream') {
      throw new ImageFault(415, 'The image data has to be sent as application/octet-stream.');
    }
    const refusal = `Not allowed to upload image data for image ${request.params.id}`;
    const image = mutableImage(service, request, refusal);
    if (image.status !== 'queued') {
      throw new ImageFault(409, `Image status transition from ${image.status} to saving is not allowed`);
    }
    const missing = (['disk_format', 'container_format'] as const).filter((name) => image[name] === null);
    if (missing.length > 0) {
      const subject = missing.length === 1 ? 'Property' : 'Properties';
      throw new ImageFault(400, `${subject} ${missing.join(', ')} must be set prior to saving data.`);
    }

    const upload = takeData(image, request.body as Readable);
    uploads.add(upload);
    await upload.finally(() => uploads.delete(upload));
    return reply.code(204).send();
  });

  app.get<OfImage>(path, async (request, reply) => {
    const image = visibleImage(service, request);
    if (!hasData(image)) return reply.code(204).send();
    if (image.status === 'deactivated' && !service.userOf(request).isAdmin) {
      throw new ImageFault(403, 'The requested image has been deactivated. Image data download is forbidden.');
    }
    reply
      .header('Content-Type', 'application/octet-stream')
      .header('Content-Md5', image.checksum ?? '')
      .header('Content-Length', image.size ?? 0);
    return reply.send(store.read(image.id));
  });

  async function takeData(image: ImageRow, source: Readable): Promise<void> {
    saveImage(service.tables, image, { status: 'saving' });
    let received: Awaited<ReturnType<ImageData['receive']>>;
    try {
      received = await store.receive(source);
    } catch (error) {
      const unfinished = images.get(image.id);
      if (unfinished) saveImage(service.tables, unfinished, { status: 'queued' });
      throw error;
    }

    // Deleted while its data came in.
    if (!images.get(image.id)) {
      await received.discard();
      throw new ImageFault(410, `Image ${image.id} was deleted during the upload.`);
    }
    await received.commit(image.id);
    const current = images.get(image.id);
    if (!current) {
      await store.remove(image.id);
      throw new ImageFault(410, `Image ${image.id} was deleted during the upload.`);
    }
    const { data } = received;
    saveImage(service.tables, current, {
      status: 'active',
      size: data.sizeBytes,
      virtual_size: virtualSizeBytes(current.disk_format, data),
      checksum: data.md5,
      os_hash_algo: 'sha512',
      os_hash_value: data.sha512,
    });
  }
}

/** Uploads that died with the process can be tried again. */
export function requeueInterruptedUploads(service: ImageService): void {
  for (const image of service.tables.images.all()) {
    if (image.status === 'saving') saveImage(service.tables, image, { status: 'queued' });
  }
}
