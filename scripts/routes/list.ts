import { everyRoute } from '../../src/api/app';
import type { AnyRoute } from '../../src/api/http/router';
import { readConfig } from '../../src/graph/config';
import { buildGraph } from '../../src/graph';

/** Returns every route of every capability. Opens no connection. */
export async function listRoutes(): Promise<AnyRoute[]> {
  const graph = buildGraph({
    config: readConfig({ LONGWATCH_LOG_LEVEL: 'silent' }),
    endpoints: {
      dynamodb: { endpoint: 'http://127.0.0.1:1' },
      sagemaker: { endpoint: 'http://127.0.0.1:1' },
      temporal: { address: '127.0.0.1:1' },
    },
    signingSecret: 'nothing is signed with this in a list',
    publicUrl: () => 'http://127.0.0.1',
  });
  return everyRoute({
    routes: graph.routes,
    readiness: () => graph.readiness('elsewhere'),
    registry: graph.metrics.registry,
    version: '',
  });
}
