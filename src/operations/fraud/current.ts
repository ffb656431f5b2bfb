import { LongwatchError } from '../../domain/errors';
import type { VersionedStore } from '../../stores/versioned';

/**
 * The current version of something that people set, at hand without waiting: read in the background, prepared once
 * per version. While DynamoDB is away, or a version cannot be prepared by this release, the last good one stays.
 */
export class Current<T, P> {
  private prepared: P | undefined;
  private version = 0;
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly store: VersionedStore<T>,
    /** Makes of a stored version what is at hand. */
    private readonly prepare: (value: T, version: number) => P,
    private readonly onFault: (error: unknown) => void,
    private readonly everyMs = 2_000,
  ) {}

  /** @throws LongwatchError `unavailable` before the first version was read. */
  current(): P {
    if (this.prepared === undefined)
      throw new LongwatchError('unavailable', 'The rules are not loaded yet', { retryAfterSeconds: 1 });
    return this.prepared;
  }

  /** Undefined while there is none. */
  peek(): P | undefined {
    return this.prepared;
  }

  /** Reads the current version and keeps looking for newer ones; again, after it failed. */
  async start(): Promise<void> {
    await this.refresh();
    clearInterval(this.timer);
    this.timer = setInterval(() => void this.refresh().catch(this.onFault), this.everyMs);
    this.timer.unref();
  }

  stop(): void {
    clearInterval(this.timer);
  }

  /** Looks at once, as after a change in this process. */
  async refresh(): Promise<void> {
    const version = await this.store.currentVersion();
    if (version <= this.version) return;
    const stored = await this.store.version(version);
    // Race: two refreshes overlap, and this one began before the other's version was put. Versions only grow.
    if (!stored || version <= this.version) return;
    this.prepared = this.prepare(stored.value, version);
    this.version = version;
  }
}
