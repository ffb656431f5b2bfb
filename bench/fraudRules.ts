import Table from 'cli-table3';
import { defaultRules } from '../src/domain/fraud/defaultRules';
import { DAY_MS } from '../src/domain/fraud/profile';
import { Replay } from '../src/domain/fraud/replay';
import { compileRuleSet } from '../src/domain/fraud/rules';
import { simulate } from '../src/domain/fraud/simulation';

const settings = { seed: 11, customers: 3_000, merchants: 400, days: 110, start: Date.UTC(2026, 0, 1) };
/** Before this day the profiles have too little history. */
const FROM_DAY = 60;

/**
 * Prints the hits of each rule of the default set, without the model, on simulated payments that were not in the
 * model's training.
 */
export function benchFraudRules(): void {
  const { rules } = compileRuleSet(defaultRules, 1);
  const hits = new Map(rules.map(({ rule }) => [rule.id, { genuine: 0, fraud: 0, kinds: new Map<string, number>() }]));
  const all = { genuine: 0, fraud: 0 };
  const replay = new Replay();
  for (const one of simulate(settings)) {
    const features = replay.take(one.transaction, one.fraud);
    if (one.transaction.timestamp < settings.start + FROM_DAY * DAY_MS) continue;
    const truth = one.fraud ? 'fraud' : 'genuine';
    all[truth]++;
    const input = { transaction: one.transaction, features: features(), score: null };
    for (const { rule, hits: hit } of rules) {
      const count = hits.get(rule.id)!;
      if (!hit(input)) continue;
      count[truth]++;
      if (one.scenario) count.kinds.set(one.scenario, (count.kinds.get(one.scenario) ?? 0) + 1);
    }
  }
  const table = new Table({
    head: ['rule', 'genuine', 'fraud', 'precision', 'kinds'],
    style: { head: [], border: [] },
  });
  for (const [id, { genuine, fraud, kinds }] of hits)
    table.push([
      id,
      genuine,
      fraud,
      genuine + fraud === 0 ? '–' : `${((100 * fraud) / (genuine + fraud)).toFixed(0)} %`,
      [...kinds].map(([kind, count]) => `${kind} ${count}`).join(', '),
    ]);
  console.log(
    `${table.toString()}\nof ${all.genuine} genuine payments and ${all.fraud} frauds of days ${FROM_DAY} to ` +
      `${settings.days}`,
  );
}
