import { LongwatchError } from '../../domain/errors';
import { inLanes } from '../../domain/lanes';
import type { Board, Season, Submission } from '../../domain/leaderboards/board';
import { noSeason, seasonOf } from '../../domain/leaderboards/seasons';
import { refusalOf, type SubmissionStatus } from '../../domain/leaderboards/submission';
import type { BoardStore } from '../../stores/leaderboards/boards';
import type { ScoreStore, Submitted } from '../../stores/leaderboards/scores';
import type { Boards } from './boards';
import { type Clock, systemClock } from '../../timing/clock';

/** The parts that {@link Submissions} needs. */
export interface SubmissionsParts {
  boards: Pick<Boards, 'view'>;
  store: BoardStore;
  scores: ScoreStore;
  onResult?(result: SubmissionStatus | 'refused'): void;
  clock?: Clock;
}

/** The result of a submission: the stored score, or the error with which it was refused. */
export type SubmissionResult = (Submitted & { season: number }) | LongwatchError;

/** Number of players of a batch whose scores are written in parallel. */
const PARALLEL = 16;

/** Stores submitted scores for requests. */
export class Submissions {
  private readonly clock: Clock;

  /** @param fenceMs from this many milliseconds before a season's end, each write checks that the season is open */
  constructor(
    private readonly parts: SubmissionsParts,
    private readonly fenceMs: number,
  ) {
    this.clock = parts.clock ?? systemClock;
  }

  /**
   * Stores submissions independently: a refused one does not affect the others. Submissions of one player are stored in
   * the given order.
   * @returns for each submission its result, or the error with which it was refused
   * @throws LongwatchError `notFound` (no such board), `unavailable`
   */
  async submit(gameId: string, submissions: readonly Submission[]): Promise<SubmissionResult[]> {
    const results: SubmissionResult[] = [];
    const byPlayer = new Map<string, number[]>();
    for (const [i, { playerId }] of submissions.entries())
      byPlayer.set(playerId, [...(byPlayer.get(playerId) ?? []), i]);
    await inLanes([...byPlayer.values()], PARALLEL, async (mine) => {
      for (const i of mine) {
        const result = await this.submitOne(gameId, submissions[i] as Submission);
        results[i] = result;
        this.parts.onResult?.(result instanceof LongwatchError ? 'refused' : result.status);
      }
    });
    return results;
  }

  private async submitOne(gameId: string, submission: Submission): Promise<SubmissionResult> {
    // Read the board for each submission, because a season may end during the batch.
    const { board, seasons } = await this.parts.boards.view(gameId);
    try {
      const refused = refusalOf(board, submission);
      if (refused) return refused;
      const now = this.clock.now();
      const season = seasonOf(seasons, now, submission.at);
      if (!season) return noSeason(seasons, now);
      const submitted = await this.parts.scores.submit(
        board,
        season.number,
        submission,
        now,
        this.fenceOf(board, season, now),
      );
      return { ...submitted, season: season.number };
    } catch (error) {
      if (error instanceof LongwatchError && (error.final || error.type === 'contention')) return error;
      throw error;
    }
  }

  /**
   * Returns the check that the season is open. Long before the end no check is needed, because the write is finished
   * before the season can close. Near the end and in the grace period, the write and the check are one transaction.
   */
  private fenceOf({ gameId }: Board, { number, endsAt }: Season, now: number) {
    return endsAt === undefined || now < endsAt - this.fenceMs
      ? undefined
      : () => this.parts.store.endMarker(gameId, number);
  }
}
