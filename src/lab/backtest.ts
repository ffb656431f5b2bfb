import { decide } from '../domain/fraud/decide';
import { type Outcome, outcomes } from '../domain/fraud/decision';
import { averagePrecision, cardPrecision, type CurvePoint, precisionRecall, rocAuc } from '../domain/fraud/evaluation';
import { featureVector } from '../domain/fraud/features';
import { DAY_MS } from '../domain/fraud/profile';
import type { CompiledRuleSet } from '../domain/fraud/rules';
import { score } from '../domain/fraud/xgboost';
import { referenceAmount } from '../domain/fraud/euroReference';
import { LabError } from './errors';
import type { ModelFile } from './modelFile';
import { isWithin, replayFile, type Window } from './replayFile';
import type { FileFormat } from './transactionFile';

/** A model and the rules beside it. */
export interface Candidate {
  name: string;
  model: ModelFile;
  rules: CompiledRuleSet;
}

export interface BacktestSettings {
  transactions: string;
  format: FileFormat;
  window: Window;
  labelDelayMs: number;
  /** Customers with a fraud from so long before the window on, and known by a day, are no discovery on that day. */
  foundSinceMs: number;
  candidates: readonly Candidate[];
  /** Told of the first candidate's score of every payment of the window. */
  onScore?(transactionId: string, score: number): void | Promise<void>;
  onProgress?(share: number): void;
}

export interface OutcomeCount {
  genuine: number;
  fraud: number;
  unknown: number;
}

export interface CandidateReport {
  name: string;
  modelVersion: string;
  /** Over all payments of the window whose label is known. */
  rocAuc: number;
  averagePrecision: number;
  /** The same without the customers already known to be defrauded, whom nobody has to find. */
  unfound: { rocAuc: number; averagePrecision: number; cardPrecision100: number };
  outcomes: Record<Outcome, OutcomeCount>;
  /** In euros by the reference rates: frauds that were not approved, and those that were. */
  value: { detected: number; lost: number };
  /** `band` is the score's own. Shadow rules are counted, too. */
  rules: { id: string; outcome: Outcome; shadow: boolean; hits: OutcomeCount }[];
  curve: CurvePoint[];
  /** Payments by score, twenty equal steps from 0 to 1. */
  distribution: { genuine: number; fraud: number }[];
}

export interface BacktestReport {
  window: Window;
  payments: number;
  frauds: number;
  unknown: number;
  candidates: CandidateReport[];
  /** With two candidates: how many payments the first gave the row's outcome and the second the column's. */
  changes?: Record<Outcome, Record<Outcome, number>>;
}

const STEPS = 20;
const none = (): OutcomeCount => ({ genuine: 0, fraud: 0, unknown: 0 });
const byOutcome = <T>(make: () => T) =>
  Object.fromEntries(outcomes.map((outcome) => [outcome, make()])) as Record<Outcome, T>;

/** Decides the payments of a window again, with features as they were, and says what each candidate would have done. */
export async function backtest(settings: BacktestSettings): Promise<BacktestReport> {
  const { window, candidates, labelDelayMs } = settings;
  const tallies = candidates.map((candidate) => new Tally(candidate));
  const known = new KnownFrauds(window.from - settings.foundSinceMs, labelDelayMs);
  const users = new Map<string, number>();
  const columns = { labels: [] as number[], users: [] as number[], days: [] as number[], found: [] as boolean[] };
  const changes = candidates.length === 2 ? byOutcome(() => byOutcome(() => 0)) : undefined;
  const report: BacktestReport = {
    window,
    payments: 0,
    frauds: 0,
    unknown: 0,
    candidates: [],
    ...(changes && { changes }),
  };
  for await (const { transaction, fraud, features } of replayFile(
    settings.transactions,
    settings.format,
    labelDelayMs,
    settings.onProgress,
  )) {
    const { userId, timestamp, transactionId } = transaction;
    if (timestamp >= window.to) break;
    if (fraud) known.add(userId, timestamp);
    if (!isWithin(window, timestamp)) continue;
    report.payments++;
    if (fraud === undefined) report.unknown++;
    else {
      report.frauds += Number(fraud);
      columns.labels.push(Number(fraud));
      columns.users.push(users.get(userId) ?? users.set(userId, users.size).size - 1);
      columns.days.push(Math.floor(timestamp / DAY_MS));
      columns.found.push(known.isKnown(userId, timestamp));
    }
    const given = features();
    const row = featureVector(given);
    const decided = tallies.map((tally) => tally.take(transaction, given, row, fraud));
    await settings.onScore?.(transactionId, decided[0]?.score ?? Number.NaN);
    if (changes && decided[0] && decided[1]) changes[decided[0].outcome][decided[1].outcome]++;
  }
  if (report.payments === 0) throw new LabError('There is no payment in the window; --from and --to are in UTC');
  report.candidates = tallies.map((tally) => tally.report(columns));
  return report;
}

