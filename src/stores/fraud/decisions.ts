import { GetCommand } from '@aws-sdk/lib-dynamodb';
import { defined } from '../../domain/defined';
import { LongwatchError } from '../../domain/errors';
import type { Decision } from '../../domain/fraud/decision';
import { type Features, featuresFromJson, featuresToJson } from '../../domain/fraud/features';
import type { Label } from '../../domain/fraud/label';
import { emptyMerchantProfile, type MerchantProfile } from '../../domain/fraud/merchantProfile';
import { emptyUserProfile, type UserProfile } from '../../domain/fraud/profile';
import { decodeUserProfile, encodeUserProfile } from '../../domain/fraud/profileEncoding';
import type { Transaction } from '../../domain/fraud/transaction';
import { compositeKey, iso } from '../../domain/ids';
import { batchGet } from '../batchGet';
import type { Db } from '../dynamodb';
import { type Item, itemType, number, optional, text } from '../items';
import type { TransactItem } from '../platform/outbox';
import { type Parts, transact } from '../transact';
import { CASE } from './caseItems';
import { versionedMerchant } from './merchants';
import { fraudTables } from './tables';
import {
  decisionItems,
  historyItems,
  historyKeys,
  labelItems,
  type PaymentHold,
  type Rescored,
} from './transactionItems';

const answerItems = decisionItems.pick('transactionId', 'contentHash', 'body');
const bodyItems = decisionItems.pick('body');
const decidedItems = decisionItems.pick('transaction', 'body', 'features', 'hold', 'rescored');

/** Items of users' profiles. */
export const profileItems = itemType(fraudTables, 'UserProfiles', {
  userId: text('UserID'),
  // Absent if a hold came before the first decision.
  state: optional(text('State')),
  version: number('Version'),
  heldUntil: optional(number('HoldUntil')),
  heldBecauseOf: optional(text('HoldTransactionID')),
});

/** A user's profile, with the version that a write has in its condition. */
export interface VersionedProfile {
  profile: UserProfile;
  /** 0 if there is no item yet. */
  version: number;
  /** End of the hold on the user after a confirmed fraud, epoch ms. Absent if there is none. */
  heldUntil?: number;
  /** The fraudulent transaction. */
  heldBecauseOf?: string;
}

/** The stored answer of an earlier request. */
export interface StoredAnswer {
  contentHash: string;
  /** The body of the answer, byte for byte. */
  body: string;
}

/** The stored data that a decision depends on. */
export interface DecisionInputs {
  stored?: StoredAnswer;
  user: VersionedProfile;
  merchant: MerchantProfile;
}

/** The stored data of one decided transaction. */
export interface DecidedTransaction {
  transaction: Transaction;
  decision: Decision;
  features: Features;
  hold?: PaymentHold;
  label?: Label;
  rescored?: Rescored;
}

/** One decision to write. */
export interface DecisionRecord {
  transaction: Transaction;
  contentHash: string;
  decision: Decision;
  body: string;
  features: Features;
  /** `isUnusuallyHigh` for the profile before this transaction. */
  unusualAmount: boolean;
  /** Outbox entries and the opening of a case, in the same DynamoDB transaction. */
  also: readonly TransactItem[];
}

/** Decisions of one user in order, and the user's profile before and after them. */
export interface UserWrite {
  before: VersionedProfile;
  after: UserProfile;
  decisions: readonly DecisionRecord[];
}

/**
 * The reason why a user's decisions were not written:
 * - `decided-already`: a transaction has a decision.
 * - `profile-moved`: another write changed the profile.
 * - `busy`: another transaction writes the same items, or they are throttled.
 * - `bystander`: another user's part of the same write failed.
 */
export type LostRace = 'decided-already' | 'profile-moved' | 'busy' | 'bystander';

/** Maximum number of items in one TransactWriteItems. */
export const WRITE_LIMIT = 100;

/** Returns the number of items of a `TransactWriteItems` for a user's decisions. */
export function itemsOf({ decisions }: Pick<UserWrite, 'decisions'>): number {
  return 1 + decisions.reduce((sum, { also }) => sum + 2 + also.length, 0);
}

/** Decisions, with the profiles and the history of their users. */
export class DecisionStore {
  constructor(private readonly db: Db) {}

