import { LongwatchError } from '../../domain/errors';
import { iso } from '../../domain/ids';
import { inLanes } from '../../domain/lanes';
import type { Board, Season, Submission } from '../../domain/leaderboards/board';
import { seasonOf } from '../../domain/leaderboards/seasons';
import { refusalOf, type SubmissionStatus } from '../../domain/leaderboards/submission';
import type { BoardStore } from '../../stores/leaderboards/boards';
import type { ScoreStore, Submitted } from '../../stores/leaderboards/scores';
import type { Boards } from './boards';

export interface SubmissionsParts {
  boards: Pick<Boards, 'view'>;
  store: BoardStore;
  scores: ScoreStore;
  onResult?(result: SubmissionStatus | 'refused'): void;
  now?(): number;
}

export type SubmissionResult = (Submitted & { season: number }) | LongwatchError;

/** Players of one batch that are written at once. */
const PARALLEL = 16;

/** Takes scores: the request path. */
export class Submissions {
  private readonly now: () => number;

  /** @param fenceMs how long before a season's end its writes begin to be checked against its fence. */
  constructor(
    private readonly parts: SubmissionsParts,
    private readonly fenceMs: number,
  ) {
    this.now = parts.now ?? Date.now;
  }

  /**
   * Each on its own: one that is refused holds up no other. A player's come in the order given.
   * @returns for each what became of it, or why it was refused. @throws LongwatchError `notFound`, `unavailable`.
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
    // Looked at anew for each: a season may end while a batch is under way.
    const { board, seasons } = await this.parts.boards.view(gameId);
    try {
      const refused = refusalOf(board, submission);
      if (refused) return refused;
      const now = this.now();
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
   * Far from a season's end nothing can close it before the write has long happened, so it is written bare; near its
   * end, and in its grace, in one transaction with a check that it is not closed.
   */
  private fenceOf({ gameId }: Board, { number, endsAt }: Season, now: number) {
    return endsAt === undefined || now < endsAt - this.fenceMs
      ? undefined
      : () => this.parts.store.fence(gameId, number);
  }
}

function noSeason(seasons: readonly Season[], now: number): LongwatchError {
  const coming = seasons.findLast(({ startsAt }) => startsAt > now);
  return new LongwatchError(
    'conflict',
    coming ? `No season runs; the next begins at ${iso(coming.startsAt)}` : 'No season runs any more',
  );
}
