import { boolean, choice, list, string } from '../option.ts';

const authTypes = ['password', 'v3password', 'token', 'v3token', 'v3applicationcredential'] as const;

/** Options that [service_auth] and [neutron] share: who to be, and where a service is in the catalog. */
export function keystoneOptions(section: string) {
  return {
    ...credentialOptions(section),
    region_name: string({ default: null, help: 'Region of the service in the catalog. Not set: the first one.' }),
    valid_interfaces: list({
      default: [],
      item: { test: /^(public|internal|admin)(URL)?$/, description: 'public, internal or admin' },
      help: 'Interfaces of the catalog, in order of preference. Empty: public.',
    }),
  };
}

/**
 * Options of keystoneauth (loading/_plugins/identity, session) that password, token and application credential need.
 * Each may be left out; [neutron] and [keystone_authtoken] then take it from [service_auth] (see service-access.ts).
 * @param section the section that the options are for: deprecated names are in the same one.
 */
export function credentialOptions(section: string) {
  return {
    auth_type: choice(authTypes, {
      default: null,
      deprecatedNames: [[section, 'auth_plugin']],
      help: 'How to authenticate at Keystone.',
    }),
    auth_section: string({
      default: null,
      pattern: { regex: /^service_auth$/, description: 'service_auth, or not set: Kiln follows no other section' },
      help: 'Section that holds the credentials instead of this one.',
    }),
    auth_url: string({ default: null, help: 'URL of Keystone, with or without /v3.' }),
    username: string({
      default: null,
      deprecatedNames: [[section, 'user_name']],
      help: 'Name of the service user.',
    }),
    user_id: string({ default: null, help: 'ID of the service user; then its name and domain are not needed.' }),
    user_domain_name: string({ default: null, help: 'Domain of the service user, by name.' }),
    user_domain_id: string({ default: null, help: 'Domain of the service user, by ID.' }),
    password: string({ default: null, secret: true, help: 'Password of the service user.' }),
    project_name: string({
      default: null,
      deprecatedNames: [[section, 'tenant_name']],
      help: 'Project that amphorae belong to, by name. Images are trusted when this project owns them, unless amp_image_owner_id says otherwise.',
    }),
    project_id: string({
      default: null,
      deprecatedNames: [[section, 'tenant_id']],
      help: 'Project that amphorae belong to, by ID.',
    }),
    project_domain_name: string({ default: null, help: 'Domain of the project, by name.' }),
    project_domain_id: string({ default: null, help: 'Domain of the project, by ID.' }),
    domain_name: string({ default: null, help: 'Scope the token to this domain instead of a project, by name.' }),
    domain_id: string({ default: null, help: 'Scope the token to this domain instead of a project, by ID.' }),
    system_scope: string({ default: null, help: '"all" scopes the token to the system instead of a project.' }),
    default_domain_name: string({
      default: null,
      help: 'Domain of user and project where none of their own is given, by name.',
    }),
    default_domain_id: string({
      default: null,
      help: 'Domain of user and project where none of their own is given, by ID.',
    }),
    token: string({
      default: null,
      secret: true,
      help: 'A token, for auth_type token. It ends, and cannot be renewed.',
    }),
    application_credential_id: string({ default: null, help: 'ID of an application credential.' }),
    application_credential_name: string({
      default: null,
      help: 'Name of an application credential; the user must be given as well.',
    }),
    application_credential_secret: string({
      default: null,
      secret: true,
      help: 'Secret of the application credential.',
    }),
    cafile: string({
      default: null,
      help: 'PEM file with the authorities to trust instead of those of the system.',
    }),
    certfile: string({ default: null, help: 'PEM file with a client certificate.' }),
    keyfile: string({ default: null, help: 'PEM file with the key of the client certificate.' }),
    insecure: boolean({ default: null, help: 'Accept any certificate of a service. Kiln warns about it.' }),
  };
}
