import { createHash } from 'node:crypto';
import { GetCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import type { Checkout, CheckoutStatus, CheckoutLine } from '../../domain/carts/checkout';
import { removeUnfinishedAt } from '../../domain/carts/retention';
import { defined } from '../../domain/defined';
import { LongwatchError } from '../../domain/errors';
import { compositeKey, iso } from '../../domain/ids';
import type { Page, PageRequest } from '../cursor';
import { type Db, isConditionFailure } from '../dynamodb';
import type { TransactItem } from '../platform/outbox';
import { itemType, list, number, optional, text } from '../items';
import { queryPage } from '../query';
import { scanPage } from '../scanPage';
import { cartTables } from './tables';

const CHECKOUT = 'checkout';

const checkoutItems = itemType(cartTables, 'Checkouts', {
  checkoutId: text('CheckoutID'),
  userId: text('UserID'),
  cartNumber: number('CartNumber'),
  cartVersion: number('CartVersion'),
  status: text<CheckoutStatus>('Status'),
  lines: list<CheckoutLine>('Lines'),
  currency: text('Currency'),
  total: number('Total'),
  createdAt: number('CreatedAt'),
  holdUntil: number('HoldUntil'),
  partLines: number('PartLines'),
  partsDone: number('PartsDone'),
  attempt: text('Attempt'),
  paymentReference: optional(text('PaymentReference')),
  orderId: optional(text('OrderID')),
  endedAt: optional(number('EndedAt')),
});
const openCheckoutItems = checkoutItems.pick('checkoutId', 'createdAt');

const orderItems = itemType(cartTables, 'Orders', {
  orderId: text('OrderID'),
  checkoutId: text('CheckoutID'),
  userId: text('UserID'),
  paymentReference: text('PaymentReference'),
  lines: list<CheckoutLine>('Lines'),
  currency: text('Currency'),
  total: number('Total'),
  confirmedAt: number('ConfirmedAt'),
});

const refundItems = itemType(cartTables, 'Checkouts', {
  checkoutId: text('CheckoutID'),
  userId: text('UserID'),
  paymentReference: text('PaymentReference'),
  reason: text('Reason'),
  recordedAt: number('RecordedAt'),
  status: text<Refund['status']>('RefundStatus'),
  doneBy: optional(text('DoneBy')),
});

/** A change of a checkout's status, and the number of processed parts before and after it. */
export interface CheckoutMove {
  from: CheckoutStatus;
  fromParts: number;
  to: CheckoutStatus;
  toParts: number;
  paymentReference?: string;
  orderId?: string;
  endedAt?: number;
  /** Condition: the hold has not ended at this instant (epoch ms). */
  heldAt?: number;
  /** Condition: the hold has ended at this instant (epoch ms). */
  endedHoldAt?: number;
}

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

/** An order: a confirmed checkout. */
export interface Order {
  orderId: string;
  checkoutId: string;
  userId: string;
  paymentReference: string;
  lines: readonly CheckoutLine[];
  currency: string;
  total: number;
  confirmedAt: number;
}

/** Checkouts, orders and refunds. */
export class CheckoutStore {
  constructor(private readonly db: Db) {}

  /** Returns a checkout. Strongly consistent. */
  async find(checkoutId: string): Promise<Checkout | undefined> {
    const { Item } = await this.db.client.send(
      new GetCommand({ TableName: this.table, Key: this.key(checkoutId), ConsistentRead: true }),
    );
    return Item && checkoutItems.read(Item);
  }

  /** Returns a page of open checkouts, in no order. Scans the table: only for the reconciler. */
  openCheckouts(cursor: string | undefined): Promise<Page<Pick<Checkout, 'checkoutId' | 'createdAt'>>> {
    const open: CheckoutStatus[] = ['held', 'confirming', 'cancelling'];
    const values = { ':checkout': CHECKOUT, ...Object.fromEntries(open.map((status, i) => [`:s${i}`, status])) };
    const condition = `#Entry = :checkout AND #Status IN (${open.map((_, i) => `:s${i}`).join(', ')})`;
    return scanPage(
      this.db,
      'Checkouts',
      { attributes: ['CheckoutID', 'Entry', 'Status', 'CreatedAt'], condition, values },
      cursor,
      openCheckoutItems.read,
    );
  }

  /** Returns the item of a `TransactWriteItems` that creates a checkout. */
  beginning(checkout: Checkout): TransactItem {
    return {
      Put: {
        TableName: this.table,
        Item: checkoutItems.write(checkout, {
          Entry: CHECKOUT,
          ...(checkout.status === 'reserving' && {
            ExpiresAt: removeUnfinishedAt(checkout.holdUntil),
          }),
        }),
        // Race: the same request arrives twice at the same time. One creates the checkout, the other finds it.
        ConditionExpression: 'attribute_not_exists(CheckoutID)',
      },
    };
  }

  /** Returns the item of a `TransactWriteItems` that changes a checkout's status. */
  moving({ checkoutId, attempt }: Pick<Checkout, 'checkoutId' | 'attempt'>, move: CheckoutMove): TransactItem {
    const { from, fromParts, to, toParts, paymentReference, orderId, endedAt, heldAt, endedHoldAt } = move;
    return {
      Update: {
        TableName: this.table,
        Key: this.key(checkoutId),
        UpdateExpression:
          'SET #status = :to, PartsDone = :toParts' +
          (paymentReference === undefined ? '' : ', PaymentReference = :reference') +
          (orderId === undefined ? '' : ', OrderID = :order') +
          (endedAt === undefined ? '' : ', EndedAt = :ended') +
          (to === 'held' ? ' REMOVE ExpiresAt' : ''),
        ConditionExpression:
          // Races: confirmation, cancellation and expiry at the same time, of which only one succeeds; the same step
          // twice; another attempt with the same id.
          '#status = :from AND PartsDone = :fromParts AND Attempt = :attempt' +
          (heldAt === undefined ? '' : ' AND HoldUntil > :at') +
          (endedHoldAt === undefined ? '' : ' AND HoldUntil <= :at'),
        ExpressionAttributeNames: { '#status': 'Status' },
        ExpressionAttributeValues: {
          ':from': from,
          ':fromParts': fromParts,
          ':to': to,
          ':toParts': toParts,
          ':attempt': attempt,
          ...defined({ ':reference': paymentReference, ':order': orderId, ':ended': endedAt }),
          ...((heldAt ?? endedHoldAt) !== undefined && { ':at': heldAt ?? endedHoldAt }),
        },
      },
    };
  }

  /** Returns the item of a `TransactWriteItems` that deletes an attempt that could not hold all lines. */
  forgetting({ checkoutId, attempt }: Pick<Checkout, 'checkoutId' | 'attempt'>, partsDone: number): TransactItem {
    return {
      Delete: {
        TableName: this.table,
        Key: this.key(checkoutId),
        // Race: another process continues or undoes the same attempt.
        ConditionExpression: '#status = :reserving AND Attempt = :attempt AND PartsDone = :parts',
        ExpressionAttributeNames: { '#status': 'Status' },
        ExpressionAttributeValues: {
          ':reserving': 'reserving' satisfies CheckoutStatus,
          ':attempt': attempt,
          ':parts': partsDone,
        },
      },
    };
  }

  /**
   * Returns the item of a `TransactWriteItems` that stores an order. Its key depends on the checkout, so a checkout has
   * at most one order.
   */
  ordering(order: Order): TransactItem {
    return {
      Put: {
        TableName: this.db.table('Orders'),
        Item: orderItems.write(order, { TimeOrderID: compositeKey(iso(order.confirmedAt), order.orderId) }),
      },
    };
  }

  /** Returns a page of a user's orders, newest first. Strongly consistent. */
  orders(userId: string, page: PageRequest = {}): Promise<Page<Order>> {
    return queryPage(
      this.db,
      { name: 'orders', of: { userId } },
      { table: 'Orders', where: 'UserID = :user', values: { ':user': userId }, descending: true, consistent: true },
      page,
      orderItems.read,
    );
  }

  /**
   * Returns the item of a `TransactWriteItems` that lists a payment as a refund due. If the payment is listed already,
   * due or done, it does not change.
   */
  refunding(refund: RefundDue) {
    const { checkoutId, paymentReference, recordedAt } = refund;
    const { CheckoutID: _, ...values } = refundItems.write(
      { ...refund, status: 'due' },
      { RecordedAtID: compositeKey(iso(recordedAt), checkoutId) },
    );
    const names = Object.keys(values);
    return {
      Update: {
        TableName: this.table,
        Key: this.refundKey(checkoutId, paymentReference),
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
  async recordRefund(refund: RefundDue): Promise<boolean> {
    const { Attributes } = await this.db.client.send(
      new UpdateCommand({ ...this.refunding(refund).Update, ReturnValues: 'ALL_OLD' }),
    );
    return Attributes === undefined;
  }

  /** Returns a page of refunds by status, oldest first. Eventually consistent, as every index. */
  refunds(status: Refund['status'], page: PageRequest = {}): Promise<Page<Refund>> {
    return queryPage(
      this.db,
      { name: 'refunds', of: { status } },
      { table: 'Checkouts', index: 'ByRefund', where: 'RefundStatus = :status', values: { ':status': status } },
      page,
      refundItems.read,
    );
  }

  /**
   * Marks a refund as done. A repeated call changes nothing.
   * @throws LongwatchError `notFound` if the payment is not listed as a refund.
   */
  async refundDone(checkoutId: string, paymentReference: string, doneBy: string): Promise<void> {
    try {
      await this.db.client.send(
        new UpdateCommand({
          TableName: this.table,
          Key: this.refundKey(checkoutId, paymentReference),
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

  private key(CheckoutID: string): { CheckoutID: string; Entry: string } {
    return { CheckoutID, Entry: CHECKOUT };
  }

  /**
   * Returns the key of a refund. It has a hash of the reference, which comes from a payment system and may contain any
   * characters.
   */
  private refundKey(CheckoutID: string, paymentReference: string): { CheckoutID: string; Entry: string } {
    return {
      CheckoutID,
      Entry: compositeKey('refund', createHash('sha256').update(paymentReference).digest('base64url')),
    };
  }

  private get table(): string {
    return this.db.table('Checkouts');
  }
}
