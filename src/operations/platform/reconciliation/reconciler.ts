import { defined } from '../../../domain/defined';
import { isOfOne } from '../isolate';
import {
  emptyReport,
  keepsFailing,
  type ReconciliationReport,
  type ReconciliationMode,
  type ReconciliationCounts,
} from '../../../domain/platform/reconciliation';
import type { WorkflowStart } from '../../../domain/platform/outbox';
import type { LatestRun, TemporalRuns } from '../../../gateways/temporal/runs';
import { pageOrFirst } from '../../../stores/cursor';
import type { ReconciliationReportStore } from '../../../stores/platform/reconciliationReports';
import type { LifecycleRule } from '../../../domain/platform/lifecycle';
import type { OpenRow, ReconciledRows } from './reconciledRows';
import { type Clock, systemClock } from '../../../timing/clock';

/** The parts that {@link Reconciler} needs. */
export interface ReconcilerParts {
  /** Returns the lifecycle rule of a workflow type; undefined for a type that is not Longwatch's. */
  lifecycleRule(type: string): LifecycleRule | undefined;
  runs: TemporalRuns;
  reports: ReconciliationReportStore;
  rows: readonly ReconciledRows[];
  /** Workflows that must always run. */
  standing: readonly WorkflowStart[];
  /** Called for each workflow that the reconciler restarted. */
  onRestarted(workflowType: string, workflowId: string, why: string): void;
  onFault(error: unknown): void;
  clock?: Clock;
}

/** One run of a reconciliation: its signal, its heartbeat, and where it continues. */
export interface ReconciliationAttempt {
  signal: AbortSignal;
  /** Called often. A later attempt can continue from the progress that it gets. */
  heartbeat(progress: ReconciliationProgress): void;
  /** Progress of the previous attempt, if this attempt continues it. */
  from?: ReconciliationProgress | undefined;
}

/** The progress of a reconciliation. */
export interface ReconciliationProgress {
  startedAt: number;
  report: ReconciliationCounts;
  /** Index of the current step, and the cursor of its current page. */
  step: number;
  cursor?: string;
}

/** The settings of {@link Reconciler}. */
export interface ReconcilerSettings {
  /**
   * The reconciler skips a row that was opened less than this many milliseconds ago, or whose lifecycle ended less than
   * this many milliseconds ago.
   */
  graceMs: number;
  /**
   * Pause between two pages, in milliseconds. Temporal Cloud allows 30 visibility calls per second for a whole
   * namespace.
   */
  pauseMs: number;
}

/** A quick reconciliation overlaps the previous one by this much, because visibility lags behind. */
const OVERLAP_MS = 5 * 60_000;
/** A quick reconciliation goes back at most this far in the list of workflows that ended badly. */
const FIRST_MS = 24 * 3_600_000;
/** A full reconciliation goes back this far in the list of workflows that ended badly. */
const WHOLE_MS = 30 * FIRST_MS;
const AT_ONCE = 8;

const RUNNING: ReadonlySet<string> = new Set(['RUNNING', 'PAUSED']);
const words: Readonly<Record<string, string>> = {
  TERMINATED: 'terminated',
  CANCELLED: 'cancelled',
  FAILED: 'ended by a failure',
  TIMED_OUT: 'timed out',
  COMPLETED: 'completed before its row ended',
};

/**
 * Compares rows with workflows. Restarts the workflow of a row whose lifecycle is open, and terminates a running
 * workflow whose row has ended. Every action may happen twice without harm: the server refuses a second start under one
 * id.
 */
export class Reconciler {
  private readonly clock: Clock;
  private readonly byType: ReadonlyMap<string, ReconciledRows>;

  constructor(
    private readonly parts: ReconcilerParts,
    private readonly settings: ReconcilerSettings,
  ) {
    this.clock = parts.clock ?? systemClock;
    this.byType = new Map(parts.rows.map((rows) => [rows.workflowType, rows]));
  }

  /**
   * Runs one reconciliation and stores its result.
   * @throws the error of Temporal or DynamoDB if one of them is unavailable; the caller then runs the reconciliation
   *   again
   */
  async reconcile(mode: ReconciliationMode, attempt: ReconciliationAttempt): Promise<ReconciliationReport> {
    const last = await this.parts.reports.read(mode);
    const {
      startedAt,
      report,
      step: firstStep,
      cursor,
    } = attempt.from ?? { startedAt: this.clock.now(), report: emptyReport(), step: 0 };
    const context: Context = {
      mode,
      report,
      signal: attempt.signal,
      faults: 0,
      nextPages: { ...last?.nextPages },
      beat: () => undefined,
    };
    const steps = mode === 'quick' ? this.quickSteps(last) : this.fullSteps();
    for (let step = firstStep; step < steps.length; step++) {
      let at = step === firstStep ? cursor : undefined;
      do {
        attempt.signal.throwIfAborted();
        const progress: ReconciliationProgress = { startedAt, report, step, ...defined({ cursor: at }) };
        context.beat = () => attempt.heartbeat(progress);
        context.beat();
        at = await pageOrFirst(at, async (from) => steps[step]?.(from, context));
        if (at !== undefined) await this.clock.sleep(this.settings.pauseMs, attempt.signal);
      } while (at !== undefined);
    }
    // After a fault, the next quick reconciliation starts at the same time as this one, so that it finds the workflow
    // again.
    const done: ReconciliationReport = {
      ...report,
      startedAt: context.faults > 0 && last ? last.startedAt : startedAt,
      finishedAt: this.clock.now(),
      nextPages: context.nextPages,
    };
    await this.parts.reports.write(mode, done);
    return done;
  }

