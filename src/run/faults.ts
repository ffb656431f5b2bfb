import { ApiKeyError, parseApiKeys } from '../api/auth';
import { isLoopback } from '../api/http/server';
import type { Fault, PlatformConfig } from '../config';
import type { Combined } from '../graph/combinedCapabilities';
import { missingEndpoints } from '../config/endpoints';
import { TemporalConfigError, temporalTarget } from '../gateways/temporal';
import { selectQueues, UnknownQueueError } from '../workers/selectQueues';
import type { Mode } from './index';

/**
 * Returns the settings that a process of this mode lacks or cannot use, in addition to the faults of single settings.
 */
export function startFaults(
  mode: Mode,
  config: PlatformConfig,
  env: Record<string, string | undefined>,
  { queues, needs }: Combined,
): Fault[] {
  const { LONGWATCH_API_KEYS: keys, LONGWATCH_JWKS_URL: jwksUrl, LONGWATCH_SIGNING_SECRET: secret, HOST } = config;
  const faults: Fault[] = [];
  const isKeyed = keys !== undefined || jwksUrl !== undefined;
  if (mode === 'api' && !isKeyed)
    faults.push({
      name: 'LONGWATCH_API_KEYS',
      message:
        'must be set (name:role:key,…; npm run api-key makes one), or LONGWATCH_JWKS_URL, because this mode ' +
        'embeds nothing',
    });
  else if (mode === 'all' && !isLoopback(HOST) && !isKeyed)
    faults.push({
      name: 'HOST',
      message: 'is not a loopback address. Set LONGWATCH_API_KEYS or LONGWATCH_JWKS_URL as well',
    });
  if (mode !== 'all' && secret === undefined)
    faults.push({
      name: 'LONGWATCH_SIGNING_SECRET',
      message: 'must be set (at least 32 random characters), because this mode embeds nothing',
    });
  faults.push(
    ...faultOf('LONGWATCH_QUEUES', UnknownQueueError, () => selectQueues(queues, config.LONGWATCH_QUEUES)),
    ...faultOf('LONGWATCH_API_KEYS', ApiKeyError, () => keys !== undefined && parseApiKeys(keys)),
  );
  if (mode !== 'all') faults.push(...missingEndpoints(config, env, needs));
  // Without any address the client would use localhost, and there would be nothing to check.
  if (config.TEMPORAL_ADDRESS !== undefined || config.TEMPORAL_PROFILE !== undefined || env['TEMPORAL_CONFIG_FILE'])
    faults.push(
      ...faultOf('TEMPORAL_*', TemporalConfigError, () =>
        temporalTarget({ namespace: config.TEMPORAL_NAMESPACE }, env),
      ),
    );
  return faults;
}

function faultOf(name: string, kind: new (...args: never[]) => Error, check: () => unknown): Fault[] {
  try {
    check();
    return [];
  } catch (error) {
    if (!(error instanceof kind)) throw error;
    return [{ name, message: error.message.replace(`${name}: `, '') }];
  }
}
