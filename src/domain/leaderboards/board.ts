import type { Order } from './ranking';

export const operators = ['best', 'set', 'increment', 'decrement'] as const;
/** What a submission does to a player's score. */
export type Operator = (typeof operators)[number];

/** What one submission may be. */
export interface Limits {
  minScore?: number;
  maxScore?: number;
  /** How far one submission may move a score that is there. */
  maxChange?: number;
}

/** What players win: those of some ranks, or the best of all in percent. */
export type RewardRule = { reward: string; fromRank: number; toRank: number } | { reward: string; topPercent: number };

/** When seasons begin and end. */
export interface SeasonPlan {
  /** Epoch ms; default: when the board is made. */
  startsAt?: number;
  /** Epoch ms, of the first season; default: the recurrence says. */
  endsAt?: number;
  /** Cron: each time ends a season and begins the next. */
  recurrence?: string;
  /** IANA name that the recurrence is read in. */
  timeZone: string;
  /** How long after the end scores are taken that were reached before it. */
  graceMs: number;
}

export interface BoardDefinition {
  operator: Operator;
  order: Order;
  /** Scores have a second part that decides between equal ones. */
  subscore: boolean;
  /** Partitions that a season's players are spread over: each takes 1,000 submissions a second. */
  shards: number;
  limits: Limits;
  /** Absent: one season that never ends. */
  seasons?: SeasonPlan;
  rewards: readonly RewardRule[];
}

export interface Board extends BoardDefinition {
  gameId: string;
  /** 1, 2, 3, … of the definition. */
  version: number;
  /** The last that is planned. */
  latestSeason: number;
}

/** `closing`: no score can come in any more; `final`: the standings are written and the rewards granted. */
export type SeasonStatus = 'open' | 'closing' | 'final';

export interface Season {
  number: number;
  /** Epoch ms. */
  startsAt: number;
  /** Epoch ms; absent: never. */
  endsAt?: number;
  graceMs: number;
  status: SeasonStatus;
  /** Counts the changes of its end. */
  revision: number;
  /** As they were when it closed. */
  rewards?: readonly RewardRule[];
  closedAt?: number;
  /** How many are in the final standings. */
  players?: number;
}

export interface Submission {
  submissionId: string;
  playerId: string;
  /** The score, or by how much it changes. */
  score: number;
  subscore: number;
  name?: string;
  country?: string;
  /** When it was reached, as the game says (epoch ms); counts in a season's grace alone. */
  at?: number;
}

/** The parts of a definition that can never change: scores were taken by them. */
export const FIXED = ['operator', 'order', 'subscore', 'shards'] as const satisfies readonly (keyof BoardDefinition)[];

/** What a rank wins. */
export function rewardsOf(rules: readonly RewardRule[], rank: number, players: number): string[] {
  return rules
    .filter((rule) =>
      'topPercent' in rule ? rank <= winnersOf(rule.topPercent, players) : rank >= rule.fromRank && rank <= rule.toRank,
    )
    .map(({ reward }) => reward);
}

/** The last rank that wins anything. */
export function lastRewardedRank(rules: readonly RewardRule[], players: number): number {
  return Math.min(
    players,
    Math.max(0, ...rules.map((rule) => ('topPercent' in rule ? winnersOf(rule.topPercent, players) : rule.toRank))),
  );
}

/** A share of few players is somebody still. */
const winnersOf = (percent: number, players: number): number => Math.ceil((players * percent) / 100);
