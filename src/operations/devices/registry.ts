import type { Alert } from '../../domain/devices/alerts';
import { LongwatchError } from '../../domain/errors';
import type { Db } from '../../stores/dynamodb';
import { type Device, type DeviceStore, groupKey } from '../../stores/devices/devices';
import type { LiveStore } from '../../stores/devices/live';
import { type Clock, systemClock } from '../../timing/clock';
import { startSilenceWatch } from './silenceWatch';

/** The parts that {@link Registry} needs. */
export interface RegistryParts {
  db: Db;
  devices: DeviceStore;
  live: LiveStore;
  clock?: Clock;
}

/** The alert rules of a device or group. Version 0: none were ever set. */
export interface StoredAlerts {
  version: number;
  alerts: readonly Alert[];
}

/** Devices, groups and alert rules, as admins define them. */
export class Registry {
  private readonly clock: Clock;

  constructor(private readonly parts: RegistryParts) {
    this.clock = parts.clock ?? systemClock;
  }

  /**
   * Returns a device.
   * @throws LongwatchError `notFound` if it is not registered
   */
  async device(deviceId: string): Promise<Device> {
    const device = await this.parts.devices.get(deviceId);
    if (!device)
      throw new LongwatchError(
        'notFound',
        `There is no device ${deviceId}; register it with PUT /v1/devices/${deviceId}`,
      );
    return device;
  }

  /**
   * Registers a device, or changes its groups.
   * @throws LongwatchError `conflict` while the device is being erased
   */
  async register(deviceId: string, groups: readonly string[]): Promise<void> {
    if (!(await this.parts.devices.register(deviceId, groups, this.clock.now())))
      throw new LongwatchError(
        'conflict',
        `Device ${deviceId} is being erased; register it again when the erasure is done`,
      );
  }

  /** Returns the alert rules of a device itself, without those of its groups. */
  alertsOfDevice(deviceId: string): Promise<StoredAlerts> {
    return this.alertsOf(deviceId);
  }

  /** Returns the alert rules of a group. */
  alertsOfGroup(groupId: string): Promise<StoredAlerts> {
    return this.alertsOf(groupKey(groupId));
  }

  /**
   * Replaces the alert rules of a device, and starts its silence watch.
   * @returns the new version
   * @throws LongwatchError `versionMismatch` (also while the device is being erased), `contention` (the rules are
   *   stored, but the device reports too often to start the silence watch; send them again)
   */
  async putDeviceAlerts(deviceId: string, alerts: readonly Alert[], ifVersion: number): Promise<number> {
    const version = await this.putAlerts(deviceId, alerts, ifVersion);
    // Start the silence watch now, even if the device never reports. For devices of a group, the first reading starts
    // it.
    await startSilenceWatch({ ...this.parts, clock: this.clock }, deviceId, alerts);
    return version;
  }

  /**
   * Replaces the alert rules of a group.
   * @returns the new version
   * @throws LongwatchError `versionMismatch`
   */
  putGroupAlerts(groupId: string, alerts: readonly Alert[], ifVersion: number): Promise<number> {
    return this.putAlerts(groupKey(groupId), alerts, ifVersion);
  }

  private async alertsOf(id: string): Promise<StoredAlerts> {
    const found = await this.parts.devices.get(id);
    return { version: found?.alertsVersion ?? 0, alerts: found?.alerts ?? [] };
  }

  private async putAlerts(id: string, alerts: readonly Alert[], ifVersion: number): Promise<number> {
    if (await this.parts.devices.putAlerts(id, alerts, ifVersion)) return ifVersion + 1;
    throw new LongwatchError(
      'versionMismatch',
      `Version ${ifVersion} is not the current one of these alerts, or the device is being erased; read them ` +
        'again, then change them',
    );
  }
}
