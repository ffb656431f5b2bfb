import { GetCommand, PutCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { compositeKey, iso } from '../../domain/ids';
import type { Page, PageRequest } from '../cursor';
import { type Db, isConditionFailure } from '../dynamodb';
import { queryPage } from '../query';

export interface NotificationRecord {
  /** The same however often it is sent. */
  id: string;
  /** A user's id, or a team. */
  recipient: string;
  subject: string;
  text: string;
  /** Epoch ms at which it was decided to send it; with id and recipient the key. */
  at: number;
  /** By channel: `sent`, or why not. Empty while pending, and when only the table is a channel. */
  results: Readonly<Record<string, string>>;
  status: 'pending' | 'delivered' | 'failed';
}

/** What was sent to whom, by which channel, with what result. Texts are kept without links that carry tokens. */
export class NotificationStore {
  constructor(private readonly db: Db) {}

  /** @returns what is on record: the new record, or the one of an earlier attempt. */
  async begin(notification: Omit<NotificationRecord, 'results' | 'status'>): Promise<NotificationRecord> {
    const { id, recipient, at, subject, text } = notification;
    try {
      await this.db.client.send(
        new PutCommand({
          TableName: this.table,
          Item: {
            ...this.key(recipient, at, id),
            ID: id,
            Subject: subject,
            Text: text,
            At: at,
            Results: {},
            Status: 'pending',
          },
          // The race: the same message sent by an attempt that was believed dead. There is one record of it.
          ConditionExpression: 'attribute_not_exists(TimeID)',
        }),
      );
      return { ...notification, results: {}, status: 'pending' };
    } catch (error) {
      if (!isConditionFailure(error)) throw error;
      const { Item } = await this.db.client.send(
        new GetCommand({ TableName: this.table, Key: this.key(recipient, at, id), ConsistentRead: true }),
      );
      return notificationRecord(Item ?? {});
    }
  }

  /** Some channels have it, others are to be tried again. */
  progress(
    of: Pick<NotificationRecord, 'recipient' | 'at' | 'id'>,
    results: NotificationRecord['results'],
  ): Promise<void> {
    return this.mark(of, 'pending', results);
  }

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

  /** Newest first. */
  list(recipient: string, page: PageRequest = {}): Promise<Page<NotificationRecord>> {
    const values = { ':recipient': recipient };
    return queryPage(
      this.db,
      { name: 'notifications', of: { recipient } },
      { table: 'Notifications', where: 'Recipient = :recipient', values, descending: true },
      page,
      notificationRecord,
    );
  }

  private key(Recipient: string, at: number, id: string): { Recipient: string; TimeID: string } {
    return { Recipient, TimeID: compositeKey(iso(at), id) };
  }

  private get table(): string {
    return this.db.table('Notifications');
  }
}

function notificationRecord(item: Record<string, unknown>): NotificationRecord {
  return {
    id: item['ID'] as string,
    recipient: item['Recipient'] as string,
    subject: item['Subject'] as string,
    text: item['Text'] as string,
    at: item['At'] as number,
    results: item['Results'] as Record<string, string>,
    status: item['Status'] as NotificationRecord['status'],
  };
}
