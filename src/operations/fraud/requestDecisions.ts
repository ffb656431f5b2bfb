import { defined } from '../../domain/defined';
import { extractFeatures, featureVector } from '../../domain/fraud/features';
import { applyTransaction } from '../../domain/fraud/profile';
import type { Transaction } from '../../domain/fraud/transaction';
import { checkWindow } from '../../domain/fraud/transactionSchema';
import { type Backoff, CONTENTION } from '../../domain/platform/backoff';
import { LongwatchError } from '../../domain/errors';
import type { DecisionInputs } from '../../stores/fraud/decisions';
import { untilAborted } from '../../timing/deadline';
import { again, retry } from '../../timing/retry';
import { contentHashOf, type UnwrittenDecision, type DecisionMaker } from './decisionMaker';
import type { GroupedDecisionStore } from './groupedDecisionStore';
import type { GroupedScoring } from './groupedScoring';
import { KeyedQueue } from '../platform/keyedQueue';
import type { OutboxWriter } from '../platform/outbox/outbox';
import { type Clock, monotonicClock, systemClock } from '../../timing/clock';

/** The settings of {@link RequestDecisions}. */
export interface DecisionSettings {
  /** Deadline of the model, in milliseconds. */
  modelDeadlineMs: number;
  /** Deadline of the whole decision, in milliseconds. */
  deadlineMs: number;
}

/** The parts that {@link RequestDecisions} needs. */
export interface DecisionParts {
  decisions: GroupedDecisionStore;
  maker: DecisionMaker;
  scoring: GroupedScoring;
  outbox: Pick<OutboxWriter, 'dispatchSoon'>;
  /** Called for every decision that was written. */
  onDecision?(decision: UnwrittenDecision): void;
  clock?: Clock;
}

/** The answer to a request for a decision. `replayed`: the decision was stored by an earlier request. */
export interface Answer {
  /** The JSON body, byte by byte the same for every repetition. */
  body: string;
  replayed: boolean;
}

/** Time that is reserved for the write, so that the model cannot use the whole deadline. */
const WRITE_RESERVE_MS = 60;
const ATTEMPTS = 20;
/** Short pauses, because the whole decision has only a few hundred milliseconds. */
const BACKOFF: Backoff = { ...CONTENTION, lastMs: 25 };

/** Decides transactions for requests, from a validated transaction to a stored answer. */
export class RequestDecisions {
  private readonly perUser = new KeyedQueue();
  private readonly clock: Clock;

  constructor(
    private readonly parts: DecisionParts,
    private readonly settings: DecisionSettings,
  ) {
    this.clock = parts.clock ?? systemClock;
  }

  /**
   * Decides a transaction. A repeated request gets the stored answer. Transactions of one user are decided one after
   * another in this process.
   * @throws LongwatchError `conflict` (the id was used with other content), `invalid` (outside the time window),
   *   `unavailable` (DynamoDB or the deadline: nothing is half-written, so a retry is safe)
   */
  async decide(transaction: Transaction): Promise<Answer> {
    const arrived = monotonicClock.now();
    const deadline = AbortSignal.timeout(this.settings.deadlineMs);
    return this.perUser.run(transaction.userId, () => this.decideInTurn(transaction, arrived, deadline));
  }

  private async decideInTurn(transaction: Transaction, arrived: number, deadline: AbortSignal): Promise<Answer> {
    const contentHash = contentHashOf(transaction);
    return retry({ attempts: ATTEMPTS, backoff: BACKOFF, exhausted: late, signal: deadline }, async () => {
      const inputs = await untilAborted(this.parts.decisions.inputs(transaction), deadline, late);
      if (inputs.stored) {
        if (inputs.stored.contentHash !== contentHash)
          throw new LongwatchError(
            'conflict',
            `Transaction ${transaction.transactionId} was decided before with other content`,
          );
        return { body: inputs.stored.body, replayed: true };
      }
      // Check the window after the search for a stored answer: the repetition of an old transaction must find its
      // answer.
      checkWindow(transaction.timestamp, this.clock.now());
      return (await this.decideOnce(transaction, contentHash, inputs, arrived, deadline)) ?? again;
    });
  }

  /** Makes one attempt with the profile that was read; returns undefined if another write came first. */
  private async decideOnce(
    transaction: Transaction,
    contentHash: string,
    { user, merchant }: DecisionInputs,
    arrived: number,
    deadline: AbortSignal,
  ): Promise<Answer | undefined> {
    const features = extractFeatures(transaction, user.profile, merchant);
    const { modelDeadlineMs, deadlineMs } = this.settings;
    const leftMs = deadlineMs - WRITE_RESERVE_MS - (monotonicClock.now() - arrived);
    const scored = await this.parts.scoring.score(featureVector(features), Math.min(modelDeadlineMs, leftMs));
    const decision = this.parts.maker.make({
      transaction,
      contentHash,
      features,
      profile: user.profile,
      ...defined({ heldUntil: user.heldUntil }),
      scored,
      arrived: { at: arrived, clock: monotonicClock },
    });
    const { record, start } = decision;
    const after = applyTransaction(user.profile, transaction);
    const written = this.parts.decisions.write({ before: user, after, decisions: [record] });
    if (await untilAborted(written, deadline, late)) return undefined;
    if (start) this.parts.outbox.dispatchSoon(start);
    this.parts.onDecision?.(decision);
    return { body: record.body, replayed: false };
  }
}

const late = (): LongwatchError =>
  new LongwatchError('unavailable', 'No decision within the deadline; retry with the same transactionId', {
    retryAfterSeconds: 1,
  });
