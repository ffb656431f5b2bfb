import { Counter, Histogram, type Registry } from 'prom-client';
import type { StoreCall } from '../stores/dynamodb';

/** The label of a call that concerns more than one table. */
export const SEVERAL_TABLES = 'several';

/** Calls to DynamoDB and what they consume. */
export class DynamoDBMetrics {
  private readonly calls: Histogram<'operation' | 'table' | 'result'>;
  private readonly units: Counter<'operation' | 'table' | 'kind'>;

  constructor(registry: Registry) {
    const registers = [registry];
    this.calls = new Histogram({
      name: 'longwatch_dynamodb_call_seconds',
      help: `Calls to DynamoDB, by operation, table (${SEVERAL_TABLES}: of more than one) and result; a lost race is ok`,
      labelNames: ['operation', 'table', 'result'],
      buckets: [0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1],
      registers,
    });
    this.units = new Counter({
      name: 'longwatch_dynamodb_units_total',
      help: 'Consumed capacity units, by operation, table and kind; transactional calls count double, as they are billed',
      labelNames: ['operation', 'table', 'kind'],
      registers,
    });
  }

  call({ operation, tables, seconds, readUnits, unitsByTable, failed }: StoreCall): void {
    this.calls.observe({ operation, table: tables.length > 1 ? SEVERAL_TABLES : (tables[0] ?? 'none'), result: failed ? 'failed' : 'ok' }, seconds);
    const kind = readUnits > 0 ? 'read' : 'write';
    for (const [table, units] of Object.entries(unitsByTable)) if (units > 0) this.units.inc({ operation, table, kind }, units);
  }
}
