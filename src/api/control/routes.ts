import { type TypeBoxTypeProvider, TypeBoxValidatorCompiler } from '@fastify/type-provider-typebox';
import type { FastifyError, FastifyInstance } from 'fastify';
import { type Static, Type } from 'typebox';
import type { BootLine, ServeProcess, ServeStatus } from '../../model/control.ts';
import { KilnError, toKilnError } from '../../model/errors.ts';
import type { AbortedOperation } from '../../model/operation.ts';
import type { AmphoraOperations } from '../../ports/amphora-operations.ts';

export interface ControlDeps {
  self: ServeProcess;
  amphorae: AmphoraOperations;
  abortOperation: (operationId: string) => Promise<AbortedOperation>;
  status: () => Promise<ServeStatus>;
  /** The public API, as it answers to an administrator of the whole cloud: for `kiln ui`. Ready, not listening. */
  publicApi: () => Promise<FastifyInstance>;
}

const name = Type.String({ minLength: 1, maxLength: 255 });
const bootBody = Type.Object(
  {
    imageId: Type.Union([name, Type.Null()]),
    capabilities: Type.Optional(
      Type.Object(
        { amp_image_tag: Type.Optional(name), compute_flavor: Type.Optional(name) },
        { additionalProperties: false },
      ),
    ),
  },
  { additionalProperties: false },
);
const idParameters = Type.Object({ id: Type.String({ maxLength: 64 }) });

/**
 * The control API: how the command line reaches a running `kiln serve`. It is served on a Unix socket that only the
 * service's own user can open, so the file system is its authentication. The public API is a different one.
 */
export async function controlRoutes(plain: FastifyInstance, deps: ControlDeps): Promise<void> {
  const app = plain.withTypeProvider<TypeBoxTypeProvider>().setValidatorCompiler(TypeBoxValidatorCompiler);

  app.setErrorHandler((error: FastifyError | KilnError, _request, reply) => {
    const kiln = error instanceof KilnError ? error : fromFastify(error);
    return reply.code(kiln.httpStatus).send({ error: kiln.toJSON() });
  });
  app.setNotFoundHandler((request) => {
    throw new KilnError('USAGE', `the control socket has no ${request.method} ${request.url}`);
  });

  app.get('/ping', () => deps.self);
  app.get('/status', () => deps.status());

  app.get('/amphorae', { schema: { querystring: Type.Object({ deleted: Type.Optional(Type.String()) }) } }, (request) =>
    deps.amphorae.list({ includeDeleted: request.query.deleted === 'true' }),
  );
  app.get('/amphorae/:id', { schema: { params: idParameters } }, (request) => deps.amphorae.get(request.params.id));
  app.delete('/amphorae/:id', { schema: { params: idParameters } }, (request) =>
    deps.amphorae.delete(request.params.id),
  );

  app.post('/operations/:id/abort', { schema: { params: idParameters } }, (request) =>
    deps.abortOperation(request.params.id),
  );

  app.register(async (scope) => {
    // Requests go there as they come: their bodies are read there.
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', (_request, _body, done) => done(null));
    scope.all('/v2/*', async (request, reply) => {
      const api = await deps.publicApi();
      reply.hijack();
      api.routing(request.raw, reply.raw);
    });
  });

  /** Answers with one JSON line an event. The boot is undone when the caller leaves. */
  app.post('/amphorae', { schema: { body: bootBody } }, (request, reply) => {
    reply.hijack();
    reply.raw.writeHead(200, { 'content-type': 'application/x-ndjson' });
    const gone = new AbortController();
    reply.raw.on('close', () => gone.abort(new Error('whoever asked for it has left')));
    const write = (line: BootLine) => {
      if (!reply.raw.destroyed) reply.raw.write(`${JSON.stringify(line)}\n`);
    };
    deps.amphorae
      .boot(withoutUndefined(request.body), (event) => write({ event }), gone.signal)
      .then(
        (amphora) => write({ amphora }),
        (error: unknown) => write({ error: toKilnError(error).toJSON() }),
      )
      .finally(() => reply.raw.end());
  });
}

function withoutUndefined(body: Static<typeof bootBody>): Parameters<AmphoraOperations['boot']>[0] {
  const { imageId, capabilities } = body;
  return capabilities ? { imageId, capabilities } : { imageId };
}

function fromFastify(error: FastifyError): KilnError {
  const status = error.statusCode ?? 500;
  if (status >= 400 && status < 500) return new KilnError('USAGE', error.message);
  return toKilnError(error);
}
