import { type FeatureDefinition, featureDefinitions, LABEL_DELAY_DAYS } from './features';

const units: Readonly<Record<FeatureDefinition['unit'], string>> = {
  EUR: 'EUR',
  count: 'count',
  ratio: 'ratio',
  hours: 'hours',
  days: 'days',
  km: 'km',
  'km/h': 'km/h',
  flag: '0 or 1',
  deviations: 'standard deviations',
  share: '0 to 1',
};

/** Returns the page docs/features.md: each feature with unit, window and meaning, in the model's order. */
export function featureTable(): string {
  const rows = featureDefinitions.map(
    ({ name, unit, window, description }, i) => `| ${i} | \`${name}\` | ${units[unit]} | ${window} | ${description} |`,
  );
  return `# Features

A feature is an input of the model and of the rules. Each feature is a pure function of the transaction, the profile \
of its user and the counters of its merchant just before the transaction (\`src/domain/fraud/features.ts\`). \
\`npm run docs:features\` writes this page.

- **Windows** consist of whole buckets of UTC time and exclude the transaction itself: "1 h" is the current minute and \
the 59 before it, "1 d" is the current hour and the 23 before it, "7 d" is the current day and the 6 before it. For \
the merchant, "1 d" is the current day.
- **${LABEL_DELAY_DAYS} d late**: the window ends with the day ${LABEL_DELAY_DAYS} days ago. The labels of that day \
are still arriving, so only its known frauds count. Labels take time, so serving must not use newer labels than \
training did.
- **EUR**: amounts are converted to euros at fixed reference rates (\`src/domain/fraud/euroReference.ts\`), which are \
exact to the order of magnitude only.
- **Missing** values stay missing: an empty cell for the model, never true in a rule.
- **Unusually high** is an amount that exceeds the user's long-run mean by more than 3 standard deviations, once 8 \
transactions are known. A fraud is **of usual amount** when its amount was not unusually high: then the amount does \
not explain the fraud, but its merchant may.

| column | feature | unit | window | meaning |
| --- | --- | --- | --- | --- |
${rows.join('\n')}
`;
}
