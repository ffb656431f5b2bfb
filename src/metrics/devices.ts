import { Counter, type Registry } from 'prom-client';

/** Readings of devices. */
export class DeviceMetrics {
  private readonly incoming: Counter<'path' | 'result'>;

  constructor(registry: Registry) {
    this.incoming = new Counter({
      name: 'longwatch_device_readings_total',
      help: 'Readings that came in, by path and result; stored ones may have been on record before',
      labelNames: ['path', 'result'],
      registers: [registry],
    });
  }

  readings(path: string, result: 'stored' | 'rejected', count: number): void {
    this.incoming.inc({ path, result }, count);
  }
}
