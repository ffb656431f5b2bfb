import { Counter, type Registry } from 'prom-client';

/** Metrics of the background work on feeds. */
export class FeedMetrics {
  private readonly rows: Counter<'kind'>;

  constructor(registry: Registry) {
    this.rows = new Counter({
      name: 'longwatch_feed_rows_total',
      help:
        'Feed rows that background work wrote, by kind: delivered, retracted, turned (change between ' +
        'fan-out on write and on read)',
      labelNames: ['kind'],
      registers: [registry],
    });
  }

  /** Counts feed rows that background work wrote. */
  rowsWritten(kind: 'delivered' | 'retracted' | 'turned', count: number): void {
    this.rows.inc({ kind }, count);
  }
}
