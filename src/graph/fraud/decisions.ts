import type { fraudSettings } from '../../config/fraud';
import type { InvestigationPolicy } from '../../domain/fraud/workflows';
import type { FraudMetrics } from '../../metrics/fraud';
import { BatchDecisions } from '../../operations/fraud/batchDecisions';
import { RequestDecisions } from '../../operations/fraud/requestDecisions';
import { type UnwrittenDecision, DecisionMaker } from '../../operations/fraud/decisionMaker';
import { GroupedDecisionStore } from '../../operations/fraud/groupedDecisionStore';
import { GroupedScoring } from '../../operations/fraud/groupedScoring';
import type { DecisionStore } from '../../stores/fraud/decisions';
import type { InvestigationStore } from '../../stores/fraud/investigations';
import type { Services } from '../capability';
import type { FraudModels } from './models';
import { noteDecision } from './notes';

/** The parts that {@link buildDecisions} needs. */
export interface DecisionNeeds {
  stores: { decisions: DecisionStore; investigations: InvestigationStore };
  models: FraudModels;
  policy: InvestigationPolicy;
}

/** Builds the decision of payments: for requests, and in batches for the stream. */
export function buildDecisions(
  { config, outbox, note }: Services<typeof fraudSettings>,
  metrics: FraudMetrics,
  { stores: { decisions: store, investigations }, models, policy }: DecisionNeeds,
): { decisions: RequestDecisions; decisionBatches: BatchDecisions } {
  const decided = (path: 'request' | 'stream') => (decision: UnwrittenDecision) => {
    metrics.decision(decision.record.decision, decision.shadowHits, path);
    noteDecision(decision, note);
    models.shadow.observe(decision);
    models.driftWatch.observe(decision);
  };
  const maker = new DecisionMaker(
    { outbox, investigations, rules: models.currentRules },
    { rescoreAfterMs: config.LONGWATCH_RESCORE_AFTER_MS, policy },
  );
  const decisions = new RequestDecisions(
    {
      decisions: new GroupedDecisionStore(store),
      maker,
      scoring: new GroupedScoring(models.endpoint),
      outbox,
      onDecision: decided('request'),
    },
    { modelDeadlineMs: config.LONGWATCH_MODEL_DEADLINE_MS, deadlineMs: config.LONGWATCH_DECISION_DEADLINE_MS },
  );
  const decisionBatches = new BatchDecisions(
    // The stream has its own groups, so that its batches do not delay requests. It has its own circuit breaker, because
    // a batch has more time than a request: a model that is too slow for requests may be fast enough for batches.
    {
      decisions: new GroupedDecisionStore(store),
      maker,
      endpoint: models.openEndpoint(),
      outbox,
      onDecision: decided('stream'),
    },
    { modelDeadlineMs: config.LONGWATCH_STREAM_MODEL_DEADLINE_MS, withoutModel: config.LONGWATCH_STREAM_WITHOUT_MODEL },
  );
  return { decisions, decisionBatches };
}
