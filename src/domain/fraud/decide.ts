import { moreSevere, type Outcome, type Reason } from './decision';
import { type FeatureDefinition, featureDefinitions, type Features } from './features';
import type { CompiledRuleSet } from './rules';
import type { Transaction } from './transaction';

/** Everything that a decision depends on. */
export interface DecideInput {
  transaction: Transaction;
  features: Features;
  /** Null when the decision is made without the model (degraded mode): the rules alone decide. */
  score: number | null;
  /** Contribution of each feature to the score, in log-odds and in the order of `featureNames`. */
  contributions?: readonly number[];
  /** Epoch ms until which the user is on hold after a confirmed fraud: payments get at least the outcome `review`. */
  heldUntil?: number;
  /** Epoch ms. */
  now: number;
  rules: CompiledRuleSet;
}

/** The result of the score bands, the rules and the hold on the user. */
export interface Verdict {
  outcome: Outcome;
  reasons: Reason[];
  /** Ids of the shadow rules that matched; they do not change the outcome. */
  shadowHits: string[];
}

/** At most this many features are named as reasons. */
const MAX_NAMED_FEATURES = 4;
/** A feature is named as a reason from this contribution on, in log-odds. */
const MIN_CONTRIBUTION = 0.1;

/**
 * Decides a transaction: the most severe outcome of the score's band, the rules that match and the hold on the user.
 * The reasons are sorted, the most severe first; features that raised the score come last.
 */
export function decide(input: DecideInput): Verdict {
  const { rules, score, now, heldUntil } = input;
  const reasons: Reason[] = [];
  const shadowHits: string[] = [];
  const ruleInput = { transaction: input.transaction, features: input.features, score };
  for (const { rule, hits } of rules.rules) {
    if (!hits(ruleInput)) continue;
    if (rule.shadow) shadowHits.push(rule.id);
    else reasons.push({ code: rule.reason, text: rule.text, source: 'rule', outcome: rule.outcome });
  }
  if (heldUntil !== undefined && heldUntil > now)
    reasons.push({
      code: 'USER_HELD',
      text: 'the user is on hold after a confirmed fraud',
      source: 'hold',
      outcome: 'review',
    });
  const band = rules.band(score);
  if (band !== 'approve') {
    const text = `the model's score ${score?.toFixed(3)} is in the band ${band}`;
    reasons.push({ code: `SCORE_BAND_${band.toUpperCase()}`, text, source: 'model', outcome: band });
  }
  const outcome = reasons.reduce<Outcome>((worst, reason) => moreSevere(worst, reason.outcome ?? 'approve'), 'approve');
  reasons.sort((a, b) => severity(b) - severity(a));
  if (band !== 'approve' && input.contributions) reasons.push(...drivers(input.features, input.contributions));
  return { outcome, reasons, shadowHits };
}

const severity = ({ outcome }: Reason): number => ['approve', 'alert', 'review', 'block'].indexOf(outcome ?? 'approve');

/** Returns the features that raised the score most, as reasons. */
function drivers(features: Features, contributions: readonly number[]): Reason[] {
  return featureDefinitions
    .map((definition, i) => ({ definition, contribution: contributions[i] ?? 0 }))
    .filter(({ contribution }) => contribution >= MIN_CONTRIBUTION)
    .sort((a, b) => b.contribution - a.contribution)
    .slice(0, MAX_NAMED_FEATURES)
    .map(({ definition, contribution }) => ({
      code: `FEATURE_${definition.name}`,
      text: featureSentence(definition, features[definition.name]),
      source: 'feature',
      contribution: Math.round(contribution * 1000) / 1000,
    }));
}

/** Returns a feature and its value as a sentence: "the amount over the user's 30-day mean is 9.1". */
export function featureSentence({ description, unit }: FeatureDefinition, value: number): string {
  if (Number.isNaN(value)) return `${description} is unknown`;
  if (unit === 'flag') return `${value ? '' : 'not '}${description}`;
  const digits = Math.abs(value) >= 100 || Number.isInteger(value) ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  const suffix = { ratio: ' times', deviations: ' deviations', share: '', count: '' }[unit as string] ?? ` ${unit}`;
  return `${description} is ${value.toFixed(digits)}${suffix}`;
}
