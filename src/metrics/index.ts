import { collectDefaultMetrics, Registry } from 'prom-client';
import { DynamoDBMetrics } from './dynamodb';
import { GatewayMetrics } from './gateways';
import { HttpMetrics } from './http';
import { OutboxMetrics } from './outbox';
import { ProcessMetrics } from './process';
import { ReconcilerMetrics } from './reconciler';
import { SkipMetrics } from './skips';
import { StreamMetrics } from './streams';
import { TemporalMetrics } from './temporal';

/**
 * The metrics that all capabilities of a process share; each capability has a class of its own. A class registers its
 * metrics in its constructor. Names end in the unit. Labels have few values and never contain an id.
 */
export class Metrics {
  readonly registry = new Registry();
  readonly dynamodb = new DynamoDBMetrics(this.registry);
  readonly skips = new SkipMetrics(this.registry);
  readonly streams = new StreamMetrics(this.registry);
  readonly outbox = new OutboxMetrics(this.registry);
  readonly reconciler = new ReconcilerMetrics(this.registry);
  readonly temporal = new TemporalMetrics(this.registry);
  readonly http = new HttpMetrics(this.registry);
  readonly gateways = new GatewayMetrics(this.registry);
  readonly process = new ProcessMetrics(this.registry);

  constructor() {
    collectDefaultMetrics({ register: this.registry });
  }
}
