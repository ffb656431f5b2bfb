import { Counter, type Registry } from 'prom-client';

/** Metrics of submissions and rank checks. */
export class LeaderboardMetrics {
  private readonly submissions: Counter<'result'>;
  private readonly checked: Counter<'result'>;

  constructor(registry: Registry) {
    const registers = [registry];
    this.submissions = new Counter({
      name: 'longwatch_leaderboard_submissions_total',
      help: 'Score submissions, by result',
      labelNames: ['result'],
      registers,
    });
    this.checked = new Counter({
      name: 'longwatch_leaderboard_checked_players_total',
      help: 'Players whose rank was compared with their score: right, or wrong and corrected',
      labelNames: ['result'],
      registers,
    });
    for (const result of ['right', 'wrong']) this.checked.inc({ result }, 0);
  }

  /** Counts a score submission. */
  submission(result: 'applied' | 'unchanged' | 'repeated' | 'refused'): void {
    this.submissions.inc({ result });
  }

  /** Counts the players of a rank check. */
  rankingChecked({ players, differences }: { players: number; differences: number }): void {
    this.checked.inc({ result: 'right' }, Math.max(0, players - differences));
    if (differences > 0) this.checked.inc({ result: 'wrong' }, differences);
  }
}