/** Which customers are known to be defrauded by the beginning of a day. */
class KnownFrauds {
  /** By customer: the first fraud of interest, epoch ms. */
  private readonly first = new Map<string, number>();

  constructor(
    private readonly since: number,
    private readonly delayMs: number,
  ) {}

  add(userId: string, timestamp: number): void {
    if (timestamp >= this.since && !this.first.has(userId)) this.first.set(userId, timestamp);
  }

  isKnown(userId: string, timestamp: number): boolean {
    const first = this.first.get(userId);
    const today = Math.floor(timestamp / DAY_MS) * DAY_MS;
    return first !== undefined && first < today - this.delayMs;
  }
}

type Columns = Record<'labels' | 'users' | 'days', number[]> & { found: boolean[] };

/** What one candidate makes of the payments. */
class Tally {
  private readonly scores: number[] = [];
  private readonly outcomes = byOutcome(none);
  private readonly value = { detected: 0, lost: 0 };
  private readonly hits: OutcomeCount[];
  private readonly distribution = Array.from({ length: STEPS }, () => ({ genuine: 0, fraud: 0 }));

  constructor(private readonly candidate: Candidate) {
    this.hits = candidate.rules.rules.map(none);
  }

  take(
    ...[transaction, features, row, fraud]: [
      Parameters<typeof decide>[0]['transaction'],
      Parameters<typeof decide>[0]['features'],
      number[],
      boolean | undefined,
    ]
  ) {
    const { rules, model } = this.candidate;
    const scored = score(model.trees, row);
    const { outcome } = decide({ transaction, features, score: scored, now: transaction.timestamp, rules });
    const truth = fraud === undefined ? 'unknown' : fraud ? 'fraud' : 'genuine';
    this.outcomes[outcome][truth]++;
    const input = { transaction, features, score: scored };
    rules.rules.forEach((rule, i) => {
      if (rule.hits(input)) (this.hits[i] as OutcomeCount)[truth]++;
    });
    if (truth !== 'unknown') {
      this.scores.push(scored);
      const step = this.distribution[Math.min(STEPS - 1, Math.floor(scored * STEPS))];
      if (step) step[truth]++;
    }
    if (fraud)
      this.value[outcome === 'approve' ? 'lost' : 'detected'] += referenceAmount(
        transaction.amount,
        transaction.currency,
      );
    return { score: scored, outcome };
  }

  report({ labels, users, days, found }: Columns): CandidateReport {
    const { candidate, scores } = this;
    const all = { scores, labels };
    const pick = (column: readonly number[]) => column.filter((_, i) => !found[i]);
    const unfound = { scores: pick(scores), labels: pick(labels), users: pick(users), days: pick(days) };
    return {
      name: candidate.name,
      modelVersion: candidate.model.version,
      rocAuc: rocAuc(all),
      averagePrecision: averagePrecision(all),
      unfound: {
        rocAuc: rocAuc(unfound),
        averagePrecision: averagePrecision(unfound),
        cardPrecision100: cardPrecision(unfound, 100),
      },
      outcomes: this.outcomes,
      value: this.value,
      rules: candidate.rules.rules.map(({ rule: { id, outcome, shadow = false } }, i) => ({
        id,
        outcome,
        shadow,
        hits: this.hits[i] as OutcomeCount,
      })),
      curve: precisionRecall(all),
      distribution: this.distribution,
    };
  }
}
