export const SESSIONS_QUEUE = 'longwatch-sessions';

export const SESSION_EXPIRY_TYPE = 'sessionExpiry';

/** One a bucket of the expiry index; started with USE_EXISTING by every worker, so it is always there. */
export function sessionExpiryId(bucket: number): string {
  return `session-expiry/${bucket}`;
}

export interface SessionExpiryInput {
  bucket: number;
  /** How long one activity goes on while sessions keep coming due, in milliseconds. */
  sweepMs: number;
}

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
