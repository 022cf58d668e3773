import type { FastifyInstance } from 'fastify';
import { Type } from 'typebox';
import { Compile } from 'typebox/compile';
import type { Clock } from '../../ports/clock.ts';
import type { SignedIn, SignIn, SignInRequest } from '../../ports/sign-in.ts';
import type { UiFiles } from '../../ports/ui-files.ts';
import { createAttemptLimit } from './attempt-limit.ts';
import { pageFiles } from './page-files.ts';
import { refuse } from './refuse.ts';

/** What the page is made of. */
export interface UiDeps {
  files: UiFiles;
  /** Null: the API believes headers (`auth_strategy = noauth`), and there is nobody to sign in at. */
  signIn: SignIn | null;
  clock: Pick<Clock, 'monotonicMs'>;
}

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
  pageFiles(app, files);

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
