import { LRUCache } from 'lru-cache';
import type { Day } from '../../domain/devices/days';
import type { DayStore } from '../../stores/devices/days';
import type { Device, DeviceStore } from '../../stores/devices/devices';
import type { Clock } from '../../timing/clock';

/** Maximum number of cached entries of each kind. */
const CACHED = 100_000;

/** Caches devices and their metric names, so that a reading normally costs only its own write. */
export class DeviceCache {
  private readonly found = new LRUCache<string, { device: Device | undefined; until: number }>({ max: CACHED });
  /** Metric names that are already registered, by device and day. */
  private readonly noted = new LRUCache<string, ReadonlySet<string>>({ max: CACHED });

  constructor(
    private readonly parts: { devices: Pick<DeviceStore, 'find'>; days: Pick<DayStore, 'note' | 'names'> },
    private readonly cacheMs: number,
    private readonly clock: Clock,
  ) {}

  /** Returns devices by id, at most `cacheMs` old; undefined for unregistered devices. */
  async devices(deviceIds: readonly string[]): Promise<Map<string, Device | undefined>> {
    const now = this.clock.now();
    const devices = new Map(deviceIds.map((id) => [id, this.found.get(id)] as const));
    const unknown = deviceIds.filter((id) => (devices.get(id)?.until ?? 0) <= now);
    if (unknown.length > 0) {
      const read = await this.parts.devices.find(unknown);
      for (const id of unknown) {
        const entry = { device: read.get(id), until: now + this.cacheMs };
        devices.set(id, entry);
        this.found.set(id, entry);
      }
    }
    return new Map([...devices].map(([id, entry]) => [id, entry?.device]));
  }

  /**
   * Registers a device's metric names of a day, unless they are registered already.
   * @returns false if the device would have too many names
   */
  async note(deviceId: string, day: Day, names: ReadonlySet<string>, maxNames: number): Promise<boolean> {
    if (names.size > maxNames) return false;
    // An erased device starts again, so its days must be registered again.
    const key = `${day}#${deviceId}#${this.found.get(deviceId)?.device?.erasedAt ?? ''}`;
    const known = this.noted.get(key);
    const fresh = known ? [...names].filter((name) => !known.has(name)) : [...names];
    if (known && fresh.length === 0) return true;
    if (!(await this.parts.days.note(deviceId, day, fresh, maxNames))) {
      // Race: another process may have registered the same names.
      const there = await this.parts.days.names(deviceId, day);
      if (!there || fresh.some((name) => !there.has(name))) return false;
    }
    this.noted.set(key, new Set([...(this.noted.get(key) ?? []), ...names]));
    return true;
  }
}
