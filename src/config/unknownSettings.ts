import { nearestName } from '../domain/nearest';
import type { SettingsGroup } from './rules';

/** Variables that other code reads: Temporal's SDK, the command lines and the tests. */
const KNOWN_ELSEWHERE = [
  ...['ADDRESS', 'NAMESPACE', 'API_KEY', 'TLS', 'CONFIG_FILE', 'PROFILE', 'CODEC_ENDPOINT', 'CODEC_AUTH'].map(
    (name) => `TEMPORAL_${name}`,
  ),
  ...[
    'CLIENT_CERT_PATH',
    'CLIENT_CERT_DATA',
    'CLIENT_KEY_PATH',
    'CLIENT_KEY_DATA',
    'SERVER_CA_CERT_PATH',
    'SERVER_CA_CERT_DATA',
    'SERVER_NAME',
    'DISABLE_HOST_VERIFICATION',
  ].map((name) => `TEMPORAL_TLS_${name}`),
  ...['API_KEY', 'SECRET_ID', 'DEPLOY_SETTINGS', 'RECORD', 'RECORD_GRANTS', 'PICTURES'].map(
    (name) => `LONGWATCH_${name}`,
  ),
];
const PREFIX = /^(LONGWATCH|TEMPORAL)_/;
/** Variables that Kubernetes sets for services named longwatch or temporal. */
const SERVICE_LINK = /_(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT_\d+_\w+)$/;

/**
 * Returns a sentence for each LONGWATCH_* or TEMPORAL_* variable that no code reads, with the setting whose name is
 * most similar.
 */
export function unknownSettings(
  groups: readonly SettingsGroup[],
  env: Record<string, string | undefined> = process.env,
): string[] {
  const known = [...groups.flatMap(({ settings }) => Object.keys(settings)), ...KNOWN_ELSEWHERE];
  return Object.entries(env)
    .filter(
      ([name, value]) =>
        PREFIX.test(name) &&
        value &&
        !known.includes(name) &&
        !name.startsWith('TEMPORAL_GRPC_META_') &&
        !SERVICE_LINK.test(name) &&
        !value.startsWith('tcp://'),
    )
    .map(([name]) => {
      const nearest = nearestName(name, known, PREFIX);
      const advice = nearest === undefined ? '--help lists all settings' : `did you mean ${nearest}?`;
      return `${name} is not a setting and has no effect; ${advice}`;
    });
}
