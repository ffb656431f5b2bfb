import { LongwatchError } from '../errors';
import type { Order } from './ranking';
import type { RewardRule } from './rewards';

/** The effects that a submission can have on a player's score. */
export const operators = ['best', 'set', 'increment', 'decrement'] as const;
/** One of {@link operators}. */
export type Operator = (typeof operators)[number];

/** The limits of a submission. */
export interface Limits {
  minScore?: number;
  maxScore?: number;
  /** Maximum change of an existing score by one submission. */
  maxChange?: number;
}

/** The beginnings and ends of a board's seasons. */
export interface SeasonPlan {
  /** Epoch ms; default: the creation of the board. */
  startsAt?: number;
  /** Epoch ms of the first season's end; default: the next time of the recurrence. */
  endsAt?: number;
  /** Cron expression of five fields: each time ends a season and begins the next. */
  recurrence?: string;
  /** IANA time zone of the recurrence. */
  timeZone: string;
  /** Grace period in ms after the end, in which scores are accepted that were reached before it. */
  graceMs: number;
}

/** The definition of a board. */
export interface BoardDefinition {
  operator: Operator;
  order: Order;
  /** Whether scores have a subscore, which orders equal scores. */
  subscore: boolean;
  /** Number of partitions for a season's players; each accepts 1,000 submissions a second. */
  shards: number;
  limits: Limits;
  /** Absent: one season without an end. */
  seasons?: SeasonPlan;
  rewards: readonly RewardRule[];
}

/** A board with its state. */
export interface Board extends BoardDefinition {
  gameId: string;
  /** The version of the definition: 1, 2, 3, … */
  version: number;
  /** The number of the last planned season. */
  latestSeason: number;
}

/** The status of a season. `closing`: no score is accepted any more. `final`: standings and rewards are written. */
export type SeasonStatus = 'open' | 'closing' | 'final';

/** A season of a board. */
export interface Season {
  number: number;
  /** Epoch ms. */
  startsAt: number;
  /** Epoch ms; absent for a season without an end. */
  endsAt?: number;
  graceMs: number;
  status: SeasonStatus;
  /** Incremented with every change of the end. */
  revision: number;
  /** The rewards as defined when the season closed. */
  rewards?: readonly RewardRule[];
  closedAt?: number;
  /** Number of players in the final standings. */
  players?: number;
}

/** A player's submission of a score. */
export interface Submission {
  submissionId: string;
  playerId: string;
  /** The score, or its change. */
  score: number;
  subscore: number;
  name?: string;
  country?: string;
  /** Epoch ms at which the game says the score was reached; it matters only in a season's grace period. */
  at?: number;
}

/** The fields of a definition that cannot be changed, because the existing scores depend on them. */
const FIXED = ['operator', 'order', 'subscore', 'shards'] as const satisfies readonly (keyof BoardDefinition)[];

/**
 * Returns why a board cannot get another definition, or undefined.
 * @returns LongwatchError `conflict` (a field that cannot change, or seasons are added or removed)
 */
export function faultOfRedefinition(before: BoardDefinition, next: BoardDefinition): LongwatchError | undefined {
  const changed = FIXED.filter((name) => next[name] !== before[name]);
  if (changed.length > 0)
    return new LongwatchError(
      'conflict',
      `${changed.join(' and ')} of a board cannot change, because it has scores already; create another board`,
    );
  if (!next.seasons !== !before.seasons)
    return new LongwatchError(
      'conflict',
      'Seasons cannot be added to a board or removed from it; create another board',
    );
  return undefined;
}
