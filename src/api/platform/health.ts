import { z } from 'zod';
import type { Registry } from 'prom-client';
import { openApiDocument } from '../http/openapi';
import { type AnyRoute, route } from '../http/router';

/** Readiness of the process, by dependency. */
export interface Readiness {
  /** Whether DynamoDB answers and decisions can be made. */
  dynamodb: 'ok' | 'unavailable';
  /** `unavailable` is a degraded state and no failure: requests work, and the outbox records the workflows to start. */
  temporal: 'ok' | 'unavailable';
  /** `starting` until workflows run in this deployment's worker; `elsewhere` if this process has no worker. */
  worker: 'ok' | 'starting' | 'elsewhere';
}

const readinessSchema = z.object({
  status: z.enum(['ready', 'degraded', 'not-ready']),
  dynamodb: z.enum(['ok', 'unavailable']),
  temporal: z.enum(['ok', 'unavailable']),
  worker: z.enum(['ok', 'starting', 'elsewhere']),
});

/** What the routes of health and metrics need. */
export interface HealthParts {
  /** Returns the readiness; `stopping` while the process shuts down. */
  readiness(): Promise<Readiness | { status: 'stopping' }>;
  registry: Registry;
  version: string;
}

/** Routes for orchestrators, scrapers and client generators: health, readiness, metrics and the OpenAPI document. */
export function healthRoutes(parts: HealthParts, documented: readonly AnyRoute[]): AnyRoute[] {
  return [livenessRoute(), readinessRoute(parts), metricsRoute(parts), openApiRoute(parts, documented)];
}

const livenessRoute = (): AnyRoute =>
  route({
    method: 'get',
    path: '/healthz',
    operationId: 'getHealth',
    tag: 'platform',
    loadClass: 'interactive',
    summary: 'Whether the process is running',
    roles: 'public',
    responses: { 200: { description: 'The process is running', schema: z.object({ status: z.literal('ok') }) } },
    handler: async () => ({ status: 200, body: { status: 'ok' } }),
  });

const readinessRoute = ({ readiness }: Pick<HealthParts, 'readiness'>): AnyRoute =>
  route({
    method: 'get',
    path: '/readyz',
    operationId: 'getReadiness',
    tag: 'platform',
    loadClass: 'interactive',
    summary: 'Whether the process can make decisions and run workflows',
    roles: 'public',
    responses: {
      200: { description: 'Ready; `degraded` while Temporal is unavailable', schema: readinessSchema },
      503: { description: 'Not ready, or stopping' },
    },
    handler: async () => {
      const state = await readiness();
      if ('status' in state) return { status: 503, body: state };
      const ready = state.dynamodb === 'ok' && state.worker !== 'starting';
      const status = ready ? (state.temporal === 'ok' ? 'ready' : 'degraded') : 'not-ready';
      return { status: ready ? 200 : 503, body: { status, ...state } };
    },
  });

const metricsRoute = ({ registry }: Pick<HealthParts, 'registry'>): AnyRoute =>
  route({
    method: 'get',
    path: '/metrics',
    operationId: 'getMetrics',
    tag: 'platform',
    loadClass: 'interactive',
    summary: 'Metrics for Prometheus',
    roles: 'public',
    responses: { 200: { description: 'Exposition format', contentType: 'text/plain' } },
    handler: async () => ({
      status: 200,
      raw: { content: await registry.metrics(), contentType: registry.contentType },
    }),
  });

/** Serves the OpenAPI document. It is built at the first request. */
function openApiRoute({ version }: Pick<HealthParts, 'version'>, documented: readonly AnyRoute[]): AnyRoute {
  let document: string | undefined;
  return route({
    method: 'get',
    path: '/openapi.json',
    operationId: 'getOpenApi',
    tag: 'platform',
    loadClass: 'interactive',
    summary: 'This OpenAPI document',
    roles: 'public',
    responses: { 200: { description: 'OpenAPI 3.1', contentType: 'application/json' } },
    handler: async () => {
      document ??= JSON.stringify(openApiDocument(documented, version));
      return { status: 200, raw: { content: document, contentType: 'application/json' } };
    },
  });
}
