import { setTimeout as sleep } from 'node:timers/promises';

interface Waiting {
  count: number;
  go(): void;
}

export interface Clock {
  now(): number;
  sleep(ms: number): Promise<unknown>;
}

const realClock: Clock = { now: () => performance.now(), sleep: (ms) => sleep(ms, undefined, { ref: false }) };

/**
 * Lets so many rows a second through, and whoever waits takes turns by author: one with many rows under way gets no
 * more than one with few.
 */
export class RateLimiter {
  /** By author, in the order of their turns: a map keeps the order in which keys came. */
  private readonly waiting = new Map<string, Waiting[]>();
  /** When the rows that were let through are paid for. */
  private freeAt = 0;
  private running = false;

  constructor(
    private readonly rowsPerSecond: number,
    private readonly clock: Clock = realClock,
  ) {}

  /** Waits for the turn of so many rows of an author. @throws the signal's reason when that comes first. */
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
      if (!one) break; // Whoever waited has left.
      this.freeAt = Math.max(this.freeAt, this.clock.now()) + (one.count / this.rowsPerSecond) * 1000;
      one.go();
    }
    this.running = false;
  }

  /** The first of the author whose turn it is, who then goes to the end. */
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
