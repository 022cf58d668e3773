import type { FastifyInstance, FastifyReply } from 'fastify';
import { Type } from 'typebox';
import { Compile } from 'typebox/compile';
import type { Clock } from '../../ports/clock.ts';
import type { SignedIn, SignIn, SignInRequest } from '../../ports/sign-in.ts';
import type { UiFiles } from '../../ports/ui-files.ts';
import { createAttemptLimit } from './attempt-limit.ts';

/** What the page is made of. */
export interface UiDeps {
  files: UiFiles;
  /** Null: the API believes headers (`auth_strategy = noauth`), and there is nobody to sign in at. */
  signIn: SignIn | null;
  clock: Pick<Clock, 'monotonicMs'>;
}

/** Nothing of a page but what stands here is loaded or run, and nobody may frame it. */
export const securityHeaders: Readonly<Record<string, string>> = {
  'content-security-policy': [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join('; '),
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), geolocation=(), microphone=()',
};

const LARGEST_BODY_BYTES = 16_384;
const short = () => Type.String({ minLength: 1, maxLength: 255 });
const secret = () => Type.String({ minLength: 1, maxLength: 4096 });
const closed = { additionalProperties: false };
const bodySchema = Type.Union([
  Type.Object(
    { method: Type.Literal('password'), user_name: short(), user_domain: short(), password: secret() },
    closed,
  ),
  Type.Object({ method: Type.Literal('application-credential'), id: short(), secret: secret() }, closed),
  // Tokens with a catalog of projects in them are long.
  Type.Object(
    { method: Type.Literal('token'), token: Type.String({ minLength: 1, maxLength: 12_288 }), project_id: short() },
    closed,
  ),
]);

/** The page under `/ui`, and its way to Keystone. Whatever else it shows comes from the public API. */
export function uiRoutes(app: FastifyInstance, { files, signIn, clock }: UiDeps): void {
  app.addHook('onSend', async (_request, reply) => {
    reply.headers(securityHeaders);
  });

  // Relative, so that it holds behind a proxy with a path of its own.
  app.get('/ui', (request, reply) =>
    request.url.split('?')[0]?.endsWith('/')
      ? send('index.html', request.headers['if-none-match'], reply)
      : reply.redirect('ui/'),
  );
  app.get<{ Params: { name: string } }>('/ui/:name', (request, reply) =>
    send(request.params.name, request.headers['if-none-match'], reply),
  );

  async function send(name: string, known: string | undefined, reply: FastifyReply): Promise<FastifyReply> {
    const file = (await files()).get(name);
    if (!file) return reply.code(404).type('text/plain; charset=utf-8').send('There is no such file.\n');
    reply.header('etag', file.etag).header('cache-control', 'no-cache');
    if (known?.split(',').some((one) => one.trim() === file.etag)) return reply.code(304).send();
    return reply.type(file.type).send(file.content);
  }

  const limit = createAttemptLimit(() => clock.monotonicMs());
  app.post('/ui/sign-in', { bodyLimit: LARGEST_BODY_BYTES }, async (request, reply) => {
    reply.header('cache-control', 'no-store');
    const wanted = readRequest(request.body);
    if (!wanted) return refuse(reply, 400, 'The body is no request to sign in.');
    if (!signIn) {
      return refuse(reply, 501, '[api_settings] auth_strategy is noauth: there is no Keystone to sign in at.');
    }
    const begun = limit.begin(request.ip);
    if ('retryAfterSeconds' in begun) {
      const { retryAfterSeconds: seconds } = begun;
      reply.header('retry-after', seconds);
      return refuse(reply, 429, `Too many people, or too many tries. Try again in ${seconds} s.`);
    }
    try {
      return toWire(await signIn.signIn(wanted));
    } finally {
      begun.end();
    }
  });
}

const checker = Compile(bodySchema);

function readRequest(body: unknown): SignInRequest | null {
  if (!checker.Check(body)) return null;
  switch (body.method) {
    case 'password':
      return { method: body.method, userName: body.user_name, userDomain: body.user_domain, password: body.password };
    case 'application-credential':
      return { method: body.method, id: body.id, secret: body.secret };
    case 'token':
      return { method: body.method, token: body.token, projectId: body.project_id };
  }
}

function toWire({ token, expiresAt, project, projects }: SignedIn) {
  return { token, expires_at: expiresAt, project, projects };
}

function refuse(reply: FastifyReply, status: number, faultstring: string): FastifyReply {
  return reply.code(status).send({ faultcode: status < 500 ? 'Client' : 'Server', faultstring, debuginfo: null });
}
