import { GetCommand, PutCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { compositeKey, iso } from '../../domain/ids';
import type { Page, PageRequest } from '../cursor';
import { type Db, isConditionFailure } from '../dynamodb';
import { itemType, map, number, text } from '../items';
import { queryPage } from '../query';
import { platformTables } from './tables';

/** A message to a user or a team, and its delivery by channel. */
export interface NotificationRecord {
  /** The same for every attempt to send the message. */
  id: string;
  /** A user's id, or a team. */
  recipient: string;
  subject: string;
  text: string;
  /** Epoch ms at which the message was requested. Part of the key, with `recipient` and `id`. */
  at: number;
  /** By channel: `sent`, or the reason of the failure. Empty while pending, and when the table is the only channel. */
  results: Readonly<Record<string, string>>;
  status: 'pending' | 'delivered' | 'failed';
}

const notificationItems = itemType(platformTables, 'Notifications', {
  id: text('ID'),
  recipient: text('Recipient'),
  subject: text('Subject'),
  text: text('Text'),
  at: number('At'),
  results: map<Record<string, string>>('Results'),
  status: text<NotificationRecord['status']>('Status'),
});

/**
 * The `Notifications` table: every message with its recipient and the result of each channel. Links with tokens are
 * removed from the stored texts.
 */
export class NotificationStore {
  constructor(private readonly db: Db) {}

  /**
   * Records a message before it is sent.
   * @returns the new record, or the record of an earlier attempt with its results.
   */
  async begin(notification: Omit<NotificationRecord, 'results' | 'status'>): Promise<NotificationRecord> {
    const { id, recipient, at } = notification;
    const begun: NotificationRecord = { ...notification, results: {}, status: 'pending' };
    try {
      await this.db.client.send(
        new PutCommand({
          TableName: this.table,
          Item: notificationItems.write(begun, this.key(recipient, at, id)),
          // Race: an earlier attempt that timed out is still sending the same message. Both attempts share one record.
          ConditionExpression: 'attribute_not_exists(TimeID)',
        }),
      );
      return begun;
    } catch (error) {
      if (!isConditionFailure(error)) throw error;
      const { Item } = await this.db.client.send(
        new GetCommand({ TableName: this.table, Key: this.key(recipient, at, id), ConsistentRead: true }),
      );
      if (!Item) throw error;
      return notificationItems.read(Item);
    }
  }

  /** Stores the results so far: at least one channel must be tried again. */
  progress(
    of: Pick<NotificationRecord, 'recipient' | 'at' | 'id'>,
    results: NotificationRecord['results'],
  ): Promise<void> {
    return this.mark(of, 'pending', results);
  }

  /** Stores the final results of all channels. */
  finish(
    of: Pick<NotificationRecord, 'recipient' | 'at' | 'id'>,
    status: 'delivered' | 'failed',
    results: NotificationRecord['results'],
  ): Promise<void> {
    return this.mark(of, status, results);
  }

  private async mark(
    { recipient, at, id }: Pick<NotificationRecord, 'recipient' | 'at' | 'id'>,
    status: NotificationRecord['status'],
    results: NotificationRecord['results'],
  ): Promise<void> {
    await this.db.client.send(
      new UpdateCommand({
        TableName: this.table,
        Key: this.key(recipient, at, id),
        UpdateExpression: 'SET #status = :status, Results = :results',
        ExpressionAttributeNames: { '#status': 'Status' },
        ExpressionAttributeValues: { ':status': status, ':results': results },
      }),
    );
  }

  /**
   * Returns a page of a recipient's messages, newest first.
   * @throws LongwatchError `invalid` for a cursor of another release or of another list.
   */
  list(recipient: string, page: PageRequest = {}): Promise<Page<NotificationRecord>> {
    const values = { ':recipient': recipient };
    return queryPage(
      this.db,
      { name: 'notifications', of: { recipient } },
      { table: 'Notifications', where: 'Recipient = :recipient', values, descending: true },
      page,
      notificationItems.read,
    );
  }

  private key(Recipient: string, at: number, id: string): { Recipient: string; TimeID: string } {
    return { Recipient, TimeID: compositeKey(iso(at), id) };
  }

  private get table(): string {
    return this.db.table('Notifications');
  }
}