  private quickSteps(last: ReconciliationReport | undefined): Step[] {
    const since = Math.max(last ? last.startedAt - OVERLAP_MS : 0, this.clock.now() - FIRST_MS);
    return [
      (_, context) => this.standing(context),
      (cursor, context) => this.endedBadly(since, cursor, context),
      ...this.parts.rows
        .filter(({ foundBy }) => foundBy === 'index')
        .map(
          (one): Step =>
            (cursor, context) =>
              this.openRows(one, cursor, context),
        ),
      ...this.parts.rows
        .filter(({ foundBy }) => foundBy === 'pages')
        .map(
          (one): Step =>
            (_, context) =>
              this.nextPage(one, context),
        ),
    ];
  }

  private fullSteps(): Step[] {
    const { rows } = this.parts;
    return [
      (_, context) => this.standing(context),
      ...rows.map(
        (one): Step =>
          (cursor, context) =>
            this.openRows(one, cursor, context),
      ),
      ...rows
        .filter((one) => one.endedBecause)
        .map(
          (one): Step =>
            (cursor, context) =>
              this.endedRows(one, cursor, context),
        ),
      (cursor, context) => this.endedBadly(this.clock.now() - WHOLE_MS, cursor, context),
    ];
  }

  private async standing(context: Context): Promise<undefined> {
    const { standing, runs } = this.parts;
    const running = await runs.running(standing.map(({ workflowId }) => workflowId));
    for (const { workflowType } of standing) checked(context.report, workflowType);
    const lost = new Map(
      standing.filter(({ workflowId }) => !running.has(workflowId)).map((start) => [start.workflowId, start]),
    );
    await this.each([...lost.keys()], context, async (workflowId) => {
      const start = lost.get(workflowId);
      const latest = await runs.latest(workflowId);
      if (!start || (latest && RUNNING.has(latest.status))) return;
      if (await runs.restart(start, latest))
        this.restarted(context.report, start.workflowType, workflowId, whyOf(latest));
    });
    return undefined;
  }

  private async endedBadly(since: number, cursor: string | undefined, context: Context): Promise<string | undefined> {
    const page = await this.parts.runs.endedBadly(since, cursor);
    const candidates = new Map(
      page.items.filter(({ type }) => isRestarted(this.parts.lifecycleRule(type))).map((run) => [run.workflowId, run]),
    );
    for (const { type } of candidates.values()) checked(context.report, type);
    await this.each([...candidates.keys()], context, (workflowId) => this.restart(workflowId, context));
    return page.cursor;
  }

  private async openRows(
    rows: ReconciledRows,
    cursor: string | undefined,
    context: Context,
  ): Promise<string | undefined> {
    const page = await rows.open(cursor);
    const old = page.items
      .filter(({ since }) => since <= this.clock.now() - this.settings.graceMs)
      .map(({ workflowId }: OpenRow) => workflowId);
    checked(context.report, rows.workflowType, old.length);
    const running = await this.parts.runs.running(old);
    await this.each(
      old.filter((id) => !running.has(id)),
      context,
      (workflowId) => this.restart(workflowId, context, rows),
    );
    return page.cursor;
  }

  /**
   * Checks one page of a list per quick reconciliation and stores the cursor for the next one, so that its cost does
   * not grow with the list. After the last page it begins with the first.
   */
  private async nextPage(rows: ReconciledRows, context: Context): Promise<undefined> {
    const { [rows.workflowType]: from, ...others } = context.nextPages;
    context.nextPages = others;
    const next = await pageOrFirst(from, (cursor) => this.openRows(rows, cursor, context));
    if (next !== undefined) context.nextPages[rows.workflowType] = next;
    await this.clock.sleep(this.settings.pauseMs, context.signal);
    return undefined;
  }

