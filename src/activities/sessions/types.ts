import type { SweepReport } from '../../domain/sessions/workflows';

/** What the session workflows may ask for. */
export interface SessionActivities {
  /** Ends what is due in a bucket, and goes on for so long while more comes due soon. */
  sweepSessions(bucket: number, forMs: number): Promise<SweepReport>;
}
