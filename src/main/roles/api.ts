import { existsSync, readFileSync } from 'node:fs';
import { dirname, isAbsolute, join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import { Registry } from 'prom-client';
import type { Authentication } from '../../api/auth/authenticate.ts';
import { createPolicy, type Policy } from '../../api/policy/policy.ts';
import type { ApiDeps } from '../../api/v2/deps.ts';
import { createApi } from '../../api/v2/server.ts';
import type { Configuration } from '../../config/options/index.ts';
import { listen } from './listen.ts';

/** The load-balancer API, listening. */
export async function serveApi(options: {
  deps: ApiDeps;
  configuration: Configuration;
}): Promise<{ url: string; close(): Promise<void> }> {
  const { bind_host: host, bind_port: port } = options.configuration.api_settings;
  return await listen(
    createApi(options.deps),
    { host, port, isShared: options.configuration.kiln.share_api_port },
    {
      where: 'the API shall listen',
      advice:
        'End what listens there (perhaps Octavia itself), or set [api_settings] bind_host and bind_port. For several processes of the ' +
        'role api, set [kiln] share_api_port for all of them.',
    },
  );
}

/**
 * The same API for whoever may open the control socket: with every right, and without a page or metrics of its own. Made when it is
 * asked for the first time: most processes never are.
 */
export function apiOfAdministrators(deps: ApiDeps): { ready(): Promise<FastifyInstance>; close(): Promise<void> } {
  let made: Promise<FastifyInstance> | null = null;
  async function make(): Promise<FastifyInstance> {
    const app = createApi({
      ...deps,
      authentication: { strategy: 'noauth' },
      policy: createPolicy({ everybodyIsAdmin: true }),
      metrics: new Registry(),
      ui: null,
      health: null,
    });
    await app.ready();
    return app;
  }
  return {
    ready() {
      made ??= make();
      return made;
    },
    async close() {
      await (await made)?.close();
    },
  };
}

/** Octavia's policies with those of [oslo_policy] policy_file. @param files octavia.conf, as it was read. */
export function readPolicy(configuration: Configuration, files: readonly string[]): Policy {
  const { policy_file: name, enforce_new_defaults: enforceNewDefaults } = configuration.oslo_policy;
  const file = isAbsolute(name) ? name : join(dirname(files[0] ?? '/etc/octavia/octavia.conf'), name);
  return createPolicy({
    overrides: existsSync(file) ? readFileSync(file, 'utf8') : null,
    enforceNewDefaults,
    everybodyIsAdmin: configuration.api_settings.auth_strategy === 'noauth',
  });
}

export function authenticationOf(
  configuration: Configuration,
  tokens: () => Extract<Authentication, { strategy: 'keystone' }>['tokens'],
): Authentication {
  if (configuration.api_settings.auth_strategy === 'noauth') return { strategy: 'noauth' };
  const { keystone_authtoken: own, service_auth: shared } = configuration;
  return {
    strategy: 'keystone',
    tokens: tokens(),
    authUrl: own.www_authenticate_uri ?? own.auth_url ?? shared.auth_url ?? '',
  };
}