  /**
   * Returns the inputs of decisions, read with as few BatchGetItem as possible. Decisions and users are strongly
   * consistent: a repeated request must find its answer, and a stale profile would only lose its conditional write.
   * Merchants are eventually consistent, at half the units, because the stream reader updates their counters with a lag
   * anyway.
   */
  async inputsOf(transactions: readonly Transaction[]): Promise<DecisionInputs[]> {
    const unique = (ids: readonly string[], name: string) => [...new Set(ids)].map((id) => ({ [name]: id }));
    const found = await batchGet(this.db, {
      Decisions: {
        keys: unique(
          transactions.map(({ transactionId }) => transactionId),
          'TransactionID',
        ),
        consistent: true,
        projection: answerItems.attributes.join(', '),
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
    });
    const stored = new Map(
      found.Decisions.map((item) => {
        const { transactionId, ...answer } = answerItems.read(item);
        return [transactionId, answer];
      }),
    );
    const users = new Map(found.UserProfiles.map(versionedProfile));
    const merchants = new Map(found.MerchantProfiles.map(versionedMerchant));
    return transactions.map(({ transactionId, userId, merchantId }) => ({
      ...defined({ stored: stored.get(transactionId) }),
      user: users.get(userId) ?? { profile: emptyUserProfile(), version: 0 },
      merchant: merchants.get(merchantId)?.profile ?? emptyMerchantProfile(),
    }));
  }

  /**
   * Writes decisions, profiles, histories and outbox entries of several users, all or nothing. At most `WRITE_LIMIT`
   * items as counted by `itemsOf`.
   * @returns undefined if written, otherwise the lost race of each user.
   */
  async write(users: readonly UserWrite[]): Promise<LostRace[] | undefined> {
    const parts = users.flatMap((user, i): [`${'profile' | 'decisions'} ${number}`, TransactItem[]][] => [
      [`profile ${i}`, [this.profileItem(user)]],
      [`decisions ${i}`, user.decisions.flatMap((record) => this.recordItems(record))],
    ]);
    const cancelled = await transact(this.db, Object.fromEntries(parts) as Parts<(typeof parts)[number][0]>);
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
        // Race: two transactions of one user write at the same time. The one that loses reads the profile again, so
        // that no update is lost.
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
    const { transactionId, userId, merchantId, amount, currency, timestamp } = transaction;
    const { outcome, mode } = decision;
    const historyKey = compositeKey(iso(timestamp), transactionId);
    const shared = { transactionId, userId, merchantId, amount, currency, timestamp, outcome, historyKey };
    return [
      {
        Put: {
          TableName: this.db.table('Decisions'),
          Item: decisionItems.write({
            ...shared,
            contentHash,
            body,
            transaction,
            features: featuresToJson(features),
            mode,
          }),
          // Race: the same transaction arrives twice at the same time. One write succeeds, the other request returns
          // its answer.
          ConditionExpression: 'attribute_not_exists(TransactionID)',
        },
      },
      {
        Put: {
          TableName: this.db.table('TransactionHistory'),
          Item: historyItems.write({
            ...shared,
            score: decision.score ?? undefined,
            unusualAmount: unusualAmount || undefined,
          }),
        },
      },
      ...also,
    ];
  }

  /** Returns only the stored answer, for `GET /v1/transactions/:id`. */
  async answer(transactionId: string): Promise<string | undefined> {
    const { Item } = await this.db.client.send(
      new GetCommand({
        TableName: this.db.table('Decisions'),
        Key: { TransactionID: transactionId },
        ProjectionExpression: 'Answer',
        ConsistentRead: true,
      }),
    );
    return Item && bodyItems.read(Item).body;
  }

  /** Returns a decided transaction with its label. Two strongly consistent reads. */
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
        Key: historyKeyOf(Item),
        ConsistentRead: true,
      }),
    );
    const { label } = history.Item ? labelItems.read(history.Item) : {};
    return { ...decided(Item), ...defined({ label }) };
  }

  /** Returns decided transactions without their labels, in no particular order. */
  async findAll(transactionIds: readonly string[]): Promise<DecidedTransaction[]> {
    const keys = [...new Set(transactionIds)].map((TransactionID) => ({ TransactionID }));
    const { Decisions } = await batchGet(this.db, { Decisions: { keys, consistent: true } });
    return Decisions.map(decided);
  }

  /** Returns the write of a rescoring's result. The answer to the client does not change. */
  rescored(transactionId: string, rescored: Rescored): TransactItem {
    return {
      Update: {
        TableName: this.db.table('Decisions'),
        Key: { TransactionID: transactionId },
        UpdateExpression: 'SET Rescore = :rescore',
        // Race: two relays dispatch the same outbox entry. The first result stays, because it may have opened a case.
        ConditionExpression: 'attribute_exists(TransactionID) AND attribute_not_exists(Rescore)',
        ExpressionAttributeValues: { ':rescore': JSON.stringify(rescored) },
      },
    };
  }

  /**
   * Stores the label of a transaction and the time when it became known (epoch ms), in one conditional write. A
   * repeated call changes nothing; a later label replaces an earlier one.
   * @returns `investigated` if the transaction's case is open, `unknown` if there is no such transaction.
   * @throws LongwatchError `contention` if other transactions write the same items.
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
          // Race: a rescoring opens a case after the request checked for one. The decision of the case becomes the
          // label then.
          ConditionExpression: 'attribute_not_exists(TransactionID) OR attribute_exists(ClosedAt)',
        },
      },
      history: {
        Update: {
          TableName: this.db.table('TransactionHistory'),
          Key: historyKeyOf(Item),
          UpdateExpression: 'SET Label = :label, LabelledAt = :at',
          // Retention may have deleted the history row. The condition keeps this update from creating an incomplete
          // one.
          ConditionExpression: 'attribute_exists(TransactionID)',
          ExpressionAttributeValues: { ':label': label, ':at': at },
        },
      },
    });
    if (!cancelled) return 'labelled';
    if (cancelled.lost.has('investigation')) return 'investigated';
    if (cancelled.lost.has('history')) return 'unknown';
    throw new LongwatchError('contention', `Other requests are writing transaction ${transactionId}; try again`);
  }
}

function versionedProfile(item: Item): [userId: string, VersionedProfile] {
  const { userId, state, ...versioned } = profileItems.read(item);
  return [userId, { profile: state === undefined ? emptyUserProfile() : decodeUserProfile(state), ...versioned }];
}

const historyKeyOf = (decision: Item) => {
  const { userId, historyKey } = historyKeys.read(decision);
  return { UserID: userId, TimeTransactionID: historyKey };
};

function decided(item: Item): DecidedTransaction {
  const { body, features, ...others } = decidedItems.read(item);
  return { ...others, decision: JSON.parse(body) as Decision, features: featuresFromJson(features) };
}
