import { LongwatchError } from '../../domain/errors';
import type { VersionedStore } from '../../stores/versioned';

/**
 * Keeps the current version of a setting (such as the rules) in memory, so that no request waits for it. Reloads it in
 * the background and prepares it once per version. If DynamoDB is unavailable, or this release cannot prepare a
 * version, the last usable version stays.
 */
export class CachedVersion<T, P> {
  private prepared: P | undefined;
  private version = 0;
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly store: VersionedStore<T>,
    /** Converts a stored version into the value that is kept in memory. */
    private readonly prepare: (value: T, version: number) => P,
    private readonly onFault: (error: unknown) => void,
    private readonly everyMs = 2_000,
  ) {}

  /**
   * Returns the current value.
   * @throws LongwatchError `unavailable` before the first version was read
   */
  current(): P {
    if (this.prepared === undefined)
      throw new LongwatchError('unavailable', 'The rules are not loaded yet', { retryAfterSeconds: 1 });
    return this.prepared;
  }

  /** Returns the current value; undefined before the first version was read. */
  peek(): P | undefined {
    return this.prepared;
  }

  /**
   * Reads the current version, then reloads it every `everyMs` milliseconds. Can be called again after it failed.
   * @throws if the first read fails
   */
  async start(): Promise<void> {
    await this.refresh();
    clearInterval(this.timer);
    this.timer = setInterval(() => void this.refresh().catch(this.onFault), this.everyMs);
    this.timer.unref();
  }

  /** Stops the reloading. */
  stop(): void {
    clearInterval(this.timer);
  }

  /** Reloads now, for example after this process changed the setting. */
  async refresh(): Promise<void> {
    const version = await this.store.currentVersion();
    if (version <= this.version) return;
    const stored = await this.store.version(version);
    // Race: two refreshes overlap, and the other one stored a newer version first. Keep the newer one.
    if (!stored || version <= this.version) return;
    this.prepared = this.prepare(stored.value, version);
    this.version = version;
  }
}
