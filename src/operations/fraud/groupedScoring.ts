import type { ScoringEndpoint } from '../../gateways/fraud/sagemaker';
import { mayConcernOneRow, ScoringFailure } from '../../gateways/fraud/scoringFailure';
import { withDeadline } from '../../timing/deadline';
import { GroupCommit } from '../../timing/groupCommit';
import type { Scored } from './decisionMaker';

interface Row {
  features: readonly number[];
  /** When its decision goes on without a score, in milliseconds of `performance.now`. */
  until: number;
}

/** Maximum number of rows of a call. A row has about 300 bytes; SageMaker allows 6 MB. */
const ROW_LIMIT = 64;
const MAX_IN_FLIGHT = 4;

/** Scores payments that come at the same time in one call to the model. */
export class GroupedScoring {
  private readonly rows: GroupCommit<Row, Scored>;

  constructor(private readonly endpoint: Pick<ScoringEndpoint, 'score'>) {
    this.rows = new GroupCommit((rows) => this.scoreGroup(rows), {
      limit: ROW_LIMIT,
      maxInFlight: MAX_IN_FLIGHT,
      isOfOne: (error) => error instanceof ScoringFailure && mayConcernOneRow(error),
    });
  }

  /** Scores a row of feature values. @returns after at most `withinMs`; without a score if there is none by then. */
  async score(features: readonly number[], withinMs: number): Promise<Scored> {
    if (withinMs < 1) return without('out-of-time');
    try {
      const scored = this.rows.submit({ features, until: performance.now() + withinMs });
      return await withDeadline(scored, withinMs, () => without('model-late'));
    } catch (error) {
      if (!(error instanceof ScoringFailure)) throw error;
      return without(error.kind);
    }
  }

  private async scoreGroup(rows: readonly Row[]): Promise<Scored[]> {
    const { scores, modelVersion } = await this.endpoint.score(
      rows.map(({ features }) => features),
      // Rows that have less time stop waiting earlier.
      { deadlineMs: Math.max(...rows.map(({ until }) => until)) - performance.now(), explain: 'approximate' },
    );
    return scores.map((scored) => ({ ...scored, modelVersion }));
  }
}

const without = (degradedBecause: ScoringFailure['kind']): Scored => ({
  score: null,
  modelVersion: null,
  degradedBecause,
});
