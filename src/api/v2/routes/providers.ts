import type { FastifyInstance } from 'fastify';
import { providerNotEnabled } from '../../../core/lbaas/api-errors.ts';
import { advertised, flavorCapabilities, zoneCapabilities } from '../../../core/lbaas/capabilities.ts';
import type { ApiDeps } from '../deps.ts';
import { checkPaging, type QueryString, readFields } from '../list-request.ts';
import { flavorCapabilitiesAnswer, providersAnswer, zoneCapabilitiesAnswer } from '../schemas/provider.ts';
import { capabilitiesQuery, showQuery } from '../schemas/query.ts';
import { authorizeCaller, pick } from './reads.ts';

/** Which providers there are, and what their profiles may say (octavia/api/v2/controllers/provider.py). */
export function providerRoutes(app: FastifyInstance, deps: ApiDeps): void {
  const { policy, settings } = deps;

  const listSchema = { querystring: showQuery(), response: { 200: providersAnswer } };
  app.get('/providers', { schema: listSchema }, (request) => {
    authorizeCaller(policy, 'provider:get_all', request);
    const query = request.query as QueryString;
    checkPaging(query);
    const fields = readFields(query);
    const providers = Object.entries(settings().providers).map(([name, description]) => ({ name, description }));
    return { providers: providers.map((one) => pick(one, fields)) };
  });

  const capabilities = [
    ['flavor_capabilities', 'provider-flavor:get_all', flavorCapabilities, flavorCapabilitiesAnswer],
    ['availability_zone_capabilities', 'provider-availability-zone:get_all', zoneCapabilities, zoneCapabilitiesAnswer],
  ] as const;
  for (const [key, action, known, answer] of capabilities) {
    const schema = { querystring: capabilitiesQuery(), response: { 200: answer } };
    app.get<{ Params: { provider: string } }>(`/providers/:provider/${key}`, { schema }, (request) => {
      authorizeCaller(policy, action, request);
      const { provider } = request.params;
      if (!Object.hasOwn(settings().providers, provider)) throw providerNotEnabled(provider);
      const query = request.query as QueryString;
      checkPaging(query);
      const rows = advertised(known).filter(
        (row) => isAsked(query.name, row.name) && isAsked(query.description, row.description),
      );
      return { [key]: rows.map((row) => pick(row, readFields(query))) };
    });
  }
}

const isAsked = (filter: QueryString[string], value: string) => filter === undefined || filter === value;
