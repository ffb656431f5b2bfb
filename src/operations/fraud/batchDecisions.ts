import { defined } from '../../domain/defined';
import type { Backoff } from '../../domain/platform/backoff';
import { LongwatchError } from '../../domain/errors';
import type { Decision } from '../../domain/fraud/decision';
import { extractFeatures, type Features, featureVector } from '../../domain/fraud/features';
import { applyTransaction, type UserProfile } from '../../domain/fraud/profile';
import type { Transaction } from '../../domain/fraud/transaction';
import type { ScoringEndpoint } from '../../gateways/fraud/sagemaker';
import { ScoringFailure } from '../../gateways/fraud/scoringFailure';
import type { DecisionInputs, VersionedProfile } from '../../stores/fraud/decisions';
import { again, againAfter, againAtOnce, retry } from '../../timing/retry';
import { contentHashOf, type UnwrittenDecision, type DecisionMaker, type Scored } from './decisionMaker';
import type { GroupedDecisionStore } from './groupedDecisionStore';
import type { OutboxWriter } from '../platform/outbox/outbox';
import { type Clock, systemClock } from '../../timing/clock';

/** The settings of {@link BatchDecisions}. */
export interface BatchSettings {
  /** Deadline of the model for a batch, in milliseconds. SageMaker allows at most 60,000. */
  modelDeadlineMs: number;
  /**
   * While the model is unavailable: `degrade` decides by the rules alone and scores again later, `wait` waits for the
   * model.
   */
  withoutModel: 'degrade' | 'wait';
}

/** The parts that {@link BatchDecisions} needs. */
export interface BatchParts {
  decisions: GroupedDecisionStore;
  maker: DecisionMaker;
  endpoint: Pick<ScoringEndpoint, 'score'>;
  outbox: Pick<OutboxWriter, 'dispatchSoon'>;
  /** Called for every decision that was written. */
  onDecision?(one: UnwrittenDecision): void;
  clock?: Clock;
}

/** A transaction and when the stream received it (epoch ms). */
export interface Arrival {
  transaction: Transaction;
  arrivedAt: number;
}

/** The result for a transaction: decided now, decided before, or decided before with other content. */
export type TransactionResult = { decision: Decision } | 'repeated' | 'conflict';

/**
 * Maximum number of decisions of one user in one write. Each needs up to 5 items, so a user needs at most 1 + 16 × 5
 * items, which fit into one transaction.
 */
const PER_USER = 16;
const MAX_ROUNDS = 100;
/** Attempts at the model before a whole batch is decided without it. */
const MODEL_ATTEMPTS = 2;
const MODEL_BACKOFF: Backoff = { firstMs: 200, lastMs: 5_000 };

/** The transactions of one user in one round. */
interface UserDraft {
  before: VersionedProfile;
  after: UserProfile;
  rows: { arrival: Arrival; index: number; contentHash: string; features: Features; profile: UserProfile }[];
}

/**
 * Decides transactions in batches, for the stream. Uses the same domain functions as the request path, makes one
 * scoring call for all rows, and decides each user's transactions in order. If a batch is aborted and delivered again,
 * the decisions that are already written are found.
 */
export class BatchDecisions {
  private readonly clock: Clock;

  constructor(
    private readonly parts: BatchParts,
    private readonly settings: BatchSettings,
  ) {
    this.clock = parts.clock ?? systemClock;
  }

  /**
   * Decides a batch.
   * @param signal when it aborts, a batch that waits for the model fails
   * @returns the results, in the order of the batch
   * @throws LongwatchError `unavailable` (DynamoDB does not answer), `contention` (other writers keep changing the
   *   users' profiles)
   */
  async decide(batch: readonly Arrival[], signal: AbortSignal): Promise<TransactionResult[]> {
    const results: (TransactionResult | undefined)[] = batch.map(() => undefined);
    const hashes = batch.map(({ transaction }) => contentHashOf(transaction));
    const exhausted = () => {
      const left = results.filter((result) => result === undefined).length;
      return new LongwatchError(
        'contention',
        `${left} transactions of a batch could not be written, because other writers change the same items`,
      );
    };
    // One more round than the deciding ones: the last round finds that all are decided.
    return retry({ attempts: MAX_ROUNDS + 1, exhausted }, async () => {
      const left = batch.flatMap((arrival, index) =>
        results[index] === undefined ? [{ arrival, index, contentHash: hashes[index] as string }] : [],
      );
      if (left.length === 0) return results as TransactionResult[];
      const turn = inTurn(left);
      const inputs = await Promise.all(turn.map(({ arrival }) => this.parts.decisions.inputs(arrival.transaction)));
      const made = this.unwritten(turn, inputs, results);
      const lost = await this.decideAll(made, signal, results);
      return lost ? again : againAtOnce;
    });
  }

