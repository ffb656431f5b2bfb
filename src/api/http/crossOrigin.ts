import cors from 'cors';
import type { RequestHandler } from 'express';

/** Where the codec's routes begin: the only ones that pages of another origin, the Web UI's, may call. */
export const CODEC_PATH = '/v1/codec';

/**
 * Lets pages of these origins call, with the headers that Temporal's Web UI sends; pages of any other origin get no
 * answer that their browser lets them read. No cookies: whoever calls shows a token.
 */
export function crossOrigin(origins: readonly string[]): RequestHandler {
  return cors({
    origin: [...origins],
    methods: ['POST'],
    allowedHeaders: ['content-type', 'x-namespace', 'authorization', 'authorization-extras'],
    maxAge: 600,
    optionsSuccessStatus: 204,
  });
}
