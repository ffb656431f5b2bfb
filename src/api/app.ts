import express, { type Express, type NextFunction, type Request, type Response } from 'express';
import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import type { Admission } from './admission';
import type { Authenticator } from './auth';
import type { CallerLimits } from './callerLimits';
import { CODEC_PATH, crossOrigin } from './crossOrigin';
import { type HealthParts, healthRoutes } from './health';
import { Problem, problemOf, sendProblem } from './problem';
import { requestFrame, type RequestWatch } from './requestFrame';
import { type AnyRoute, expressRouter } from './routes';

export interface AppParts {
  routes: readonly AnyRoute[];
  authenticator: Authenticator;
  logger: Logger;
  registry: Registry;
  /** Told of every request. */
  watch?: RequestWatch;
  readiness: HealthParts['readiness'];
  version: string;
  /** How many requests may be under way; what listens asks it first. */
  admission?: Admission;
  /** How often each caller may call. */
  callerLimits?: CallerLimits;
  /** Origins of the Web UIs that may use the codec; default none. */
  uiOrigins?: readonly string[];
  /** Addresses and networks whose X-Forwarded-For is believed. */
  trustedProxies?: readonly string[];
}

/** The HTTP application: request ids, metrics and logs around the routes, problem details for every error. */
export function createApp(parts: AppParts): Express {
  const app = express();
  app.disable('x-powered-by');
  app.set('etag', false);
  app.set('query parser', 'simple');
  app.set('trust proxy', parts.trustedProxies ?? false);
  app.use(requestFrame(parts.logger, parts.watch));
  app.use(CODEC_PATH, crossOrigin(parts.uiOrigins ?? []));
  app.use(
    expressRouter(everyRoute(parts), {
      authenticate: (request) => parts.authenticator.authenticate(request),
      ...(parts.callerLimits && { callerLimits: parts.callerLimits }),
      ...(parts.admission && { admission: parts.admission }),
    }),
  );
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

function errorHandler(logger: Logger) {
  // Express knows error handlers by their four parameters.
  return (error: unknown, _request: Request, response: Response, next: NextFunction): void => {
    const requestId = String(response.locals['requestId'] ?? '');
    const problem = problemOf(error);
    if (!problem || problem.status >= 500) logger[problem ? 'warn' : 'error']({ err: error }, 'request failed');
    if (response.headersSent) return next(error);
    sendProblem(response, problem ?? new Problem(500, 'An unexpected fault; the log has it under this instance'), requestId);
  };
}
