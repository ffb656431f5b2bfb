import serverlessExpress from '@codegenie/serverless-express';
import type { APIGatewayProxyEventV2, APIGatewayProxyResultV2, Context } from 'aws-lambda';
import { createApp } from '../api/app';
import { authenticatorOf } from '../api/auth';
import { ConfigError } from '../config';
import { type LambdaProcess, dispatchOutbox, version } from './process';

/** Handler of an API Gateway HTTP API event. */
export type HttpHandler = (event: APIGatewayProxyEventV2, context: Context) => Promise<APIGatewayProxyResultV2>;

/**
 * Returns the handler that serves the API behind an API Gateway HTTP API (payload format 2.0), with the same
 * application as the API process.
 * @throws ConfigError if neither API keys nor a JWKS are configured
 */
export function httpHandler({ graph, config }: LambdaProcess): HttpHandler {
  const { LONGWATCH_API_KEYS: keys, LONGWATCH_TRUSTED_PROXIES: trustedProxies } = config;
  if (keys === undefined && config.LONGWATCH_JWKS_URL === undefined)
    throw new ConfigError(
      'LONGWATCH_API_KEYS (name:role:key,…) or LONGWATCH_JWKS_URL must be set where nothing is embedded',
    );
  const app = createApp({
    // Leave out event streams: a function returns its whole response at once.
    routes: graph.routes.filter(
      ({ responses }) => !Object.values(responses).some(({ contentType }) => contentType === 'text/event-stream'),
    ),
    authenticator: authenticatorOf(config, keys),
    logger: graph.logger,
    registry: graph.metrics.registry,
    watch: graph.metrics.http,
    readiness: () => graph.readiness('elsewhere'),
    version,
    uiOrigins: [
      ...config.LONGWATCH_UI_ORIGINS,
      ...(config.TEMPORAL_UI_URL ? [new URL(config.TEMPORAL_UI_URL).origin] : []),
    ],
    ...(trustedProxies && { trustedProxies }),
  });
  // All responses are text.
  const serve = serverlessExpress({ app, eventSourceName: 'AWS_API_GATEWAY_V2', binarySettings: { isBinary: false } });
  return async (event, context) => {
    const response = (await serve(event, context, () => undefined)) as unknown as APIGatewayProxyResultV2;
    await dispatchOutbox(graph);
    return response;
  };
}
