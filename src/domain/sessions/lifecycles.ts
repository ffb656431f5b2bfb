import { standing, type Lifecycles } from '../platform/lifecycle';

/** The rules of the workflow types. The reasons are in decision 0034. */
export const sessionLifecycles = {
  sessionExpiry: standing('The sweeper of sessions never ends.'),
} as const satisfies Lifecycles;
