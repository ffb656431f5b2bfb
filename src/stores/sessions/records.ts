import { PutCommand, QueryCommand, ScanCommand, TransactWriteCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { type EndReason, isOver, type SessionHead, type SessionOwner } from '../../domain/sessions';
import type { Db } from '../dynamodb';
import type { TransactItem } from '../ledger';
import { attempt } from './conditional';
import { SessionEnds } from './ends';
import { DATA, dataKey, dataOf, fitsHead, HEAD, headItem, headKey, headOf, keyLength, newHandle, removeAt, type SessionBytes, signInKey } from './items';
import type { RecordSettings } from './settings';

export interface StoredSession {
  head: SessionHead;
  data: SessionBytes;
}

export interface NewSession extends SessionOwner {
  data: SessionBytes;
  expiresAt: number;
  absoluteExpiresAt: number;
}

export interface Save {
  data: SessionBytes;
  expiresAt: number;
  /** The life was changed on purpose: take the expiry as it is, also where it is nearer. */
  exactly?: boolean;
}

/** What a write to a session demands that was loaded; takes `:now`. */
const LIVE = 'attribute_not_exists(EndedAt) AND ExpiresAt > :now';

/** Sessions, by the keys that their ids hash to. */
export class SessionRecords {
  readonly ends: SessionEnds;

  constructor(
    private readonly db: Db,
    private readonly settings: RecordSettings,
  ) {
    this.ends = new SessionEnds(db, settings);
  }

  /**
   * A session that is alive. Strongly consistent: a stale read would return what was ended a moment ago. Both parts in
   * one request, which makes it one read unit up to 4 KB. Who finds a session expired ends it, so that no clock that
   * is behind finds it alive again.
   */
  async find(key: string): Promise<StoredSession | undefined> {
    const { Items = [] } = await this.db.client.send(
      new QueryCommand({ TableName: this.table, ConsistentRead: true, KeyConditionExpression: 'SessionKey = :key', ExpressionAttributeValues: { ':key': key } }),
    );
    const item = Items.find(({ Part }) => Part === HEAD);
    if (!item) return undefined;
    const head = headOf(item);
    if (isOver(head, this.settings.now())) {
      await this.ends.endExpired(head);
      return undefined;
    }
    const data = dataOf(item, Items.find(({ Part }) => Part === DATA));
    return data === undefined ? undefined : { head, data };
  }

  /** @returns the new session's head, that of a live one which is there already, or undefined where one has ended. */
  async create(key: string, session: NewSession): Promise<{ created: boolean; head: SessionHead } | undefined> {
    const { data, ...rest } = session;
    const now = this.settings.now();
    const head = this.placed({ key, handle: newHandle(now), createdAt: now, lastSeenAt: now, ...rest }, data);
    if (head.split) await this.putData(head, data);
    const inTheWay = await attempt(() =>
      head.userId === undefined
        ? this.db.client.send(new PutCommand(this.firstPut(head, data)))
        : this.transact([{ Put: this.firstPut(head, data) }, this.signIn(head, head.userId)]),
    );
    if (!inTheWay) {
      this.settings.watch?.created?.();
      return { created: true, head };
    }
    const found = await this.ends.liveAmong(inTheWay);
    if (!found) this.settings.watch?.refused?.();
    if (!found && head.split) await this.ends.removeData(key);
    return found && { created: false, head: found };
  }

  /** @returns the session as it is now, or undefined where it has ended: nothing is kept of the save then. */
  async save(head: SessionHead, save: Save): Promise<SessionHead | undefined> {
    const split = !fitsHead(head, save.data);
    // Data first: a reader that finds the new head finds its data.
    if (split) await this.putData(head, save.data);
    const saved = await this.saveHead(head, save, split);
    if (saved) return { ...saved, ...(split && { split: true }) };
    this.settings.watch?.refused?.();
    if (split) await this.ends.removeData(head.key);
    return undefined;
  }

  private async saveHead(head: SessionHead, { data, expiresAt, exactly = false }: Save, split: boolean): Promise<SessionHead | undefined> {
    const moves = exactly || expiresAt > head.expiresAt;
    const now = this.settings.now();
    // The one save that writes to the index: its end would come before the sweeper looks.
    const checkAt = moves && head.checkAt !== undefined && expiresAt < head.checkAt ? expiresAt : undefined;
    const values = {
      LastSeenAt: now,
      ...(split ? { SplitData: true } : { SessionData: data }),
      ...(moves && { ExpiresAt: expiresAt }),
      ...(checkAt !== undefined && { CheckAt: checkAt }),
    };
    const names = Object.keys(values);
    const inTheWay = await attempt(() =>
      this.db.client.send(
        new UpdateCommand({
          TableName: this.table,
          Key: headKey(head.key),
          UpdateExpression: `SET ${names.map((name) => `${name} = :${name}`).join(', ')}${split ? ' REMOVE SessionData' : ''}`,
          // The races: the session ended meanwhile, by whomever, or its time is over: no save brings it back. And
          // another save or touch moved the expiry further: there it stays.
          ConditionExpression: LIVE + (moves && !exactly ? ' AND ExpiresAt <= :ExpiresAt' : ''),
          ExpressionAttributeValues: { ...Object.fromEntries(Object.entries(values).map(([name, value]) => [`:${name}`, value])), ':now': now },
          ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
        }),
      ),
    );
    if (!inTheWay) return { ...head, lastSeenAt: now, ...(moves && { expiresAt }), ...(checkAt !== undefined && { checkAt }) };
    const found = await this.ends.liveAmong(inTheWay);
    return found && this.saveHead(found, { data, expiresAt: Math.min(expiresAt, found.expiresAt) }, split);
  }

  /** Moves the expiry on. One write unit, no index. @returns the session as it is now, or undefined where it has ended. */
  async touch(head: SessionHead, expiresAt: number): Promise<SessionHead | undefined> {
    const now = this.settings.now();
    const inTheWay = await attempt(() =>
      this.db.client.send(
        new UpdateCommand({
          TableName: this.table,
          Key: headKey(head.key),
          UpdateExpression: 'SET ExpiresAt = :expiresAt, LastSeenAt = :now',
          // The races: the session ended meanwhile, or its time is over; another touch moved the expiry further.
          ConditionExpression: `${LIVE} AND ExpiresAt < :expiresAt`,
          ExpressionAttributeValues: { ':now': now, ':expiresAt': expiresAt },
          ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
        }),
      ),
    );
    if (!inTheWay) {
      this.settings.watch?.touched?.(true);
      return { ...head, expiresAt, lastSeenAt: now };
    }
    const found = await this.ends.liveAmong(inTheWay);
    if (!found) this.settings.watch?.refused?.();
    return found;
  }

  /** The session goes on under another key, and never again under the old one. @returns undefined where it has ended. */
  async rotate(from: SessionHead, key: string, { data, expiresAt }: Save): Promise<SessionHead | undefined> {
    const now = this.settings.now();
    const { split: _, ...kept } = from;
    const head = this.placed({ ...kept, key, lastSeenAt: now, expiresAt }, data);
    if (head.split) await this.putData(head, data);
    const lost = await attempt(() =>
      this.transact([
        {
          Update: {
            TableName: this.table,
            Key: headKey(from.key),
            UpdateExpression: 'SET EndedAt = :now, EndReason = :rotated REMOVE SessionData, ExpiryBucket, CheckAt',
            // The races: the session ended meanwhile, or its time is over: it does not escape under a new id.
            ConditionExpression: LIVE,
            ExpressionAttributeValues: { ':now': now, ':rotated': 'rotated' satisfies EndReason },
            ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
          },
        },
        { Put: this.firstPut(head, data) },
        // The user's list names the session by what it is now, so that whoever ends them all finds it.
        ...(from.userId === undefined ? [] : [this.signIn(head, from.userId)]),
      ]),
    );
    if (lost) {
      await this.ends.liveAmong(lost);
      if (head.split) await this.ends.removeData(key);
      this.settings.watch?.refused?.();
      return undefined;
    }
    if (from.split) await this.ends.removeData(from.key);
    return head;
  }

  /** Every live session of the prefix: a scan, for administration alone. */
  async *scan(): AsyncGenerator<StoredSession> {
    const { prefix, now } = this.settings;
    let ExclusiveStartKey: Record<string, unknown> | undefined;
    do {
      const page = await this.db.client.send(
        new ScanCommand({
          TableName: this.table,
          ConsistentRead: true,
          FilterExpression: 'Part = :head AND begins_with(SessionKey, :prefix) AND size(SessionKey) = :length AND attribute_not_exists(EndedAt) AND ExpiresAt > :now',
          ExpressionAttributeValues: { ':head': HEAD, ':prefix': prefix, ':length': keyLength(prefix), ':now': now() },
          ...(ExclusiveStartKey && { ExclusiveStartKey }),
        }),
      );
      for (const item of page.Items ?? []) {
        const data = dataOf(item, undefined) ?? (await this.find(item['SessionKey'] as string))?.data;
        if (data !== undefined) yield { head: headOf(item), data };
      }
      ExclusiveStartKey = page.LastEvaluatedKey;
    } while (ExclusiveStartKey);
  }

  private get table(): string {
    return this.db.table('Sessions');
  }

  private placed(head: SessionHead, data: SessionBytes): SessionHead {
    return { ...head, ...(this.settings.buckets > 0 && { checkAt: head.expiresAt }), ...(!fitsHead(head, data) && { split: true }) };
  }

  private firstPut(head: SessionHead, data: SessionBytes) {
    return {
      TableName: this.table,
      Item: { ...headItem(head, this.settings.buckets), ...(head.split ? { SplitData: true } : { SessionData: data }) },
      // The race: two first saves under one id, or a save of what was ended before it was ever saved.
      ConditionExpression: 'attribute_not_exists(SessionKey)',
      ReturnValuesOnConditionCheckFailure: 'ALL_OLD' as const,
    };
  }

  private signIn(head: SessionHead, userId: string): TransactItem {
    return {
      Put: {
        TableName: this.table,
        Item: { ...signInKey(this.settings.prefix, userId, head.handle), CurrentKey: head.key, RemoveAt: removeAt(head.absoluteExpiresAt) },
      },
    };
  }

  /** Unconditional: without a live head nobody reads it, and the last one to save wins, as ever. */
  private async putData({ key, absoluteExpiresAt }: SessionHead, data: SessionBytes): Promise<void> {
    await this.db.client.send(new PutCommand({ TableName: this.table, Item: { ...dataKey(key), SessionData: data, RemoveAt: removeAt(absoluteExpiresAt) } }));
  }

  private transact(TransactItems: TransactItem[]): Promise<unknown> {
    return this.db.client.send(new TransactWriteCommand({ TransactItems }));
  }
}
