/**
 * Runs tasks of the same key one after another and tasks of different keys in parallel. Two transactions of one user in
 * the same process would only make each other's conditional write fail, and queueing costs less than retrying. Between
 * processes, the conditional write decides.
 */
export class KeyedQueue {
  private readonly tails = new Map<string, Promise<void>>();

  /**
   * Runs a task after all earlier tasks of its key, whether those succeeded or failed.
   * @returns the task's result
   * @throws the task's error
   */
  run<T>(key: string, task: () => Promise<T>): Promise<T> {
    const before = this.tails.get(key);
    const result = before ? before.then(task) : task();
    const tail = result.then(
      () => undefined,
      () => undefined, // The caller of this task handles the failure; the next task runs anyway.
    );
    this.tails.set(key, tail);
    void tail.then(() => {
      if (this.tails.get(key) === tail) this.tails.delete(key);
    });
    return result;
  }

  /** Number of keys with unfinished tasks. */
  get size(): number {
    return this.tails.size;
  }
}
