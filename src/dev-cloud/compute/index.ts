import type { FastifyPluginAsync, FastifyRequest } from 'fastify';
import type { CloudContext, CloudUser } from '../context.ts';
import type { Hypervisor } from '../hypervisor/index.ts';
import type { NetworkFacade } from '../network/index.ts';
import { newRequestId } from '../request-id.ts';
import type { Call, Compute } from './compute.ts';
import { ComputeFault, renderFault } from './fault.ts';
import { flavorRoutes } from './flavors.ts';
import { hostRoutes } from './host-routes.ts';
import { interfaceRoutes } from './interfaces.ts';
import { keypairRoutes } from './keypairs.ts';
import { createLifecycle } from './lifecycle.ts';
import { maxMinor, minMinor, negotiateMinor, requested, versionHeaders } from './microversion.ts';
import { computeTables } from './rows.ts';
import { serverGroupRoutes } from './server-groups.ts';
import { serverRoutes } from './servers.ts';

export { seedCompute } from './seed.ts';

/**
 * Nova 2.1 up to microversion 2.93. Behaves as a real Nova 26 does (test/recorded/nova); its servers are processes of
 * the hypervisor, which ends with it. Servers that ran when the cloud ended are started again when it is ready.
 */
export function computeService(
  context: CloudContext,
  hypervisor: Hypervisor,
  network: NetworkFacade,
): FastifyPluginAsync {
  return async (app) => {
    const tables = computeTables(context.state);
    const lifecycle = createLifecycle(tables, network, hypervisor);
    const users = new WeakMap<FastifyRequest, CloudUser>();
    const compute: Compute = {
      context,
      tables,
      network,
      lifecycle,
      baseUrl: () => `${context.baseUrl()}/compute`,
      callOf: (request): Call => {
        const user = users.get(request);
        if (!user) throw unauthorized();
        return { user, minor: negotiateMinor(request.headers) };
      },
    };

    app.addHook('onReady', async () => lifecycle.resume());
    app.addHook('preClose', () => lifecycle.close());

    app.addHook('onRequest', async (request, reply) => {
      const { pathname } = new URL(request.url, 'http://cloud');
      if (!pathname.includes('/v2.1')) return;
      reply.header('x-openstack-request-id', newRequestId());
      if (/\/v2\.1\/./.test(pathname)) {
        const token = request.headers['x-auth-token'];
        const user = context.authenticate(typeof token === 'string' ? token : undefined);
        if (!user) throw unauthorized();
        users.set(request, user);
      }
      reply.headers(versionHeaders(`2.${negotiateMinor(request.headers)}`));
    });

    app.setErrorHandler(async (error: Error & { statusCode?: number }, request, reply) => {
      const status = error instanceof ComputeFault ? error.status : (error.statusCode ?? 500);
      if (status === 401) reply.header('Www-Authenticate', `Keystone uri="${context.baseUrl()}/identity"`);
      if (status === 406) reply.headers(versionHeaders(requested(request.headers) ?? ''));
      if (status >= 500) request.log.error(error);
      return reply.code(status).send(renderFault(status, status >= 500 ? unexpected : error.message));
    });
    app.setNotFoundHandler((_request, reply) =>
      reply.code(404).send(renderFault(404, 'The resource could not be found.')),
    );

    versionRoutes(app, compute.baseUrl);
    serverRoutes(app, compute);
    interfaceRoutes(app, compute);
    flavorRoutes(app, compute);
    keypairRoutes(app, compute);
    serverGroupRoutes(app, compute);
    hostRoutes(app, compute);
  };
}

const unexpected =
  'Unexpected API Error. Please report this at http://bugs.launchpad.net/nova/ and attach the Nova API log if possible.';

function unauthorized(): ComputeFault {
  return new ComputeFault(401, 'The request you have made requires authentication.');
}

function versionRoutes(app: Parameters<FastifyPluginAsync>[0], baseUrl: () => string): void {
  const version = () => ({
    id: 'v2.1',
    status: 'CURRENT',
    version: `2.${maxMinor}`,
    min_version: `2.${minMinor}`,
    updated: '2013-07-23T11:33:21Z',
    links: [{ rel: 'self', href: `${baseUrl()}/v2.1/` }],
  });
  app.get('/', () => ({ versions: [version()] }));

  const shown = () => {
    const { links, ...rest } = version();
    return {
      version: {
        ...rest,
        links: [...links, { rel: 'describedby', type: 'text/html', href: 'http://docs.openstack.org/' }],
        'media-types': [{ base: 'application/json', type: 'application/vnd.openstack.compute+json;version=2.1' }],
      },
    };
  };
  app.get('/v2.1', shown);
  app.get('/v2.1/', shown);
}
