import { defined } from '../../domain/defined';
import { type Backoff } from '../../domain/platform/backoff';
import { LongwatchError } from '../../domain/errors';
import type { Decision } from '../../domain/fraud/decision';
import { extractFeatures, type Features, featureVector } from '../../domain/fraud/features';
import { applyTransaction, type UserProfile } from '../../domain/fraud/profile';
import type { Transaction } from '../../domain/fraud/transaction';
import { inLanes } from '../../domain/lanes';
import { type ScoringEndpoint, ScoringFailure } from '../../gateways/fraud/sagemaker';
import {
  type DecisionInputs,
  type DecisionStore,
  itemsOf,
  type UserWrite,
  type VersionedProfile,
  WRITE_LIMIT,
} from '../../stores/fraud/decisions';
import { again, againAfter, againAtOnce, retry } from '../../timing/retry';
import { contentHashOf, type Draft, type Drafts, type Scored } from './drafts';
import type { OutboxWriter } from '../platform/outbox/outbox';

export interface BatchSettings {
  /** Time that the model has for a batch, in milliseconds; SageMaker gives it 60,000. */
  modelDeadlineMs: number;
  /** While the model is away: decide by the rules alone and score again later, or wait for it. */
  withoutModel: 'degrade' | 'wait';
}

export interface BatchParts {
  decisions: DecisionStore;
  drafts: Drafts;
  endpoint: Pick<ScoringEndpoint, 'score'>;
  outbox: Pick<OutboxWriter, 'dispatchSoon'>;
  /** Told of every decision that is written. */
  onDecision?(draft: Draft): void;
  now?(): number;
}

/** A transaction and when the stream took it (epoch ms). */
export interface Arrival {
  transaction: Transaction;
  arrivedAt: number;
}

/** What became of a transaction: decided now, decided before, or decided before with other content. */
export type Fate = { decision: Decision } | 'repeated' | 'conflict';

/** Items of one user in one write, so that with all it may owe a user fits a transaction: 1 + 16 × 5. */
const PER_USER = 16;
const CONCURRENT_WRITES = 4;
const MAX_ROUNDS = 100;
/** A call that fails is tried once more before a whole batch is decided without the model. */
const MODEL_ATTEMPTS = 2;
const MODEL_BACKOFF: Backoff = { firstMs: 200, lastMs: 5_000 };

/** One user's share of a round. */
interface UserDraft {
  before: VersionedProfile;
  after: UserProfile;
  rows: { arrival: Arrival; index: number; contentHash: string; features: Features; profile: UserProfile }[];
}

/**
 * Decides transactions by the batch: the stream path. The same domain functions as the request path, one scoring call
 * for all rows, and each user's decisions in order. A batch may be given up and come again: what was decided is found.
 */
export class DecisionBatches {
  private readonly now: () => number;

  constructor(
    private readonly parts: BatchParts,
    private readonly settings: BatchSettings,
  ) {
    this.now = parts.now ?? (() => Date.now());
  }

  /**
   * @param signal aborted when a batch that waits for the model is to be given up.
   * @returns the fates, in the batch's order.
   * @throws LongwatchError `unavailable` (DynamoDB away), `contention` (users' profiles keep moving).
   */
  async decide(batch: readonly Arrival[], signal: AbortSignal): Promise<Fate[]> {
    const fates: (Fate | undefined)[] = batch.map(() => undefined);
    const hashes = batch.map(({ transaction }) => contentHashOf(transaction));
    const exhausted = () => {
      const left = fates.filter((fate) => fate === undefined).length;
      return new LongwatchError('contention', `${left} transactions of a batch keep losing their race`);
    };
    // One round more than those that decide: it finds that all are decided.
    return retry({ attempts: MAX_ROUNDS + 1, exhausted }, async (round) => {
      const left = batch.flatMap((arrival, index) =>
        fates[index] === undefined ? [{ arrival, index, contentHash: hashes[index] as string }] : [],
      );
      if (left.length === 0) return fates as Fate[];
      const turn = inTurn(left);
      const inputs = await this.parts.decisions.inputsOf(turn.map(({ arrival }) => arrival.transaction));
      const drafts = this.drafts(turn, inputs, fates);
      const lost = await this.decideAll(drafts, round, signal, fates);
      return lost ? again : againAtOnce;
    });
  }

