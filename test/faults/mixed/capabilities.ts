import type { Capability } from './capability';
import { carts } from './carts';
import { devices } from './devices';
import { feeds } from './feeds';
import { fraud } from './fraud';
import { leaderboards } from './leaderboards';
import { sessions } from './sessions';

/** All that Longwatch does. */
export const capabilities: readonly Capability[] = [fraud, sessions, carts, leaderboards, feeds, devices];
