import { z } from 'zod';
import { cron, DAY, integer, MINUTE, url } from './values';

/** Settings of Temporal, its workers and the reconciler. */
export const temporalSettings = {
  TEMPORAL_ADDRESS: z
    .string()
    .optional()
    .describe(
      'Temporal other than the embedded dev server, host:port; TEMPORAL_API_KEY, TEMPORAL_TLS_* and the like are ' +
        'read as Temporal documents them',
    ),
  TEMPORAL_NAMESPACE: z.string().default('default'),
  TEMPORAL_PROFILE: z.string().optional().describe("Profile of Temporal's own config file: address, TLS, API key"),
  TEMPORAL_DEPLOYMENT_NAME: z
    .string()
    .regex(/^[A-Za-z0-9_-]{1,200}$/, 'must be letters, digits, _ and -')
    .optional()
    .describe(
      'Worker deployment that this process belongs to; with TEMPORAL_WORKER_BUILD_ID workflows are routed by version',
    ),
  TEMPORAL_WORKER_BUILD_ID: z
    .string()
    .regex(/^[A-Za-z0-9_.-]{1,200}$/, 'must be letters, digits, _ . and -')
    .optional()
    .describe('Which build of the deployment this process runs'),
  LONGWATCH_VERSIONING: z
    .enum(['AUTO_UPGRADE', 'PINNED'])
    .default('AUTO_UPGRADE')
    .describe(
      'With a worker deployment, what becomes of workflows under way when another build is made current: ' +
        'AUTO_UPGRADE: they go over to it; PINNED: they end where they began',
    ),
  TEMPORAL_UI_PORT: integer(8233, 0, 65_535).describe('Port of the embedded Web UI'),
  TEMPORAL_UI_URL: url.optional().describe('Web UI of an external Temporal, for links'),
  LONGWATCH_RECONCILE_EVERY_MS: integer(3 * MINUTE, 1_000, 366 * DAY).describe(
    'Time between two quick looks of the reconciler, which starts terminated, failed and timed-out workflows again',
  ),
  LONGWATCH_RECONCILE_CRON: cron('45 2 * * *').describe(
    'Cron (UTC) of the reconciler’s full look, which compares every open row with the running workflows',
  ),
  LONGWATCH_WORKFLOW_BUNDLE: z
    .string()
    .optional()
    .describe(
      'File of the bundled workflows; default the one that the build made, without which a worker bundles them ' +
        'when it starts. With encryption its neighbour, …-encrypting.js',
    ),
  TEMPORAL_CLI_PATH: z.string().optional().describe('The temporal executable to run as dev server'),
};
