import { GetCommand, PutCommand, QueryCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import type { Alert } from '../../domain/devices/alerts';
import { iso } from '../../domain/ids';
import { batchGet } from '../batchGet';
import { batchWrite } from '../batchWrite';
import { instant, itemType, json, list, number, optional, orElse, text } from '../items';
import { type Db, isConditionFailure } from '../dynamodb';
import type { Page } from '../cursor';
import type { TransactItem } from '../platform/outbox';
import { scanPage } from '../scanPage';
import { deviceTables } from './tables';

/** The sort key of a device, or of a group, which is in the same table under `group#<id>`. */
const DEVICE = 'device';

const deviceItems = itemType(deviceTables, 'Devices', {
  deviceId: text('DeviceID'),
  groups: orElse(list<string>('Groups'), []),
  alerts: orElse(json<readonly Alert[]>('Alerts'), []),
  alertsVersion: orElse(number('AlertsVersion'), 0),
  registeredAt: optional(instant('RegisteredAt')),
  erasingSince: optional(instant('ErasingSince')),
  erasedAt: optional(instant('ErasedAt')),
});
const erasingItems = itemType(deviceTables, 'Devices', { deviceId: text('DeviceID'), since: instant('ErasingSince') });
const entryItems = itemType(deviceTables, 'Devices', { entry: text('Entry') });

/** A device's registration, alert rules and erasure. A group has the same form. */
export interface Device {
  deviceId: string;
  /** Groups whose alert rules apply to the device. */
  groups: readonly string[];
  alerts: readonly Alert[];
  /** The version of the alert rules; 0 before the first one. */
  alertsVersion: number;
  /** Epoch ms; absent if the device was never registered. */
  registeredAt?: number;
  /** Epoch ms; set while the device's data is being erased. New readings are refused then. */
  erasingSince?: number;
  /** Epoch ms of the last completed erasure: all readings before it are deleted. */
  erasedAt?: number;
}

/** Returns the key of a group. It cannot be the id of a device, because ids contain no `#`. */
export const groupKey = (groupId: string): string => `group#${groupId}`;

/** Devices and groups with their alert rules. */
export class DeviceStore {
  constructor(private readonly db: Db) {}

  /**
   * Returns devices by id, and groups by their `groupKey`. Missing ones are omitted. Eventually consistent by default.
   */
  async find(ids: readonly string[], consistent = false): Promise<Map<string, Device>> {
    const { Devices } = await batchGet(this.db, {
      Devices: { keys: ids.map((DeviceID) => ({ DeviceID, Entry: DEVICE })), consistent },
    });
    return new Map(Devices.map(deviceItems.read).map((device) => [device.deviceId, device]));
  }

  /** Returns a device or a group. Strongly consistent. */
  async get(id: string): Promise<Device | undefined> {
    const { Item } = await this.db.client.send(
      new GetCommand({ TableName: this.db.table('Devices'), Key: this.key(id), ConsistentRead: true }),
    );
    return Item && deviceItems.read(Item);
  }

  /** Returns a page of the devices during an erasure, in no order. Scans the table: only for the reconciler. */
  erasing(cursor: string | undefined): Promise<Page<{ deviceId: string; since: number }>> {
    const attributes = ['Entry', ...erasingItems.attributes];
    return scanPage(
      this.db,
      'Devices',
      { attributes, condition: '#Entry = :device AND attribute_exists(#ErasingSince)', values: { ':device': DEVICE } },
      cursor,
      erasingItems.read,
    );
  }

  /** Registers a device, or changes its groups. @returns false while the device is being erased. */
  register(deviceId: string, groups: readonly string[], now: number): Promise<boolean> {
    return this.update({
      Key: this.key(deviceId),
      UpdateExpression: 'SET Groups = :groups, RegisteredAt = if_not_exists(RegisteredAt, :now)',
      // Race: an erasure of the device begins. A registration would recreate the device before the erasure ends.
      ConditionExpression: 'attribute_not_exists(ErasingSince)',
      ExpressionAttributeValues: { ':groups': groups, ':now': iso(now) },
    });
  }

  /**
   * Replaces the alert rules of a device or a group.
   * @returns false if `ifVersion` is not the current version, or while the device is being erased.
   */
  putAlerts(id: string, alerts: readonly Alert[], ifVersion: number): Promise<boolean> {
    return this.update({
      Key: this.key(id),
      UpdateExpression: 'SET Alerts = :alerts, AlertsVersion = :next',
      // Race: two callers save at the same time, or an erasure begins. The condition refuses the second write.
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

  /**
   * Returns the item of a `TransactWriteItems` that begins an erasure. From then on, new readings of the device are
   * refused.
   */
  beginErasure(deviceId: string, now: number): TransactItem {
    return {
      Update: {
        TableName: this.db.table('Devices'),
        Key: this.key(deviceId),
        UpdateExpression: 'SET ErasingSince = :now',
        // Race: two requests ask for the erasure. They share one erasure.
        ConditionExpression: 'attribute_not_exists(ErasingSince)',
        ExpressionAttributeValues: { ':now': iso(now) },
      },
    };
  }

  /** Deletes all items of a device in this table, except the one that records the erasure. */
  async forget(deviceId: string): Promise<void> {
    const entries = (await this.entries(deviceId)).filter((entry) => entry !== DEVICE);
    await batchWrite(
      this.db,
      'Devices',
      entries.map((Entry) => ({ DeleteRequest: { Key: { DeviceID: deviceId, Entry } } })),
    );
  }

  /** Ends an erasure. Only the time of the erasure remains, and the device may send readings again, as a new device. */
  async finishErasure(deviceId: string, now: number): Promise<void> {
    await this.db.client.send(
      new PutCommand({ TableName: this.db.table('Devices'), Item: { ...this.key(deviceId), ErasedAt: iso(now) } }),
    );
  }

  /** Returns the sort keys of a device's items in this table. Strongly consistent. */
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
    return Items.map((item) => entryItems.read(item).entry);
  }

  private key(DeviceID: string) {
    return { DeviceID, Entry: DEVICE };
  }

  /** Updates an item. @returns whether the condition held. */
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
