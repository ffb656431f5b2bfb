/** What one activity of a sweeper did. */
export interface SweepReport {
  /** Sessions ended, by reason. */
  idle: number;
  absolute: number;
  /** Were used since, and are looked at again later. */
  rearmed: number;
  /** Ends that had not been reported by whoever ended them. */
  reported: number;
  /** The latest end after its due instant, in milliseconds. */
  latestMs: number;
  /** Until the next look, in milliseconds: an instant would be read by another machine's clock. */
  sleepMs: number;
}

/** What the session workflows may ask for. */
export interface SessionActivities {
  /** Ends what is due in a bucket, and goes on for so long while more comes due soon. */
  sweepSessions(bucket: number, forMs: number): Promise<SweepReport>;
}
