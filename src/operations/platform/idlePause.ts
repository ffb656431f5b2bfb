/** Maximum factor of the pause. An item that arrives while the loop is idle waits at most this many pauses. */
const LONGEST = 4;

/**
 * Computes the pause between two polls. While polls find work, the pause is `everyMs`. While they find none, it doubles
 * up to four times `everyMs`.
 */
export class IdlePause {
  private times = 1;

  constructor(private readonly everyMs: number) {}

  /**
   * Returns the pause before the next poll, in milliseconds.
   * @param found number of items that the last poll found
   */
  after(found: number): number {
    this.times = found > 0 ? 1 : Math.min(this.times * 2, LONGEST);
    return this.everyMs * this.times;
  }
}
