import type { FastifySchema } from 'fastify';
import { type JsonSchema, type SharedSchemas, sharedSchemas } from './shared-schemas.ts';

/** A route as it was registered. */
export interface DescribedRoute {
  method: string;
  /** With `:name` for parameters. */
  url: string;
  schema: FastifySchema;
}

export interface OpenApiDocument {
  openapi: string;
  info: { title: string; version: string; description: string; license: { name: string; identifier: string } };
  security: readonly object[];
  paths: Record<string, Record<string, OpenApiOperation>>;
  components: object;
}

interface Parameter {
  name: string;
  in: 'path' | 'query' | 'header';
  required: boolean;
  schema: JsonSchema;
}

export interface OpenApiOperation {
  operationId: string;
  tags: readonly string[];
  security?: readonly object[];
  parameters?: readonly (Parameter | { $ref: string })[];
  requestBody?: { required: true; content: { 'application/json': { schema: JsonSchema } } };
  responses: Record<string, object>;
}

const description = [
  "Octavia's API for load balancers, as Kiln serves it: each path also under /v2.0, and those of lbaas also without lbaas.",
  'In bodies null stands for what a field is when it is left out, and numbers and flags may come as text.',
  'Further formats: ip (IPv4 or IPv6), cidr, http-url, url-path.',
].join(' ');

const fault = {
  type: 'object',
  required: ['faultcode', 'faultstring', 'debuginfo'],
  properties: {
    faultcode: { type: 'string', enum: ['Client', 'Server'] },
    faultstring: { type: 'string', description: 'What is wrong, and with which field.' },
    debuginfo: { type: 'null' },
  },
} as const;

const unauthenticated = {
  type: 'object',
  required: ['error'],
  properties: {
    error: {
      type: 'object',
      required: ['message', 'code', 'title'],
      properties: { message: { type: 'string' }, code: { type: 'integer' }, title: { type: 'string' } },
    },
  },
} as const;

const json = (schema: object) => ({ 'application/json': { schema } });

/**
 * The OpenAPI document of routes: their own schemas, and the format of errors.
 * @param version of Octavia's API.
 */
export function openApiDocument(routes: readonly DescribedRoute[], version: string): OpenApiDocument {
  const paths: OpenApiDocument['paths'] = {};
  const shared: Shared = { schemas: sharedSchemas(), parameters: sharedParameters() };
  for (const route of [...routes].sort(byPath)) {
    const path = route.url.replaceAll(/:(\w+)/g, '{$1}');
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: operationOf(route, path, shared) };
  }
  return {
    openapi: '3.1.0',
    info: { title: 'Kiln', version, description, license: { name: 'Apache-2.0', identifier: 'Apache-2.0' } },
    security: [{ token: [] }],
    paths,
    components: {
      securitySchemes: {
        token: { type: 'apiKey', in: 'header', name: 'X-Auth-Token', description: 'A token of Keystone.' },
      },
      schemas: { Fault: fault, Unauthenticated: unauthenticated, ...shared.schemas.schemas() },
      parameters: shared.parameters.parameters(),
      responses: {
        Fault: { description: 'Refused.', content: json({ $ref: '#/components/schemas/Fault' }) },
        Unauthenticated: {
          description: 'No token, or one that is not valid.',
          content: json({ $ref: '#/components/schemas/Unauthenticated' }),
        },
      },
    },
  };
}

const methods = ['GET', 'POST', 'PUT', 'DELETE'];

function byPath(one: DescribedRoute, other: DescribedRoute): number {
  if (one.url !== other.url) return one.url < other.url ? -1 : 1;
  return methods.indexOf(one.method) - methods.indexOf(other.method);
}

type Refer = SharedSchemas['refer'];

interface Shared {
  schemas: SharedSchemas;
  parameters: ReturnType<typeof sharedParameters>;
}

function operationOf({ method, schema }: DescribedRoute, path: string, shared: Shared): OpenApiOperation {
  const words = path.split('/').filter((word) => word !== '' && !word.startsWith('{'));
  // Behind `v2` and `lbaas`, `octavia` or `kiln`.
  const named = words.slice(2);
  const open = named.length === 0;
  const parameters = parametersOf(schema, path).map(shared.parameters.refer);
  return {
    operationId: [method.toLowerCase(), ...(open ? words : named), ...(path.endsWith('}') ? ['one'] : [])].join('-'),
    tags: [named[0] ?? 'discovery'],
    ...(open ? { security: [] } : {}),
    ...(parameters.length > 0 ? { parameters } : {}),
    ...(schema.body
      ? {
          requestBody: {
            required: true,
            content: { 'application/json': { schema: shared.schemas.refer(plain(schema.body)) } },
          },
        }
      : {}),
    responses: { ...answersOf(schema, shared.schemas.refer), ...(open ? {} : refusals) },
  };
}

const refusals = {
  401: { $ref: '#/components/responses/Unauthenticated' },
  default: { $ref: '#/components/responses/Fault' },
};

/** Parameters that several routes have alike are kept once. */
function sharedParameters() {
  const kept: Record<string, Parameter> = {};
  return {
    refer(parameter: Parameter): Parameter | { $ref: string } {
      const { name } = parameter;
      if (parameter.in === 'path') return parameter;
      kept[name] ??= parameter;
      const same = JSON.stringify(kept[name]) === JSON.stringify(parameter);
      return same ? { $ref: `#/components/parameters/${name}` } : parameter;
    },
    parameters: () => kept,
  };
}

function parametersOf(schema: FastifySchema, path: string): Parameter[] {
  const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(
    ([, name = '']): Parameter => ({ name, in: 'path', required: true, schema: { type: 'string' } }),
  );
  const optional = (where: 'query' | 'header', fields: unknown) =>
    Object.entries((fields ? plain(fields).properties : {}) as Record<string, JsonSchema>).map(
      ([name, one]): Parameter => ({ name, in: where, required: false, schema: one }),
    );
  return [...inPath, ...optional('query', schema.querystring), ...optional('header', schema.headers)];
}

function answersOf(schema: FastifySchema, refer: Refer): Record<string, object> {
  return Object.fromEntries(
    Object.entries((schema.response ?? {}) as Record<string, unknown>).map(([status, answer]) => {
      const body = plain(answer);
      const content = body.type === 'null' ? {} : { content: { [mediaTypeOf(body)]: { schema: refer(body) } } };
      return [status, { description: status === '202' ? 'Accepted.' : 'Done.', ...content }];
    }),
  );
}

/** Texts are texts, unless they say what else they are; everything else is JSON. */
const mediaTypeOf = (body: JsonSchema) =>
  body.type === 'string' ? String(body.contentMediaType ?? 'text/plain') : 'application/json';

/** Without what TypeBox keeps in its schemas beside JSON Schema. */
function plain(schema: unknown): JsonSchema {
  return JSON.parse(JSON.stringify(schema)) as JsonSchema;
}
