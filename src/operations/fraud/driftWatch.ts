import { randomUUID } from 'node:crypto';
import { addCounts, type Baseline, type BinCounts, countRow, drifts } from '../../domain/fraud/drift';
import type { ComparedModel } from '../../domain/fraud/driftNotice';
import { DAY_MS } from '../../domain/fraud/profile';
import { type DayCounts, dayOf, type DriftStore } from '../../stores/fraud/drift';
import type { UnwrittenDecision } from './decisionMaker';
import { type Clock, systemClock } from '../../timing/clock';
import { DelayedRun } from '../../timing/delayedRun';

/** The parts that {@link DriftWatch} needs. */
export interface DriftParts {
  store: DriftStore;
  /** The training baseline of each model version. */
  baselines: ReadonlyMap<string, Baseline>;
  onFault(error: unknown): void;
  clock?: Clock;
}

/** The settings of {@link DriftWatch}. */
export interface DriftSettings {
  /** Minimum number of rows for a comparison with the baseline. */
  minRows: number;
}

/** How often a process writes its counts. */
const KEEP_EVERY_MS = 30_000;

/**
 * Counts the distribution of the features and scores of decisions, to detect drift from the training data. Counting
 * takes microseconds and makes no call. Each process writes its counts periodically.
 */
export class DriftWatch {
  private readonly processId = randomUUID();
  private readonly days = new Map<string, DayCounts>();
  private readonly dirty = new Set<string>();
  private readonly clock: Clock;
  private readonly writing: DelayedRun;

  constructor(
    private readonly parts: DriftParts,
    private readonly settings: DriftSettings,
  ) {
    this.clock = parts.clock ?? systemClock;
    this.writing = new DelayedRun(() => void this.flush(), parts.clock);
  }

  /** Counts a decision. Ignores decisions without the model and decisions of models without a baseline. */
  observe({ record: { decision, features } }: Pick<UnwrittenDecision, 'record'>): void {
    const { modelVersion, score } = decision;
    const baseline = modelVersion === null ? undefined : this.parts.baselines.get(modelVersion);
    if (!baseline || score === null) return;
    const day = dayOf(this.clock.now());
    const key = `${baseline.version} ${day}`;
    let counted = this.days.get(key);
    if (!counted) this.days.set(key, (counted = { day, rows: 0, counts: {} }));
    counted.rows++;
    countRow(baseline, counted.counts, features, score);
    this.dirty.add(key);
    this.writing.request(KEEP_EVERY_MS);
  }

  /** Writes the counts, and drops the counts of past days from memory. Reports a failed write; never throws. */
  async flush(): Promise<void> {
    this.writing.cancel();
    const keys = Array.from(this.dirty);
    this.dirty.clear();
    for (const key of keys) {
      const counted = this.days.get(key);
      if (!counted) continue;
      try {
        await this.parts.store.keep(key.split(' ')[0] as string, this.processId, [counted]);
      } catch (error) {
        this.dirty.add(key); // The next flush writes it again.
        this.parts.onFault(error);
      }
    }
    const yesterday = dayOf(this.clock.now() - DAY_MS);
    for (const [key, { day }] of this.days) if (day < yesterday && !this.dirty.has(key)) this.days.delete(key);
  }

  /** Compares the counts of this process for today and yesterday with the baselines, for its metrics. */
  local(): ComparedModel[] {
    const to = dayOf(this.clock.now());
    const from = dayOf(this.clock.now() - DAY_MS);
    return [...this.parts.baselines.values()].map((baseline) => {
      const all = [from, to].flatMap((day) => this.days.get(`${baseline.version} ${day}`) ?? []);
      return this.compare(baseline, from, to, all);
    });
  }

  /**
   * Compares the counts of all processes over a number of days, including today, with the baselines. Omits models
   * without decisions. Counts of other processes can be up to 30 seconds old; this process writes its own first.
   */
  async report(days: number): Promise<ComparedModel[]> {
    await this.flush();
    const to = dayOf(this.clock.now());
    const from = dayOf(this.clock.now() - (days - 1) * DAY_MS);
    const reports = await Promise.all(
      [...this.parts.baselines.values()].map(async (baseline) =>
        this.compare(baseline, from, to, [await this.parts.store.read(baseline.version, from, to)]),
      ),
    );
    return reports.filter(({ rows }) => rows > 0);
  }

  private compare(
    baseline: Baseline,
    from: string,
    to: string,
    all: readonly { rows: number; counts: BinCounts }[],
  ): ComparedModel {
    const rows = all.reduce((sum, one) => sum + one.rows, 0);
    const enough = rows >= this.settings.minRows;
    return {
      modelVersion: baseline.version,
      from,
      to,
      rows,
      drifts: enough ? drifts(baseline, merged(all.map(({ counts }) => counts))) : [],
    };
  }
}

function merged(all: readonly BinCounts[]): BinCounts {
  const sum: BinCounts = {};
  for (const counts of all) addCounts(sum, counts);
  return sum;
}
