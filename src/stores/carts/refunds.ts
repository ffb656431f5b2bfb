import { createHash } from 'node:crypto';
import { UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { LongwatchError } from '../../domain/errors';
import { compositeKey, iso } from '../../domain/ids';
import type { Page, PageRequest } from '../cursor';
import { type Db, isConditionFailure } from '../dynamodb';
import { itemType, number, optional, text } from '../items';
import type { TransactItem } from '../platform/outbox';
import { queryPage } from '../query';
import { cartTables } from './tables';

/** A payment that must be refunded, because it did not make its checkout an order. */
export interface Refund {
  checkoutId: string;
  userId: string;
  paymentReference: string;
  /** The reason, a sentence for the shop's staff. */
  reason: string;
  recordedAt: number;
  status: 'due' | 'done';
  doneBy?: string;
}

/** A new refund. */
export type RefundDue = Omit<Refund, 'status' | 'doneBy'>;

const refundItems = itemType(cartTables, 'Checkouts', {
  checkoutId: text('CheckoutID'),
  userId: text('UserID'),
  paymentReference: text('PaymentReference'),
  reason: text('Reason'),
  recordedAt: number('RecordedAt'),
  status: text<Refund['status']>('RefundStatus'),
  doneBy: optional(text('DoneBy')),
});

/** Payments that must be refunded. They lie in the table of checkouts, beside their checkout. */
export class RefundStore {
  constructor(private readonly db: Db) {}

  /**
   * Returns the item of a `TransactWriteItems` that lists a payment as a refund due. If the payment is listed already,
   * due or done, it does not change.
   */
  listing(refund: RefundDue) {
    const { checkoutId, paymentReference, recordedAt } = refund;
    const { CheckoutID: _, ...values } = refundItems.write(
      { ...refund, status: 'due' },
      { RecordedAtID: compositeKey(iso(recordedAt), checkoutId) },
    );
    const names = Object.keys(values);
    return {
      Update: {
        TableName: this.table,
        Key: this.key(checkoutId, paymentReference),
        UpdateExpression: `SET ${names.map((name) => `${name} = if_not_exists(${name}, :${name})`).join(', ')}`,
        ExpressionAttributeValues: Object.fromEntries(
          Object.entries(values).map(([name, value]) => [`:${name}`, value]),
        ),
      },
    } satisfies TransactItem;
  }

  /**
   * Lists a payment as a refund due. A payment is refunded once, however often its confirmation arrives.
   * @returns whether it is new.
   */
  async record(refund: RefundDue): Promise<boolean> {
    const { Attributes } = await this.db.client.send(
      new UpdateCommand({ ...this.listing(refund).Update, ReturnValues: 'ALL_OLD' }),
    );
    return Attributes === undefined;
  }

  /** Returns a page of refunds by status, oldest first. Eventually consistent, as every index. */
  page(status: Refund['status'], request: PageRequest = {}): Promise<Page<Refund>> {
    return queryPage(
      this.db,
      { name: 'refunds', of: { status } },
      { table: 'Checkouts', index: 'ByRefund', where: 'RefundStatus = :status', values: { ':status': status } },
      request,
      refundItems.read,
    );
  }

  /**
   * Marks a refund as done. A repeated call changes nothing.
   * @throws LongwatchError `notFound` if the payment is not listed as a refund.
   */
  async markDone(checkoutId: string, paymentReference: string, doneBy: string): Promise<void> {
    try {
      await this.db.client.send(
        new UpdateCommand({
          TableName: this.table,
          Key: this.key(checkoutId, paymentReference),
          UpdateExpression: 'SET RefundStatus = :done, DoneBy = if_not_exists(DoneBy, :by)',
          // The condition keeps this update from creating an incomplete refund.
          ConditionExpression: 'attribute_exists(CheckoutID)',
          ExpressionAttributeValues: { ':done': 'done', ':by': doneBy },
        }),
      );
    } catch (error) {
      if (!isConditionFailure(error)) throw error;
      throw new LongwatchError(
        'notFound',
        `No refund of payment ${paymentReference} is due for checkout ${checkoutId}`,
        { cause: error },
      );
    }
  }

  /**
   * Returns the key of a refund. It has a hash of the reference, which comes from a payment system and may contain any
   * characters.
   */
  private key(CheckoutID: string, paymentReference: string): { CheckoutID: string; Entry: string } {
    return {
      CheckoutID,
      Entry: compositeKey('refund', createHash('sha256').update(paymentReference).digest('base64url')),
    };
  }

  private get table(): string {
    return this.db.table('Checkouts');
  }
}
