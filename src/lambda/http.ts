import serverlessExpress from '@codegenie/serverless-express';
import type { APIGatewayProxyEventV2, APIGatewayProxyResultV2, Context } from 'aws-lambda';
import { createApp } from '../api/app';
import { authenticatorOf } from '../api/auth';
import { ConfigError } from '../config';
import { type LambdaProcess, settle, version } from './process';

export type HttpHandler = (event: APIGatewayProxyEventV2, context: Context) => Promise<APIGatewayProxyResultV2>;

/**
 * The API behind an API Gateway HTTP API (payload format 2.0): the same application as in a process of its own.
 * @throws ConfigError where no keys are configured.
 */
export function httpHandler({ graph, config }: LambdaProcess): HttpHandler {
  const { LONGWATCH_API_KEYS: keys, LONGWATCH_TRUSTED_PROXIES: trustedProxies } = config;
  if (keys === undefined && config.LONGWATCH_JWKS_URL === undefined)
    throw new ConfigError(
      'LONGWATCH_API_KEYS (name:role:key,…) or LONGWATCH_JWKS_URL must be set where nothing is embedded',
    );
  const app = createApp({
    // A function answers at once or not at all: no stream of events.
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
  // Everything that we answer is text.
  const serve = serverlessExpress({ app, eventSourceName: 'AWS_API_GATEWAY_V2', binarySettings: { isBinary: false } });
  return async (event, context) => {
    const response = (await serve(event, context, () => undefined)) as unknown as APIGatewayProxyResultV2;
    await settle(graph);
    return response;
  };
}
