import type { z } from 'zod';

/** A fault of one setting, or of a rule between settings. */
export interface Fault {
  /** Name of the variable. */
  name: string;
  /** The allowed values, and the next step if one is needed. */
  message: string;
}

/** The types of parsed settings. */
export type SettingsOf<S> = { [K in keyof S]: S[K] extends z.ZodType ? z.output<S[K]> : never };

/** A rule between settings. `of` lists the settings that it reads; the fault is reported if `holds` returns false. */
export interface SettingRule<S extends z.ZodRawShape = z.ZodRawShape> extends Fault {
  of: readonly (keyof S)[];
  holds(config: SettingsOf<S>): boolean;
}

/** Settings of a capability and the rules between them. */
export interface SettingsGroup<S extends z.ZodRawShape = z.ZodRawShape> {
  settings: S;
  settingRules?: readonly SettingRule<S>[];
}
