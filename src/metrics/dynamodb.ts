import { Counter, Histogram, type Registry } from 'prom-client';
import type { StoreCall } from '../stores/dynamodb';

/** Calls to DynamoDB and what they consume. */
export class DynamoDBMetrics {
  private readonly calls: Histogram<'operation' | 'result'>;
  private readonly units: Counter<'operation' | 'kind'>;

  constructor(registry: Registry) {
    const registers = [registry];
    this.calls = new Histogram({
      name: 'longwatch_dynamodb_call_seconds',
      help: 'Calls to DynamoDB, by operation and result',
      labelNames: ['operation', 'result'],
      buckets: [0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1],
      registers,
    });
    this.units = new Counter({ name: 'longwatch_dynamodb_units_total', help: 'Consumed capacity units, by operation and kind', labelNames: ['operation', 'kind'], registers });
  }

  call({ operation, seconds, readUnits, writeUnits, failed }: StoreCall): void {
    this.calls.observe({ operation, result: failed ? 'failed' : 'ok' }, seconds);
    if (readUnits > 0) this.units.inc({ operation, kind: 'read' }, readUnits);
    if (writeUnits > 0) this.units.inc({ operation, kind: 'write' }, writeUnits);
  }
}
