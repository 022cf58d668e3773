import { KilnError } from '../../model/errors.ts';
import type { OpenStackAuthSettings } from './settings.ts';

/** URL of Keystone v3's token call. The version is appended where the URL has none: a discovery would say no more. */
export function tokensUrl(authUrl: string): string {
  const base = authUrl.replace(/\/+$/, '').replace(/\/v(2\.0|3)$/, '');
  if (!URL.canParse(base)) {
    throw new KilnError('CREDENTIALS_MISSING', `auth_url is ${authUrl ? `not a URL: ${authUrl}` : 'not set'}`);
  }
  return `${base}/v3/auth/tokens`;
}

/** Body of `POST /v3/auth/tokens`. CREDENTIALS_MISSING names all that is missing. Holds secrets: never log it. */
export function authRequest(auth: OpenStackAuthSettings): { auth: object } {
  const method = auth.authType.replace(/^v3/, '').replace(/[-_]/g, '');
  switch (method) {
    case 'password':
      return { auth: { identity: passwordIdentity(auth), ...scopeOf(auth) } };
    case 'token':
      need(auth.token, 'token');
      return { auth: { identity: { methods: ['token'], token: { id: auth.token } }, ...scopeOf(auth) } };
    case 'applicationcredential':
      // It carries its project: Keystone refuses a scope beside it.
      return { auth: { identity: applicationCredentialIdentity(auth) } };
    default:
      throw new KilnError(
        'CREDENTIALS_MISSING',
        `auth_type is ${auth.authType}; Kiln knows password, token and v3applicationcredential`,
      );
  }
}

/** Who asks for what, and where, for people to compare with what they meant: `user kiln for project service at URL`. */
export function describeAuth(auth: OpenStackAuthSettings): string {
  const { origin, pathname } = new URL(auth.authUrl);
  const user = auth.username ?? auth.userId;
  const credential = auth.applicationCredentialName ?? auth.applicationCredentialId;
  const method = auth.authType.replace(/^v3/, '');
  const who =
    method === 'password' ? `user ${user}` : method === 'token' ? 'a token' : `application credential ${credential}`;
  const project = method.startsWith('application') ? null : (auth.projectName ?? auth.projectId);
  // Not the URL as it was given: that can hold a password.
  return `${who}${project ? ` for project ${project}` : ''} at ${origin}${pathname}`;
}

function passwordIdentity(auth: OpenStackAuthSettings): object {
  need(auth.userId ?? auth.username, 'username or user_id', auth.password, 'password');
  return { methods: ['password'], password: { user: { ...userOf(auth), password: auth.password } } };
}

function applicationCredentialIdentity(auth: OpenStackAuthSettings): object {
  const { applicationCredentialId: id, applicationCredentialName: name, applicationCredentialSecret: secret } = auth;
  need(id ?? name, 'application_credential_id or _name', secret, 'application_credential_secret');
  if (!id) need(auth.userId ?? auth.username, 'username or user_id (beside application_credential_name)');
  const which = id ? { id } : { name, user: userOf(auth) };
  return { methods: ['application_credential'], application_credential: { ...which, secret } };
}

function userOf(auth: OpenStackAuthSettings): object {
  if (auth.userId) return { id: auth.userId };
  return { name: auth.username, domain: domainOf(auth, auth.userDomainId, auth.userDomainName) };
}

function scopeOf(auth: OpenStackAuthSettings): object {
  if (auth.projectId) return { scope: { project: { id: auth.projectId } } };
  if (auth.projectName) {
    const domain = domainOf(auth, auth.projectDomainId, auth.projectDomainName);
    return { scope: { project: { name: auth.projectName, domain } } };
  }
  if (auth.domainId) return { scope: { domain: { id: auth.domainId } } };
  if (auth.domainName) return { scope: { domain: { name: auth.domainName } } };
  if (auth.systemScope) return { scope: { system: { all: true } } };
  return {};
}

/** With no domain given anywhere it is `default`, as devices and `openstack` have it. */
function domainOf(auth: OpenStackAuthSettings, id: string | null | undefined, name: string | null | undefined): object {
  if (id) return { id };
  if (name) return { name };
  if (auth.defaultDomainName && !auth.defaultDomainId) return { name: auth.defaultDomainName };
  return { id: auth.defaultDomainId || 'default' };
}

/** Pairs of value and name. */
function need(...pairs: (string | null | undefined)[]): void {
  const missing: string[] = [];
  for (let index = 0; index < pairs.length; index += 2) {
    if (!pairs[index]) missing.push(pairs[index + 1] ?? '');
  }
  if (missing.length > 0) throw new KilnError('CREDENTIALS_MISSING', `Credentials lack ${missing.join(', ')}`);
}
