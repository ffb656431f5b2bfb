/** The task queue of the session sweepers. */
export const SESSIONS_QUEUE = 'longwatch-sessions';

/** The workflow type of a session sweeper. */
export const SESSION_EXPIRY_TYPE = 'sessionExpiry';

/** Returns the workflow id of the sweeper of one bucket of the expiry index; every worker starts it (USE_EXISTING). */
export function sessionExpiryId(bucket: number): string {
  return `session-expiry/${bucket}`;
}

/** The argument of the `sessionExpiry` workflow. */
export interface SessionExpiryInput {
  bucket: number;
  /** Maximum duration of one activity while sessions keep becoming due, in milliseconds. */
  sweepMs: number;
}

/** The result of one activity of a sweeper. */
export interface SweepReport {
  /** Number of ended sessions, by reason. */
  idle: number;
  absolute: number;
  /** Number of sessions that were used since; their check was moved. */
  rearmed: number;
  /** Number of events that were sent because the process that ended the session had not sent them. */
  reported: number;
  /** The longest delay of an end after its due instant, in milliseconds. */
  latestMs: number;
  /** Milliseconds until the next sweep. A duration, because an instant would depend on another machine's clock. */
  sleepMs: number;
}