  private async endedRows(
    rows: ReconciledRows,
    cursor: string | undefined,
    context: Context,
  ): Promise<string | undefined> {
    const page = await this.parts.runs.runningOf(rows.workflowType, cursor);
    await this.each(
      page.items.map(({ workflowId }) => workflowId),
      context,
      async (workflowId) => {
        const why = await rows.endedBecause?.(workflowId, this.settings.graceMs);
        if (why === undefined) return;
        const latest = await this.parts.runs.latest(workflowId);
        if (!latest || !RUNNING.has(latest.status)) return;
        await this.parts.runs.terminate(latest, `longwatch reconciler: ${why}`);
        context.report.terminated++;
      },
    );
    return page.cursor;
  }

  /** Restarts a workflow whose last run has ended, unless the lifecycle of its row has ended. */
  private async restart(workflowId: string, { mode, report }: Context, given?: ReconciledRows): Promise<void> {
    const latest = await this.parts.runs.latest(workflowId);
    // The listed run may not be the latest. An operator may have reset the workflow or started it by hand.
    if (latest && RUNNING.has(latest.status)) return latest.isReset ? this.replaceReset(latest, report) : undefined;
    const rows = given ?? this.byType.get(latest?.type ?? '');
    // A completed run of a type without rows is done. For a type with rows, the row says whether its lifecycle has
    // ended.
    if (!given && (!latest || latest.status === 'COMPLETED')) return;
    if (mode === 'quick' && latest && keepsFailing(latest)) return void report.postponed++;
    const why = whyOf(latest);
    // Race: the workflow completes and ends its row meanwhile. Read the row after the run, so that the row shows the
    // end.
    const start = await rows?.startOf(workflowId, why);
    if (rows && !start) return;
    const isStarted = start
      ? await this.parts.runs.restart(start, latest)
      : latest !== undefined && (await this.parts.runs.repeat(latest));
    if (isStarted) this.restarted(report, start?.workflowType ?? latest?.type ?? '', workflowId, why);
  }

  /**
   * Replaces a run that an operator reset, if its workflow carries the state of its row. Race: the run writes until it
   * is terminated, and one of its writes may arrive even later. So the row is read after the termination, and a
   * successor that loses a conditional write to the row reads the row again.
   */
  private async replaceReset(latest: LatestRun, report: ReconciliationCounts): Promise<void> {
    const { workflowId } = latest;
    const rows = this.byType.get(latest.type);
    if (!rows?.carriesState) return;
    await this.parts.runs.terminate(
      latest,
      'longwatch reconciler: the workflow was reset, but not its row; a new run continues from the row',
    );
    const start = await rows.startOf(workflowId, 'reset');
    if (!start) report.terminated++;
    else if (await this.parts.runs.restart(start, { ...latest, status: 'TERMINATED' }))
      this.restarted(report, latest.type, workflowId, 'reset');
  }

  private restarted(report: ReconciliationCounts, type: string, workflowId: string, why: string): void {
    report.restarted[type] = (report.restarted[type] ?? 0) + 1;
    this.parts.onRestarted(type, workflowId, why);
  }

  /**
   * Processes workflows in groups of `AT_ONCE`. Reports a workflow that fails and continues with the others; the next
   * reconciliation finds the failed workflow again.
   */
  private async each(ids: readonly string[], context: Context, work: (id: string) => Promise<void>): Promise<void> {
    for (let i = 0; i < ids.length; i += AT_ONCE) {
      context.signal.throwIfAborted();
      const outcomes = await Promise.allSettled(ids.slice(i, i + AT_ONCE).map(work));
      const faults = outcomes.filter((one) => one.status === 'rejected');
      for (const { reason } of faults) this.parts.onFault(reason);
      // If a whole group fails, Temporal or DynamoDB is unavailable, so fail the reconciliation: it must not count as
      // done. A single workflow that is refused permanently is an exception. It would fail every reconciliation, and no
      // other workflow would be found.
      const isOneAlone = outcomes.length === 1 && isOfOne(faults[0]?.reason);
      if (faults.length > 0 && faults.length === outcomes.length && !isOneAlone) throw faults[0]?.reason;
      context.faults += faults.length;
      context.report.postponed += faults.length;
      context.beat();
    }
  }
}

interface Context {
  mode: ReconciliationMode;
  report: ReconciliationCounts;
  signal: AbortSignal;
  /** Number of workflows whose check or restart failed. */
  faults: number;
  nextPages: Record<string, string>;
  beat(): void;
}
/**
 * Processes one page of a step.
 * @returns the cursor of the next page, or undefined after the last page
 */
type Step = (cursor: string | undefined, context: Context) => Promise<string | undefined>;

function checked(report: ReconciliationCounts, type: string, count = 1): void {
  report.checked += count;
  const byType = (report.checkedByType ??= {});
  if (count > 0) byType[type] = (byType[type] ?? 0) + count;
}

function isRestarted(rule: LifecycleRule | undefined): boolean {
  return rule?.restartedBy === 'row' || rule?.restartedBy === 'input';
}

function whyOf(latest: LatestRun | undefined): string {
  return latest ? (words[latest.status] ?? latest.status.toLowerCase()) : 'lost';
}
