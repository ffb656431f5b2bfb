import { isIP } from 'node:net';
import { z } from 'zod';
import { url } from './values';

const isNetwork = (text: string): boolean => {
  const [address = '', bits, ...rest] = text.split('/');
  const version = isIP(address);
  return version !== 0 && rest.length === 0 && (bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (version === 4 ? 32 : 128)));
};

/** Who may call, and what is signed. */
export const accessSettings = {
  LONGWATCH_API_KEYS: z.string().optional().describe('API keys as name:role:key,… or, so that no key is in the environment, name:role:sha256=<hex>,… (npm run api-key makes one); without it the embedded stack makes one admin key'),
  LONGWATCH_JWKS_URL: url.optional().describe('JWKS that bearer JWTs are checked against; https, unless it is on this machine'),
  LONGWATCH_JWT_ISSUER: z.string().optional().describe('Expected `iss` of a JWT; must be set with LONGWATCH_JWKS_URL'),
  LONGWATCH_JWT_AUDIENCE: z.string().default('longwatch').describe('Expected `aud` of a JWT'),
  LONGWATCH_SIGNING_SECRET: z.string().min(32).optional().describe('Signs customer links and cookies; the embedded stack makes one'),
  LONGWATCH_TRUSTED_PROXIES: z
    .string()
    .transform((list) => list.split(',').map((one) => one.trim()))
    .refine((list) => list.every(isNetwork), 'must be addresses or networks like 10.0.0.0/8, comma separated')
    .optional()
    .describe('Addresses or networks, comma separated, whose X-Forwarded-For is believed: the load balancer before the API. Without it a caller is whoever connects'),
};
