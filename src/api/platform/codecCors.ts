import cors from 'cors';
import type { RequestHandler } from 'express';

/**
 * Path prefix of the codec's routes. Only these routes may be called by pages of another origin (Temporal's Web UI).
 */
export const CODEC_PATH = '/v1/codec';

/**
 * Returns a CORS middleware that lets pages of these origins call with the headers that Temporal's Web UI sends.
 * Browsers hide the responses from pages of all other origins. Cookies are not allowed: the caller sends a token.
 */
export function codecCors(origins: readonly string[]): RequestHandler {
  return cors({
    origin: [...origins],
    methods: ['POST'],
    allowedHeaders: ['content-type', 'x-namespace', 'authorization', 'authorization-extras'],
    maxAge: 600,
    optionsSuccessStatus: 204,
  });
}
