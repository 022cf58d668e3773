import type { FastifyInstance, HTTPMethods } from 'fastify';
import type { TSchema } from 'typebox';
import { invalidField, invalidRequest } from '../../../core/lbaas/api-errors.ts';
import { answerNoMethod, answerNoRoute } from '../answer-error.ts';
import { flavorRepresentations } from '../flavor-catalog.ts';
import { readBody } from '../read-body.ts';
import { healthMonitorUpdateBody } from '../schemas/health-monitor.ts';
import { l7PolicyUpdateBody } from '../schemas/l7-policy.ts';
import { l7RuleUpdateBody } from '../schemas/l7-rule.ts';
import { listenerUpdateBody } from '../schemas/listener.ts';
import { loadBalancerUpdateBody } from '../schemas/load-balancer.ts';
import { memberUpdateBody } from '../schemas/member.ts';
import { poolUpdateBody } from '../schemas/pool.ts';
import { quotaUpdateBody } from '../schemas/quota.ts';

interface Collection {
  path: string;
  updateBody: TSchema;
  /** What Octavia's code calls the missing name of what shall be changed, or deleted. */
  changed?: string;
  deleted?: string;
  /** A PUT on the collection is a request of its own. */
  takesPut?: boolean;
  /** Of a flavor and its like: by what it is named. */
  key?: string;
  /** What a POST calls its body, where a PUT calls it otherwise; null: nothing is made by a POST. */
  posted?: string | null;
}

const { flavor, flavorProfile, availabilityZone, availabilityZoneProfile } = flavorRepresentations;

const collections: readonly Collection[] = [
  { path: '/loadbalancers', updateBody: loadBalancerUpdateBody },
  { path: '/listeners', updateBody: listenerUpdateBody },
  { path: '/pools', updateBody: poolUpdateBody },
  { path: '/pools/:parentId/members', updateBody: memberUpdateBody, takesPut: true },
  { path: '/healthmonitors', updateBody: healthMonitorUpdateBody },
  { path: '/l7policies', updateBody: l7PolicyUpdateBody },
  { path: '/l7policies/:parentId/rules', updateBody: l7RuleUpdateBody, posted: 'rule_' },
  { path: '/quotas', updateBody: quotaUpdateBody, changed: 'project_id', deleted: 'project_id', posted: null },
  { ...flavor, path: `/${flavor.path}`, deleted: 'flavor_id' },
  { ...flavorProfile, path: `/${flavorProfile.path}`, deleted: 'flavor_profile_id' },
  {
    ...availabilityZone,
    path: `/${availabilityZone.path}`,
    changed: 'name',
    deleted: 'availability_zone_name',
  },
  {
    ...availabilityZoneProfile,
    path: `/${availabilityZoneProfile.path}`,
    deleted: 'availability_zone_profile_id',
  },
];

/**
 * Requests whose path says too little or too much for their method: Octavia reads the path's last part as an argument, and
 * answers 400 where pecan alone would say "method not allowed". None is part of the API, so that none is in the OpenAPI
 * document.
 */
export function oddPaths(app: FastifyInstance): void {
  for (const { path, updateBody, changed = 'id', deleted = 'id', takesPut = false, key, posted } of collections) {
    if (!takesPut) {
      app.put(path, (request) => {
        // A body that is there is judged first.
        if (request.body != null) readBody(updateBody, request.body);
        throw missingArgument(changed);
      });
    }
    app.delete(path, () => {
      throw missingArgument(deleted);
    });
    if (posted === null) continue;
    const name = key ? ':key' : ':id';
    app.post<{ Params: Record<string, string> }>(`${path}/${name}`, ({ params }) => {
      throw notABody(posted ?? titleOf(updateBody), String(params.key ?? params.id));
    });
  }
}

/** Without an ID nothing is deleted; behind an amphora's ID come the names of what it can be asked for; all else takes no PUT. */
export function oddAmphoraPaths(app: FastifyInstance): void {
  const path = '/octavia/amphorae/:id/:more';
  const others: HTTPMethods[] = ['GET', 'POST', 'DELETE', 'PATCH'];
  app.route({ method: others, url: path, handler: answerNoRoute });
  app.put(path, (_request, reply) => answerNoMethod([], reply));
  app.delete('/octavia/amphorae', () => {
    throw missingArgument('id');
  });
}

const missingArgument = (name: string) => invalidRequest(`Missing argument: "${name}"`);

const titleOf = ({ title = 'body' }: TSchema & { title?: string }) => title;

/** What follows the collection takes the place of the body. */
const notABody = (name: string, given: string) =>
  invalidField(name, given, 'Value should be an object; a POST takes no ID in its path');
