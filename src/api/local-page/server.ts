import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import { Compile } from 'typebox/compile';
import { answerSignals } from '../../http/answer-signals.ts';
import { limitedFastify } from '../../http/limited-fastify.ts';
import { connectionLimits } from '../../http/limited-server.ts';
import type { Clock } from '../../ports/clock.ts';
import type { RelayPublicApi } from '../../ports/public-api-relay.ts';
import type { UiFiles } from '../../ports/ui-files.ts';
import { pageFiles } from '../ui/page-files.ts';
import { refuse } from '../ui/refuse.ts';
import { createAdmission } from './admission.ts';

/** What the page of `kiln ui` is made of. */
export interface LocalPageDeps {
  files: UiFiles;
  /** To `kiln serve`, as an administrator. Rejects when it does not answer. */
  relay: RelayPublicApi;
  clock: Pick<Clock, 'monotonicMs' | 'now'>;
  /** A code of a further session: at the start, and when one was used or came too late. */
  onCode(code: string): void;
}

const LARGEST_BODY_BYTES = 114_688;
/** The path behind `/v2`, as the API takes it; the rest of its server is none of the page's business. */
const methods = ['GET', 'POST', 'PUT', 'DELETE', 'PATCH'];
const handedOn = ['accept', 'content-type', 'cache-control'];
const handedBack = ['content-type', 'cache-control', 'retry-after', 'x-openstack-request-id', 'age'];
const localNames: ReadonlySet<string> = new Set(['127.0.0.1', 'localhost']);
const signInBody = Compile(
  Type.Object({ method: Type.Literal('code'), code: Type.String({ maxLength: 255 }) }, { additionalProperties: false }),
);

/** The page on loopback, for whoever has seen a code: not yet listening. */
export function createLocalPage(deps: LocalPageDeps): FastifyInstance {
  const { files, relay, clock, onCode } = deps;
  const app = limitedFastify(
    { bodyLimit: LARGEST_BODY_BYTES, exposeHeadRoutes: false, routerOptions: { ignoreTrailingSlash: true } },
    { limits: connectionLimits },
  );
  const admission = createAdmission(() => clock.monotonicMs());
  // The body is `kiln serve`'s to understand.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'buffer' }, async (_request: unknown, body: Buffer) => body);
  app.addHook('onRequest', refuseOthers);
  app.setNotFoundHandler((_request, reply) => refuse(reply, 404, 'There is no such path here.'));
  app.setErrorHandler((error: { statusCode?: number; message: string }, _request, reply) =>
    refuse(reply, error.statusCode ?? 500, error.statusCode ? error.message : 'The page stumbled.'),
  );
  pageFiles(app, async () => signingInByAddress(await files()));

  app.post('/ui/sign-in', async (request, reply) => {
    reply.header('cache-control', 'no-store');
    const code = codeOf(request.body);
    if (code === null) return refuse(reply, 400, 'Here one signs in with the address that `kiln ui` prints.');
    const found = admission.redeem(code);
    if (found !== 'unknown' && found !== 'used') onCode(admission.newCode());
    if (typeof found === 'string') return refuse(reply, 401, refusals[found]);
    const expiresAt = new Date(clock.now().getTime() + found.livesMs).toISOString();
    return { token: found.token, expires_at: expiresAt, project: null, projects: [] };
  });

  const signalOf = answerSignals(app);
  app.route({
    method: methods,
    url: '/v2/*',
    handler: async (request, reply) => {
      if (!admission.admits(single(request.headers['x-auth-token']) ?? '')) {
        return refuse(reply, 401, 'The session has ended. Open the address that `kiln ui` prints.');
      }
      const body = request.body as Buffer | undefined;
      const answer = await relay({
        method: request.method,
        path: request.url,
        headers: pickHeaders(request.headers, handedOn),
        body: body && body.length > 0 ? body : null,
        signal: signalOf(reply),
      }).catch(() => null);
      if (!answer) return refuse(reply, 502, 'kiln serve does not answer.');
      return await reply.code(answer.status).headers(pickHeaders(answer.headers, handedBack)).send(answer.body);
    },
  });
  app.addHook('onReady', async () => {
    onCode(admission.newCode());
  });
  return app;
}

const refusals = {
  used: 'This address has been used already. `kiln ui` has printed another one for a further window.',
  expired: 'This address is too old. `kiln ui` has printed another one.',
  unknown: 'This address is none of this `kiln ui`: it was started again, perhaps. Open the address that it prints.',
};

/**
 * A name that somebody points at 127.0.0.1 (DNS rebinding) is not ours, and no other site's page has anything to ask here. The port
 * may be another one, as through `ssh -L`.
 */
async function refuseOthers(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply | undefined> {
  const { host = '', origin } = request.headers;
  const [, name = ''] = /^([a-z0-9.]+)(?::\d{1,5})?$/.exec(host) ?? [];
  if (!localNames.has(name)) return refuse(reply, 421, 'This is served under 127.0.0.1 and localhost alone.');
  if (origin !== undefined && origin !== `http://${host}`) {
    return refuse(reply, 403, 'Pages of other sites may ask nothing here.');
  }
  return undefined;
}

function codeOf(body: unknown): string | null {
  let parsed: unknown;
  try {
    parsed = JSON.parse(String(body));
  } catch {
    return null;
  }
  return signInBody.Check(parsed) ? parsed.code : null;
}

function pickHeaders(
  headers: Readonly<Record<string, string | string[] | undefined>>,
  names: readonly string[],
): Record<string, string> {
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = single(headers[name]);
      return value === undefined ? [] : [[name, value]];
    }),
  );
}

const single = (value: string | string[] | undefined) => (Array.isArray(value) ? value[0] : value);

/** The page asks for no password where none is taken. */
function signingInByAddress(files: Awaited<ReturnType<UiFiles>>): Awaited<ReturnType<UiFiles>> {
  const index = files.get('index.html');
  if (!index) return files;
  const content = Buffer.from(
    index.content.toString().replace('name="kiln-sign-in" content="keystone"', 'name="kiln-sign-in" content="address"'),
  );
  return new Map([...files, ['index.html', { ...index, content, etag: index.etag.replace(/"$/, '-address"') }]]);
}
