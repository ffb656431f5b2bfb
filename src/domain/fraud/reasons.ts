import type { Reason } from './decision';
import { type FeatureDefinition, featureDefinitions, type Features } from './features';

/** At most this many features are named as reasons. */
const MAX_NAMED_FEATURES = 4;
/** A feature is named as a reason from this contribution on, in log-odds. */
const MIN_CONTRIBUTION = 0.1;

/** Returns the features that raised the score most, as reasons. */
export function featureReasons(features: Features, contributions: readonly number[]): Reason[] {
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
function featureSentence({ description, unit }: FeatureDefinition, value: number): string {
  if (Number.isNaN(value)) return `${description} is unknown`;
  if (unit === 'flag') return `${value ? '' : 'not '}${description}`;
  const digits = Math.abs(value) >= 100 || Number.isInteger(value) ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  const suffix = { ratio: ' times', deviations: ' deviations', share: '', count: '' }[unit as string] ?? ` ${unit}`;
  return `${description} is ${value.toFixed(digits)}${suffix}`;
}
