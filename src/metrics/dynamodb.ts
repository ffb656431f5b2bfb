import { Counter, Histogram, type Registry } from 'prom-client';
import type { StoreCall } from '../stores/dynamodb';

/** Label of a call that accesses several tables. */
export const SEVERAL_TABLES = 'several';

/** Metrics of DynamoDB calls and their consumed capacity. */
export class DynamoDBMetrics {
  private readonly calls: Histogram<'operation' | 'table' | 'result'>;
  private readonly refusals: Counter<'operation' | 'table'>;
  private readonly units: Counter<'operation' | 'table' | 'kind'>;

  constructor(registry: Registry) {
    const registers = [registry];
    this.calls = new Histogram({
      name: 'longwatch_dynamodb_call_seconds',
      help:
        `Calls to DynamoDB, by operation, table (${SEVERAL_TABLES}: of more than one) and result; ` +
        'a lost race is ok',
      labelNames: ['operation', 'table', 'result'],
      buckets: [0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1],
      registers,
    });
    this.refusals = new Counter({
      name: 'longwatch_dynamodb_refused_total',
      help:
        'Calls that DynamoDB will never accept (a value that it cannot store, an item that is too large, a ' +
        'missing permission), by operation and table; they are not retried',
      labelNames: ['operation', 'table'],
      registers,
    });
    this.units = new Counter({
      name: 'longwatch_dynamodb_units_total',
      help:
        'Consumed capacity units, by operation, table and kind; transactional calls count double, as they are ' +
        'billed',
      labelNames: ['operation', 'table', 'kind'],
      registers,
    });
  }

  /** Records a call and its consumed capacity. */
  call({ operation, tables, seconds, readUnits, unitsByTable, failed, refused }: StoreCall): void {
    const table = tables.length > 1 ? SEVERAL_TABLES : (tables[0] ?? 'none');
    this.calls.observe({ operation, table, result: failed ? 'failed' : 'ok' }, seconds);
    if (refused) this.refusals.inc({ operation, table });
    const kind = readUnits > 0 ? 'read' : 'write';
    for (const [name, units] of Object.entries(unitsByTable))
      if (units > 0) this.units.inc({ operation, table: name, kind }, units);
  }
}
