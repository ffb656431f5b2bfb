import { z } from 'zod';
import type { AnyRoute, Route } from './router';

type Json = Record<string, unknown>;

const problemSchema = {
  type: 'object',
  description: 'Problem details, RFC 9457',
  properties: {
    type: { type: 'string' },
    title: { type: 'string' },
    status: { type: 'integer' },
    detail: { type: 'string' },
    instance: { type: 'string' },
    errors: {
      type: 'array',
      items: {
        type: 'object',
        properties: { field: { type: 'string' }, message: { type: 'string' } },
        required: ['field', 'message'],
      },
    },
  },
  required: ['type', 'title', 'status', 'detail'],
};

/** Builds the OpenAPI 3.1 document of these routes, from the same schemas that validate the requests. */
export function openApiDocument(routes: readonly AnyRoute[], version: string): Json {
  const paths: Record<string, Json> = {};
  for (const one of routes as unknown as readonly Route[]) {
    const path = one.path.replace(/:(\w+)/g, '{$1}');
    paths[path] = { ...paths[path], [one.method]: operation(one) };
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Longwatch',
      version,
      description: 'Durable lifecycles for DynamoDB data, on Temporal.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    security: [{ bearer: [] }],
    paths,
    components: {
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer', description: 'An API key or a JWT' },
        session: {
          type: 'apiKey',
          in: 'cookie',
          name: '__Host-longwatch',
          description: "A browser's session; on loopback the cookie is named longwatch",
        },
      },
      schemas: { Problem: problemSchema },
    },
  };
}

function operation(one: Route): Json {
  const body = one.body && jsonSchema(one.body, 'input');
  const parameters = [
    ...parametersOf(one.params, 'path'),
    ...parametersOf(one.query, 'query'),
    ...(one.headers ?? []).map(({ name, required, description }) => ({
      name,
      in: 'header',
      required,
      description,
      schema: { type: 'string' },
    })),
  ];
  return {
    operationId: one.operationId,
    tags: [one.tag],
    summary: one.summary,
    ...(one.roles === 'public'
      ? { security: one.session ? [{ session: [] }] : [] }
      : { description: `Roles: ${[...one.roles.filter((role) => role !== 'admin'), 'admin'].join(', ')}.` }),
    ...(parameters.length > 0 && { parameters }),
    ...(body && {
      requestBody: {
        required: true,
        content: {
          'application/json': { schema: body },
          ...(one.form && { 'application/x-www-form-urlencoded': { schema: body } }),
        },
      },
    }),
    responses: responsesOf(one),
  };
}

/** The responses of a route: those that every route may give, and those that the route declares. */
function responsesOf(one: Route): Json {
  const common: Record<string, string> = {
    ...((one.params || one.query || one.body || one.headers) && { 400: 'A field is not valid; `errors` lists each' }),
    ...(one.params && { 404: 'The resource in the path was not found' }),
    ...(one.session && one.method !== 'get' && { 403: 'A page of another site may not use the visitor’s session' }),
    ...(one.roles !== 'public' && {
      401: 'The token is missing or not valid',
      403: 'The caller’s role may not call this route',
      429: 'The caller exceeded its rate limit or sent too many wrong tokens; retry after `Retry-After`',
    }),
    ...(one.body && { 413: 'Content too large', 415: 'Unsupported media type' }),
    503: 'A service that this route needs is unavailable, or this service is overloaded; retry after `Retry-After`',
    504:
      'The request was not completed within its deadline and may still take effect; repeat it with the same ids to ' +
      'learn its result',
  };
  const responses: Json = {};
  // An overloaded service sheds a request before it knows the route.
  for (const [status, description] of Object.entries(common))
    responses[status] = problemResponse(description, one.isPage === true || status === '503');
  for (const [status, { description, schema, contentType }] of Object.entries(one.responses))
    responses[status] =
      Number(status) >= 400
        ? problemResponse(description, one.isPage === true)
        : {
            description,
            ...((schema || contentType) && {
              content: { [contentType ?? 'application/json']: schema ? { schema: jsonSchema(schema, 'output') } : {} },
            }),
          };
  return responses;
}

/** @param mayBePage whether a browser, which prefers HTML, gets a page instead */
const problemResponse = (description: string, mayBePage: boolean): Json => ({
  description,
  content: {
    'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } },
    ...(mayBePage && { 'text/html': {} }),
  },
});

function parametersOf(schema: z.ZodType | undefined, where: 'path' | 'query'): Json[] {
  if (!schema) return [];
  const { properties = {}, required = [] } = jsonSchema(schema, 'input') as {
    properties?: Record<string, Json>;
    required?: string[];
  };
  return Object.entries(properties).map(([name, property]) => ({
    name,
    in: where,
    required: where === 'path' || required.includes(name),
    schema: property,
  }));
}

function jsonSchema(schema: z.ZodType, io: 'input' | 'output'): Json {
  const { $schema: _dialect, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: 'any', reused: 'inline' });
  return rest;
}
