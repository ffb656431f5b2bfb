import { moreSevere, type Outcome, type Reason } from './decision';
import type { Features } from './features';
import { featureReasons } from './reasons';
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
  if (band !== 'approve' && input.contributions) reasons.push(...featureReasons(input.features, input.contributions));
  return { outcome, reasons, shadowHits };
}

const severity = ({ outcome }: Reason): number => ['approve', 'alert', 'review', 'block'].indexOf(outcome ?? 'approve');
