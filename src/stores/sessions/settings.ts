import type { SessionEnded } from '../../domain/sessions/session';

/** The settings of session records. */
export interface RecordSettings {
  /** Prefix of every key, so that applications that share a table do not see each other's sessions. */
  prefix: string;
  /** Number of partitions of the expiry index. 0: no sweeper, and no writes to the index. */
  buckets: number;
  /** An ended session stays in the index until its event is delivered. */
  events: boolean;
  /**
   * The absolute timeout in milliseconds. The tombstone of a session that was never saved remains for this time plus a
   * day.
   */
  absoluteMs: number;
  now(): number;
  watch?: SessionWatch;
}

/** Receives the events of sessions, for metrics. */
export interface SessionWatch {
  created?(): void;
  ended?(event: SessionEnded, key: string): void;
  touched?(written: boolean): void;
  /** A save or a touch came after the session's end. */
  refused?(): void;
}
