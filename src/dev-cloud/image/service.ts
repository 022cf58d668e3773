import { join } from 'node:path';
import type { FastifyInstance, FastifyPluginAsync, FastifyRequest } from 'fastify';
import type { CloudContext, CloudUser } from '../context.ts';
import { newRequestId } from '../request-id.ts';
import type { ImageService } from './access.ts';
import { openImageData } from './data.ts';
import { dataRoutes, requeueInterruptedUploads } from './data-routes.ts';
import { ImageFault, renderFault } from './fault.ts';
import { imageRoutes, patchType } from './image-routes.ts';
import { memberRoutes } from './members.ts';
import { imageTables } from './rows.ts';
import { collectionSchema, imageSchema, memberSchema } from './schema.ts';
import { tagRoutes } from './tags.ts';
import { hasData } from './view.ts';
import { isVisible } from './visibility.ts';

const unauthorized =
  'This server could not verify that you are authorized to access the document you requested. Either you supplied the ' +
  'wrong credentials (e.g., bad password), or your browser does not understand how to supply the credentials required.';

/** Glance's server reads no longer request line; `GET  HTTP/1.1` and its line end are part of it. */
const longestRequestLine = 8192;
const minorVersions = [15, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0];

/**
 * Glance v2. Behaves as a real Glance 25.1 on MariaDB does, oddities included (test/recorded/glance). Sets the context's
 * `findImage`.
 */
export function imageService(context: CloudContext): FastifyPluginAsync {
  return async (app: FastifyInstance) => {
    const tables = imageTables(context.state);
    const wholeImageIds = new Set(
      tables.images
        .all()
        .filter(hasData)
        .map((image) => image.id),
    );
    const store = await openImageData(join(context.stateDirectory, 'images'), wholeImageIds);
    const users = new WeakMap<FastifyRequest, CloudUser>();
    const service: ImageService = {
      context,
      tables,
      userOf(request) {
        const user = users.get(request);
        if (!user) throw new ImageFault(401, unauthorized);
        return user;
      },
    };
    requeueInterruptedUploads(service);

    context.findImage = (imageId, user) => {
      const image = tables.images.get(imageId);
      if (!image || !isVisible(tables, image, user)) return null;
      return {
        id: image.id,
        status: image.status,
        sizeBytes: image.size ?? 0,
        minDiskGiB: image.min_disk,
        minRamMiB: image.min_ram,
        dataFile: store.path(image.id),
      };
    };

    app.removeAllContentTypeParsers();
    app.addContentTypeParser('application/octet-stream', (_request, payload, done) => done(null, payload));
    app.addContentTypeParser(
      ['application/json', patchType],
      { parseAs: 'string' },
      async (_request: FastifyRequest, text: string) => json(text),
    );
    // Anything else is not read at all.
    app.addContentTypeParser('*', (_request, _payload, done) => done(null, undefined));

    app.addHook('onRequest', async (request, reply) => {
      const url = request.raw.url ?? '';
      if (request.method.length + url.length + ' HTTP/1.1\r\n'.length >= longestRequestLine) {
        return reply.code(414).header('Connection', 'close').send();
      }
      const isV2 = url.startsWith('/image/v2/');
      if (!isV2) return;
      const token = request.headers['x-auth-token'];
      const user = context.authenticate(typeof token === 'string' ? token : undefined);
      if (!user) throw new ImageFault(401, unauthorized);
      users.set(request, user);
      reply.header('X-Openstack-Request-Id', newRequestId());
    });
    app.addHook('onSend', async (_request, reply) => {
      if (reply.statusCode === 204) reply.header('Content-Type', 'text/html; charset=UTF-8');
    });

    app.setErrorHandler(async (error: Error & { statusCode?: number }, request, reply) => {
      const status = error instanceof ImageFault ? error.status : (error.statusCode ?? 500);
      if (status === 401) reply.header('Www-Authenticate', `Keystone uri="${context.baseUrl()}/identity"`);
      const { contentType, body } = renderFault(status, error.message, request.headers.accept);
      return reply.code(status).header('Content-Type', contentType).send(body);
    });
    app.setNotFoundHandler(async () => {
      throw new ImageFault(404, 'The resource could not be found.');
    });

    const versions = () => ({
      versions: minorVersions.map((minor, index) => ({
        id: `v2.${minor}`,
        status: index === 0 ? 'CURRENT' : 'SUPPORTED',
        links: [{ rel: 'self', href: `${context.baseUrl()}/image/v2/` }],
      })),
    });
    app.get('/versions', async () => versions());
    for (const path of ['/', '/v2', '/v2/']) app.get(path, async (_request, reply) => reply.code(300).send(versions()));

    imageRoutes(app, service, store);
    dataRoutes(app, service, store);
    tagRoutes(app, service);
    memberRoutes(app, service);

    const schemas = {
      image: imageSchema,
      images: collectionSchema('images', imageSchema, true),
      member: memberSchema,
      members: collectionSchema('members', memberSchema, false),
    };
    for (const [name, schema] of Object.entries(schemas)) app.get(`/v2/schemas/${name}`, async () => schema);
    app.get('/v2/info/stores', async () => ({ stores: [{ id: 'fs', default: 'true' }] }));
    app.get('/v2/info/import', async () => ({
      'import-methods': { description: 'Import methods available.', type: 'array', value: [] },
    }));
  };
}

/** Undefined for an empty body; 400 for one that is not JSON. */
function json(text: string): unknown {
  if (text === '') return undefined;
  try {
    return JSON.parse(text);
  } catch {
    throw new ImageFault(400, 'Malformed JSON in request body.');
  }
}
