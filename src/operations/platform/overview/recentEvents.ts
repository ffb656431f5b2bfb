import type { Happening } from '../../../domain/platform/happening';

export interface RecentEvent extends Happening {
  /** Epoch ms. */
  at: number;
  /** Goes up with time, also over a restart and from process to process. */
  id: number;
}

/** Events that are kept; older ones fall out. */
const KEPT = 200;
/** What happens again within this time is counted, not told again. */
const FOLD_MS = 1_000;
/**
 * Texts that are told one by one are told at most so often a second; beyond that they are counted as `more of the same
 * area`.
 */
const SINGLE_A_SECOND = 20;

/**
 * The latest of what happens, bounded whatever the load: routine is folded by the second and by text, notable things
 * are told one by one up to a rate. Kept in memory, by the process.
 */
export class RecentEvents {
  private readonly kept: RecentEvent[] = [];
  private readonly listeners = new Set<(event: RecentEvent) => void>();
  private readonly folding = new Map<string, { happening: Happening; count: number; timer: NodeJS.Timeout }>();
  private second = 0;
  private singles = 0;
  private lastId = 0;

  constructor(private readonly now: () => number = Date.now) {}

  /** Never throws and never waits: it is called where requests are served. */
  note(happening: Happening): void {
    if (happening.count !== undefined || happening.tone === 'routine') return this.fold(happening);
    // What comes with its time comes from a look that is bounded itself.
    if (happening.at !== undefined) return this.tell(happening);
    const second = Math.floor(this.now() / 1_000);
    if (second !== this.second) [this.second, this.singles] = [second, 0];
    if (++this.singles <= SINGLE_A_SECOND) return this.tell(happening);
    this.fold({ area: happening.area, tone: happening.tone, text: 'more of the same, too many to tell one by one' });
  }

  /** Those after an id, oldest first. */
  since(id = 0): readonly RecentEvent[] {
    return this.kept.filter((event) => event.id > id);
  }

  /** @returns stops listening. */
  listen(listener: (event: RecentEvent) => void): () => void {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  }

  get isWatched(): boolean {
    return this.listeners.size > 0;
  }

  close(): void {
    for (const { timer } of this.folding.values()) clearTimeout(timer);
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
    const timer = setTimeout(() => {
      const folded = this.folding.get(key);
      this.folding.delete(key);
      if (folded) this.tell({ ...folded.happening, count: folded.count });
    }, FOLD_MS);
    timer.unref();
    this.folding.set(key, { happening, count, timer });
  }

  /** Microseconds, so that a reader whose process is gone goes on with another one's events. */
  private nextId(): number {
    this.lastId = Math.max(this.lastId + 1, this.now() * 1_000);
    return this.lastId;
  }

  private tell(happening: Happening): void {
    const event: RecentEvent = { ...happening, id: this.nextId(), at: happening.at ?? this.now() };
    this.kept.push(event);
    if (this.kept.length > KEPT) this.kept.shift();
    for (const listener of this.listeners) listener(event);
  }
}
