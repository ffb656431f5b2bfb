import { GetCommand } from '@aws-sdk/lib-dynamodb';
import type { Checkout, CheckoutStatus, CheckoutLine } from '../../domain/carts/checkout';
import { removeUnfinishedAt } from '../../domain/carts/retention';
import { defined } from '../../domain/defined';
import { compositeKey, iso } from '../../domain/ids';
import type { Page, PageRequest } from '../cursor';
import type { Db } from '../dynamodb';
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

/** Checkouts and orders. */
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

  private key(CheckoutID: string): { CheckoutID: string; Entry: string } {
    return { CheckoutID, Entry: CHECKOUT };
  }

  private get table(): string {
    return this.db.table('Checkouts');
  }
}
