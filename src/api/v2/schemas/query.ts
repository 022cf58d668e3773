import { type TSchema, Type } from 'typebox';
import type { Filterable, ListFields } from '../filters.ts';
import { choice, closed, list } from './fields.ts';

/**
 * Parameters of query strings. They are for the OpenAPI document: what a list makes of them, and what it refuses, is
 * decided in list-request.ts.
 */

const filterTypes: Readonly<Record<Filterable['type'], () => TSchema>> = {
  text: () => Type.String(),
  integer: () => Type.Integer(),
  number: () => Type.Number(),
  flag: () => Type.Boolean(),
  list: () => Type.String({ description: 'The whole list, a comma between.' }),
  object: () => Type.String({ description: 'The whole object, as JSON.' }),
};

export const optionalFields = (fields: Readonly<Record<string, TSchema>>) =>
  closed(Object.fromEntries(Object.entries(fields).map(([name, schema]) => [name, Type.Optional(schema)])));

const fields = () => list(Type.String({ description: 'Only this field; may come several times.' }));

export const onePage = () => ({
  limit: Type.String({ description: 'At most so many; a whole number, or infinite.' }),
  marker: Type.String({ description: 'The last one of the page before.' }),
});

const paging = () => ({
  ...onePage(),
  page_reverse: Type.Boolean({ description: 'The page before the marker instead of the one behind it.' }),
  sort: Type.String({ description: 'Fields with a comma between, each with :asc or :desc where it is to have one.' }),
  sort_key: Type.String({ description: 'Fields with a comma between.' }),
  sort_dir: choice(['asc', 'desc']),
  fields: fields(),
});

/** Of what is read as src/api/v2/shared-reads.ts says. */
export const freshness = () =>
  optionalFields({
    'cache-control': Type.String({
      description:
        'max-age=5, or more: what another such request has read in the last five seconds will do. Without it, and with no-cache, the answer is of now.',
    }),
  });

const project = () => ({ project_id: Type.String(), tenant_id: Type.String() });

const tagFilters = () => ({
  tags: Type.String({ description: 'Has all of these, a comma between.' }),
  'tags-any': Type.String({ description: 'Has one of these.' }),
  'not-tags': Type.String({ description: 'Has not all of these.' }),
  'not-tags-any': Type.String({ description: 'Has none of these.' }),
});

/** What a list may be asked for. */
export function listQuery(fields: ListFields, options: { tags: boolean }) {
  const filters = Object.entries(fields.filters).map(([name, { type }]) => [name, filterTypes[type]()] as const);
  return optionalFields({
    ...Object.fromEntries(filters),
    ...(fields.ofProjects ? project() : {}),
    ...(options.tags ? tagFilters() : {}),
    ...paging(),
  });
}

/** What a show may be asked for. */
export const showQuery = () => optionalFields({ fields: fields() });

export const flagQuery = (name: string, description: string) =>
  optionalFields({ [name]: Type.Boolean({ description }) });

export const capabilitiesQuery = () =>
  optionalFields({ name: Type.String(), description: Type.String(), fields: fields() });

/** The answer has no body. */
export const nothing = () => Type.Null();
