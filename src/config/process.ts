import { z } from 'zod';
import { integer, url } from './values';

/** The process itself. */
export const processSettings = {
  PORT: integer(3000, 0, 65_535).describe('Port of the HTTP API; 0 picks a free one'),
  HOST: z.string().default('127.0.0.1').describe('Address that the API listens on'),
  LONGWATCH_PUBLIC_URL: url.optional().describe('Address of the API as customers reach it, for links'),
  LONGWATCH_DATA_DIR: z.string().default('.longwatch').describe('Where the embedded stack keeps its data'),
  LONGWATCH_QUEUES: z.string().optional().describe('Task queues that this process serves, comma separated; default all'),
  LONGWATCH_LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'silent']).default('info'),
};
