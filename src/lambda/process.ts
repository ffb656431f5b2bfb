import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readConfig, selectCapabilities } from '../graph/config';
import { combine } from '../graph/combined';
import { configuredEndpoints, missingEndpoints } from '../config/endpoints';
import { buildGraph, type Graph } from '../graph';
import { withSecrets } from './secrets';

/** What an invocation has of the process it runs in. */
export interface LambdaProcess {
  graph: Graph;
  config: ReturnType<typeof readConfig>;
}

/**
 * The object graph of a function's process, as of any other process. Tables are those of the stack: they are neither
 * created nor compared here, where every start counts.
 * @param env settings; `LONGWATCH_SECRET_ID` names what holds the secret ones.
 * @throws ConfigError with everything that is missing or wrong
 */
export async function openProcess(env: Record<string, string | undefined>): Promise<LambdaProcess> {
  const settings = await withSecrets(env);
  const { capabilities, needs } = combine(selectCapabilities(settings['LONGWATCH_CAPABILITIES']));
  const config = readConfig(settings, (read) => [
    ...(read.LONGWATCH_SIGNING_SECRET === undefined
      ? [
          {
            name: 'LONGWATCH_SIGNING_SECRET',
            message: 'must be set (at least 32 random characters), or be in the secret that LONGWATCH_SECRET_ID names',
          },
        ]
      : []),
    ...missingEndpoints(read, settings, needs),
  ]);
  // Temporal's own settings are read from the environment, where its key is not: it is in the secret.
  for (const name of ['TEMPORAL_API_KEY', 'TEMPORAL_TLS_CLIENT_CERT_DATA', 'TEMPORAL_TLS_CLIENT_KEY_DATA'])
    if (settings[name]) process.env[name] ??= settings[name];
  const graph = buildGraph({
    config,
    capabilities,
    endpoints: configuredEndpoints(config, settings, needs),
    signingSecret: config.LONGWATCH_SIGNING_SECRET ?? '',
    publicUrl: () => config.LONGWATCH_PUBLIC_URL ?? `http://${config.HOST}:${config.PORT}`,
  });
  await graph.load();
  return { graph, config };
}

/** Opens once; a start that failed is tried again by the next invocation. */
export function once<T>(open: () => Promise<T>): () => Promise<T> {
  let opened: Promise<T> | undefined;
  return () =>
    (opened ??= open().catch((error: unknown) => {
      opened = undefined;
      throw error;
    }));
}

/** Dispatches outbox entries before the function is frozen; the relay dispatches those that take longer. */
export const settle = ({ outbox }: Pick<Graph, 'outbox'>): Promise<void> => outbox.drain(2_000);

/** The bundle lies as deep as these sources. */
export const { version } = JSON.parse(readFileSync(join(__dirname, '..', '..', 'package.json'), 'utf8')) as {
  version: string;
};
