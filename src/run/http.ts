import { Admission } from '../api/admission/admission';
import { type AppParts, createApp } from '../api/app';
import { Authenticator, authenticatorOf } from '../api/auth';
import { CallerLimits } from '../api/admission/callerLimits';
import { loadClassifier } from '../api/admission/loadClassifier';
import { clientAddressBehind } from '../api/http/clientAddress';
import { listen, type Listening } from '../api/http/server';
import type { PlatformConfig } from '../config';
import type { Endpoints } from '../config/endpoints';
import type { Graph } from '../graph';

/** The default port of OpenTelemetry's Prometheus exporter. */
const USUAL_METRICS_PORT = 9464;

/** What the HTTP server of a process needs. */
export interface HttpParts {
  config: PlatformConfig;
  graph: Graph;
  version: string;
  readiness: AppParts['readiness'];
}

/**
 * Serves the whole API. `developmentKey` is an admin's key that is accepted if no API keys and no JWKS are configured.
 * @throws ListenError
 */
export function listenForRequests(
  parts: HttpParts,
  at: { port: number; endpoints: Endpoints; developmentKey: string | undefined },
): Promise<Listening> {
  const { config, graph } = parts;
  const keys =
    config.LONGWATCH_API_KEYS ??
    (config.LONGWATCH_JWKS_URL || at.developmentKey === undefined ? undefined : `dev:admin:${at.developmentKey}`);
  const authenticator = authenticatorOf(config, keys);
  const { http } = graph.metrics;
  const admission = new Admission({
    max: config.LONGWATCH_MAX_CONCURRENT_REQUESTS,
    budgets: config.LONGWATCH_QUEUE_BUDGETS,
    classOf: loadClassifier(graph.routes),
    addressOf: clientAddressBehind(config.LONGWATCH_TRUSTED_PROXIES),
    onShed: (where, loadClass) => http.shedRequest(where, loadClass),
    onBegin: (loadClass, waitedMs) => http.begins(loadClass, waitedMs),
  });
  http.watchAdmission(() => admission.state);
  const app = createApp({
    ...appParts(parts),
    admission,
    deadlines: config.LONGWATCH_HANDLER_DEADLINES,
    callerLimits: new CallerLimits(config.LONGWATCH_CALLER_LIMITS),
    routes: graph.routes,
    authenticator,
    uiOrigins: uiOrigins(config, at.endpoints),
  });
  return listen(app, { host: config.HOST, port: at.port, admission, maxConnections: config.LONGWATCH_MAX_CONNECTIONS });
}

/**
 * Serves health checks and metrics of a process without an API. Uses LONGWATCH_WORKER_PORT; without it, port 9464 or a
 * free one.
 * @throws ListenError
 */
export function listenForHealth(parts: HttpParts): Promise<Listening> {
  const { HOST: host, LONGWATCH_WORKER_PORT: port } = parts.config;
  const app = createApp({ ...appParts(parts), routes: [], authenticator: new Authenticator([]) });
  if (port !== undefined) return listen(app, { host, port, setting: 'LONGWATCH_WORKER_PORT' });
  return listen(app, { host, port: USUAL_METRICS_PORT }).catch(() =>
    listen(app, { host, port: 0, setting: 'LONGWATCH_WORKER_PORT' }),
  );
}

function appParts({ config, graph, version, readiness }: HttpParts): Omit<AppParts, 'routes' | 'authenticator'> {
  const { LONGWATCH_TRUSTED_PROXIES: trustedProxies } = config;
  return {
    logger: graph.logger,
    registry: graph.metrics.registry,
    watch: graph.metrics.http,
    readiness,
    version,
    ...(trustedProxies && { trustedProxies }),
  };
}

/** Returns the origins of the Web UIs that may decrypt payloads. */
function uiOrigins({ LONGWATCH_UI_ORIGINS, TEMPORAL_UI_URL }: PlatformConfig, { temporal }: Endpoints): string[] {
  const origins = [...LONGWATCH_UI_ORIGINS];
  if (TEMPORAL_UI_URL) origins.push(new URL(TEMPORAL_UI_URL).origin);
  // A page opened as localhost has a different origin than one opened as 127.0.0.1.
  if (temporal.uiUrl)
    origins.push(new URL(temporal.uiUrl).origin, new URL(temporal.uiUrl).origin.replace('127.0.0.1', 'localhost'));
  return [...new Set(origins)];
}
