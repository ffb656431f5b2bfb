import { randomUUID } from 'node:crypto';
import express, { type Express, type NextFunction, type Request, type Response } from 'express';
import type { Logger } from 'pino';
import { Histogram, type Registry } from 'prom-client';
import type { Authenticator } from './auth';
import { healthRoutes, type Readiness } from './health';
import { Problem, problemOf, sendProblem } from './problem';
import { type AnyRoute, expressRouter } from './routes';

export interface AppParts {
  routes: readonly AnyRoute[];
  authenticator: Authenticator;
  logger: Logger;
  registry: Registry;
  readiness(): Promise<Readiness>;
  version: string;
  /** Addresses and networks whose X-Forwarded-For is believed. */
  trustedProxies?: readonly string[];
}

/**
 * What OWASP's REST Security Cheat Sheet asks of an API; pages say more of themselves (page.ts). HSTS counts over TLS alone
 * (RFC 6797, 8.1), so that it need not be known here whether a proxy ends it. No Access-Control header: no other site's script reads us.
 */
const HARDENING = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'accelerometer=(), camera=(), geolocation=(), microphone=(), payment=(), usb=()',
  'referrer-policy': 'no-referrer',
  'strict-transport-security': 'max-age=31536000; includeSubDomains',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
};

const REQUEST_ID = /^[A-Za-z0-9_.:-]{1,64}$/;

/** The HTTP application: request ids, metrics and logs around the routes, problem details for every error. */
export function createApp(parts: AppParts): Express {
  const app = express();
  app.disable('x-powered-by');
  app.set('etag', false);
  app.set('query parser', 'simple');
  app.set('trust proxy', parts.trustedProxies ?? false);
  app.use(requestFrame(parts.logger, requestSeconds(parts.registry)));
  app.use(expressRouter(everyRoute(parts), parts.authenticator));
  app.use((request: Request) => {
    // Not the path itself, which may hold a mistyped link's token.
    throw new Problem(404, `There is no such route for ${request.method}; /openapi.json lists them all`);
  });
  app.use(errorHandler(parts.logger));
  return app;
}

/** The capabilities' routes and those of the process itself. */
export function everyRoute(parts: Pick<AppParts, 'routes' | 'readiness' | 'registry' | 'version'>): AnyRoute[] {
  const all: AnyRoute[] = [...parts.routes];
  all.push(...healthRoutes(parts, all));
  return all;
}

function requestSeconds(registry: Registry): Histogram<'method' | 'route' | 'status'> {
  return new Histogram({
    name: 'longwatch_http_request_seconds',
    help: 'Requests by route pattern, method and status',
    labelNames: ['method', 'route', 'status'],
    buckets: [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5],
    registers: [registry],
  });
}

/** Gives each request an id, measures it, and writes one log line without bodies, tokens or query values. */
function requestFrame(logger: Logger, seconds: Histogram<'method' | 'route' | 'status'>) {
  return (request: Request, response: Response, next: NextFunction): void => {
    const given = request.get('x-request-id');
    const requestId = given && REQUEST_ID.test(given) ? given : randomUUID();
    response.locals['requestId'] = requestId;
    response.set({ ...HARDENING, 'x-request-id': requestId });
    const started = performance.now();
    response.once('close', () => {
      const taken = (performance.now() - started) / 1000;
      const route = (response.locals['route'] as string | undefined) ?? 'none';
      const status = response.writableFinished ? response.statusCode : 499;
      seconds.observe({ method: request.method, route, status: String(status) }, taken);
      logger.debug({ requestId, method: request.method, route, status, seconds: taken }, 'request');
    });
    next();
  };
}

function errorHandler(logger: Logger) {
  // Express knows error handlers by their four parameters.
  return (error: unknown, _request: Request, response: Response, next: NextFunction): void => {
    const requestId = String(response.locals['requestId'] ?? '');
    const problem = problemOf(error);
    if (!problem || problem.status >= 500) logger[problem ? 'warn' : 'error']({ requestId, err: error }, 'request failed');
    if (response.headersSent) return next(error);
    sendProblem(response, problem ?? new Problem(500, 'An unexpected fault; the log has it under this instance'), requestId);
  };
}
