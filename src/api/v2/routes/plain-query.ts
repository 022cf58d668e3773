import type { FastifyRequest } from 'fastify';
import { invalidField, invalidRequest } from '../../../core/lbaas/api-errors.ts';
import { unknownArgument } from '../known-arguments.ts';
import type { QueryString } from '../list-request.ts';

/** Queries of Kiln's own routes, which have no fields to filter by. */

const USUAL_PAGE = 100;
const LARGEST_PAGE = 1000;

/** The query. @throws for what is no parameter of this route. */
export function queryOf(request: FastifyRequest, { properties }: { properties: object }): QueryString {
  const query = request.query as QueryString;
  const unknown = unknownArgument(query, properties);
  if (unknown === undefined) return query;
  throw invalidRequest(`${unknown} is no parameter here; allowed are ${Object.keys(properties).join(', ')}`);
}

/** Null: it was not given. */
export function single(query: QueryString, name: string): string | null {
  const value = query[name];
  if (Array.isArray(value)) throw invalidField(name, value.join(','), 'It may come once.');
  return value ?? null;
}

/** How many a page has. */
export function limitOf(query: QueryString): number {
  const limit = single(query, 'limit');
  return limit === 'infinite' ? LARGEST_PAGE : (wholeOf('limit', limit, 1, LARGEST_PAGE) ?? USUAL_PAGE);
}

/** Null: it was not given. @throws for what is no whole number within. */
export function wholeOf(name: string, value: string | null, minimum: number, maximum: number): number | null {
  if (value === null) return null;
  const number = /^\d{1,16}$/.test(value) ? Number(value) : Number.NaN;
  if (number >= minimum && number <= maximum) return number;
  throw invalidField(name, value, `Allowed is a whole number from ${minimum} to ${maximum}.`);
}

/** False where it was not given. */
export function flagOf(query: QueryString, name: string): boolean {
  const value = single(query, name) ?? 'false';
  if (/^(true|false)$/i.test(value)) return value.toLowerCase() === 'true';
  throw invalidField(name, value, 'Allowed is true or false.');
}
