import { z } from 'zod';
import { cron, DAY, integer, MINUTE, url } from './values';

/** Settings of Temporal, its workers and the reconciler. */
export const temporalSettings = {
  TEMPORAL_ADDRESS: z
    .string()
    .optional()
    .describe(
      'host:port of an external Temporal, in place of the embedded dev server. TEMPORAL_API_KEY, ' +
        'TEMPORAL_TLS_* and similar variables are read as Temporal documents them',
    ),
  TEMPORAL_NAMESPACE: z.string().default('default'),
  TEMPORAL_PROFILE: z.string().optional().describe("Profile of Temporal's own config file: address, TLS, API key"),
  TEMPORAL_DEPLOYMENT_NAME: z
    .string()
    .regex(/^[A-Za-z0-9_-]{1,200}$/, 'must be letters, digits, _ and -')
    .optional()
    .describe('Worker deployment of this process; with TEMPORAL_WORKER_BUILD_ID, Temporal routes workflows by version'),
  TEMPORAL_WORKER_BUILD_ID: z
    .string()
    .regex(/^[A-Za-z0-9_.-]{1,200}$/, 'must be letters, digits, _ . and -')
    .optional()
    .describe('Build id of this process in its worker deployment'),
  LONGWATCH_VERSIONING: z
    .enum(['AUTO_UPGRADE', 'PINNED'])
    .default('AUTO_UPGRADE')
    .describe(
      'With a worker deployment, what running workflows do when another build becomes current: ' +
        'AUTO_UPGRADE: they move to it; PINNED: they stay on their build',
    ),
  TEMPORAL_UI_PORT: integer(8233, 0, 65_535).describe('Port of the embedded Web UI'),
  TEMPORAL_UI_URL: url.optional().describe('URL of an external Temporal’s Web UI, for links'),
  LONGWATCH_RECONCILE_EVERY_MS: integer(3 * MINUTE, 1_000, 366 * DAY).describe(
    'Time between two quick reconciliations, which restart terminated, failed and timed-out workflows',
  ),
  LONGWATCH_RECONCILE_CRON: cron('45 2 * * *').describe(
    'Cron (UTC) of the full reconciliation, which compares every open row with the running workflows',
  ),
  LONGWATCH_WORKFLOW_BUNDLE: z
    .string()
    .optional()
    .describe(
      'File of the bundled workflows. Default: the one from the build; without it, a worker bundles them ' +
        'at start. With encryption the file …-encrypting.js beside it is used',
    ),
  TEMPORAL_CLI_PATH: z.string().optional().describe('Path of the temporal executable for the embedded dev server'),
};
