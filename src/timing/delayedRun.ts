import { type Clock, monotonicClock } from './clock';

/** Runs work once, some time after it was first requested. Requests in between share that run. */
export class DelayedRun {
  private pending: AbortController | undefined;

  /** @param work must not throw. A pending run does not keep the process alive with the default clock. */
  constructor(
    private readonly work: () => void,
    private readonly clock: Clock = monotonicClock,
  ) {}

  /** Runs the work `ms` milliseconds from now, unless a run is pending already. */
  request(ms: number): void {
    if (this.pending) return;
    const pending = new AbortController();
    this.pending = pending;
    void this.clock.sleep(ms, pending.signal).then(
      () => {
        if (this.pending !== pending) return; // Cancelled as the sleep ended.
        this.pending = undefined;
        this.work();
      },
      () => undefined, // Cancelled.
    );
  }

  /** Drops the pending run, if there is one. */
  cancel(): void {
    this.pending?.abort();
    this.pending = undefined;
  }
}
