import { z } from 'zod';
import { url } from './values';

/** Who may call, and what is signed. */
export const accessSettings = {
  LONGWATCH_API_KEYS: z.string().optional().describe('API keys as name:role:key,… ; without it the embedded stack makes one admin key'),
  LONGWATCH_JWKS_URL: url.optional().describe('JWKS that bearer JWTs are checked against'),
  LONGWATCH_JWT_ISSUER: z.string().optional().describe('Expected `iss` of a JWT'),
  LONGWATCH_JWT_AUDIENCE: z.string().default('longwatch').describe('Expected `aud` of a JWT'),
  LONGWATCH_SIGNING_SECRET: z.string().min(32).optional().describe('Signs customer links and webhooks; the embedded stack makes one'),
};
