import type { FastifyPluginAsync, FastifyRequest } from 'fastify';
import type { CloudContext, CloudUser } from '../context.ts';
import { newRequestId } from '../request-id.ts';
import { catalogueRoutes } from './catalogue.ts';
import { NetworkFault, renderFault } from './fault.ts';
import { ipAvailabilityRoutes } from './ip-availability.ts';
import { networks } from './networks.ts';
import { ports } from './ports.ts';
import { qosPolicies } from './qos-policies.ts';
import { resourceRoutes } from './resource.ts';
import { networkTables } from './rows.ts';
import { ensureDefaultGroup, securityGroupRules, securityGroups } from './security-groups.ts';
import { subnets } from './subnets.ts';

export { createNetworkFacade, type NetworkFacade, type ServerPort } from './facade.ts';
export { seedNetwork } from './seed.ts';

/**
 * Neutron v2.0: networks, subnets, ports, security groups and their rules, QoS policies without rules. Behaves as a real Neutron 21 does
 * (test/recorded/nova). Nothing is switched or filtered: addresses are given out, rules are only kept.
 * @param addresses those that the hypervisor's servers can have: only such subnets are made.
 */
export function networkService(context: CloudContext, addresses: 'loopback' | 'any'): FastifyPluginAsync {
  return async (app) => {
    const tables = networkTables(context.state);
    const users = new WeakMap<FastifyRequest, CloudUser>();
    const userOf = (request: FastifyRequest): CloudUser => {
      const user = users.get(request);
      if (!user) throw unauthorized();
      return user;
    };
    const baseUrl = () => `${context.baseUrl()}/network`;

    app.addHook('onRequest', async (request, reply) => {
      const { pathname } = new URL(request.url, 'http://cloud');
      if (!/\/v2\.0\/./.test(pathname)) return;
      reply.header('X-Openstack-Request-Id', newRequestId());
      const token = request.headers['x-auth-token'];
      const user = context.authenticate(typeof token === 'string' ? token : undefined);
      if (!user) throw unauthorized();
      users.set(request, user);
      // A project's default group is there as soon as anybody looks at its groups.
      if (request.method === 'GET' && pathname.includes('/security-group')) ensureDefaultGroup(tables, user.projectId);
    });
    app.setErrorHandler(async (error: Error & { statusCode?: number }, request, reply) => {
      if (error instanceof NetworkFault) {
        if (error.status === 401) reply.header('Www-Authenticate', `Keystone uri="${context.baseUrl()}/identity"`);
        return reply.code(error.status).send(renderFault(error.type, error.message));
      }
      const status = error.statusCode ?? 500;
      if (status >= 500) request.log.error(error);
      const message =
        status >= 500 ? 'Request Failed: internal server error while processing your request.' : error.message;
      return reply
        .code(status)
        .send(renderFault(status >= 500 ? 'HTTPInternalServerError' : 'HTTPBadRequest', message));
    });
    app.setNotFoundHandler((_request, reply) =>
      reply.code(404).send(renderFault('HTTPNotFound', 'The resource could not be found.')),
    );

    catalogueRoutes(app, baseUrl);
    ipAvailabilityRoutes(app, tables, userOf, baseUrl);
    resourceRoutes(app, networks(tables), userOf, baseUrl);
    resourceRoutes(app, subnets(tables, addresses), userOf, baseUrl);
    resourceRoutes(app, ports(tables), userOf, baseUrl);
    resourceRoutes(app, securityGroups(tables), userOf, baseUrl);
    resourceRoutes(app, securityGroupRules(tables), userOf, baseUrl);
    resourceRoutes(app, qosPolicies(tables), userOf, baseUrl);
  };
}

function unauthorized(): NetworkFault {
  return new NetworkFault(401, 'HTTPUnauthorized', 'The request you have made requires authentication.');
}
