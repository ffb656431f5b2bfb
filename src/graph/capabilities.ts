import { ConfigError, type PlatformConfig, type SettingsOf } from '../config';
import { nearestName } from '../domain/nearest';
import { type AnyCapability, erased } from './capability';
import { combine } from './combinedCapabilities';
import { carts } from './carts';
import { devices } from './devices';
import { feeds } from './feeds';
import { fraud } from './fraud';
import { leaderboards } from './leaderboards';
import { sessions } from './sessions';

/** The list of all capabilities. */
const declared = [fraud, sessions, carts, leaderboards, feeds, devices] as const;

/** All capabilities. */
export const capabilities: readonly AnyCapability[] = declared.map((one) => erased(one as never));

/** The combined declarations of the platform and all capabilities. */
export const everything = combine(capabilities);

/**
 * Returns the capabilities that `LONGWATCH_CAPABILITIES` lists, comma separated. Default: all.
 * @throws ConfigError for an unknown name; the message lists the known names
 */
export function selectCapabilities(
  listed: string | undefined,
  known: readonly AnyCapability[] = capabilities,
): readonly AnyCapability[] {
  if (!listed) return known;
  const names = known.map(({ name }) => name);
  const wanted = listed.split(',').map((one) => one.trim());
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

type Intersection<U> = (U extends unknown ? (one: U) => void : never) extends (all: infer I) => void ? I : never;

/** The settings of a process that has all capabilities. */
export type Config = PlatformConfig & SettingsOf<Intersection<(typeof declared)[number]['settings']>>;
