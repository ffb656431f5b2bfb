import type { Client as TemporalClient } from '@temporalio/client';
import type { Random } from '../../../src/domain/fraud/random';
import type { Db } from '../../../src/stores/dynamodb';
import type { Caller } from './caller';

/** What a checker found wrong. */
export interface Violation {
  /** Which operation, so that it can be found in logs and tables. */
  operation: string;
  /** What its caller was told. */
  acknowledged: string;
  /** What is there. */
  found: string;
}

/** What a checker saw. */
export interface Verdict {
  /** Acknowledged operations whose effect was looked for. */
  verified: number;
  violations: Violation[];
}

/** Where the data is at the end, without faults in between. */
export interface Reader {
  /** The body of a GET. @throws Error for any answer but 200. */
  get<T>(path: string): Promise<T>;
  /** The status of a GET, and its body. */
  ask<T>(path: string, headers?: Record<string, string>): Promise<{ status: number; body: T }>;
  db: Db;
  /** All items of a table, read strongly consistent. */
  scan(table: string): Promise<Record<string, unknown>[]>;
  temporal: TemporalClient;
}

/** The run that an operation is part of. */
export interface Plan {
  seed: number;
  /** Of load with faults, in milliseconds. */
  durationMs: number;
}

/**
 * One capability under load. What it does follows from the random numbers alone, never from an answer; what it was told
 * is written into the journal. An operation counts as acknowledged once its 2xx was received. One that was sent and not
 * acknowledged may have happened, may happen later, or never: the checker allows each.
 */
export interface Capability<Journal = unknown> {
  name: string;
  /** Operations under way at once. */
  lanes: number;
  /** Between two operations of a lane, in milliseconds. */
  pauseMs: number;
  /** What must be there first; nothing is broken yet. */
  prepare(caller: Caller, plan: Plan): Promise<Journal>;
  /** One operation. `id` is the operation's own and the same in every run of the seed. */
  operate(caller: Caller, random: Random, journal: Journal, id: string): Promise<void>;
  /** Puts records on its stream that can never be processed. @returns how many were taken. */
  poison?(caller: Caller, random: Random, journal: Journal, id: string): Promise<number>;
  /** Compares what was acknowledged with what is there, and the invariants with the data. */
  verify(reader: Reader, journal: Journal): Promise<Verdict>;
}

/** Keeps the journal's type among the capability's functions; callers hand it back unseen. */
export function capability<Journal>(definition: Capability<Journal>): Capability {
  return definition as Capability;
}
