import { Counter, type Registry } from 'prom-client';

/** Metrics of the background work on feeds. */
export class FeedMetrics {
  private readonly rows: Counter<'kind'>;

  constructor(registry: Registry) {
    this.rows = new Counter({
      name: 'longwatch_feed_rows_total',
      help: 'Followers’ feeds that background work has looked after, by what it did: delivered, retracted, turned',
      labelNames: ['kind'],
      registers: [registry],
    });
  }

  /** Counts feed rows that background work wrote. */
  rowsWritten(kind: 'delivered' | 'retracted' | 'turned', count: number): void {
    this.rows.inc({ kind }, count);
  }
}
