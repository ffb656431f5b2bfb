import express, { type Express, type NextFunction, type Request, type Response } from 'express';
import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import { defined } from '../domain/defined';
import type { Admission } from './admission/admission';
import type { Authenticator } from './auth';
import type { CallerLimits } from './admission/callerLimits';
import { CODEC_PATH, codecCors } from './platform/codecCors';
import { type HealthParts, healthRoutes } from './platform/health';
import { Problem, problemOf } from './http/problem';
import { requestFrame, type RequestWatch } from './http/requestFrame';
import { ReplyGuard } from './http/replyGuard';
import { type AnyRoute, expressRouter, type RouterParts } from './http/router';

/** What the HTTP application is built from. */
export interface AppParts {
  routes: readonly AnyRoute[];
  authenticator: Authenticator;
  logger: Logger;
  registry: Registry;
  /** Called for each request. */
  watch?: RequestWatch;
  readiness: HealthParts['readiness'];
  version: string;
  /** Admission control. The server consults it before the application. */
  admission?: Admission;
  /** Milliseconds that a handler may take, by the load class of its route. */
  deadlines?: RouterParts['deadlines'];
  /** Rate limits of the callers. */
  callerLimits?: CallerLimits;
  /** Origins of the Temporal Web UIs that may call the codec. Default: none. */
  uiOrigins?: readonly string[];
  /** Addresses and networks of proxies whose X-Forwarded-For header is trusted. */
  trustedProxies?: readonly string[];
}

/** Builds the HTTP application: request ids, metrics and logs around the routes, problem details for every error. */
export function createApp(parts: AppParts): Express {
  const app = express();
  app.disable('x-powered-by');
  app.set('etag', false);
  app.set('query parser', 'simple');
  app.set('trust proxy', parts.trustedProxies ?? false);
  app.use(requestFrame(parts.logger, parts.watch));
  app.use(CODEC_PATH, codecCors(parts.uiOrigins ?? []));
  app.use(
    expressRouter(everyRoute(parts), {
      authenticate: (request) => parts.authenticator.authenticate(request),
      ...defined({ callerLimits: parts.callerLimits, admission: parts.admission, deadlines: parts.deadlines }),
    }),
  );
  app.use((request: Request) => {
    // Do not echo the path: a mistyped link may contain a token.
    throw new Problem(404, `No route matches this path for ${request.method}. GET /openapi.json lists all routes`);
  });
  app.use(errorHandler(parts.logger));
  return app;
}

/** Returns the routes of the capabilities and those of the process itself. */
export function everyRoute(parts: Pick<AppParts, 'routes' | 'readiness' | 'registry' | 'version'>): AnyRoute[] {
  const all: AnyRoute[] = [...parts.routes];
  all.push(...healthRoutes(parts, all));
  return all;
}

/**
 * Answers an error of any handler. If sending that answer throws too (for example, a session middleware that wraps the
 * response cannot save), the reply guard ends the response.
 */
function errorHandler(logger: Logger) {
  // Express recognises error handlers by their four parameters.
  return (error: unknown, _request: Request, response: Response, _next: NextFunction): void => {
    const guard = ReplyGuard.of(response);
    const requestId = String(response.locals['requestId'] ?? '');
    const unexpected = new Problem(500, 'Unexpected error. The log contains the cause under this instance');
    try {
      const problem = problemOf(error);
      if (!problem || problem.status >= 500 || guard.ended)
        logger[problem ? 'warn' : 'error'](
          { err: error },
          guard.ended ? 'request failed after its answer' : 'request failed',
        );
      if (guard.ended) return;
      if (response.headersSent || guard.replying) return guard.fail(unexpected, requestId);
      guard.replying = true;
      const { body, headers } = guard.describe(problem ?? unexpected, requestId);
      response
        .status((problem ?? unexpected).status)
        .set({ ...problem?.extra.headers, ...headers })
        .send(body);
    } catch (again) {
      guard.fail(unexpected, requestId);
      logger.error({ err: again }, 'the error response of a failed request could not be sent');
    }
  };
}
