import { Type } from 'typebox';
import { KilnError, ServiceError } from '../../model/errors.ts';
import type { SignedIn, SignIn, SignInRequest } from '../../ports/sign-in.ts';
import { readerOf } from './answers.ts';
import { tokensUrl } from './auth-request.ts';
import { invalidAnswer } from './failures.ts';
import type { Http } from './http.ts';

const named = Type.Object({ id: Type.String({ minLength: 1 }), name: Type.String() });
const readToken = readerOf(
  Type.Object({ token: Type.Object({ expires_at: Type.String(), project: Type.Optional(named) }) }),
);
const readProjects = readerOf(
  Type.Object({
    projects: Type.Array(
      Type.Object({ id: Type.String(), name: Type.String(), enabled: Type.Optional(Type.Boolean()) }),
    ),
  }),
);

/**
 * Signs in at one Keystone, with what people typed. A password is tried once: Keystone counts failures.
 * @param http one that logs nothing: what services quote of a refused request may be a secret.
 */
export function createSignIn({ authUrl, http }: { authUrl: string; http: Http }): SignIn {
  async function ask(auth: object): Promise<SignedIn> {
    const url = tokensUrl(authUrl);
    const answer = await http.request({ service: 'identity', method: 'POST', url, json: { auth }, repeatable: false });
    const { token } = readToken(answer);
    const value = answer.header('x-subject-token');
    if (!value) throw invalidAnswer(answer.call, 'it has no X-Subject-Token');
    const expiresAt = new Date(token.expires_at).toISOString();
    return { token: value, expiresAt, project: token.project ?? null, projects: [] };
  }

  const withProject = (token: string, projectId: string) =>
    ask({ identity: { methods: ['token'], token: { id: token } }, scope: { project: { id: projectId } } });

  async function projectsOf(token: string): Promise<SignedIn['projects']> {
    const url = tokensUrl(authUrl).replace(/tokens$/, 'projects');
    const headers = { 'x-auth-token': token };
    const { projects } = readProjects(await http.request({ service: 'identity', method: 'GET', url, headers }));
    return projects
      .filter(({ enabled }) => enabled !== false)
      .map(({ id, name }) => ({ id, name }))
      .sort((one, other) => one.name.localeCompare(other.name));
  }

  async function byPassword(given: Extract<SignInRequest, { method: 'password' }>): Promise<SignedIn> {
    const user = { name: given.userName, domain: { name: given.userDomain }, password: given.password };
    const unscoped = await ask({ identity: { methods: ['password'], password: { user } }, scope: 'unscoped' });
    const projects = await projectsOf(unscoped.token);
    const [only] = projects;
    if (!only) throw refused('You are known at Keystone, but have no role in any project.');
    return projects.length === 1 ? await withProject(unscoped.token, only.id) : { ...unscoped, projects };
  }

  function attempt(request: SignInRequest): Promise<SignedIn> {
    switch (request.method) {
      case 'password':
        return byPassword(request);
      case 'application-credential': {
        const { id, secret } = request;
        return ask({ identity: { methods: ['application_credential'], application_credential: { id, secret } } });
      }
      case 'token':
        return withProject(request.token, request.projectId);
    }
  }

  return {
    async signIn(request) {
      try {
        return await attempt(request);
      } catch (error) {
        if (!(error instanceof ServiceError)) throw error;
        // 400: a name or a secret that Keystone would not even look up.
        if ([400, 401, 403].includes(error.call.status ?? 0)) throw refused(refusals[request.method]);
        // Without what Keystone said, which may quote what it was given.
        throw new KilnError(error.code, 'Keystone could not be asked', { retryable: error.retryable });
      }
    },
  };
}

const refused = (message: string) => new KilnError('REQUEST_UNAUTHENTICATED', message);

const refusals: Readonly<Record<SignInRequest['method'], string>> = {
  password: 'Keystone does not know this user with this password in this domain.',
  'application-credential': 'Keystone does not know this application credential with this secret, or it has ended.',
  token: 'Keystone did not let you into this project. Sign in again.',
};
