import { decide } from '../domain/fraud/decide';
import { type Outcome, outcomes } from '../domain/fraud/decision';
import {
  averagePrecision,
  cardPrecision,
  type CurvePoint,
  precisionRecall,
  rocAuc,
} from '../domain/fraud/modelEvaluation';
import { featureVector } from '../domain/fraud/features';
import { DAY_MS } from '../domain/fraud/profile';
import type { CompiledRuleSet } from '../domain/fraud/rules';
import { score } from '../domain/fraud/xgboost';
import { referenceAmount } from '../domain/fraud/euroReference';
import { LabError } from './errors';
import type { ModelFile } from './modelFile';
import { isWithin, replayFile, type Window } from './replayFile';
import type { FileFormat } from './transactionFile';

/** A model and a rule set to be tested together. */
export interface Candidate {
  name: string;
  model: ModelFile;
  rules: CompiledRuleSet;
}

/** What to backtest, and on which payments. */
export interface BacktestSettings {
  transactions: string;
  format: FileFormat;
  window: Window;
  /** Milliseconds after which a fraud becomes known. */
  labelDelayMs: number;
  /**
   * Milliseconds before the window. A customer with a fraud since then that is known at the start of a day counts as
   * already found on that day.
   */
  foundSinceMs: number;
  candidates: readonly Candidate[];
  /** Called with the first candidate's score of each payment of the window. */
  onScore?(transactionId: string, score: number): void | Promise<void>;
  onProgress?(share: number): void;
}

/** Payments by their label. */
export interface OutcomeCount {
  genuine: number;
  fraud: number;
  unknown: number;
}

/** Results of a candidate. */
export interface CandidateReport {
  name: string;
  modelVersion: string;
  /** ROC AUC and average precision over all payments of the window with a known label. */
  rocAuc: number;
  averagePrecision: number;
  /**
   * The same figures without the customers who are already known to be defrauded, because investigators need not find
   * them.
   */
  unfound: { rocAuc: number; averagePrecision: number; cardPrecision100: number };
  outcomes: Record<Outcome, OutcomeCount>;
  /**
   * Amounts in euros at the reference rates: of the frauds that were not approved (`detected`) and of those that were
   * (`lost`).
   */
  value: { detected: number; lost: number };
  /** Hits of each rule, including shadow rules. `band` is the score band's own outcome. */
  rules: { id: string; outcome: Outcome; shadow: boolean; hits: OutcomeCount }[];
  curve: CurvePoint[];
  /** Payments by score, in twenty equal steps from 0 to 1. */
  distribution: { genuine: number; fraud: number }[];
}

/** Result of a backtest. */
export interface BacktestReport {
  window: Window;
  payments: number;
  frauds: number;
  unknown: number;
  candidates: CandidateReport[];
  /**
   * With two candidates: the number of payments to which the first gave the row's outcome and the second the column's.
   */
  changes?: Record<Outcome, Record<Outcome, number>>;
}

const STEPS = 20;
const none = (): OutcomeCount => ({ genuine: 0, fraud: 0, unknown: 0 });
const byOutcome = <T>(make: () => T) =>
  Object.fromEntries(outcomes.map((outcome) => [outcome, make()])) as Record<Outcome, T>;

/**
 * Decides the payments of a window again, with the features as they were at that time, for each candidate.
 * @throws LabError if the window contains no payment
 */
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
  if (report.payments === 0) throw new LabError('The window contains no payment. --from and --to are in UTC');
  report.candidates = tallies.map((tally) => tally.report(columns));
  return report;
}

/** The customers known to be defrauded at the start of a day. */
class KnownFrauds {
  /** Time of the first fraud in question, epoch ms, by customer. */
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

/** The decisions of one candidate, counted. */
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
