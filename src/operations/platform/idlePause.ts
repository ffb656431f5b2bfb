/** At most so many times the usual pause: what comes while nothing is done waits this long. */
const LONGEST = 4;

/** How long to pause between two looks for work: as told while there is some, longer and longer while there is none. */
export class IdlePause {
  private times = 1;

  constructor(private readonly everyMs: number) {}

  /** @param found how much the last look found. @returns milliseconds. */
  after(found: number): number {
    this.times = found > 0 ? 1 : Math.min(this.times * 2, LONGEST);
    return this.everyMs * this.times;
  }
}
