import { job, rowed, type Lifecycles } from '../platform/lifecycle';

/** The lifecycle rules of the workflow types of fraud; decision 0034 has the reasons. */
export const fraudLifecycles = {
  investigation: rowed('To end a case, send the update `decide`, or POST /v1/investigations/{id}/decide.', 'itself'),
  driftReport: job('schedule', 'The next scheduled report covers the same days.'),
} as const satisfies Lifecycles;
