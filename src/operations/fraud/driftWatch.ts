import { randomUUID } from 'node:crypto';
import { addCounts, type Baseline, type BinCounts, countRow, drifts } from '../../domain/fraud/drift';
import type { ComparedModel } from '../../domain/fraud/driftNotice';
import { DAY_MS } from '../../domain/fraud/profile';
import { type DayCounts, dayOf, type DriftStore } from '../../stores/fraud/drift';
import type { Draft } from './drafts';

export interface DriftParts {
  store: DriftStore;
  /** By model version. */
  baselines: ReadonlyMap<string, Baseline>;
  onFault(error: unknown): void;
  now?(): number;
}

export interface DriftSettings {
  /** Fewer rows are not compared with a baseline. */
  minRows: number;
}

/** How often a process writes down what it has counted. */
const KEEP_EVERY_MS = 30_000;

/**
 * Counts how the features and scores of decisions lie, to tell whether they still lie as where the model was trained.
 * Counting costs a request microseconds and no call; each process writes its counts now and then.
 */
export class DriftWatch {
  private readonly processId = randomUUID();
  private readonly days = new Map<string, DayCounts>();
  private readonly dirty = new Set<string>();
  private timer: NodeJS.Timeout | undefined;
  private readonly now: () => number;

  constructor(
    private readonly parts: DriftParts,
    private readonly settings: DriftSettings,
  ) {
    this.now = parts.now ?? (() => Date.now());
  }

  /** Decisions of models without a baseline, and those taken without the model, are left out. */
  observe({ record: { decision, features } }: Pick<Draft, 'record'>): void {
    const { modelVersion, score } = decision;
    const baseline = modelVersion === null ? undefined : this.parts.baselines.get(modelVersion);
    if (!baseline || score === null) return;
    const day = dayOf(this.now());
    const key = `${baseline.version} ${day}`;
    let counted = this.days.get(key);
    if (!counted) this.days.set(key, (counted = { day, rows: 0, counts: {} }));
    counted.rows++;
    countRow(baseline, counted.counts, features, score);
    this.dirty.add(key);
    this.timer ??= setTimeout(() => void this.flush(), KEEP_EVERY_MS).unref();
  }

  /** Writes down what was counted, and forgets days that are over. */
  async flush(): Promise<void> {
    clearTimeout(this.timer);
    this.timer = undefined;
    const keys = Array.from(this.dirty);
    this.dirty.clear();
    for (const key of keys) {
      const counted = this.days.get(key);
      if (!counted) continue;
      try {
        await this.parts.store.keep(key.split(' ')[0] as string, this.processId, [counted]);
      } catch (error) {
        this.dirty.add(key); // Again with the next decision.
        this.parts.onFault(error);
      }
    }
    const yesterday = dayOf(this.now() - DAY_MS);
    for (const [key, { day }] of this.days) if (day < yesterday && !this.dirty.has(key)) this.days.delete(key);
  }

  /** What this process has seen today and yesterday, for its metrics. */
  local(): ComparedModel[] {
    const to = dayOf(this.now());
    const from = dayOf(this.now() - DAY_MS);
    return [...this.parts.baselines.values()].map((baseline) => {
      const all = [from, to].flatMap((day) => this.days.get(`${baseline.version} ${day}`) ?? []);
      return this.compare(baseline, from, to, all);
    });
  }

  /**
   * What all processes saw over so many days, today included; models of which nothing was seen are left out. Others'
   * last half minute may not be written yet; our own is.
   */
  async report(days: number): Promise<ComparedModel[]> {
    await this.flush();
    const to = dayOf(this.now());
    const from = dayOf(this.now() - (days - 1) * DAY_MS);
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
