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
