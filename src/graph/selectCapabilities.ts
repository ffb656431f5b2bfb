import { ConfigError } from '../config';
import { nearestName } from '../domain/nearest';
import { capabilities } from './capabilities';
import type { AnyCapability } from './capability';

/**
 * Returns the capabilities that `LONGWATCH_CAPABILITIES` lists, comma separated. Default: all.
 * @throws ConfigError for an unknown name; the message lists the known names
 */
export function selectCapabilities(
  listed: string | undefined,
  known: readonly AnyCapability[] = capabilities,
): readonly AnyCapability[] {
  const wanted = (listed ?? '')
    .split(',')
    .map((one) => one.trim())
    .filter((one) => one !== '');
  if (wanted.length === 0) return known;
  const names = known.map(({ name }) => name);
  for (const name of wanted) {
    if (names.includes(name)) continue;
    const nearest = nearestName(name, names, /^$/);
    const advice = nearest === undefined ? '.' : `; did you mean ${nearest}?`;
    throw new ConfigError(
      `LONGWATCH_CAPABILITIES: there is no capability "${name}"${advice} Capabilities: ${names.join(', ')}`,
    );
  }
  return known.filter(({ name }) => wanted.includes(name));
}
