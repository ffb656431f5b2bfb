import { type Clock, monotonicClock } from '../../timing/clock';

interface Waiting {
  count: number;
  go(): void;
}

/**
 * Limits the rows per second of all authors together. Waiting calls proceed by author in turn (round robin), so an
 * author with many rows gets no larger share than an author with few.
 */
export class RateLimiter {
  /** By author, in the order of their turns. A map keeps the insertion order of its keys. */
  private readonly waiting = new Map<string, Waiting[]>();
  /** When the rows that have proceeded are used up (milliseconds of the clock). */
  private freeAt = 0;
  private running = false;

  constructor(
    private readonly rowsPerSecond: number,
    private readonly clock: Clock = monotonicClock,
  ) {}

  /**
   * Waits until `count` rows of an author may be written.
   * @throws the signal's reason, if the signal aborts first
   */
  take(authorId: string, count: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      signal?.throwIfAborted();
      const leave = () => {
        this.line(authorId, (line) => line.filter((other) => other !== one));
        reject(signal?.reason as Error);
      };
      const one: Waiting = {
        count,
        go() {
          signal?.removeEventListener('abort', leave);
          resolve();
        },
      };
      signal?.addEventListener('abort', leave);
      this.line(authorId, (line) => [...line, one]);
      if (!this.running) void this.run();
    });
  }

  private async run(): Promise<void> {
    this.running = true;
    while (this.waiting.size > 0) {
      const wait = this.freeAt - this.clock.now();
      if (wait > 0) await this.clock.sleep(wait);
      const one = this.next();
      if (!one) break; // The waiting calls were aborted meanwhile.
      this.freeAt = Math.max(this.freeAt, this.clock.now()) + (one.count / this.rowsPerSecond) * 1000;
      one.go();
    }
    this.running = false;
  }

  /** Returns the first waiting call of the author whose turn it is, and moves that author to the end. */
  private next(): Waiting | undefined {
    const [first] = this.waiting;
    if (!first) return undefined;
    const [authorId, [one, ...others]] = first;
    this.waiting.delete(authorId);
    this.line(authorId, () => others);
    return one;
  }

  private line(authorId: string, change: (line: Waiting[]) => Waiting[]): void {
    const line = change(this.waiting.get(authorId) ?? []);
    if (line.length > 0) this.waiting.set(authorId, line);
    else this.waiting.delete(authorId);
  }
}
