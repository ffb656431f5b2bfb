import { Agent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { InvokeEndpointCommand, SageMakerRuntimeClient } from '@aws-sdk/client-sagemaker-runtime';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import { BrokenCircuitError, circuitBreaker, CircuitState, ConsecutiveBreaker, handleAll } from 'cockatiel';
import type { DegradedCause } from '../../domain/fraud/decision';
import { type CallWatch, watchedClient } from '../../telemetry/calls';

/** Why no score came back. Retrying within one decision makes no sense: its time is over. */
export class ScoringFailure extends Error {
  override readonly name = 'ScoringFailure';

  constructor(
    readonly kind: DegradedCause,
    message: string,
    cause?: unknown,
  ) {
    super(message, { cause });
  }
}

export interface ScoredRow {
  /** Probability of fraud, 0 to 1. */
  score: number;
  /** By feature, in log-odds, when asked for and when the endpoint can. */
  contributions?: readonly number[];
}

export interface ScoreOptions {
  /** Milliseconds until the call is given up. */
  deadlineMs: number;
  explain?: 'approximate' | 'exact';
}

export interface ScoringSettings {
  /** Asked before every call: a promotion changes it. */
  endpointName(): string;
  /** Failures in a row that open the circuit. Default 5. */
  breakAfter?: number;
  /** Milliseconds until an open circuit lets one call try. Default 5,000. */
  retryAfterMs?: number;
}

/** One attempt a call (the caller's deadline is the retry policy), keep-alive sockets. */
export function sagemakerClient(settings: {
  region: string;
  endpoint?: string;
  credentials?: { accessKeyId: string; secretAccessKey: string };
  watch?: CallWatch;
}): SageMakerRuntimeClient {
  const { watch, ...client } = settings;
  const sagemaker = new SageMakerRuntimeClient({
    ...client,
    maxAttempts: 1,
    requestHandler: new NodeHttpHandler({
      connectionTimeout: 1_000,
      // Frees the socket of an answer that began and never ends; SageMaker gives a model 60 s.
      socketTimeout: 60_000,
      httpAgent: new Agent({ keepAlive: true, maxSockets: 128 }),
      httpsAgent: new HttpsAgent({ keepAlive: true, maxSockets: 128 }),
    }),
  });
  return watchedClient(sagemaker, 'sagemaker', watch);
}

/** The model behind its SageMaker endpoint. Every failure is a `ScoringFailure` that says which kind. */
export class ScoringEndpoint {
  private readonly breaker;

  constructor(
    private readonly client: SageMakerRuntimeClient,
    private readonly settings: ScoringSettings,
  ) {
    this.breaker = circuitBreaker(handleAll, {
      halfOpenAfter: settings.retryAfterMs ?? 5_000,
      breaker: new ConsecutiveBreaker(settings.breakAfter ?? 5),
    });
  }

  /** Whether calls are let through at the moment. */
  get healthy(): boolean {
    return this.breaker.state === CircuitState.Closed;
  }

  /**
   * Scores rows of feature values (`NaN` where missing) in one InvokeEndpoint: one attempt, given up at the
   * deadline, also when the answer has begun by then.
   * @throws ScoringFailure
   */
  async score(
    rows: readonly (readonly number[])[],
    options: ScoreOptions,
  ): Promise<{ scores: ScoredRow[]; modelVersion: string | null }> {
    const deadline = AbortSignal.timeout(Math.max(1, Math.floor(options.deadlineMs)));
    try {
      // While one call tries a model that failed before, the breaker lets the others wait: not past their deadline.
      return await untilAborted(
        this.breaker.execute(() => this.invoke(rows, options.explain, deadline)),
        deadline,
      );
    } catch (error) {
      if (error instanceof ScoringFailure) throw error;
      if (error instanceof BrokenCircuitError)
        throw new ScoringFailure('circuit-open', 'The model failed too often in a row; it is spared for a while');
      throw failureOf(error, deadline.aborted);
    }
  }

  private async invoke(rows: readonly (readonly number[])[], explain: ScoreOptions['explain'], deadline: AbortSignal) {
    const command = new InvokeEndpointCommand({
      EndpointName: this.settings.endpointName(),
      ContentType: 'text/csv',
      Accept: 'application/json',
      ...(explain && { CustomAttributes: `explain=${explain}` }),
      Body: rows.map(csvRow).join('\n'),
    });
    let answer;
    try {
      answer = await untilAborted(this.client.send(command, { abortSignal: deadline }), deadline);
    } catch (error) {
      throw failureOf(error, deadline.aborted);
    }
    const scores = parsePredictions(Buffer.from(answer.Body ?? []).toString('utf8'), rows);
    return { scores, modelVersion: /model=([^;,\s]+)/.exec(answer.CustomAttributes ?? '')?.[1] ?? null };
  }
}

/** The client's own abort ends with the response's headers; a body that never comes must not outlast the deadline. */
function untilAborted<T>(answer: Promise<T>, deadline: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const giveUp = () => reject(new Error('The deadline has passed'));
    if (deadline.aborted) giveUp();
    deadline.addEventListener('abort', giveUp, { once: true });
    answer.then(resolve, reject).finally(() => deadline.removeEventListener('abort', giveUp));
  });
}

/** No header, an empty cell where a value is missing, as the built-in XGBoost container takes it. */
const csvRow = (row: readonly number[]): string =>
  row.map((value) => (Number.isNaN(value) ? '' : String(value))).join(',');

function parsePredictions(text: string, rows: readonly (readonly number[])[]): ScoredRow[] {
  let predictions: unknown;
  try {
    predictions = (JSON.parse(text) as { predictions?: unknown } | null)?.predictions;
  } catch (error) {
    throw new ScoringFailure('model-nonsense', 'The model answered something that is not JSON', error);
  }
  if (!Array.isArray(predictions) || predictions.length !== rows.length)
    throw new ScoringFailure('model-nonsense', `The model answered no list of ${rows.length} predictions`);
  return predictions.map((prediction: unknown, i) => parsePrediction(prediction, rows[i]?.length));
}

function parsePrediction(prediction: unknown, features: number | undefined): ScoredRow {
  const { score, contributions } = (prediction ?? {}) as { score?: unknown; contributions?: unknown };
  if (typeof score !== 'number' || !(score >= 0 && score <= 1))
    throw new ScoringFailure('model-nonsense', 'The model answered a score that is no probability');
  if (contributions === undefined) return { score };
  if (!Array.isArray(contributions) || contributions.length !== features || !contributions.every(Number.isFinite))
    throw new ScoringFailure('model-nonsense', 'The model answered contributions that are not one number a feature');
  return { score, contributions: contributions as number[] };
}

function failureOf(error: unknown, aborted: boolean): ScoringFailure {
  if (aborted) return new ScoringFailure('model-late', 'The model did not answer in time', error);
  const status = (error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode;
  if (status !== undefined) return new ScoringFailure('model-error', `The model's endpoint answered ${status}`, error);
  return new ScoringFailure('model-unreachable', "The model's endpoint cannot be reached", error);
}
