import { z } from 'zod';
import { HOUR, integer, MINUTE, url } from './values';

/** Settings of the process itself. */
export const processSettings = {
  PORT: integer(3000, 0, 65_535).describe('Port of the HTTP API; 0 picks a free one'),
  HOST: z.string().default('127.0.0.1').describe('Address that the API listens on'),
  LONGWATCH_PUBLIC_URL: url.optional().describe('Address of the API as customers reach it, for links'),
  LONGWATCH_CAPABILITIES: z
    .string()
    .optional()
    .describe('Capabilities that this process has, comma separated; default all'),
  LONGWATCH_DATA_DIR: z.string().default('.longwatch').describe('Where the embedded stack keeps its data'),
  LONGWATCH_QUEUES: z
    .string()
    .optional()
    .describe('Task queues that this process serves, comma separated; default all'),
  LONGWATCH_GRACE_MS: integer(25_000, 1_000, HOUR).describe(
    'On SIGTERM: time that requests and activities under way have to finish; then the process ends all the same. ' +
      'Less than the orchestrator waits before it kills',
  ),
  LONGWATCH_STOP_DELAY_MS: integer(0, 0, 10 * MINUTE).describe(
    'On SIGTERM: time that the API still takes requests while /readyz already answers 503, where the load ' +
      'balancer hears of a stop by that alone',
  ),
  LONGWATCH_LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'silent']).default('info'),
};
