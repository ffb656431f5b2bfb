import type { SignalDefinition } from '@temporalio/common';
import { iso } from '../ids';
import type { Season } from './board';
import type { WorkflowSignal, WorkflowStart } from '../platform/outbox';

/** The task queue of leaderboards. */
export const LEADERBOARDS_QUEUE = 'longwatch-leaderboards';

/** The workflow type of a season. */
export const SEASON_TYPE = 'season';
/** The workflow type with which the previous release signalled that a season's end was moved. */
export const SEASON_MOVED_TYPE = 'seasonMoved';
/** The workflow type that compares the rankings with the table. */
export const RANK_CHECK_TYPE = 'rankCheck';
/** The id of the rank check's schedule, and the prefix of the workflow ids of its runs. */
export const RANK_CHECK_ID = 'rank-check';

/** The DynamoDB stream of players' scores, from which the rank trees are built. */
export const LEADERBOARD_STREAM = 'leaderboard';

/** Returns the workflow id of a season; no other place spells it. REJECT_DUPLICATE allows one start for each season. */
export function seasonId(gameId: string, season: number): string {
  return `season/${gameId}/${season}`;
}

/** Returns the season of a workflow id made by {@link seasonId}; undefined for other workflow ids. */
export function seasonOf(workflowId: string): SeasonInput | undefined {
  const [, gameId, season] = /^season\/(.+)\/(\d+)$/.exec(workflowId) ?? [];
  return gameId === undefined ? undefined : { gameId, season: Number(season) };
}

/** The argument of the `season` workflow. */
export interface SeasonInput {
  gameId: string;
  season: number;
}

/** The result of the `season` workflow. */
export interface SeasonResult {
  players: number;
  /** Number of players with rewards. */
  rewarded: number;
  /** Number of players whose reward was refused permanently; absent when there is none. */
  skipped?: number;
  /** ISO 8601 UTC. */
  closedAt: string;
}

/** The values of `LongwatchStatus` of a season's workflow. */
export const seasonStatuses = ['running', 'closing', 'final'] as const;

/**
 * The signal that a season's end was moved. Equals the result of `defineSignal`, which is in the workflow package; the
 * API must not load that package.
 */
export const movedSignal = { type: 'signal', name: 'moved' } as unknown as SignalDefinition<[]>;

/** Returns the start of a season's workflow, for a season with an end. It is recorded when the season is planned. */
export function seasonStart(gameId: string, { number, startsAt, endsAt = startsAt }: Season): WorkflowStart {
  const input: SeasonInput = { gameId, season: number };
  return {
    workflowId: seasonId(gameId, number),
    workflowType: SEASON_TYPE,
    taskQueue: LEADERBOARDS_QUEUE,
    args: [input],
    summary: `Season ${number} of **${gameId}**, from ${iso(startsAt)}`,
    searchAttributes: {
      LongwatchStatus: 'running' satisfies (typeof seasonStatuses)[number],
      LongwatchSubject: gameId,
      LongwatchDueAt: endsAt,
    },
  };
}

/** Returns the signal that wakes a season's workflow, which still waits for the previous end. */
export function seasonMovedSignal(gameId: string, season: number): WorkflowSignal {
  return { workflowId: seasonId(gameId, season), signal: movedSignal.name, args: [] };
}

/**
 * Returns the workflow with which the previous release sent that signal; its outbox entries and runs may still exist.
 */
export function seasonMovedStart(gameId: string, season: number, revision: number): WorkflowStart {
  const input: SeasonInput = { gameId, season };
  return {
    workflowId: `season-moved/${gameId}/${season}/${revision}`,
    workflowType: SEASON_MOVED_TYPE,
    taskQueue: LEADERBOARDS_QUEUE,
    args: [input],
    summary: `Signals ${seasonId(gameId, season)} that its end was moved`,
    searchAttributes: { LongwatchSubject: gameId },
  };
}

/** `audit`: compare a ranking with the table and repair differences. `rebuild`: replace the ranking in any case. */
export type CheckMode = 'audit' | 'rebuild';

/** The argument of the `rankCheck` workflow. */
export interface RankCheckInput {
  mode: CheckMode;
  /** Absent: all boards. */
  gameId?: string;
  /** After a continue-as-new: the position at which the run continues, and the result so far. */
  cursor?: string;
  sofar?: RankCheckReport;
}

/** The result of a rank check. */
export interface RankCheckReport {
  /** Number of checked shards of seasons, of the players in them, and of the players with a wrong entry. */
  shards: number;
  players: number;
  differences: number;
  /** Number of rankings that were replaced. */
  replaced: number;
  /** Number of rankings whose check was refused permanently; absent when there is none. */
  skipped?: number;
}

/** Returns the workflow id of a requested check: one of each mode per game at a time. */
export function rankCheckId(mode: CheckMode, gameId: string): string {
  return `rank-${mode}/${gameId}`;
}
