import type { z } from 'zod';

/** A fault of one setting. */
export interface Fault {
  /** The variable. */
  name: string;
  /** What is allowed, and the next step. */
  message: string;
}

/** The values that settings have once they are parsed. */
export type SettingsOf<S> = { [K in keyof S]: S[K] extends z.ZodType ? z.output<S[K]> : never };

/** What settings require of each other; `of` are the settings that the rule reads. */
export interface SettingRule<S extends z.ZodRawShape = z.ZodRawShape> extends Fault {
  of: readonly (keyof S)[];
  holds(config: SettingsOf<S>): boolean;
}

/** Settings of one capability, and the rules between them. */
export interface SettingsGroup<S extends z.ZodRawShape = z.ZodRawShape> {
  settings: S;
  settingRules?: readonly SettingRule<S>[];
}
