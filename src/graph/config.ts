import {
  ConfigError,
  type Fault,
  parseEnvironment,
  type SettingsGroup,
  settingsGroups,
  settingsReference,
  unknownSettings,
} from '../config';
import type { ServiceName } from '../config/parts';
import { nearestName } from '../domain/nearest';
import { capabilities, type Config } from './capabilities';
import type { AnyCapability } from './capability';
import { combine } from './combined';

export type { Config } from './capabilities';

type Environment = Record<string, string | undefined>;

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

/** Returns the settings of a process with these capabilities, by group. */
function groupsOf(chosen: readonly AnyCapability[]): SettingsGroup[] {
  return settingsGroups(Object.keys(combine(chosen).needs.parts) as ServiceName[], chosen);
}

/**
 * Reads the settings of the chosen capabilities. A capability that is not chosen has no settings, so only the
 * capability's own code may read them.
 * @throws ConfigError with one line per faulty setting
 */
export function readConfig(
  env: Environment = process.env,
  further: (config: Config) => readonly Fault[] = () => [],
  known: readonly AnyCapability[] = capabilities,
): Config {
  return parseEnvironment<Config>(groupsOf(selectCapabilities(env['LONGWATCH_CAPABILITIES'], known)), env, further);
}

/** Returns the name, default and meaning of every setting of the chosen capabilities. */
export const configReference = (
  env: Environment = process.env,
  known: readonly AnyCapability[] = capabilities,
): ReturnType<typeof settingsReference> =>
  settingsReference(groupsOf(selectCapabilities(env['LONGWATCH_CAPABILITIES'], known)));

/**
 * Returns a sentence for every `LONGWATCH_*` or `TEMPORAL_*` variable that no code reads. Settings of capabilities that
 * are not chosen are not reported.
 */
export const unknownVariables = (env: Environment = process.env): string[] =>
  unknownSettings(groupsOf(capabilities), env);
