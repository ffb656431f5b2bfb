import { setTimeout as sleep } from 'node:timers/promises';

interface Waiting {
  count: number;
  go(): void;
}

export interface Clock {
  now(): number;
  sleep(ms: number): Promise<unknown>;
}

const realClock: Clock = { now: () => performance.now(), sleep: (ms) => sleep(ms) };

/**
 * Lets so many rows a second through, and whoever waits takes turns by author: one with many rows under way gets no
 * more than one with few.
 */
export class Governor {
  /** By author, in the order of their turns: a map keeps the order in which keys came. */
  private readonly waiting = new Map<string, Waiting[]>();
  /** When the rows that were let through are paid for. */
  private freeAt = 0;
  private running = false;

  constructor(
    private readonly rowsPerSecond: number,
    private readonly clock: Clock = realClock,
  ) {}

  /** Waits for the turn of so many rows of an author. */
  take(authorId: string, count: number): Promise<void> {
    return new Promise((resolve) => {
      const line = this.waiting.get(authorId);
      const one = { count, go: resolve };
      if (line) line.push(one);
      else this.waiting.set(authorId, [one]);
      if (!this.running) void this.run();
    });
  }

  private async run(): Promise<void> {
    this.running = true;
    for (let next = this.next(); next; next = this.next()) {
      const wait = this.freeAt - this.clock.now();
      if (wait > 0) await this.clock.sleep(wait);
      this.freeAt = Math.max(this.freeAt, this.clock.now()) + (next.count / this.rowsPerSecond) * 1000;
      next.go();
      // Who was let through asks again before the next one goes, so that lines are compared fairly.
      await Promise.resolve();
    }
    this.running = false;
  }

  /** The first of the author whose turn it is, who then goes to the end. */
  private next(): Waiting | undefined {
    const [first] = this.waiting;
    if (!first) return undefined;
    const [authorId, line] = first;
    const one = line.shift();
    this.waiting.delete(authorId);
    if (line.length > 0) this.waiting.set(authorId, line);
    return one;
  }
}
