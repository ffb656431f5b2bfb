import { BatchGetCommand, GetCommand, TransactWriteCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import type { Decision, Outcome } from '../../domain/fraud/decision';
import { type Features, featuresFromJson, featuresToJson } from '../../domain/fraud/features';
import type { Label } from '../../domain/fraud/label';
import { decodeMerchantProfile, emptyMerchantProfile, type MerchantProfile } from '../../domain/fraud/merchantProfile';
import { emptyUserProfile, isUnusuallyHigh, type UserProfile } from '../../domain/fraud/profile';
import { decodeUserProfile, encodeUserProfile } from '../../domain/fraud/profileEncoding';
import type { Transaction } from '../../domain/fraud/transaction';
import { compositeKey, iso } from '../../domain/ids';
import { cancellationCodes, type Db } from '../dynamodb';
import type { TransactItem } from '../ledger';

/** A user's profile as read, with what a write must present to replace it. */
export interface VersionedProfile {
  profile: UserProfile;
  /** 0: there is no item yet. */
  version: number;
  /** Set while the user is held after a confirmed fraud (epoch ms). */
  heldUntil?: number;
  heldBecauseOf?: string;
}

/** An answer that was given before. */
export interface StoredAnswer {
  contentHash: string;
  /** The body exactly as it was sent. */
  body: string;
}

export interface DecisionInputs {
  stored?: StoredAnswer;
  user: VersionedProfile;
  merchant: MerchantProfile;
}

/** The state of the hold on a payment. */
export type PaymentHold = 'held' | 'released' | 'final';

/** Everything that was kept of one decided transaction. */
export interface DecidedTransaction {
  transaction: Transaction;
  decision: Decision;
  features: Features;
  hold?: PaymentHold;
  label?: Label;
  /** What the full scoring said later, when the decision was degraded. */
  rescored?: { score: number; outcome: Outcome; at: string };
}

export interface DecisionWrite {
  transaction: Transaction;
  contentHash: string;
  decision: Decision;
  body: string;
  features: Features;
  before: VersionedProfile;
  after: UserProfile;
  /** Debts and an investigation's opening, in the same transaction. */
  also: readonly TransactItem[];
}

/** Why a decision could not be written; nothing was. */
export type LostRace = 'decided-already' | 'profile-moved' | 'busy';

export class DecisionStore {
  constructor(private readonly db: Db) {}

  /**
   * What a decision needs, in one BatchGetItem. The decision and the user are read strongly consistent: a
   * replay must find its answer, and a stale profile would only lose its conditional write. The merchant is
   * read eventually consistent (half the units): its counters lag by the stream anyway.
   */
  async inputs(transaction: Transaction, abortSignal?: AbortSignal): Promise<DecisionInputs> {
    const { transactionId, userId, merchantId } = transaction;
    const [Decisions, UserProfiles, MerchantProfiles] = [
      this.db.table('Decisions'),
      this.db.table('UserProfiles'),
      this.db.table('MerchantProfiles'),
    ];
    const found: Record<string, Record<string, unknown> | undefined> = {};
    let RequestItems: NonNullable<ConstructorParameters<typeof BatchGetCommand>[0]['RequestItems']> = {
      [Decisions]: {
        Keys: [{ TransactionID: transactionId }],
        ConsistentRead: true,
        ProjectionExpression: 'TransactionID, ContentHash, Answer',
      },
      [UserProfiles]: { Keys: [{ UserID: userId }], ConsistentRead: true },
      [MerchantProfiles]: { Keys: [{ MerchantID: merchantId }] },
    };
    // DynamoDB may leave keys unprocessed under load; the caller's deadline bounds this loop.
    while (Object.keys(RequestItems).length > 0) {
      const { Responses = {}, UnprocessedKeys = {} } = await this.db.client.send(new BatchGetCommand({ RequestItems }), {
        ...(abortSignal && { abortSignal }),
      });
      for (const [table, [item]] of Object.entries(Responses)) if (item) found[table] = item;
      RequestItems = UnprocessedKeys as typeof RequestItems;
    }
    const stored = found[Decisions];
    const merchant = found[MerchantProfiles];
    return {
      ...(stored && { stored: { contentHash: stored['ContentHash'] as string, body: stored['Answer'] as string } }),
      user: versionedProfile(found[UserProfiles]),
      merchant: merchant ? decodeMerchantProfile(merchant['State'] as string) : emptyMerchantProfile(),
    };
  }

  /**
   * Writes the decision, the user's profile, the history and what the decision owes, all or nothing.
   * @returns undefined when written, else the race that was lost.
   */
  async write(write: DecisionWrite, abortSignal?: AbortSignal): Promise<LostRace | undefined> {
    const { transaction, decision, before } = write;
    const TimeTransactionID = compositeKey(iso(transaction.timestamp), transaction.transactionId);
    const items: TransactItem[] = [
      {
        Put: {
          TableName: this.db.table('Decisions'),
          Item: {
            TransactionID: transaction.transactionId,
            ContentHash: write.contentHash,
            Answer: write.body,
            UserID: transaction.userId,
            MerchantID: transaction.merchantId,
            Amount: transaction.amount,
            Currency: transaction.currency,
            Timestamp: transaction.timestamp,
            Transaction: JSON.stringify(transaction),
            Features: featuresToJson(write.features),
            Outcome: decision.outcome,
            Mode: decision.mode,
            HistoryKey: TimeTransactionID,
          },
          // The race: the same transaction sent twice at once. One write wins, the other finds its answer.
          ConditionExpression: 'attribute_not_exists(TransactionID)',
        },
      },
      {
        Update: {
          TableName: this.db.table('UserProfiles'),
          Key: { UserID: transaction.userId },
          UpdateExpression: 'SET #state = :state, Version = :next',
          // The race: two transactions of one user. The loser reads again, so that no update is lost.
          ConditionExpression: before.version === 0 ? 'attribute_not_exists(Version)' : 'Version = :version',
          ExpressionAttributeNames: { '#state': 'State' },
          ExpressionAttributeValues: {
            ':state': encodeUserProfile(write.after),
            ':next': before.version + 1,
            ...(before.version > 0 && { ':version': before.version }),
          },
        },
      },
      {
        Put: {
          TableName: this.db.table('TransactionHistory'),
          Item: {
            UserID: transaction.userId,
            TimeTransactionID,
            TransactionID: transaction.transactionId,
            MerchantID: transaction.merchantId,
            Amount: transaction.amount,
            Currency: transaction.currency,
            Timestamp: transaction.timestamp,
            Outcome: decision.outcome,
            ...(decision.score !== null && { Score: decision.score }),
            // Tells the merchant's counters whether the amount alone would explain a fraud.
            ...(isUnusuallyHigh(before.profile, transaction) && { UnusualAmount: true }),
          },
        },
      },
      ...write.also,
    ];
    try {
      await this.db.client.send(new TransactWriteCommand({ TransactItems: items }), { ...(abortSignal && { abortSignal }) });
      return undefined;
    } catch (error) {
      const codes = cancellationCodes(error);
      if (codes?.[0] === 'ConditionalCheckFailed') return 'decided-already';
      if (codes?.[1] === 'ConditionalCheckFailed') return 'profile-moved';
      // Normal under contention, on whichever item: nothing was written, read again and retry.
      if (codes?.some((code) => code === 'TransactionConflict' || code === 'ThrottlingError')) return 'busy';
      throw error;
    }
  }

  /** The stored answer alone, for `GET /v1/transactions/:id`. */
  async answer(transactionId: string): Promise<string | undefined> {
    const { Item } = await this.db.client.send(
      new GetCommand({
        TableName: this.db.table('Decisions'),
        Key: { TransactionID: transactionId },
        ProjectionExpression: 'Answer',
        ConsistentRead: true,
      }),
    );
    return Item?.['Answer'] as string | undefined;
  }

  /** All that is known of a decided transaction, its label included. */
  async find(transactionId: string): Promise<DecidedTransaction | undefined> {
    const { Item } = await this.db.client.send(
      new GetCommand({ TableName: this.db.table('Decisions'), Key: { TransactionID: transactionId }, ConsistentRead: true }),
    );
    if (!Item) return undefined;
    const history = await this.db.client.send(
      new GetCommand({
        TableName: this.db.table('TransactionHistory'),
        Key: { UserID: Item['UserID'], TimeTransactionID: Item['HistoryKey'] },
        ConsistentRead: true,
      }),
    );
    const label = history.Item?.['Label'] as Label | undefined;
    return { ...decided(Item), ...(label && { label }) };
  }

  /** Many decided transactions at once (at most 100), in no particular order, without labels. */
  async findAll(transactionIds: readonly string[]): Promise<DecidedTransaction[]> {
    const table = this.db.table('Decisions');
    const found: DecidedTransaction[] = [];
    let Keys: Record<string, unknown>[] = [...new Set(transactionIds)].map((TransactionID) => ({ TransactionID }));
    while (Keys.length > 0) {
      const { Responses, UnprocessedKeys } = await this.db.client.send(
        new BatchGetCommand({ RequestItems: { [table]: { Keys, ConsistentRead: true } } }),
      );
      for (const item of Responses?.[table] ?? []) found.push(decided(item));
      Keys = UnprocessedKeys?.[table]?.Keys ?? [];
    }
    return found;
  }

  /** Records what the full scoring of a degraded decision said; the answer that was given stays as it is. */
  rescored(transactionId: string, rescored: NonNullable<DecidedTransaction['rescored']>): TransactItem {
    return {
      Update: {
        TableName: this.db.table('Decisions'),
        Key: { TransactionID: transactionId },
        UpdateExpression: 'SET Rescore = :rescore',
        // The race: two relays paying the same debt. The first result stands, since it may have opened a case.
        ConditionExpression: 'attribute_exists(TransactionID) AND attribute_not_exists(Rescore)',
        ExpressionAttributeValues: { ':rescore': JSON.stringify(rescored) },
      },
    };
  }

  /** The hold on a user after a confirmed fraud, if any is in force. */
  async userHold(userId: string): Promise<{ until: number; transactionId: string } | undefined> {
    const { Item } = await this.db.client.send(
      new GetCommand({
        TableName: this.db.table('UserProfiles'),
        Key: { UserID: userId },
        ProjectionExpression: 'HoldUntil, HoldTransactionID',
        ConsistentRead: true,
      }),
    );
    const until = Item?.['HoldUntil'] as number | undefined;
    return until === undefined ? undefined : { until, transactionId: Item?.['HoldTransactionID'] as string };
  }

  /** Ends the hold on a user. Ending what is not there succeeds. */
  async releaseUser(userId: string): Promise<void> {
    await this.db.client.send(
      new UpdateCommand({
        TableName: this.db.table('UserProfiles'),
        Key: { UserID: userId },
        // The version moves so that a decision that still saw the hold loses its write and decides again.
        UpdateExpression: 'REMOVE HoldUntil, HoldTransactionID ADD Version :one',
        ExpressionAttributeValues: { ':one': 1 },
      }),
    );
  }
}

function versionedProfile(item: Record<string, unknown> | undefined): VersionedProfile {
  if (!item) return { profile: emptyUserProfile(), version: 0 };
  const state = item['State'] as string | undefined;
  const heldUntil = item['HoldUntil'] as number | undefined;
  const heldBecauseOf = item['HoldTransactionID'] as string | undefined;
  return {
    profile: state === undefined ? emptyUserProfile() : decodeUserProfile(state),
    version: item['Version'] as number,
    ...(heldUntil !== undefined && { heldUntil }),
    ...(heldBecauseOf !== undefined && { heldBecauseOf }),
  };
}

function decided(item: Record<string, unknown>): DecidedTransaction {
  const hold = item['Hold'] as PaymentHold | undefined;
  const rescore = item['Rescore'] as string | undefined;
  return {
    transaction: JSON.parse(item['Transaction'] as string) as Transaction,
    decision: JSON.parse(item['Answer'] as string) as Decision,
    features: featuresFromJson(item['Features'] as string),
    ...(hold && { hold }),
    ...(rescore !== undefined && { rescored: JSON.parse(rescore) as NonNullable<DecidedTransaction['rescored']> }),
  };
}
