import type { SignalDefinition } from '@temporalio/common';
import { iso } from '../ids';
import type { Season } from './board';
import type { WorkflowSignal, WorkflowStart } from '../platform/outbox';

export const LEADERBOARDS_QUEUE = 'longwatch-leaderboards';

export const SEASON_TYPE = 'season';
export const SEASON_MOVED_TYPE = 'seasonMoved';
export const RANK_CHECK_TYPE = 'rankCheck';
/** The schedule, and the beginning of its runs' workflow ids. */
export const RANK_CHECK_ID = 'rank-check';

/** The stream of players' scores, which the ranks are built from. */
export const LEADERBOARD_STREAM = 'leaderboard';

/** The one place that spells the id. Started at most once a season: REJECT_DUPLICATE. */
export function seasonId(gameId: string, season: number): string {
  return `season/${gameId}/${season}`;
}

/** The season of a workflow id that {@link seasonId} made. */
export function seasonOf(workflowId: string): SeasonInput | undefined {
  const [, gameId, season] = /^season\/(.+)\/(\d+)$/.exec(workflowId) ?? [];
  return gameId === undefined ? undefined : { gameId, season: Number(season) };
}

export interface SeasonInput {
  gameId: string;
  season: number;
}

export interface SeasonResult {
  players: number;
  /** Players who were granted something. */
  rewarded: number;
  /** Players whose reward could not be granted, because it was refused for good; absent where there is none. */
  skipped?: number;
  /** ISO 8601 UTC. */
  closedAt: string;
}

export const seasonStatuses = ['running', 'closing', 'final'] as const;

// What `defineSignal` returns; it lives in the workflow package, which the API must not load.
export const movedSignal = { type: 'signal', name: 'moved' } as unknown as SignalDefinition<[]>;

/** The workflow that a season with an end owes, from when it is planned. */
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

/** The signal that wakes a season's workflow, which sleeps until the old end. */
export function seasonMovedSignal(gameId: string, season: number): WorkflowSignal {
  return { workflowId: seasonId(gameId, season), signal: movedSignal.name, args: [] };
}

/** The workflow by which the last release sent that signal: its outbox entries and its runs may still be there. */
export function seasonMovedStart(gameId: string, season: number, revision: number): WorkflowStart {
  const input: SeasonInput = { gameId, season };
  return {
    workflowId: `season-moved/${gameId}/${season}/${revision}`,
    workflowType: SEASON_MOVED_TYPE,
    taskQueue: LEADERBOARDS_QUEUE,
    args: [input],
    summary: `Tells ${seasonId(gameId, season)} that its end was moved`,
    searchAttributes: { LongwatchSubject: gameId },
  };
}

/** `audit`: compare with the table, repair what differs; `rebuild`: replace whatever the comparison says. */
export type CheckMode = 'audit' | 'rebuild';

export interface RankCheckInput {
  mode: CheckMode;
  /** Absent: all boards. */
  gameId?: string;
  /** After a continue-as-new: where to go on, and what was found so far. */
  cursor?: string;
  sofar?: RankCheckReport;
}

export interface RankCheckReport {
  /** Shards of seasons that were checked, the players in them, and how many of those stood wrong. */
  shards: number;
  players: number;
  differences: number;
  /** Rankings that were replaced. */
  replaced: number;
  /** Rankings that could not be checked, because a step was refused for good; absent where there is none. */
  skipped?: number;
}

/** One of a game at a time. */
export function rankCheckId(mode: CheckMode, gameId: string): string {
  return `rank-${mode}/${gameId}`;
}
