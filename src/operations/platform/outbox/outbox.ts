import { isPermanent, LongwatchError } from '../../../domain/errors';
import type { Backlog, OutboxEntry } from '../../../domain/platform/outbox';
import type { OutboxStore, TransactItem } from '../../../stores/platform/outbox';
import { currentCarrier, withCarrier } from '../../../telemetry/carrier';
import { withDeadline } from '../../../timing/deadline';
import type { OutboxKind } from './kinds';
import { type Clock, systemClock } from '../../../timing/clock';

/** The methods with which a capability records entries and has them dispatched. */
export type OutboxWriter = Pick<Outbox, 'recording' | 'dispatchSoon'>;

/**
 * Maximum number of entries that one process dispatches at once, and of entries that wait. The relay dispatches the
 * rest.
 */
const CONCURRENCY = 16;
const WAITING = 1_000;
/**
 * After a failed dispatch this process dispatches nothing for this long. Temporal probably does not answer, and the
 * relay retries.
 */
const PAUSE_MS = 2_000;

/** Records entries of the outbox, and dispatches those of this process without making a request wait. */
export class Outbox {
  private readonly byName = new Map<string, OutboxKind>();
  private readonly waiting: OutboxEntry[] = [];
  private inFlight = 0;
  private pausedUntil = 0;
  private idle: (() => void)[] = [];

  constructor(
    private readonly store: OutboxStore,
    kinds: readonly OutboxKind[],
    private readonly clock: Clock = systemClock,
  ) {
    this.addKinds(kinds);
  }

  /** Adds kinds of entries. A process adds every kind before it dispatches the first entry. */
  addKinds(kinds: readonly OutboxKind[]): void {
    for (const kind of kinds) this.byName.set(kind.kind, kind);
  }

  /** The kinds of entries that this process can dispatch. */
  get kinds(): readonly OutboxKind[] {
    return [...this.byName.values()];
  }

  /** Counts the entries of each kind that are due at an instant (epoch ms), up to a limit. */
  backlog(dueBy: number): Promise<Backlog[]> {
    return this.store.backlog([...this.byName.keys()], dueBy);
  }

  /** Returns the item of a `TransactWriteItems` that records an entry. */
  recording(entry: OutboxEntry): TransactItem {
    return this.store.recording(entry);
  }

  /**
   * Dispatches entries of one kind, then removes them from the outbox.
   * @throws LongwatchError `refused` if one of them can never be dispatched, `unavailable` if a retry may help
   */
  async dispatch(entries: readonly OutboxEntry[]): Promise<void> {
    const [first] = entries;
    if (!first) return;
    const kind = this.byName.get(first.kind);
    if (!kind)
      throw new LongwatchError(
        'refused',
        `No capability of this process dispatches outbox entries of kind ${first.kind}`,
      );
    // Continue the trace of the request that recorded the entry. A batch of several entries has no single cause.
    await withCarrier(entries.length === 1 ? first.carrier : undefined, () => kind.dispatch(entries));
    await this.store.remove(entries);
  }

  /**
   * Dispatches an entry in the background, after its transaction was written. Never throws and never waits. The relay
   * retries an entry whose dispatch fails.
   */
  dispatchSoon(entry: OutboxEntry): void {
    if (
      this.byName.get(entry.kind)?.dispatched !== 'soon' ||
      this.waiting.length >= WAITING ||
      this.clock.now() < this.pausedUntil
    )
      return;
    const carrier = entry.carrier ?? currentCarrier();
    this.waiting.push({ ...entry, ...(carrier && { carrier }) });
    this.next();
  }

  /** Waits until all waiting entries are dispatched, at most `boundMs` milliseconds. The relay dispatches the rest. */
  async drain(boundMs: number): Promise<void> {
    if (this.inFlight === 0 && this.waiting.length === 0) return;
    const idle = new Promise<void>((resolve) => this.idle.push(resolve));
    await withDeadline(idle, boundMs, () => undefined);
  }

  private next(): void {
    while (this.inFlight < CONCURRENCY && this.waiting.length > 0) {
      const entry = this.waiting.shift();
      if (!entry) break;
      this.inFlight++;
      this.dispatch([entry])
        .catch((error: unknown) => {
          // The relay turns a refused entry into a dead letter. A refusal says nothing about other entries, so continue
          // with them.
          if (isPermanent(error)) return;
          this.pausedUntil = this.clock.now() + PAUSE_MS;
          this.waiting.length = 0;
        })
        .finally(() => {
          this.inFlight--;
          this.next();
        });
    }
    if (this.inFlight === 0 && this.waiting.length === 0) for (const done of this.idle.splice(0)) done();
  }
}
