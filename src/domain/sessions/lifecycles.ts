import { standing, type Lifecycles } from '../platform/lifecycle';

/** The lifecycle rules of the workflow types of sessions; decision 0034 has the reasons. */
export const sessionLifecycles = {
  sessionExpiry: standing('The session sweeper never ends.'),
} as const satisfies Lifecycles;
