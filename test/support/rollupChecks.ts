import { randomUUID } from 'node:crypto';
import { TransactWriteCommand } from '@aws-sdk/lib-dynamodb';
import type { Db } from '../../src/stores/dynamodb';
import { bucketOf } from '../../src/stores/devices/keys';
import { SentinelStore } from '../../src/stores/devices/sentinels';
import type { SeenCall } from './refusals';

/** Devices that a day keeps in one bucket, so that one activity has all of them. */
export function devicesTogether(count: number): { bucket: number; ids: string[] } {
  const bucket = bucketOf(randomUUID());
  const ids: string[] = [];
  while (ids.length < count) {
    const id = randomUUID();
    if (bucketOf(id) === bucket) ids.push(id);
  }
  return { bucket, ids };
}

/** Stands for the stream's reader of readings: passes each mark of a check of rollups as it is written. */
export function passMark(db: Db, { operation, tables, text }: SeenCall): void {
  if (operation !== 'Put' || !tables.includes('DeviceData')) return;
  const { Item } = JSON.parse(text) as { Item: Record<string, unknown> };
  void db.client.send(new TransactWriteCommand({ TransactItems: [new SentinelStore(db).seen(Item)] }));
}
