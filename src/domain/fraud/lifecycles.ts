import { job, rowed, type Lifecycles } from '../platform/lifecycle';

/** The rules of the workflow types. The reasons are in decision 0034. */
export const fraudLifecycles = {
  investigation: rowed('To end a case, send the update `decide`, or POST /v1/investigations/{id}/decide.', 'itself'),
  driftReport: job('schedule', 'The next scheduled report covers the same days.'),
} as const satisfies Lifecycles;
