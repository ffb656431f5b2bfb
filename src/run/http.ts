import { Admission } from '../api/admission/admission';
import { type AppParts, createApp } from '../api/app';
import { Authenticator, authenticatorOf } from '../api/auth';
import { CallerLimits } from '../api/admission/callerLimits';
import { loadClassifier } from '../api/admission/loadClassifier';
import { listen, type Listening } from '../api/http/server';
import type { PlatformConfig } from '../config';
import type { Endpoints } from '../config/endpoints';
import type { Graph } from '../graph';

/** The one that OpenTelemetry's exporter for Prometheus has. */
const USUAL_METRICS_PORT = 9464;

export interface HttpParts {
  config: PlatformConfig;
  graph: Graph;
  version: string;
  readiness: AppParts['readiness'];
}

/** The whole API. `developmentKey` is an administrator's where no keys are configured. */
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
    onShed: (where, loadClass) => http.turnedAway(where, loadClass),
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

/** What orchestrators and scrapers ask of a process that has no API. */
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

/** Origins of the Web UIs whose pages may ask for payloads in clear text. */
function uiOrigins({ LONGWATCH_UI_ORIGINS, TEMPORAL_UI_URL }: PlatformConfig, { temporal }: Endpoints): string[] {
  const origins = [...LONGWATCH_UI_ORIGINS];
  if (TEMPORAL_UI_URL) origins.push(new URL(TEMPORAL_UI_URL).origin);
  // Whoever types localhost has another origin.
  if (temporal.uiUrl)
    origins.push(new URL(temporal.uiUrl).origin, new URL(temporal.uiUrl).origin.replace('127.0.0.1', 'localhost'));
  return [...new Set(origins)];
}
