import { GetCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { defined } from '../../domain/defined';
import { LongwatchError } from '../../domain/errors';
import type { Decision, Outcome } from '../../domain/fraud/decision';
import { type Features, featuresFromJson, featuresToJson } from '../../domain/fraud/features';
import type { Label } from '../../domain/fraud/label';
import { decodeMerchantProfile, emptyMerchantProfile, type MerchantProfile } from '../../domain/fraud/merchantProfile';
import { emptyUserProfile, type UserProfile } from '../../domain/fraud/profile';
import { decodeUserProfile, encodeUserProfile } from '../../domain/fraud/profileEncoding';
import type { Transaction } from '../../domain/fraud/transaction';
import { compositeKey, iso } from '../../domain/ids';
import { batchGet } from '../batchGet';
import type { Db } from '../dynamodb';
import type { TransactItem } from '../platform/outbox';
import { type Parts, transact } from '../transact';
import { CASE } from './caseItems';

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

/** One decision of a user, as it is written. */
export interface DecisionRecord {
  transaction: Transaction;
  contentHash: string;
  decision: Decision;
  body: string;
  features: Features;
  /** `isUnusuallyHigh` by the profile just before this transaction. */
  unusualAmount: boolean;
  /** Debts and an investigation's opening, in the same transaction. */
  also: readonly TransactItem[];
}

/** Decisions of one user, in order, and what they make of the user's profile. */
export interface UserWrite {
  before: VersionedProfile;
  after: UserProfile;
  decisions: readonly DecisionRecord[];
}

/** Why a user's decisions could not be written; `bystander`: another user's of the same write could not. */
export type LostRace = 'decided-already' | 'profile-moved' | 'busy' | 'bystander';

/** TransactWriteItems takes this many items. */
export const WRITE_LIMIT = 100;

/** How many items of a `TransactWriteItems` a user's decisions take. */
export function itemsOf({ decisions }: Pick<UserWrite, 'decisions'>): number {
  return 1 + decisions.reduce((sum, { also }) => sum + 2 + also.length, 0);
}

export class DecisionStore {
  constructor(private readonly db: Db) {}

  /** What one decision needs, in one BatchGetItem. */
  async inputs(transaction: Transaction, abortSignal?: AbortSignal): Promise<DecisionInputs> {
    const [inputs] = await this.inputsOf([transaction], abortSignal);
    if (!inputs) throw new RangeError('Inputs were asked for one transaction');
    return inputs;
  }

  /**
   * What decisions need, in as few BatchGetItem as hold the keys. Decisions and users are read strongly consistent:
   * a replay must find its answer, and a stale profile would only lose its conditional write. Merchants are read
   * eventually consistent (half the units): their counters lag by the stream anyway.
   */
  async inputsOf(transactions: readonly Transaction[], abortSignal?: AbortSignal): Promise<DecisionInputs[]> {
    const unique = (ids: readonly string[], name: string) => [...new Set(ids)].map((id) => ({ [name]: id }));
    const found = await batchGet(
      this.db,
      {
        Decisions: {
          keys: unique(
            transactions.map(({ transactionId }) => transactionId),
            'TransactionID',
          ),
          consistent: true,
          projection: 'TransactionID, ContentHash, Answer',
        },
        UserProfiles: {
          keys: unique(
            transactions.map(({ userId }) => userId),
            'UserID',
          ),
          consistent: true,
        },
        MerchantProfiles: {
          keys: unique(
            transactions.map(({ merchantId }) => merchantId),
            'MerchantID',
          ),
        },
      },
      abortSignal,
    );
    const stored = new Map(
      found.Decisions.map((item) => [
        item['TransactionID'],
        { contentHash: item['ContentHash'] as string, body: item['Answer'] as string },
      ]),
    );
    const users = new Map(found.UserProfiles.map((item) => [item['UserID'], versionedProfile(item)]));
    const merchants = new Map(
      found.MerchantProfiles.map((item) => [item['MerchantID'], decodeMerchantProfile(item['State'] as string)]),
    );
    return transactions.map(({ transactionId, userId, merchantId }) => {
      const answer = stored.get(transactionId);
      return {
        ...defined({ stored: answer }),
        user: users.get(userId) ?? versionedProfile(undefined),
        merchant: merchants.get(merchantId) ?? emptyMerchantProfile(),
      };
    });
  }

  /**
   * Writes users' decisions, profiles, histories and what the decisions owe, all or nothing; at most `WRITE_LIMIT`
   * items by `itemsOf`.
   * @returns undefined when written, else by user the race that was lost.
   */
  async write(users: readonly UserWrite[], abortSignal?: AbortSignal): Promise<LostRace[] | undefined> {
    const parts = users.flatMap((user, i): [`${'profile' | 'decisions'} ${number}`, TransactItem[]][] => [
      [`profile ${i}`, [this.profileItem(user)]],
      [`decisions ${i}`, user.decisions.flatMap((record) => this.recordItems(record))],
    ]);
    const cancelled = await transact(
      this.db,
      Object.fromEntries(parts) as Parts<(typeof parts)[number][0]>,
      abortSignal,
    );
    if (!cancelled) return undefined;
    const { lost, busy, cause } = cancelled;
    if (lost.size === 0 && busy.size === 0) throw cause;
    return users.map((_, i) => {
      if (lost.has(`decisions ${i}`)) return 'decided-already';
      if (lost.has(`profile ${i}`)) return 'profile-moved';
      return busy.has(`profile ${i}`) || busy.has(`decisions ${i}`) ? 'busy' : 'bystander';
    });
  }

  private profileItem({ before, after, decisions }: UserWrite): TransactItem {
    return {
      Update: {
        TableName: this.db.table('UserProfiles'),
        Key: { UserID: decisions[0]?.transaction.userId },
        UpdateExpression: 'SET #state = :state, Version = :next',
        // The race: two transactions of one user. The loser reads again, so that no update is lost.
        ConditionExpression: before.version === 0 ? 'attribute_not_exists(Version)' : 'Version = :version',
        ExpressionAttributeNames: { '#state': 'State' },
        ExpressionAttributeValues: {
          ':state': encodeUserProfile(after),
          ':next': before.version + 1,
          ...(before.version > 0 && { ':version': before.version }),
        },
      },
    };
  }

  private recordItems({
    transaction,
    contentHash,
    decision,
    body,
    features,
    unusualAmount,
    also,
  }: DecisionRecord): TransactItem[] {
    const TimeTransactionID = compositeKey(iso(transaction.timestamp), transaction.transactionId);
    return [
      {
        Put: {
          TableName: this.db.table('Decisions'),
          Item: {
            TransactionID: transaction.transactionId,
            ContentHash: contentHash,
            Answer: body,
            UserID: transaction.userId,
            MerchantID: transaction.merchantId,
            Amount: transaction.amount,
            Currency: transaction.currency,
            Timestamp: transaction.timestamp,
            Transaction: JSON.stringify(transaction),
            Features: featuresToJson(features),
            Outcome: decision.outcome,
            Mode: decision.mode,
            HistoryKey: TimeTransactionID,
          },
          // The race: the same transaction sent twice at once. One write wins, the other finds its answer.
          ConditionExpression: 'attribute_not_exists(TransactionID)',
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
            ...(unusualAmount && { UnusualAmount: true }),
          },
        },
      },
      ...also,
    ];
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
      new GetCommand({
        TableName: this.db.table('Decisions'),
        Key: { TransactionID: transactionId },
        ConsistentRead: true,
      }),
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
    return { ...decided(Item), ...defined({ label }) };
  }

  /** Many decided transactions at once, in no particular order, without labels. */
  async findAll(transactionIds: readonly string[]): Promise<DecidedTransaction[]> {
    const keys = [...new Set(transactionIds)].map((TransactionID) => ({ TransactionID }));
    const { Decisions } = await batchGet(this.db, { Decisions: { keys, consistent: true } });
    return Decisions.map(decided);
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

  /**
   * Notes what a transaction turned out to be, and when that became known (epoch ms), in one conditional write. Writing
   * the same twice changes nothing; the last one stands.
   * @returns `investigated` where its case is open, `unknown` where there is no such transaction.
   */
  async label(transactionId: string, label: Label, at: number): Promise<'labelled' | 'investigated' | 'unknown'> {
    const { Item } = await this.db.client.send(
      new GetCommand({
        TableName: this.db.table('Decisions'),
        Key: { TransactionID: transactionId },
        ProjectionExpression: 'UserID, HistoryKey',
      }),
    );
    if (!Item) return 'unknown';
    const cancelled = await transact(this.db, {
      investigation: {
        ConditionCheck: {
          TableName: this.db.table('Investigations'),
          Key: { TransactionID: transactionId, Entry: CASE },
          // Race: a case is opened after the handler looked (a re-score opens cases). Its decision is the label then.
          ConditionExpression: 'attribute_not_exists(TransactionID) OR attribute_exists(ClosedAt)',
        },
      },
      history: {
        Update: {
          TableName: this.db.table('TransactionHistory'),
          Key: { UserID: Item['UserID'], TimeTransactionID: Item['HistoryKey'] },
          UpdateExpression: 'SET Label = :label, LabelledAt = :at',
          // The history may have been deleted (retention): no stump without the rest of it.
          ConditionExpression: 'attribute_exists(TransactionID)',
          ExpressionAttributeValues: { ':label': label, ':at': at },
        },
      },
    });
    if (!cancelled) return 'labelled';
    if (cancelled.lost.has('investigation')) return 'investigated';
    if (cancelled.lost.has('history')) return 'unknown';
    throw new LongwatchError('contention', `Transaction ${transactionId} is being written by others; try again`);
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
    ...defined({ heldUntil, heldBecauseOf }),
  };
}

function decided(item: Record<string, unknown>): DecidedTransaction {
  const hold = item['Hold'] as PaymentHold | undefined;
  const rescore = item['Rescore'] as string | undefined;
  return {
    transaction: JSON.parse(item['Transaction'] as string) as Transaction,
    decision: JSON.parse(item['Answer'] as string) as Decision,
    features: featuresFromJson(item['Features'] as string),
    ...defined({ hold }),
    ...(rescore !== undefined && { rescored: JSON.parse(rescore) as NonNullable<DecidedTransaction['rescored']> }),
  };
}
