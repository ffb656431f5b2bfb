import { Counter, type Registry } from 'prom-client';

/** Metrics of device readings. */
export class DeviceMetrics {
  private readonly incoming: Counter<'path' | 'result'>;
  private readonly replaced: Counter;

  constructor(registry: Registry) {
    this.incoming = new Counter({
      name: 'longwatch_device_readings_total',
      help: 'Readings received, by path and result; stored includes repeated readings',
      labelNames: ['path', 'result'],
      registers: [registry],
    });
    this.replaced = new Counter({
      name: 'longwatch_device_rollups_replaced_total',
      help: 'Rollups that differed from their readings and were corrected',
      registers: [registry],
    });
  }

  /** Counts rollups that were corrected. */
  rollupsReplaced(count: number): void {
    this.replaced.inc(count);
  }

  /** Counts received readings. `path` is how they arrived. */
  readings(path: string, result: 'stored' | 'rejected', count: number): void {
    this.incoming.inc({ path, result }, count);
  }
}
