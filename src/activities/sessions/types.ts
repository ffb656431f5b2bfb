import type { SweepReport } from '../../domain/sessions/workflows';

/** The activities of the sessions' workflows. */
export interface SessionActivities {
  /** Ends the expired sessions of a bucket, for up to `forMs` milliseconds while more sessions expire soon. */
  sweepSessions(bucket: number, forMs: number): Promise<SweepReport>;
}
