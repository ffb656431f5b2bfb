import { Counter, type Registry } from 'prom-client';

/** Background work that skips single entities. */
export const skippingWork = ['fan-out', 'ban', 'reward', 'session', 'deadline', 'cart', 'archive', 'rollup', 'rollup-deletion', 'message', 'rank-check', 'reconciliation'] as const;
export type SkippingWork = (typeof skippingWork)[number];

/** Entities that background work skipped because a step for them was refused for good. */
export class SkipMetrics {
  private readonly skips: Counter<'work'>;

  constructor(registry: Registry) {
    this.skips = new Counter({
      name: 'longwatch_skipped_total',
      help: 'Single followers, players, sessions, devices, carts, readings, messages and workflows that background work skipped because a step for them was refused for good, by work; the log names each',
      labelNames: ['work'],
      registers: [registry],
    });
    // Counters begin at 0: Prometheus sees no increase in a series whose first sample is 1.
    for (const work of skippingWork) this.skips.inc({ work }, 0);
  }

  skipped(work: SkippingWork): void {
    this.skips.inc({ work });
  }
}
