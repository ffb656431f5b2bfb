import { createHash } from 'node:crypto';
import { BatchWriteCommand, DeleteCommand, QueryCommand, type TransactWriteCommandInput } from '@aws-sdk/lib-dynamodb';
import { compositeKey } from '../../domain/ids';
import type { Backlog, Debt, OwedRescore, OwedStart } from '../../domain/platform/outbox';
import { currentCarrier } from '../../telemetry/carrier';
import { noteIds } from '../../telemetry/ids';
import type { Db } from '../dynamodb';

export type TransactItem = NonNullable<TransactWriteCommandInput['TransactItems']>[number];

/**
 * Debts are spread over this many partitions a kind, so that the ledger is no hot key
 * (16 × 1,000 write units a second), and so that the relay needs only a few queries to see them all.
 */
export const LEDGER_SHARDS = 16;

const shardOf = (kind: Debt['kind'], id: string): string =>
  compositeKey(kind, createHash('sha256').update(id).digest().readUInt16BE(0) % LEDGER_SHARDS);

/** Zero-padded so that string order is time order until the year 5138. */
const dueKey = (dueAt: number, id: string): string => compositeKey(String(dueAt).padStart(14, '0'), id);

const idOf = (debt: Debt): string => (debt.kind === 'start' ? debt.start.workflowId : debt.rescore.transactionId);

/** The start ledger: what a state change made necessary, written in the same transaction as that change. */
export class Ledger {
  constructor(private readonly db: Db) {}

  /** The part of a `TransactWriteItems` that records a workflow start as owed from `dueAt` (epoch ms) on. */
  oweStart(start: OwedStart, dueAt: number): TransactItem {
    const carrier = start.carrier ?? currentCarrier();
    noteIds({ owes: start.workflowId });
    return this.put({ kind: 'start', start: { ...start, ...(carrier && { carrier }) }, dueAt });
  }

  /** The part of a `TransactWriteItems` that records that a transaction must be scored again. */
  oweRescore(rescore: OwedRescore, dueAt: number): TransactItem {
    return this.put({ kind: 'rescore', rescore, dueAt });
  }

  private put(debt: Debt): TransactItem {
    return { Put: { TableName: this.db.table('Starts'), Item: { ...this.key(debt), Debt: JSON.stringify(debt) } } };
  }

  private key(debt: Debt): { Shard: string; DueAtID: string } {
    const id = idOf(debt);
    return { Shard: shardOf(debt.kind, id), DueAtID: dueKey(debt.dueAt, id) };
  }

  /** Strikes out a debt that has been paid. Paying twice is harmless: deleting what is gone succeeds. */
  async settle(debt: Debt): Promise<void> {
    await this.db.client.send(new DeleteCommand({ TableName: this.db.table('Starts'), Key: this.key(debt) }));
  }

  /** The part of a `TransactWriteItems` that strikes out a debt together with the effect that paid it. */
  settlement(debt: Debt): TransactItem {
    return { Delete: { TableName: this.db.table('Starts'), Key: this.key(debt) } };
  }

  /**
   * Up to `limit` debts of one kind and shard that are due, oldest first. Eventually consistent, at half the price: one
   * that is not seen yet is seen at the next look, and one that is paid already is paid again without harm.
   */
  async due<K extends Debt['kind']>(kind: K, shard: number, now: number, limit: number): Promise<Extract<Debt, { kind: K }>[]> {
    const { Items = [] } = await this.db.client.send(
      new QueryCommand({
        TableName: this.db.table('Starts'),
        // `Shard` is a reserved word.
        KeyConditionExpression: '#shard = :shard AND DueAtID < :now',
        ExpressionAttributeNames: { '#shard': 'Shard' },
        ExpressionAttributeValues: { ':shard': compositeKey(kind, shard), ':now': dueKey(now + 1, '') },
        Limit: limit,
      }),
    );
    return Items.map((item) => JSON.parse(item['Debt'] as string) as Extract<Debt, { kind: K }>);
  }

  /** What is due of each kind, counted up to `limit` a shard; what was written within the last moments may be left out. */
  async backlog(now: number, limit = 1_000): Promise<Backlog[]> {
    return Promise.all(
      (['start', 'rescore'] as const).map(async (kind) => {
        const shards = await Promise.all(Array.from({ length: LEDGER_SHARDS }, (_, shard) => this.dueKeys(kind, shard, now, limit)));
        const oldest = shards.flatMap(([first]) => (first === undefined ? [] : [Number(first.split('#')[0])]));
        return { kind, due: shards.reduce((sum, keys) => sum + keys.length, 0), ...(oldest.length > 0 && { oldestDueAt: Math.min(...oldest) }) };
      }),
    );
  }

  private async dueKeys(kind: Debt['kind'], shard: number, now: number, limit: number): Promise<string[]> {
    const { Items = [] } = await this.db.client.send(
      new QueryCommand({
        TableName: this.db.table('Starts'),
        KeyConditionExpression: '#shard = :shard AND DueAtID < :now',
        ProjectionExpression: 'DueAtID',
        ExpressionAttributeNames: { '#shard': 'Shard' },
        ExpressionAttributeValues: { ':shard': compositeKey(kind, shard), ':now': dueKey(now + 1, '') },
        Limit: limit,
      }),
    );
    return Items.map((item) => item['DueAtID'] as string);
  }

  /** Strikes out many debts of which the payment is idempotent anyway; what is left over is paid again later. */
  async settleAll(debts: readonly Debt[]): Promise<void> {
    for (let i = 0; i < debts.length; i += 25)
      await this.db.client.send(
        new BatchWriteCommand({
          RequestItems: {
            [this.db.table('Starts')]: debts.slice(i, i + 25).map((debt) => ({ DeleteRequest: { Key: this.key(debt) } })),
          },
        }),
      );
  }
}
