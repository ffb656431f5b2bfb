import { GetCommand, PutCommand, QueryCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { defined } from '../../domain/defined';
import type { Alert } from '../../domain/devices/alerts';
import { iso } from '../../domain/ids';
import { batchGet } from '../batchGet';
import { batchWrite } from '../batchWrite';
import { type Db, isConditionFailure } from '../dynamodb';
import type { Page } from '../cursor';
import type { TransactItem } from '../platform/outbox';
import { scanPage } from '../scanPage';

/** What people say of a device, or of a group: it is found under the same table, its id begins with `group#`. */
const DEVICE = 'device';

export interface Device {
  deviceId: string;
  /** Groups whose alerts hold for it. */
  groups: readonly string[];
  alerts: readonly Alert[];
  /** Of the alerts: 0 before the first. */
  alertsVersion: number;
  /** Epoch ms; absent when it was never registered. */
  registeredAt?: number;
  /** Epoch ms; its data is being erased, and nothing new is taken. */
  erasingSince?: number;
  /** Epoch ms; what was sent before is gone. */
  erasedAt?: number;
}

/** The key of a group's alerts; no device has it, since ids hold no `#`. */
export const groupKey = (groupId: string): string => `group#${groupId}`;

/** Devices and groups as people made them. */
export class DeviceStore {
  constructor(private readonly db: Db) {}

  /** Those that are known, any number; groups by their `groupKey`. */
  async find(ids: readonly string[], consistent = false): Promise<Map<string, Device>> {
    const { Devices } = await batchGet(this.db, {
      Devices: { keys: ids.map((DeviceID) => ({ DeviceID, Entry: DEVICE })), consistent },
    });
    return new Map(Devices.map((item) => [item['DeviceID'] as string, deviceOf(item)]));
  }

  async get(id: string): Promise<Device | undefined> {
    const { Item } = await this.db.client.send(
      new GetCommand({ TableName: this.db.table('Devices'), Key: this.key(id), ConsistentRead: true }),
    );
    return Item && deviceOf(Item);
  }

  /** A page of devices that are being erased, in no order. Scans: for the reconciler alone. */
  async erasing(cursor: string | undefined): Promise<Page<{ deviceId: string; since: number }>> {
    const attributes = ['DeviceID', 'Entry', 'ErasingSince'];
    const page = await scanPage(
      this.db,
      'Devices',
      { attributes, condition: '#Entry = :device AND attribute_exists(#ErasingSince)', values: { ':device': DEVICE } },
      cursor,
    );
    return {
      ...page,
      items: page.items.map((item) => ({
        deviceId: item['DeviceID'] as string,
        since: Date.parse(item['ErasingSince'] as string),
      })),
    };
  }

  /** Registers a device, or changes its groups. @returns false while it is being erased. */
  register(deviceId: string, groups: readonly string[], now: number): Promise<boolean> {
    return this.update({
      Key: this.key(deviceId),
      UpdateExpression: 'SET Groups = :groups, RegisteredAt = if_not_exists(RegisteredAt, :now)',
      // The race: the device is being erased. It would be back before it is gone.
      ConditionExpression: 'attribute_not_exists(ErasingSince)',
      ExpressionAttributeValues: { ':groups': groups, ':now': iso(now) },
    });
  }

  /**
   * Replaces the alerts of a device or a group. @returns false when `ifVersion` is not the current version any more.
   */
  putAlerts(id: string, alerts: readonly Alert[], ifVersion: number): Promise<boolean> {
    return this.update({
      Key: this.key(id),
      UpdateExpression: 'SET Alerts = :alerts, AlertsVersion = :next',
      // The race: two people saving at once, or an erasure. The second one's version has moved on.
      ConditionExpression:
        'attribute_not_exists(ErasingSince) AND ' +
        `${ifVersion === 0 ? 'attribute_not_exists(AlertsVersion)' : 'AlertsVersion = :version'}`,
      ExpressionAttributeValues: {
        ':alerts': JSON.stringify(alerts),
        ':next': ifVersion + 1,
        ...(ifVersion > 0 && { ':version': ifVersion }),
      },
    });
  }

  /** The part of a `TransactWriteItems` from which on nothing of a device is taken. */
  beginErasure(deviceId: string, now: number): TransactItem {
    return {
      Update: {
        TableName: this.db.table('Devices'),
        Key: this.key(deviceId),
        UpdateExpression: 'SET ErasingSince = :now',
        // The race: it is asked for twice at once. One erasure serves both.
        ConditionExpression: 'attribute_not_exists(ErasingSince)',
        ExpressionAttributeValues: { ':now': iso(now) },
      },
    };
  }

  /** Deletes all that is kept here of a device but that it is being erased. */
  async forget(deviceId: string): Promise<void> {
    const entries = (await this.entries(deviceId)).filter((entry) => entry !== DEVICE);
    await batchWrite(
      this.db,
      'Devices',
      entries.map((Entry) => ({ DeleteRequest: { Key: { DeviceID: deviceId, Entry } } })),
    );
  }

  /** The device may send again, as a new one; that it was erased is all that is left of it. */
  async finishErasure(deviceId: string, now: number): Promise<void> {
    await this.db.client.send(
      new PutCommand({ TableName: this.db.table('Devices'), Item: { ...this.key(deviceId), ErasedAt: iso(now) } }),
    );
  }

  /** What is kept of a device, by entry. */
  async entries(deviceId: string): Promise<string[]> {
    const { Items = [] } = await this.db.client.send(
      new QueryCommand({
        TableName: this.db.table('Devices'),
        KeyConditionExpression: 'DeviceID = :id',
        ProjectionExpression: 'Entry',
        ExpressionAttributeValues: { ':id': deviceId },
        ConsistentRead: true,
      }),
    );
    return Items.map((item) => item['Entry'] as string);
  }

  private key(DeviceID: string) {
    return { DeviceID, Entry: DEVICE };
  }

  /** @returns whether the condition held. */
  private async update(change: Omit<ConstructorParameters<typeof UpdateCommand>[0], 'TableName'>): Promise<boolean> {
    try {
      await this.db.client.send(new UpdateCommand({ ...change, TableName: this.db.table('Devices') }));
      return true;
    } catch (error) {
      if (isConditionFailure(error)) return false;
      throw error;
    }
  }
}

function deviceOf(item: Record<string, unknown>): Device {
  const instant = (name: string) => (item[name] === undefined ? undefined : Date.parse(item[name] as string));
  const [registeredAt, erasingSince, erasedAt] = [
    instant('RegisteredAt'),
    instant('ErasingSince'),
    instant('ErasedAt'),
  ];
  return {
    deviceId: item['DeviceID'] as string,
    groups: (item['Groups'] as string[] | undefined) ?? [],
    alerts: JSON.parse((item['Alerts'] as string | undefined) ?? '[]') as Alert[],
    alertsVersion: (item['AlertsVersion'] as number | undefined) ?? 0,
    ...defined({ registeredAt, erasingSince, erasedAt }),
  };
}
