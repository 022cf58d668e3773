import type { TSchema } from 'typebox';
import type { Listable } from './filters.ts';

declare module 'fastify' {
  /** What a route says of itself for the OpenAPI document, beside the schemas that Fastify knows. */
  interface FastifySchema {
    tags?: readonly string[];
    /** One sentence. */
    summary?: string;
    /** It is a list that may be filtered, sorted and paged so. */
    listable?: Listable;
    /** Whether tags are among the filters. */
    taggable?: boolean;
    /** Further parameters of the query string, by name. */
    parameters?: Readonly<Record<string, TSchema>>;
    /** The answer's status where it has no body. */
    emptyAnswer?: number;
  }
}
