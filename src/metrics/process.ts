import { Counter, type Registry } from 'prom-client';

/** Metrics of the process as a whole. */
export class ProcessMetrics {
  private readonly rejections: Counter;

  constructor(registry: Registry) {
    this.rejections = new Counter({
      name: 'longwatch_unhandled_rejections_total',
      help: 'Unhandled promise rejections; each is logged and is a defect of Longwatch',
      registers: [registry],
    });
  }

  /** Counts an unhandled promise rejection. */
  unhandledRejection(): void {
    this.rejections.inc();
  }
}
