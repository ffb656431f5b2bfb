import { LongwatchError } from '../../domain/errors';
import { featureNames } from '../../domain/fraud/features';
import { compileRuleSet } from '../../domain/fraud/rules';
import { validateRuleSet } from '../../domain/fraud/ruleValidation';
import { readBaselines } from '../../gateways/fraud/baselineFiles';
import { EndpointCalls } from '../../gateways/fraud/endpointCalls';
import { ScoringEndpoint } from '../../gateways/fraud/sagemaker';
import { CHALLENGER_RULES, Challengers } from '../../operations/fraud/challengers';
import { CachedVersion } from '../../operations/fraud/cachedVersion';
import { DriftWatch } from '../../operations/fraud/driftWatch';
import { type PreparedChallenger, ChallengerRun } from '../../operations/fraud/challengerRun';
import { DriftStore } from '../../stores/fraud/drift';
import { type Challenger, challengerStore, liveModelStore, ruleStore } from '../../stores/fraud/rules';
import { ChallengerDifferenceStore } from '../../stores/fraud/challengerDifferences';
import type { fraudSettings } from '../../config/fraud';
import type { FraudMetrics } from '../../metrics/fraud';
import type { Services } from '../capability';
import { BASELINE } from '../files';

/** The models, rules and observers of fraud. */
export type FraudModels = ReturnType<typeof buildModels>;

/** Builds the live rules and model, the challenger, and the detection of drift. */
export function buildModels(
  { config, endpoints, db, watchCall, onFault }: Services<typeof fraudSettings>,
  metrics: FraudMetrics,
) {
  const sagemaker = new EndpointCalls({ region: config.AWS_REGION, ...endpoints.sagemaker, watch: watchCall });
  const rules = ruleStore(db);
  const models = liveModelStore(db);
  const challengerVersions = challengerStore(db);
  const currentRules = new CachedVersion(
    rules,
    (ruleSet, version) => compileRuleSet(validateRuleSet(ruleSet), version),
    onFault,
  );
  const liveModel = new CachedVersion(models, ({ endpointName }) => endpointName, onFault);
  const openEndpoint = (endpointName = () => liveModel.peek() ?? config.SAGEMAKER_ENDPOINT_NAME) =>
    new ScoringEndpoint(sagemaker, { endpointName });
  const prepared = ({ endpointName, ruleSet }: Challenger, version: number): PreparedChallenger => ({
    version,
    ...(endpointName !== undefined && { endpoint: openEndpoint(() => endpointName) }),
    ...(ruleSet && { rules: compileRuleSet(validateRuleSet(ruleSet), CHALLENGER_RULES) }),
  });
  const challenger = new CachedVersion(
    challengerVersions,
    (value, version) => value && prepared(value, version),
    onFault,
  );
  const settings = [currentRules, liveModel, challenger];

  const shadowStore = new ChallengerDifferenceStore(db);
  const shadow = new ChallengerRun({
    challenger: { peek: () => challenger.peek() ?? undefined },
    rules: currentRules,
    store: shadowStore,
    onCompared: (live, other) => metrics.shadowCompared(live, other),
    onMissed: (why, count) => metrics.shadowMissedSome(why, count),
    onFault,
  });
  const challengers = new Challengers({
    db,
    challengers: challengerVersions,
    rules,
    models,
    shadow: shadowStore,
    tryEndpoint: (endpointName) => tryEndpoint(openEndpoint(() => endpointName)),
    refresh: async () => void (await Promise.all(settings.map((one) => one.refresh()))),
  });
  const driftWatch = new DriftWatch(
    { store: new DriftStore(db), baselines: readBaselines(BASELINE, config.LONGWATCH_DRIFT_BASELINES), onFault },
    { minRows: config.LONGWATCH_DRIFT_MIN_DECISIONS },
  );
  metrics.watchDrift(() => driftWatch.local());

  return { rules, currentRules, settings, endpoint: openEndpoint(), openEndpoint, shadow, challengers, driftWatch };
}

/**
 * Checks that an endpoint scores the features.
 * @throws LongwatchError `invalid`
 */
async function tryEndpoint(endpoint: ScoringEndpoint): Promise<void> {
  try {
    await endpoint.score([featureNames.map(() => Number.NaN)], { deadlineMs: 5_000 });
  } catch (error) {
    const message = `must be an endpoint that scores the ${featureNames.length} features: ${(error as Error).message}`;
    throw new LongwatchError('invalid', `endpointName ${message}`, {
      faults: [{ field: 'endpointName', message }],
      cause: error,
    });
  }
}
