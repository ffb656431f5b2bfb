import { z } from 'zod';
import { HOUR, integer, MINUTE, url } from './values';

/** Settings of the process itself. */
export const processSettings = {
  PORT: integer(3000, 0, 65_535).describe('Port of the HTTP API; 0: any free port'),
  HOST: z.string().default('127.0.0.1').describe('Address on which the API listens'),
  LONGWATCH_PUBLIC_URL: url.optional().describe('URL of the API as customers reach it, for links in messages'),
  // selectCapabilities (src/graph/selectCapabilities.ts) parses the list.
  LONGWATCH_CAPABILITIES: z.string().optional().describe('Capabilities of this process, comma separated; default all'),
  LONGWATCH_DATA_DIR: z.string().default('.longwatch').describe('Folder of the embedded stack’s data'),
  LONGWATCH_QUEUES: z
    .string()
    .optional()
    .describe('Task queues that this process serves, comma separated; default all'),
  LONGWATCH_GRACE_MS: integer(25_000, 1_000, HOUR).describe(
    'On SIGTERM: time that active requests and activities have to finish before the process exits. Must ' +
      'be shorter than the orchestrator’s own limit',
  ),
  LONGWATCH_STOP_DELAY_MS: integer(0, 0, 10 * MINUTE).describe(
    'On SIGTERM: time that the API still accepts requests while /readyz already answers 503. For load ' +
      'balancers that detect a stop only by /readyz',
  ),
  LONGWATCH_LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'silent']).default('info'),
};
