import { type Features, featureDefinitions, type FeatureName, featureNames } from './features';
import { type Transaction } from './transaction';

/** The values that a condition is evaluated on. */
export interface RuleInput {
  transaction: Transaction;
  features: Features;
  /** Null in degraded mode: comparisons with it are false. */
  score: number | null;
}

/** The type of a field's values; a flag is the number 0 or 1. */
export type FieldType = 'number' | 'string' | 'flag';

interface Field {
  type: FieldType;
  /** Returns undefined when the value is missing. */
  read(input: RuleInput): string | number | undefined;
}

const feature = (name: FeatureName, type: FieldType): Field => ({
  type,
  read: ({ features }) => {
    const value = features[name];
    return Number.isNaN(value) ? undefined : value;
  },
});

const transactionFields: Readonly<Record<string, Field>> = {
  'transaction.amount': { type: 'number', read: ({ transaction }) => transaction.amount },
  'transaction.currency': { type: 'string', read: ({ transaction }) => transaction.currency },
  'transaction.channel': { type: 'string', read: ({ transaction }) => transaction.channel },
  'transaction.userId': { type: 'string', read: ({ transaction }) => transaction.userId },
  'transaction.merchantId': { type: 'string', read: ({ transaction }) => transaction.merchantId },
  'transaction.deviceId': { type: 'string', read: ({ transaction }) => transaction.deviceId },
  'transaction.ip': { type: 'string', read: ({ transaction }) => transaction.ip },
  'transaction.country': { type: 'string', read: ({ transaction }) => transaction.location?.country },
};

/** The fields that a condition may name: `score`, fields of the transaction, and every feature. */
export const ruleFields: ReadonlyMap<string, Field> = new Map<string, Field>([
  ['score', { type: 'number', read: ({ score }) => score ?? undefined }],
  ...Object.entries(transactionFields),
  ...featureNames.map((name, i): [string, Field] => [
    name,
    feature(name, featureDefinitions[i]?.unit === 'flag' ? 'flag' : 'number'),
  ]),
]);
