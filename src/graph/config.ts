import { type Fault, parseEnvironment, type SettingsGroup, settingsGroups, settingsReference } from '../config';
import type { ServiceName } from '../config/services';
import { capabilities, type Config } from './capabilities';
import type { AnyCapability } from './capability';
import { combine } from './combinedCapabilities';
import { selectCapabilities } from './selectCapabilities';
import { unknownSettings } from '../config/unknownSettings';

export type { Config } from './capabilities';

type Environment = Record<string, string | undefined>;

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
