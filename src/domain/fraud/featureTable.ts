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

What the model and the rules know of a transaction. Each is a pure function of the transaction, its user's profile \
and its merchant's counters as they were just before it (\`src/domain/fraud/features.ts\`). This page is written by \
\`npm run docs:features\`.

- **Windows** are whole buckets of UTC time and leave the transaction itself out: "1 h" is the current minute and the \
59 before it, "1 d" the current hour and the 23 before it, "7 d" the current day and the 6 before it. For the \
merchant, "1 d" is the current day.
- **${LABEL_DELAY_DAYS} d late**: the window ends with the day ${LABEL_DELAY_DAYS} days ago, whose labels are still \
coming in: of it only known frauds count. Labels take time, so serving must not see more of them than training did.
- **EUR**: amounts are compared in euros by order of magnitude, at fixed reference rates \
(\`src/domain/fraud/euroReference.ts\`).
- **Missing** values stay missing: an empty cell to the model, never true in a rule.
- **Unusually high** is an amount over the user's long-run mean by more than 3 of its standard deviations, once 8 \
transactions are known. A fraud is **of usual amount** when its amount was not: the amount alone does not explain it, \
its merchant may.

| column | feature | unit | window | meaning |
| --- | --- | --- | --- | --- |
${rows.join('\n')}
`;
}
