import type { PlatformConfig, SettingsOf } from '../config';
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

type Intersection<U> = (U extends unknown ? (one: U) => void : never) extends (all: infer I) => void ? I : never;

/** The settings of a process that has all capabilities. */
export type Config = PlatformConfig & SettingsOf<Intersection<(typeof declared)[number]['settings']>>;
