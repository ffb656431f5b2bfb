import { LRUCache } from 'lru-cache';
import type { Alert } from '../../domain/devices/alerts';
import { type Device, type DeviceStore, groupKey } from '../../stores/devices/devices';
import { type Clock, systemClock } from '../../timing/clock';

/** Maximum number of cached devices and groups. */
const CACHED = 100_000;

/** The alert rules of devices: their own and those of their groups. */
export class AlertRules {
  private readonly cached = new LRUCache<string, { device: Device | undefined; until: number }>({ max: CACHED });

  constructor(
    private readonly devices: Pick<DeviceStore, 'find'>,
    private readonly cacheMs: number,
    private readonly clock: Clock = systemClock,
  ) {}

  /** Returns the alert rules by device, at most `cacheMs` old. */
  async of(deviceIds: readonly string[]): Promise<Map<string, readonly Alert[]>> {
    const devices = await this.read(deviceIds);
    const groups = await this.read([
      ...new Set(deviceIds.flatMap((id) => (devices.get(id)?.groups ?? []).map(groupKey))),
    ]);
    return new Map(
      deviceIds.map((id) => {
        const device = devices.get(id);
        const ofGroups = (device?.groups ?? []).flatMap((group) =>
          (groups.get(groupKey(group))?.alerts ?? []).map((alert) => ({ ...alert, id: `${group}/${alert.id}` })),
        );
        return [id, [...(device?.alerts ?? []), ...ofGroups]];
      }),
    );
  }

  private async read(ids: readonly string[]): Promise<Map<string, Device | undefined>> {
    const now = this.clock.now();
    const entries = new Map(ids.map((id) => [id, this.cached.get(id)] as const));
    const unknown = ids.filter((id) => (entries.get(id)?.until ?? 0) <= now);
    if (unknown.length > 0) {
      const found = await this.devices.find(unknown);
      for (const id of unknown) {
        const entry = { device: found.get(id), until: now + this.cacheMs };
        entries.set(id, entry);
        this.cached.set(id, entry);
      }
    }
    return new Map([...entries].map(([id, entry]) => [id, entry?.device]));
  }
}
