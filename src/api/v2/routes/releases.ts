import { Readable } from 'node:stream';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Static } from 'typebox';
import { invalidField, invalidRequest, translated } from '../../../core/lbaas/api-errors.ts';
import { type ReleaseEvent, type TargetState, targetStates } from '../../../model/release.ts';
import type { PlanRequest } from '../../../ports/releases.ts';
import type { Caller } from '../../../ports/token-validator.ts';
import type { Action } from '../../policy/defaults.ts';
import { authorize } from '../access.ts';
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
import { callerOf, pathUrl } from './reads.ts';
import type { ById } from './write-tools.ts';

const USUAL_PAGE = 100;
const LARGEST_PAGE = 1000;

/** Releases of images: of Kiln, not of Octavia. */
export function releaseRoutes(app: FastifyInstance, deps: Pick<ApiDeps, 'releases' | 'policy' | 'paging'>): void {
  const { releases, policy, paging } = deps;
  const root = '/kiln/releases';
  const byId = `${root}/:id`;

  /** @returns who asks, as events and intents name them. */
  function demand(request: FastifyRequest, action: Action): string {
    const caller = callerOf(request);
    authorize(policy, action, caller, caller.projectId);
    return nameOf(caller);
  }

  function nextPage(request: FastifyRequest, limit: number, marker: string | null, more: readonly string[] = []) {
    if (marker === null) return [];
    const query = [`limit=${limit}`, `marker=${marker}`, ...more].join('&');
    return [{ rel: 'next', href: `${pathUrl(request, paging.baseUri)}?${query}` }];
  }

  async function whole(id: string) {
    return { release: releaseToWire(await releases.get(id), await releases.startOf(id)) };
  }

  app.post(`${root}/plan`, { schema: { body: planBody, response: { 200: planAnswer } } }, async (request) => {
    demand(request, 'release:post_plan');
    return { plan: planToWire(await releases.plan(planRequest(request.body as Static<typeof planBody>))) };
  });

  app.post(root, { schema: { body: startBody, response: { 201: releaseAnswer } } }, async (request, reply) => {
    const by = demand(request, 'release:post');
    const { plan_digest: planDigest, reason, ...asked } = request.body as Static<typeof startBody>;
    const { spec } = await releases.start({ ...planRequest(asked), planDigest }, { by, reason: reason ?? '' });
    return reply.code(201).send(await whole(spec.id));
  });

  app.get(root, { schema: { querystring: pageQuery, response: { 200: releasesAnswer } } }, async (request) => {
    demand(request, 'release:get_all');
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
    demand(request, 'release:get_one');
    return await whole(request.params.id);
  });

  const targetsSchema = { querystring: targetsQuery, response: { 200: targetsAnswer } };
  app.get<ById>(`${byId}/targets`, { schema: targetsSchema }, async (request) => {
    demand(request, 'release:get_one');
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
    demand(request, 'release:get_one');
    return { way_back: wayBackToWire(await releases.wayBack(request.params.id)) };
  });

  const intentSchema = { body: intentBody, response: { 200: releaseAnswer } };
  app.put<ById>(`${byId}/intent`, { schema: intentSchema }, async (request) => {
    const by = demand(request, 'release:put_intent');
    const { id } = request.params;
    const said = request.body as Static<typeof intentBody>;
    await releases.instruct(id, { ...said, by });
    return await whole(id);
  });

  /** Streams end with the server, which would wait for them else. */
  const closing = new AbortController();
  app.addHook('preClose', async () => closing.abort());

  const eventsSchema = { querystring: eventsQuery, response: { 200: eventLines } };
  app.get<ById>(`${byId}/events`, { schema: eventsSchema }, async (request, reply) => {
    demand(request, 'release:get_one');
    const { id } = request.params;
    const query = queryOf(request, eventsQuery);
    const after = wholeOf('after', single(query, 'after'), 0, Number.MAX_SAFE_INTEGER) ?? 0;
    reply.type('application/x-ndjson');
    if (!flagOf(query, 'follow')) return linesOf(await releases.events(id, after, limitOf(query)));
    return await answerStream(reply, (signal) => releases.follow(id, after, signal), closing.signal);
  });
}

/** Answers with what comes, as lines, until it ends or the client goes. What can be refused is refused before the answer begins. */
async function answerStream(
  reply: FastifyReply,
  follow: (signal: AbortSignal) => AsyncGenerator<readonly ReleaseEvent[], void, void>,
  closing: AbortSignal,
): Promise<FastifyReply> {
  const gone = new AbortController();
  reply.raw.once('close', () => gone.abort());
  const signal = AbortSignal.any([gone.signal, closing]);
  const batches = follow(signal);
  const first = await batches.next();
  async function* lines() {
    if (first.done) return;
    try {
      yield linesOf(first.value);
      for await (const events of batches) yield linesOf(events);
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      await batches.return();
    }
  }
  return reply.send(Readable.from(lines(), { objectMode: false }));
}

/** A sign of life where there is no event. */
function linesOf(events: readonly ReleaseEvent[]): string {
  return events.map((event) => `${JSON.stringify(eventToWire(event))}\n`).join('') || '\n';
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

function queryOf(request: FastifyRequest, { properties }: { properties: object }): QueryString {
  const query = request.query as QueryString;
  const unknown = Object.keys(query).find((name) => !Object.hasOwn(properties, name));
  if (unknown === undefined) return query;
  throw invalidRequest(`${unknown} is no parameter here; allowed are ${Object.keys(properties).join(', ')}`);
}

function single(query: QueryString, name: string): string | null {
  const value = query[name];
  if (Array.isArray(value)) throw invalidField(name, value.join(','), 'It may come once.');
  return value ?? null;
}

function limitOf(query: QueryString): number {
  const limit = single(query, 'limit');
  return limit === 'infinite' ? LARGEST_PAGE : (wholeOf('limit', limit, 1, LARGEST_PAGE) ?? USUAL_PAGE);
}

function wholeOf(name: string, value: string | null, minimum: number, maximum: number): number | null {
  if (value === null) return null;
  const number = /^\d{1,16}$/.test(value) ? Number(value) : Number.NaN;
  if (number >= minimum && number <= maximum) return number;
  throw invalidField(name, value, `Allowed is a whole number from ${minimum} to ${maximum}.`);
}

function flagOf(query: QueryString, name: string): boolean {
  const value = single(query, name) ?? 'false';
  if (/^(true|false)$/i.test(value)) return value.toLowerCase() === 'true';
  throw invalidField(name, value, 'Allowed is true or false.');
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
