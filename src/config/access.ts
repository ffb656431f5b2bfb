import { isIP } from 'node:net';
import { z } from 'zod';
import { type Role, roles } from '../domain/platform/caller';
import { type LoadClass, loadClasses } from '../domain/platform/loadClass';
import { integer, url } from './values';

/** Parses `role=perSecond/burst,…`, each role at most once, or `none`. Returns undefined for anything else. */
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

/** A setting of the form `class=milliseconds,…`. A class that is not named keeps its default. */
function byLoadClass(defaults: Readonly<Record<LoadClass, number>>, [min, max]: readonly [number, number]) {
  const parse = (text: string): Record<LoadClass, number> | undefined => {
    const given = { ...defaults };
    for (const one of text.split(',')) {
      const entry = /^(\w+)=(\d+)$/.exec(one.trim());
      const loadClass = entry?.[1] as LoadClass | undefined;
      const ms = Number(entry?.[2]);
      if (!loadClass || !loadClasses.includes(loadClass) || ms < min || ms > max) return undefined;
      given[loadClass] = ms;
    }
    return given;
  };
  return z
    .string()
    .default(loadClasses.map((one) => `${one}=${defaults[one]}`).join(','))
    .transform(parse)
    .refine(
      (found) => found !== undefined,
      `must be class=milliseconds, comma separated, like money=1000; classes are ${loadClasses.join(', ')}, and ` +
        `milliseconds are ${min} to ${max}`,
    )
    .transform((found) => found ?? { ...defaults });
}

const isNetwork = (text: string): boolean => {
  const [address = '', bits, ...rest] = text.split('/');
  const version = isIP(address);
  return (
    version !== 0 &&
    rest.length === 0 &&
    (bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (version === 4 ? 32 : 128)))
  );
};

/** Settings of authentication, rate limits and admission control. */
export const accessSettings = {
  LONGWATCH_API_KEYS: z
    .string()
    .optional()
    .describe(
      'API keys: name:role:key,… or name:role:sha256=<hex>,… (the hash keeps the key itself out of the ' +
        'environment; npm run api-key makes both). Default with npm start: one generated admin key',
    ),
  LONGWATCH_JWKS_URL: url
    .optional()
    .describe('URL of the JWKS that verifies bearer JWTs; https, except for a loopback address'),
  LONGWATCH_JWT_ISSUER: z.string().optional().describe('Required `iss` of a JWT; must be set with LONGWATCH_JWKS_URL'),
  LONGWATCH_JWT_AUDIENCE: z.string().default('longwatch').describe('Required `aud` of a JWT'),
  LONGWATCH_SIGNING_SECRET: z
    .string()
    .min(32)
    .optional()
    .describe(
      'Secret that signs links to customers and session cookies; at least 32 characters. Default with npm ' +
        'start: a generated one',
    ),
  LONGWATCH_TRUSTED_PROXIES: z
    .string()
    .transform((list) => list.split(',').map((one) => one.trim()))
    .refine((list) => list.every(isNetwork), 'must be addresses or networks like 10.0.0.0/8, comma separated')
    .optional()
    .describe(
      'Addresses or networks of load balancers whose X-Forwarded-For header is trusted, comma separated. ' +
        'Default: none, so the client address is that of the connection',
    ),
  LONGWATCH_MAX_CONCURRENT_REQUESTS: integer(256, 2, 10_000).describe(
    'Maximum number of requests processed at once. The process adapts its actual limit below this ' +
      'number to the load; further requests wait in the admission queue',
  ),
  LONGWATCH_QUEUE_BUDGETS: byLoadClass({ money: 1_000, interactive: 1_000, bulk: 1_000 }, [10, 60_000]).describe(
    'Maximum wait of a request in the admission queue, in milliseconds by load class. A request that ' +
      'cannot start in time is answered 503',
  ),
  LONGWATCH_HANDLER_DEADLINES: byLoadClass(
    { money: 20_000, interactive: 30_000, bulk: 30_000 },
    [100, 600_000],
  ).describe('Maximum processing time of a request, in milliseconds by load class. After it the client gets 504'),
  LONGWATCH_MAX_CONNECTIONS: integer(10_000, 10, 1_000_000).describe('Maximum number of open connections to the API'),
  LONGWATCH_CALLER_LIMITS: z
    .string()
    .default('customer=20/40,investigator=50/100,supervisor=50/100,service=2000/4000,admin=2000/4000')
    .transform(parseRateLimits)
    .refine(
      (limits) => limits !== undefined,
      'must be role=requests a second/at once, comma separated, like customer=20/40, or none; roles are ' +
        `${roles.join(', ')}`,
    )
    .transform((limits) => limits ?? {})
    .describe(
      'Rate limit of each caller in this process, by role: requests a second on average / at once. ' +
        'Further requests are answered 429',
    ),
};
