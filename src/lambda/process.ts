import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readConfig } from '../graph/config';
import { selectCapabilities } from '../graph/selectCapabilities';
import { combine } from '../graph/combinedCapabilities';
import { configuredEndpoints, missingEndpoints } from '../config/endpoints';
import { buildGraph, type Graph } from '../graph';
import { withSecrets } from './secrets';

/** The parts of a function's process that its handlers use. */
export interface LambdaProcess {
  graph: Graph;
  config: ReturnType<typeof readConfig>;
}

/**
 * Builds the objects of a function's process. It neither creates nor checks tables: the stack creates them, and checks
 * would slow every cold start.
 * @param env settings; `LONGWATCH_SECRET_ID` names the secret that contains the secret ones
 * @throws ConfigError listing everything that is missing or wrong
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
  // Temporal's SDK reads its settings from the environment, but its API key and certificate are in the secret, so copy
  // them.
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

/** Returns a function that opens once and shares the result. After a failure, the next call tries again. */
export function once<T>(open: () => Promise<T>): () => Promise<T> {
  let opened: Promise<T> | undefined;
  return () =>
    (opened ??= open().catch((error: unknown) => {
      opened = undefined;
      throw error;
    }));
}

/**
 * Dispatches outbox entries for up to two seconds before the function is frozen. The outbox relay dispatches the rest.
 */
export const dispatchOutbox = ({ outbox }: Pick<Graph, 'outbox'>): Promise<void> => outbox.drain(2_000);

/** The bundle is as deep in the package as these sources, so the path is the same. */
export const { version } = JSON.parse(readFileSync(join(__dirname, '..', '..', 'package.json'), 'utf8')) as {
  version: string;
};
