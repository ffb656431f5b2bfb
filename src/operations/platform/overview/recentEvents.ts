import type { Happening } from '../../../domain/platform/happening';
import { type Clock, systemClock } from '../../../timing/clock';
import { DelayedRun } from '../../../timing/delayedRun';

/** An event with its time and id. */
export interface RecentEvent extends Happening {
  /** Epoch ms. */
  at: number;
  /** Increases with time, also across restarts and between processes. */
  id: number;
}

/** Maximum number of events in memory. The oldest event is dropped first. */
const KEPT = 200;
/** Equal events within this many milliseconds become one event with a count. */
const FOLD_MS = 1_000;
/** Maximum number of single events per second. Further events of an area become one event with a count. */
const SINGLE_A_SECOND = 20;

/**
 * Keeps the latest events of this process in memory. Its size and rate are bounded under any load: routine events with
 * the same text are combined per second, and notable events are listed one by one up to a rate.
 */
export class RecentEvents {
  private readonly kept: RecentEvent[] = [];
  private readonly listeners = new Set<(event: RecentEvent) => void>();
  private readonly folding = new Map<string, { happening: Happening; count: number; telling: DelayedRun }>();
  private second = 0;
  private singles = 0;
  private lastId = 0;

  constructor(private readonly clock: Clock = systemClock) {}

  /** Adds an event. Never throws and never waits, because request handlers call it. */
  note(happening: Happening): void {
    if (happening.count !== undefined || happening.tone === 'routine') return this.fold(happening);
    // Only `WorkflowNews` sets a time, and the number of its events per query is limited already.
    if (happening.at !== undefined) return this.tell(happening);
    const second = Math.floor(this.clock.now() / 1_000);
    if (second !== this.second) [this.second, this.singles] = [second, 0];
    if (++this.singles <= SINGLE_A_SECOND) return this.tell(happening);
    this.fold({ area: happening.area, tone: happening.tone, text: 'further events, too many to list one by one' });
  }

  /** Returns the events after an id, oldest first. */
  since(id = 0): readonly RecentEvent[] {
    return this.kept.filter((event) => event.id > id);
  }

  /**
   * Calls `listener` for each new event.
   * @returns a function that stops this
   */
  listen(listener: (event: RecentEvent) => void): () => void {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  }

  /** Whether any listener is registered, for example an open overview page. */
  get isWatched(): boolean {
    return this.listeners.size > 0;
  }

  /** Drops events that wait to be combined, and all listeners. */
  close(): void {
    for (const { telling } of this.folding.values()) telling.cancel();
    this.folding.clear();
    this.listeners.clear();
  }

  private fold(happening: Happening): void {
    const { area, text, count = 1 } = happening;
    const key = `${area} ${text}`;
    const same = this.folding.get(key);
    if (same) {
      same.count += count;
      return;
    }
    const telling = new DelayedRun(() => {
      const folded = this.folding.get(key);
      this.folding.delete(key);
      if (folded) this.tell({ ...folded.happening, count: folded.count });
    });
    telling.request(FOLD_MS);
    this.folding.set(key, { happening, count, telling });
  }

  /**
   * Returns the next id: epoch microseconds. If a reader's process is gone, the reader can continue with the ids of
   * another process.
   */
  private nextId(): number {
    this.lastId = Math.max(this.lastId + 1, this.clock.now() * 1_000);
    return this.lastId;
  }

  private tell(happening: Happening): void {
    const event: RecentEvent = { ...happening, id: this.nextId(), at: happening.at ?? this.clock.now() };
    this.kept.push(event);
    if (this.kept.length > KEPT) this.kept.shift();
    for (const listener of this.listeners) listener(event);
  }
}