  /** Features by user, in order, each on the profile that the one before leaves behind. */
  private drafts(
    turn: readonly { arrival: Arrival; index: number; contentHash: string }[],
    inputs: readonly DecisionInputs[],
    fates: (Fate | undefined)[],
  ): UserDraft[] {
    const users = new Map<string, UserDraft>();
    for (const [i, { arrival, index, contentHash }] of turn.entries()) {
      const { stored, user, merchant } = inputs[i] as DecisionInputs;
      if (stored) {
        fates[index] = stored.contentHash === contentHash ? 'repeated' : 'conflict';
        continue;
      }
      const { transaction } = arrival;
      let draft = users.get(transaction.userId);
      if (!draft) users.set(transaction.userId, (draft = { before: user, after: user.profile, rows: [] }));
      const profile = draft.after;
      draft.rows.push({
        arrival,
        index,
        contentHash,
        profile,
        features: extractFeatures(transaction, profile, merchant),
      });
      draft.after = applyTransaction(profile, transaction);
    }
    return [...users.values()];
  }

  /** @returns whether some were not written, because another write came first. */
  private async decideAll(
    users: readonly UserDraft[],
    round: number,
    signal: AbortSignal,
    fates: (Fate | undefined)[],
  ): Promise<boolean> {
    if (users.length === 0) return false;
    const scored = await this.score(
      users.flatMap(({ rows }) => rows.map(({ features }) => features)),
      signal,
    );
    let row = 0;
    const decided = users.map((user) => {
      const drafts = user.rows.map(({ arrival, contentHash, features, profile }) =>
        this.parts.drafts.draft({
          transaction: arrival.transaction,
          contentHash,
          features,
          profile,
          ...defined({ heldUntil: user.before.heldUntil }),
          scored: scored[row++] as Scored,
          latencyMs: Math.max(0, this.now() - arrival.arrivedAt),
        }),
      );
      return {
        user,
        drafts,
        write: { before: user.before, after: user.after, decisions: drafts.map(({ record }) => record) },
      };
    });
    let lost = false;
    // Many users a write, as long as nobody interferes; then each alone, so that one busy user holds up no other.
    const groups = round === 1 ? packed(decided) : decided.map((one) => [one]);
    await inLanes(groups, CONCURRENT_WRITES, async (group) => {
      if (await this.parts.decisions.write(group.map(({ write }) => write))) {
        lost = true;
        return;
      }
      for (const { user, drafts } of group)
        for (const [i, draft] of drafts.entries()) this.written(draft, user.rows[i]?.index as number, fates);
    });
    return lost;
  }

  private written(draft: Draft, index: number, fates: (Fate | undefined)[]): void {
    fates[index] = { decision: draft.record.decision };
    if (draft.start) this.parts.outbox.dispatchSoon(draft.start);
    this.parts.onDecision?.(draft);
  }

  /** All rows in one call. */
  private async score(features: readonly Features[], signal: AbortSignal): Promise<Scored[]> {
    // The batch waits for the model until the signal gives it up.
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
 * Of every user so many as fit one write, in order, and a transaction only once: a second one finds the first's answer.
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

/** Users' writes, as many to a transaction as it takes. */
function packed<T extends { write: UserWrite }>(users: readonly T[]): T[][] {
  const groups: T[][] = [];
  let room = 0;
  for (const user of users) {
    const items = itemsOf(user.write);
    if (items > room) {
      groups.push([]);
      room = WRITE_LIMIT;
    }
    groups.at(-1)?.push(user);
    room -= items;
  }
  return groups;
}
