import { z } from 'zod';
import { type Role, roles } from '../domain/caller';
import { integer, url } from './values';

/** `role=perSecond/burst,…`, each at most once; `none`. Undefined where it is neither. */
function parseRateLimits(text: string): Partial<Record<Role, { perSecond: number; burst: number }>> | undefined {
  if (text === 'none') return {};
  const limits: Partial<Record<Role, { perSecond: number; burst: number }>> = {};
  for (const one of text.split(',')) {
    const entry = /^(\w+)=(\d+(?:\.\d+)?)\/(\d+)$/.exec(one.trim());
    const role = entry?.[1] as Role | undefined;
    const [perSecond, burst] = [Number(entry?.[2]), Number(entry?.[3])];
    if (!role || !roles.includes(role) || limits[role] || !(perSecond > 0) || !(burst >= 1)) return undefined;
    limits[role] = { perSecond, burst };
  }
  return limits;
}

/** Who may call and how often, and what is signed. */
export const accessSettings = {
  LONGWATCH_API_KEYS: z.string().optional().describe('API keys as name:role:key,… ; without it the embedded stack makes one admin key'),
  LONGWATCH_JWKS_URL: url.optional().describe('JWKS that bearer JWTs are checked against'),
  LONGWATCH_JWT_ISSUER: z.string().optional().describe('Expected `iss` of a JWT'),
  LONGWATCH_JWT_AUDIENCE: z.string().default('longwatch').describe('Expected `aud` of a JWT'),
  LONGWATCH_SIGNING_SECRET: z.string().min(32).optional().describe('Signs customer links and webhooks; the embedded stack makes one'),
  LONGWATCH_MAX_CONCURRENT_REQUESTS: integer(256, 2, 10_000).describe('Requests under way at once, at most; how many fewer is found by how fast they are answered. Others are turned away with 503'),
  LONGWATCH_MAX_CONNECTIONS: integer(10_000, 10, 1_000_000).describe('Connections to the API that may be open at once'),
  LONGWATCH_CALLER_LIMITS: z
    .string()
    .default('customer=20/40,investigator=50/100,supervisor=50/100,service=2000/4000,admin=2000/4000')
    .transform(parseRateLimits)
    .refine((limits) => limits !== undefined, `must be role=requests a second/at once, comma separated, like customer=20/40, or none; roles are ${roles.join(', ')}`)
    .transform((limits) => limits ?? {})
    .describe('Requests that each caller may send to this process, by role: a second over time / at once. Beyond it: 429'),
};
