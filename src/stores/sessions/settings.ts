import type { SessionEnded } from '../../domain/sessions/session';

export interface RecordSettings {
  /** Begins every key: applications that share a table do not see each other's sessions. */
  prefix: string;
  /** Partitions of the expiry index; 0: no sweeper, nothing is written to the index. */
  buckets: number;
  /** An end leaves its event owed, in the index, until it is settled. */
  events: boolean;
  /** For how long an end is remembered of a session that was never saved. */
  absoluteMs: number;
  now(): number;
  watch?: SessionWatch;
}

/** Told what becomes of sessions. */
export interface SessionWatch {
  created?(): void;
  ended?(event: SessionEnded, key: string): void;
  touched?(written: boolean): void;
  /** A save or a touch came after the end. */
  refused?(): void;
}