  /**
   * Computes the features of each user's transactions in order. Each transaction sees the profile that the previous one
   * produced.
   */
  private unwritten(
    turn: readonly { arrival: Arrival; index: number; contentHash: string }[],
    inputs: readonly DecisionInputs[],
    results: (TransactionResult | undefined)[],
  ): UserDraft[] {
    const users = new Map<string, UserDraft>();
    for (const [i, { arrival, index, contentHash }] of turn.entries()) {
      const { stored, user, merchant } = inputs[i] as DecisionInputs;
      if (stored) {
        results[index] = stored.contentHash === contentHash ? 'repeated' : 'conflict';
        continue;
      }
      const { transaction } = arrival;
      let one = users.get(transaction.userId);
      if (!one) users.set(transaction.userId, (one = { before: user, after: user.profile, rows: [] }));
      const profile = one.after;
      one.rows.push({
        arrival,
        index,
        contentHash,
        profile,
        features: extractFeatures(transaction, profile, merchant),
      });
      one.after = applyTransaction(profile, transaction);
    }
    return [...users.values()];
  }

  /**
   * Scores, decides and writes.
   * @returns whether another writer interfered, so that some transactions are not written
   */
  private async decideAll(
    users: readonly UserDraft[],
    signal: AbortSignal,
    results: (TransactionResult | undefined)[],
  ): Promise<boolean> {
    if (users.length === 0) return false;
    const scored = await this.score(
      users.flatMap(({ rows }) => rows.map(({ features }) => features)),
      signal,
    );
    let row = 0;
    const writes = users.map(async (user) => {
      const made = user.rows.map(({ arrival, contentHash, features, profile }) =>
        this.parts.maker.make({
          transaction: arrival.transaction,
          contentHash,
          features,
          profile,
          ...defined({ heldUntil: user.before.heldUntil }),
          scored: scored[row++] as Scored,
          arrived: { at: arrival.arrivedAt, clock: this.clock },
        }),
      );
      const { before, after } = user;
      const lost = await this.parts.decisions.write({ before, after, decisions: made.map(({ record }) => record) });
      if (lost) return true;
      for (const [i, one] of made.entries()) this.written(one, user.rows[i]?.index as number, results);
      return false;
    });
    // Waits for all writes, so that a repetition of the batch does not race them.
    const outcomes = await Promise.allSettled(writes);
    const failed = outcomes.find((outcome) => outcome.status === 'rejected');
    if (failed) throw failed.reason;
    return outcomes.some((outcome) => outcome.status === 'fulfilled' && outcome.value);
  }

  private written(one: UnwrittenDecision, index: number, results: (TransactionResult | undefined)[]): void {
    results[index] = { decision: one.record.decision };
    if (one.start) this.parts.outbox.dispatchSoon(one.start);
    this.parts.onDecision?.(one);
  }

  /** Scores all rows in one call. */
  private async score(features: readonly Features[], signal: AbortSignal): Promise<Scored[]> {
    // No limit here: the batch waits for the model until the signal aborts.
    const bound = { withinMs: Number.POSITIVE_INFINITY, exhausted: (failure: unknown) => failure };
    return retry({ ...bound, backoff: MODEL_BACKOFF, signal }, async (attempt) => {
      try {
        const { scores, modelVersion } = await this.parts.endpoint.score(features.map(featureVector), {
          deadlineMs: this.settings.modelDeadlineMs,
          explain: 'approximate',
        });
        return scores.map((scored) => ({ ...scored, modelVersion }));
      } catch (error) {
        if (!(error instanceof ScoringFailure)) throw error;
        if (this.settings.withoutModel === 'degrade' && (attempt === MODEL_ATTEMPTS || error.kind === 'circuit-open'))
          return features.map(() => ({ score: null, modelVersion: null, degradedBecause: error.kind }));
        return againAfter(error);
      }
    });
  }
}

/**
 * Selects the transactions of a round: of every user as many as fit into one write, in order. A transaction that
 * appears twice is selected once; the next round finds the first one's answer.
 */
function inTurn<T extends { arrival: Arrival }>(left: readonly T[]): T[] {
  const perUser = new Map<string, number>();
  const seen = new Set<string>();
  return left.filter(({ arrival: { transaction } }) => {
    const before = perUser.get(transaction.userId) ?? 0;
    if (before === PER_USER || seen.has(transaction.transactionId)) return false;
    perUser.set(transaction.userId, before + 1);
    seen.add(transaction.transactionId);
    return true;
  });
}
