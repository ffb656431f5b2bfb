/**
 * Runs tasks of one key one after another and of different keys at once. Two transactions of one user in
 * the same process would only lose each other's conditional write; taking turns costs less than retrying.
 * Across processes the conditional write still decides.
 */
export class KeyedQueue {
  private readonly tails = new Map<string, Promise<void>>();

  run<T>(key: string, task: () => Promise<T>): Promise<T> {
    const before = this.tails.get(key);
    const result = before ? before.then(task) : task();
    const tail = result.then(
      () => undefined,
      () => undefined, // The failure belongs to the caller of this task, not to the next in line.
    );
    this.tails.set(key, tail);
    void tail.then(() => {
      if (this.tails.get(key) === tail) this.tails.delete(key);
    });
    return result;
  }

  /** Keys with work under way. */
  get size(): number {
    return this.tails.size;
  }
}
