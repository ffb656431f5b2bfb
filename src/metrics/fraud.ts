import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import { type Decision, degradedCauses, type Outcome } from '../domain/fraud/decision';
import type { ComparedModel } from '../domain/fraud/driftNotice';

/** Metrics of decisions, challengers and drift. */
export class FraudMetrics {
  private readonly decisions: Counter<'outcome' | 'mode' | 'path'>;
  private readonly degraded: Counter<'cause'>;
  private readonly decisionSeconds: Histogram;
  private readonly shadowHits: Counter<'rule'>;
  private readonly shadowDecisions: Counter<'live' | 'shadow'>;
  private readonly shadowMissed: Counter<'why'>;
  private drift: (() => readonly ComparedModel[]) | undefined;

  constructor(registry: Registry) {
    const registers = [registry];
    this.decisions = new Counter({
      name: 'longwatch_fraud_decisions_total',
      help: 'Decisions (without replays), by outcome, mode and path',
      labelNames: ['outcome', 'mode', 'path'],
      registers,
    });
    this.degraded = new Counter({
      name: 'longwatch_fraud_degraded_total',
      help: 'Decisions without the model, by cause',
      labelNames: ['cause'],
      registers,
    });
    // Start at 0: Prometheus sees no increase in a series whose first sample is 1.
    for (const cause of degradedCauses) this.degraded.inc({ cause }, 0);
    this.decisionSeconds = new Histogram({
      name: 'longwatch_fraud_decision_seconds',
      help: 'Duration of a decision in a request, from its arrival to just before the write',
      buckets: [0.002, 0.005, 0.01, 0.02, 0.04, 0.08, 0.15, 0.25, 0.5],
      registers,
    });
    this.shadowHits = new Counter({
      name: 'longwatch_fraud_shadow_hits_total',
      help: 'Hits of shadow rules, by rule',
      labelNames: ['rule'],
      registers,
    });
    this.shadowDecisions = new Counter({
      name: 'longwatch_fraud_shadow_decisions_total',
      help: 'Decisions, by the live outcome and the challenger’s outcome',
      labelNames: ['live', 'shadow'],
      registers,
    });
    this.shadowMissed = new Counter({
      name: 'longwatch_fraud_shadow_missed_total',
      help:
        'Decisions that were not compared with the challenger: it did not answer (failed), or too many ' +
        'arrived at once (dropped)',
      labelNames: ['why'],
      registers,
    });
    const driftIndex: Gauge<'model' | 'feature'> = new Gauge({
      name: 'longwatch_fraud_drift_index',
      help:
        'Population stability index of a feature or the score against the training data, over the decisions ' +
        'of this process today and yesterday',
      labelNames: ['model', 'feature'],
      registers,
      collect: () => {
        driftIndex.reset();
        for (const { modelVersion, drifts } of this.drift?.() ?? [])
          for (const { name, psi } of drifts) driftIndex.set({ model: modelVersion, feature: name }, psi);
      },
    });
  }

  /** Counts a decision, and the shadow rules that hit. */
  decision(decision: Decision, shadowHits: readonly string[], path: 'request' | 'stream'): void {
    for (const rule of shadowHits) this.shadowHits.inc({ rule });
    this.decisions.inc({ outcome: decision.outcome, mode: decision.mode, path });
    if (decision.degradedBecause) this.degraded.inc({ cause: decision.degradedBecause });
    // For streams the lag metric shows the latency.
    if (path === 'request') this.decisionSeconds.observe(decision.latencyMs / 1000);
  }

  /** Counts a decision that was compared with the challenger's. */
  shadowCompared(live: Outcome, shadow: Outcome): void {
    this.shadowDecisions.inc({ live, shadow });
  }

  /** Counts decisions that were not compared with the challenger's. */
  shadowMissedSome(why: 'failed' | 'dropped', count: number): void {
    this.shadowMissed.inc({ why }, count);
  }

  /** Sets the source of the drift values. @param drift called at each scrape */
  watchDrift(drift: () => readonly ComparedModel[]): void {
    this.drift = drift;
  }
}
