import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { CartCountName, CartCounts } from './domain/carts/cart';
import type { Decision, Outcome } from './domain/fraud/decision';
import type { ComparedModel } from './domain/fraud/driftNotice';
import type { StoreCall } from './stores/dynamodb';

/** The metrics of one process; names end in their unit, labels are low in number and never hold an id. */
export class Metrics {
  readonly registry = new Registry();

  private readonly decisions = new Counter({
    name: 'longwatch_fraud_decisions_total',
    help: 'Decisions taken (replays are not counted), by outcome, mode and the path they came by',
    labelNames: ['outcome', 'mode', 'path'],
    registers: [this.registry],
  });
  private readonly degraded = new Counter({
    name: 'longwatch_fraud_degraded_total',
    help: 'Decisions taken without the model, by cause',
    labelNames: ['cause'],
    registers: [this.registry],
  });
  private readonly shadowHits = new Counter({
    name: 'longwatch_fraud_shadow_hits_total',
    help: 'Times that a shadow rule would have hit, by rule',
    labelNames: ['rule'],
    registers: [this.registry],
  });
  private readonly shadowDecisions = new Counter({
    name: 'longwatch_fraud_shadow_decisions_total',
    help: 'Decisions by what was decided and what the challenger would have decided',
    labelNames: ['live', 'shadow'],
    registers: [this.registry],
  });
  private readonly shadowMissed = new Counter({
    name: 'longwatch_fraud_shadow_missed_total',
    help: 'Decisions that were not compared with the challenger: it did not answer, or too many came at once',
    labelNames: ['why'],
    registers: [this.registry],
  });
  private readonly decisionSeconds = new Histogram({
    name: 'longwatch_fraud_decision_seconds',
    help: 'Requests: time from arrival to just before the write',
    buckets: [0.002, 0.005, 0.01, 0.02, 0.04, 0.08, 0.15, 0.25, 0.5],
    registers: [this.registry],
  });
  private readonly storeCalls = new Histogram({
    name: 'longwatch_dynamodb_call_seconds',
    help: 'Calls to DynamoDB, by operation and result',
    labelNames: ['operation', 'result'],
    buckets: [0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1],
    registers: [this.registry],
  });
  private readonly storeUnits = new Counter({
    name: 'longwatch_dynamodb_units_total',
    help: 'Consumed capacity units, by operation and kind',
    labelNames: ['operation', 'kind'],
    registers: [this.registry],
  });
  private readonly starts = new Counter({
    name: 'longwatch_workflow_starts_total',
    help: 'Owed workflow starts that were handed to Temporal, by result',
    labelNames: ['result'],
    registers: [this.registry],
  });
  private readonly lag = new Gauge({
    name: 'longwatch_stream_lag_seconds',
    help: 'How far a stream consumer is behind the newest record, by shard that this process reads',
    labelNames: ['stream', 'shard'],
    registers: [this.registry],
  });
  private readonly streamRecords = new Counter({
    name: 'longwatch_stream_records_total',
    help: 'Records that a stream consumer has handled, by what became of them',
    labelNames: ['stream', 'result'],
    registers: [this.registry],
  });
  private readonly batchRecords = new Histogram({
    name: 'longwatch_stream_batch_records',
    help: 'Records of a batch',
    labelNames: ['stream'],
    buckets: [1, 3, 10, 30, 100, 300, 1_000],
    registers: [this.registry],
  });
  private readonly batchSeconds = new Histogram({
    name: 'longwatch_stream_batch_seconds',
    help: 'Time from a batch in hand to its checkpoint',
    labelNames: ['stream'],
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10],
    registers: [this.registry],
  });
  private readonly trimmed = new Counter({
    name: 'longwatch_stream_trimmed_total',
    help: 'Times that a consumer found its position trimmed from the stream',
    labelNames: ['stream'],
    registers: [this.registry],
  });
  private readonly deadLetters = new Counter({
    name: 'longwatch_dead_letters_total',
    help: 'Records that could not be processed',
    labelNames: ['source'],
    registers: [this.registry],
  });
  private readonly sessionsCreated = new Counter({
    name: 'longwatch_sessions_created_total',
    help: 'Sessions that were opened',
    registers: [this.registry],
  });
  private readonly sessionsEnded = new Counter({
    name: 'longwatch_sessions_ended_total',
    help: 'Sessions that have ended, by reason',
    labelNames: ['reason'],
    registers: [this.registry],
  });
  private readonly sessionTouches = new Counter({
    name: 'longwatch_session_touches_total',
    help: 'Uses of a session that left its data as it was: written, or skipped because the expiry would hardly move',
    labelNames: ['result'],
    registers: [this.registry],
  });
  private readonly sessionsRefused = new Counter({
    name: 'longwatch_sessions_refused_total',
    help: 'Saves and touches that came after the end of their session',
    registers: [this.registry],
  });
  private readonly sweepLateness = new Histogram({
    name: 'longwatch_session_expiry_lateness_seconds',
    help: 'How long after its due instant the sweeper ended a session',
    buckets: [0.1, 0.25, 0.5, 1, 2, 5, 10, 60, 600, 3_600],
    registers: [this.registry],
  });

  private readonly ranksChecked = new Counter({
    name: 'longwatch_leaderboard_checked_players_total',
    help: 'Players whose rank was compared with their score: right, or wrong and put right',
    labelNames: ['result'],
    registers: [this.registry],
  });
  private readonly submitted = new Counter({
    name: 'longwatch_leaderboard_submissions_total',
    help: 'Scores submitted, by what became of them',
    labelNames: ['result'],
    registers: [this.registry],
  });

  private readonly feedRows = new Counter({
    name: 'longwatch_feed_rows_total',
    help: 'Followers’ feeds that background work has looked after, by what it did: delivered, retracted, turned',
    labelNames: ['kind'],
    registers: [this.registry],
  });

  private readonly deviceReadings = new Counter({
    name: 'longwatch_device_readings_total',
    help: 'Readings that came in, by path and result; stored ones may have been on record before',
    labelNames: ['path', 'result'],
    registers: [this.registry],
  });

  private readonly driftIndex = new Gauge({
    name: 'longwatch_fraud_drift_index',
    help: 'Population stability index of a feature or the score against training, of what this process decided today and yesterday',
    labelNames: ['model', 'feature'],
    registers: [this.registry],
    collect: () => this.collectDrift(),
  });
  private readonly cartChanges = new Counter({
    name: 'longwatch_carts_total',
    help: 'Carts that this process has seen opened, reminded, recovered, abandoned, …',
    labelNames: ['what'],
    registers: [this.registry],
  });
  private readonly cartTotals = new Gauge({
    name: 'longwatch_carts',
    help: 'Carts of all processes: open now; opened, reminded, recovered, abandoned, … since the beginning',
    labelNames: ['what'],
    registers: [this.registry],
    collect: () => this.collectCarts(),
  });
  private carts: (() => Promise<Readonly<Record<string, number>>>) | undefined;
  private readonly checkouts = new Counter({
    name: 'longwatch_checkouts_total',
    help: 'Checkouts that this process has seen held, short of stock, confirmed, cancelled, expired; refund-due: payments that must be given back',
    labelNames: ['what'],
    registers: [this.registry],
  });
  private drift: (() => readonly ComparedModel[]) | undefined;

  constructor() {
    collectDefaultMetrics({ register: this.registry });
  }

  decision(decision: Decision, shadowHits: readonly string[], path: 'request' | 'stream'): void {
    for (const rule of shadowHits) this.shadowHits.inc({ rule });
    this.decisions.inc({ outcome: decision.outcome, mode: decision.mode, path });
    if (decision.degradedBecause) this.degraded.inc({ cause: decision.degradedBecause });
    // A stream's latency is its lag.
    if (path === 'request') this.decisionSeconds.observe(decision.latencyMs / 1000);
  }

  shadowCompared(live: Outcome, shadow: Outcome): void {
    this.shadowDecisions.inc({ live, shadow });
  }

  shadowMissedSome(why: 'failed' | 'dropped', count: number): void {
    this.shadowMissed.inc({ why }, count);
  }

  /** @param drift asked whenever metrics are collected. */
  watchDrift(drift: () => readonly ComparedModel[]): void {
    this.drift = drift;
  }

  private collectDrift(): void {
    this.driftIndex.reset();
    for (const { modelVersion, drifts } of this.drift?.() ?? []) for (const { name, psi } of drifts) this.driftIndex.set({ model: modelVersion, feature: name }, psi);
  }

  storeCall(call: StoreCall): void {
    this.storeCalls.observe({ operation: call.operation, result: call.failed ? 'failed' : 'ok' }, call.seconds);
    if (call.readUnits > 0) this.storeUnits.inc({ operation: call.operation, kind: 'read' }, call.readUnits);
    if (call.writeUnits > 0) this.storeUnits.inc({ operation: call.operation, kind: 'write' }, call.writeUnits);
  }

  sessionCreated(): void {
    this.sessionsCreated.inc();
  }

  sessionEnded(reason: string): void {
    this.sessionsEnded.inc({ reason });
  }

  sessionTouched(written: boolean): void {
    this.sessionTouches.inc({ result: written ? 'written' : 'skipped' });
  }

  sessionRefused(): void {
    this.sessionsRefused.inc();
  }

  sessionSwept(latenessMs: number): void {
    this.sweepLateness.observe(latenessMs / 1000);
  }

  workflowStart(result: 'started' | 'already-started' | 'failed'): void {
    this.starts.inc({ result });
  }

  streamLag(stream: string, shard: string, milliseconds: number): void {
    this.lag.set({ stream, shard }, milliseconds / 1000);
  }

  /** This process reads the shard no more; whoever does reports it. */
  streamLeft(stream: string, shard: string): void {
    this.lag.remove({ stream, shard });
  }

  streamBatch(stream: string, batch: { records: number; seconds: number; counts: Readonly<Record<string, number>>; deadLetters: number }): void {
    this.batchRecords.observe({ stream }, batch.records);
    this.batchSeconds.observe({ stream }, batch.seconds);
    for (const [result, count] of Object.entries(batch.counts)) this.streamRecords.inc({ stream, result }, count);
    if (batch.deadLetters > 0) this.deadLetters.inc({ source: stream }, batch.deadLetters);
  }

  cartsCounted(counts: CartCounts): void {
    for (const [what, count] of Object.entries(counts) as [CartCountName, number][]) this.cartChanges.inc({ what }, count);
  }

  /** Where the totals of all processes are read whenever somebody asks for the metrics. */
  watchCarts(totals: () => Promise<Readonly<Record<string, number>>>): void {
    this.carts = totals;
  }

  private async collectCarts(): Promise<void> {
    // While the table is away the last totals stay: one part that is away must not take the other metrics with it.
    const totals = await this.carts?.().catch(() => undefined);
    for (const [what, count] of Object.entries(totals ?? {})) this.cartTotals.set({ what }, count);
  }

  checkout(what: 'held' | 'short' | 'confirmed' | 'cancelled' | 'expired' | 'refund-due'): void {
    this.checkouts.inc({ what });
  }

  rankingChecked({ players, differences }: { players: number; differences: number }): void {
    this.ranksChecked.inc({ result: 'right' }, Math.max(0, players - differences));
    if (differences > 0) this.ranksChecked.inc({ result: 'wrong' }, differences);
  }

  submission(result: 'applied' | 'unchanged' | 'repeated' | 'refused'): void {
    this.submitted.inc({ result });
  }

  feedRowsWritten(kind: 'delivered' | 'retracted' | 'turned', count: number): void {
    this.feedRows.inc({ kind }, count);
  }

  readings(path: string, result: 'stored' | 'rejected', count: number): void {
    this.deviceReadings.inc({ path, result }, count);
  }

  streamTrimmed(stream: string): void {
    this.trimmed.inc({ stream });
  }
}
