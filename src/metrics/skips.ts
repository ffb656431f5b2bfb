import { Counter, type Registry } from 'prom-client';

/** Counts entities that background work skipped because a step for them was permanently refused. */
export class SkipMetrics {
  private readonly skips: Counter<'work'>;

  constructor(registry: Registry) {
    this.skips = new Counter({
      name: 'longwatch_skipped_total',
      help:
        'Single followers, players, sessions, devices, carts, readings, messages and workflows that ' +
        'background work skipped because a step for them was permanently refused, ' +
        'and malformed items that a list skipped, by work; the log names each',
      labelNames: ['work'],
      registers: [registry],
    });
  }

  /** Starts the counter of this work at 0: Prometheus sees no increase in a series whose first sample is 1. */
  begin(work: string): void {
    this.skips.inc({ work }, 0);
  }

  /** Counts one skipped entity. */
  skipped(work: string): void {
    this.skips.inc({ work });
  }
}
