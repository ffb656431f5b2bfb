import { BrokenCircuitError, circuitBreaker, CircuitState, ConsecutiveBreaker, handleAll } from 'cockatiel';
import { untilAborted } from '../../timing/deadline';
import type { EndpointCalls } from './endpointCalls';
import { failureOf, ScoringFailure } from './scoringFailure';

/** The score of one row. */
export interface ScoredRow {
  /** Probability of fraud, 0 to 1. */
  score: number;
  /** Contribution of each feature in log-odds, if they were requested and the endpoint supports them. */
  contributions?: readonly number[];
}

/** Options of one scoring call. */
export interface ScoreOptions {
  /** Milliseconds after which the call is aborted. */
  deadlineMs: number;
  explain?: 'approximate' | 'exact';
}

/** Settings of the model's endpoint. */
export interface ScoringSettings {
  /** Returns the endpoint's name. Called before each request, because a promotion changes the name. */
  endpointName(): string;
  /** Consecutive failures that open the circuit breaker. Default 5. */
  breakAfter?: number;
  /** Milliseconds after which an open circuit breaker lets one call through. Default 5,000. */
  retryAfterMs?: number;
}

/** The model behind its SageMaker endpoint, with a circuit breaker. */
export class ScoringEndpoint {
  private readonly breaker;

  constructor(
    private readonly calls: EndpointCalls,
    private readonly settings: ScoringSettings,
  ) {
    this.breaker = circuitBreaker(handleAll, {
      halfOpenAfter: settings.retryAfterMs ?? 5_000,
      breaker: new ConsecutiveBreaker(settings.breakAfter ?? 5),
    });
  }

  /** Whether the circuit breaker is closed. */
  get healthy(): boolean {
    return this.breaker.state === CircuitState.Closed;
  }

  /**
   * Scores rows of feature values (`NaN` for a missing value) in one InvokeEndpoint call. It makes one attempt and
   * stops at the deadline, even in the middle of a response.
   * @throws ScoringFailure, whose `kind` gives the cause
   */
  async score(
    rows: readonly (readonly number[])[],
    options: ScoreOptions,
  ): Promise<{ scores: ScoredRow[]; modelVersion: string | null }> {
    const deadline = AbortSignal.timeout(Math.max(1, Math.floor(options.deadlineMs)));
    try {
      // While one call probes a failing model, the breaker makes other calls wait. They must not wait past their
      // deadline.
      return await untilAborted(
        this.breaker.execute(() => this.invoke(rows, options.explain, deadline)),
        deadline,
        late,
      );
    } catch (error) {
      if (error instanceof ScoringFailure) throw error;
      if (error instanceof BrokenCircuitError)
        throw new ScoringFailure(
          'circuit-open',
          'The model failed several times in a row; the circuit breaker is open',
        );
      throw failureOf(error, deadline.aborted);
    }
  }

  private async invoke(rows: readonly (readonly number[])[], explain: ScoreOptions['explain'], deadline: AbortSignal) {
    const request = {
      endpointName: this.settings.endpointName(),
      customAttributes: explain && `explain=${explain}`,
      body: rows.map(csvRow).join('\n'),
    };
    let answer;
    try {
      // The signal ends a call of the SDK only until the response's headers. This also bounds the wait for the body.
      answer = await untilAborted(this.calls.invoke(request, deadline), deadline, late);
    } catch (error) {
      throw failureOf(error, deadline.aborted);
    }
    const scores = parsePredictions(answer.body, rows);
    return { scores, modelVersion: /model=([^;,\s]+)/.exec(answer.customAttributes)?.[1] ?? null };
  }
}

const late = (): Error => new Error('The deadline has passed');

/** A CSV row without header, with an empty cell for a missing value, as the built-in XGBoost container expects it. */
const csvRow = (row: readonly number[]): string =>
  row.map((value) => (Number.isNaN(value) ? '' : String(value))).join(',');

function parsePredictions(text: string, rows: readonly (readonly number[])[]): ScoredRow[] {
  let predictions: unknown;
  try {
    predictions = (JSON.parse(text) as { predictions?: unknown } | null)?.predictions;
  } catch (error) {
    throw new ScoringFailure('model-nonsense', 'The model’s response is not JSON', error);
  }
  if (!Array.isArray(predictions) || predictions.length !== rows.length)
    throw new ScoringFailure('model-nonsense', `The model’s response is not a list of ${rows.length} predictions`);
  return predictions.map((prediction: unknown, i) => parsePrediction(prediction, rows[i]?.length));
}

function parsePrediction(prediction: unknown, features: number | undefined): ScoredRow {
  const { score, contributions } = (prediction ?? {}) as { score?: unknown; contributions?: unknown };
  if (typeof score !== 'number' || !(score >= 0 && score <= 1))
    throw new ScoringFailure(
      'model-nonsense',
      'The model’s response contains a score that is not a probability (0 to 1)',
    );
  if (contributions === undefined) return { score };
  if (!Array.isArray(contributions) || contributions.length !== features || !contributions.every(Number.isFinite))
    throw new ScoringFailure('model-nonsense', 'The model’s response does not contain one contribution per feature');
  return { score, contributions: contributions as number[] };
}
