/** A reward for a range of ranks, or for the best players in percent. */
export type RewardRule = { reward: string; fromRank: number; toRank: number } | { reward: string; topPercent: number };

/** Returns the rewards of a rank. */
export function rewardsOf(rules: readonly RewardRule[], rank: number, players: number): string[] {
  return rules
    .filter((rule) =>
      'topPercent' in rule ? rank <= winnersOf(rule.topPercent, players) : rank >= rule.fromRank && rank <= rule.toRank,
    )
    .map(({ reward }) => reward);
}

/** Returns the last rank that has a reward; 0 when there is none. */
export function lastRewardedRank(rules: readonly RewardRule[], players: number): number {
  return Math.min(
    players,
    Math.max(0, ...rules.map((rule) => ('topPercent' in rule ? winnersOf(rule.topPercent, players) : rule.toRank))),
  );
}

/** Returns the number of rewarded players: rounded up, so that even a few players have a winner. */
const winnersOf = (percent: number, players: number): number => Math.ceil((players * percent) / 100);
