import { Counter, type Registry } from 'prom-client';

/** What is owed, and its payment. */
export class LedgerMetrics {
  private readonly starts: Counter<'result'>;

  constructor(registry: Registry) {
    this.starts = new Counter({
      name: 'longwatch_workflow_starts_total',
      help: 'Owed workflow starts that were handed to Temporal, by result',
      labelNames: ['result'],
      registers: [registry],
    });
  }

  start(result: 'started' | 'already-started' | 'failed'): void {
    this.starts.inc({ result });
  }
}
