import { collectDefaultMetrics, Registry } from 'prom-client';
import { CartMetrics } from './carts';
import { DeviceMetrics } from './devices';
import { DynamoDBMetrics } from './dynamodb';
import { FeedMetrics } from './feeds';
import { FraudMetrics } from './fraud';
import { GatewayMetrics } from './gateways';
import { HttpMetrics } from './http';
import { LeaderboardMetrics } from './leaderboards';
import { OutboxMetrics } from './outbox';
import { ProcessMetrics } from './process';
import { ReconcilerMetrics } from './reconciler';
import { SessionMetrics } from './sessions';
import { SkipMetrics } from './skips';
import { StreamMetrics } from './streams';
import { TemporalMetrics } from './temporal';

/**
 * The metrics of one process, a file for each capability and each part that all share; every class registers what it
 * has when it is made. Names end in their unit; labels are low in number and never hold an id.
 */
export class Metrics {
  readonly registry = new Registry();
  readonly fraud = new FraudMetrics(this.registry);
  readonly sessions = new SessionMetrics(this.registry);
  readonly carts = new CartMetrics(this.registry);
  readonly leaderboards = new LeaderboardMetrics(this.registry);
  readonly feeds = new FeedMetrics(this.registry);
  readonly devices = new DeviceMetrics(this.registry);
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
