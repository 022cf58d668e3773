import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Static } from 'typebox';
import { invalidField, translated } from '../../../core/lbaas/api-errors.ts';
import { type TargetState, targetStates } from '../../../model/release.ts';
import type { PlanRequest } from '../../../ports/releases.ts';
import type { Caller } from '../../../ports/token-validator.ts';
import type { ApiDeps } from '../deps.ts';
import { invalidMarker, type QueryString } from '../list-request.ts';
import {
  eventLines,
  eventsQuery,
  intentBody,
  pageQuery,
  planAnswer,
  planBody,
  releaseAnswer,
  releasesAnswer,
  startBody,
  targetsAnswer,
  targetsQuery,
  wayBackAnswer,
} from '../schemas/release.ts';
import { camel } from '../wire/camel.ts';
import { eventToWire, planToWire, releaseToWire, summaryToWire, targetToWire, wayBackToWire } from '../wire/release.ts';
import { lineStreams, linesOf, linesType } from './line-stream.ts';
import { flagOf, limitOf, queryOf, single, wholeOf } from './plain-query.ts';
import { authorizeCaller, pathUrl } from './reads.ts';
import type { ById } from './write-tools.ts';

/** Releases of images: of Kiln, not of Octavia. */
export function releaseRoutes(app: FastifyInstance, deps: Pick<ApiDeps, 'releases' | 'policy' | 'paging'>): void {
  const { releases, policy, paging } = deps;
  const root = '/kiln/releases';
  const byId = `${root}/:id`;

  function nextPage(request: FastifyRequest, limit: number, marker: string | null, more: readonly string[] = []) {
    if (marker === null) return [];
    const query = [`limit=${limit}`, `marker=${marker}`, ...more].join('&');
    return [{ rel: 'next', href: `${pathUrl(request, paging.baseUri)}?${query}` }];
  }

  async function whole(id: string) {
    return { release: releaseToWire(await releases.get(id), await releases.startOf(id)) };
  }

  app.post(`${root}/plan`, { schema: { body: planBody, response: { 200: planAnswer } } }, async (request) => {
    authorizeCaller(policy, 'release:post_plan', request);
    return { plan: planToWire(await releases.plan(planRequest(request.body as Static<typeof planBody>))) };
  });

  app.post(root, { schema: { body: startBody, response: { 201: releaseAnswer } } }, async (request, reply) => {
    const by = nameOf(authorizeCaller(policy, 'release:post', request));
    const { plan_digest: planDigest, reason, ...asked } = request.body as Static<typeof startBody>;
    const { spec } = await releases.start({ ...planRequest(asked), planDigest }, { by, reason: reason ?? '' });
    return reply.code(201).send(await whole(spec.id));
  });

  app.get(root, { schema: { querystring: pageQuery, response: { 200: releasesAnswer } } }, async (request) => {
    authorizeCaller(policy, 'release:get_all', request);
    const query = queryOf(request, pageQuery);
    const limit = limitOf(query);
    const marker = single(query, 'marker');
    const found = await translated(releases.list(limit, marker), {
      RESOURCE_NOT_FOUND: () => invalidMarker(marker ?? ''),
    });
    const last = found.length === limit ? (found.at(-1)?.spec.id ?? null) : null;
    return { releases: found.map(summaryToWire), releases_links: nextPage(request, limit, last) };
  });

  app.get<ById>(byId, { schema: { response: { 200: releaseAnswer } } }, async (request) => {
    authorizeCaller(policy, 'release:get_one', request);
    return await whole(request.params.id);
  });

  const targetsSchema = { querystring: targetsQuery, response: { 200: targetsAnswer } };
  app.get<ById>(`${byId}/targets`, { schema: targetsSchema }, async (request) => {
    authorizeCaller(policy, 'release:get_one', request);
    const query = queryOf(request, targetsQuery);
    const limit = limitOf(query);
    const states = statesOf(query);
    const after = placeOf(single(query, 'marker'));
    const found = await releases.targets(request.params.id, {
      limit,
      ...(states.length > 0 && { states }),
      ...(after && { after }),
    });
    const last = found.length === limit ? found.at(-1) : undefined;
    const marker = last ? `${last.wave}.${last.position}` : null;
    const same = states.map((state) => `state=${state}`);
    return { targets: found.map(targetToWire), targets_links: nextPage(request, limit, marker, same) };
  });

  app.get<ById>(`${byId}/way-back`, { schema: { response: { 200: wayBackAnswer } } }, async (request) => {
    authorizeCaller(policy, 'release:get_one', request);
    return { way_back: wayBackToWire(await releases.wayBack(request.params.id)) };
  });

  const intentSchema = { body: intentBody, response: { 200: releaseAnswer } };
  app.put<ById>(`${byId}/intent`, { schema: intentSchema }, async (request) => {
    const by = nameOf(authorizeCaller(policy, 'release:put_intent', request));
    const { id } = request.params;
    const said = request.body as Static<typeof intentBody>;
    await releases.instruct(id, { ...said, by });
    return await whole(id);
  });

  const streams = lineStreams(app);
  const eventsSchema = { querystring: eventsQuery, response: { 200: eventLines } };
  app.get<ById>(`${byId}/events`, { schema: eventsSchema }, async (request, reply) => {
    authorizeCaller(policy, 'release:get_one', request);
    const { id } = request.params;
    const query = queryOf(request, eventsQuery);
    const after = wholeOf('after', single(query, 'after'), 0, Number.MAX_SAFE_INTEGER) ?? 0;
    if (flagOf(query, 'follow')) {
      return await streams.answer(reply, (signal) => releases.follow(id, after, signal), eventToWire);
    }
    return reply.type(linesType).send(linesOf(await releases.events(id, after, limitOf(query)), eventToWire));
  });
}

function planRequest({ image_id: imageId, tag, again, policy }: Static<typeof planBody>): PlanRequest {
  const chosen = Object.entries(policy ?? {}).filter(([, value]) => value !== null);
  return {
    imageId: imageId ?? null,
    tag: tag ?? null,
    isAgain: again === true,
    policy: camel(Object.fromEntries(chosen)) as PlanRequest['policy'],
  };
}

const LONGEST_NAME = 255;

function nameOf({ userName, userId }: Caller): string {
  return (userName ?? userId ?? 'somebody').slice(0, LONGEST_NAME);
}

function statesOf(query: QueryString): TargetState[] {
  return [query.state ?? []].flat().map((asked) => {
    const state = targetStates.find((one) => one === asked);
    if (!state) throw invalidField('state', asked, `Allowed is ${targetStates.join(', ')}.`);
    return state;
  });
}

/** Behind which load balancer a page begins. */
function placeOf(marker: string | null): { wave: number; position: number } | null {
  if (marker === null) return null;
  const [, wave, position] = /^(\d{1,9})\.(\d{1,9})$/.exec(marker) ?? [];
  if (position === undefined) throw invalidField('marker', marker, 'Take the one of the link to the next page.');
  return { wave: Number(wave), position: Number(position) };
}
