import { Counter, Gauge, type Registry } from 'prom-client';
import {
  type ReconciliationReport,
  type ReconciliationMode,
  reconciliationModes,
} from '../domain/platform/reconciliation';
import { cachedRead } from './cachedRead';
import { type Clock, systemClock } from '../timing/clock';

/** Interval of reads. Each costs half a read unit per mode. */
const READ_EVERY_MS = 15_000;

/** Metrics of reconciliations: rows and workflows checked, workflows restarted and terminated. */
export class ReconcilerMetrics {
  private readonly checked: Counter<'mode'>;
  private readonly restarts: Counter<'workflow_type'>;
  private readonly terminated: Counter;
  private readonly postponed: Counter<'mode'>;
  private lastLooks: () => Promise<Partial<Record<ReconciliationMode, ReconciliationReport>> | undefined> = async () =>
    undefined;

  constructor(
    registry: Registry,
    private readonly clock: Clock = systemClock,
  ) {
    const registers = [registry];
    this.checked = new Counter({
      name: 'longwatch_reconciler_checked_total',
      help: 'Open rows, abnormally ended workflows and standing workflows that the reconciler checked, by mode',
      labelNames: ['mode'],
      registers,
    });
    this.restarts = new Counter({
      name: 'longwatch_reconciler_restarts_total',
      help: 'Workflows that the reconciler restarted, by workflow type',
      labelNames: ['workflow_type'],
      registers,
    });
    this.terminated = new Counter({
      name: 'longwatch_reconciler_terminated_total',
      help: 'Workflows that the reconciler terminated because the lifecycle of their row had ended',
      registers,
    });
    this.postponed = new Counter({
      name: 'longwatch_reconciler_postponed_total',
      help:
        'Workflows that a reconciliation postponed to a later one, by mode: they failed after several ' +
        'restarts, or could not be started',
      labelNames: ['mode'],
      registers,
    });
    for (const mode of reconciliationModes) {
      this.checked.inc({ mode }, 0);
      this.postponed.inc({ mode }, 0);
    }
    const age: Gauge<'mode'> = new Gauge({
      name: 'longwatch_reconciler_last_look_age_seconds',
      help: 'Time since the last reconciliation of a mode ended; the same in every process; absent before the first',
      labelNames: ['mode'],
      registers,
      collect: async () => {
        for (const [mode, report] of Object.entries((await this.lastLooks()) ?? {}) as [
          ReconciliationMode,
          ReconciliationReport | undefined,
        ][])
          if (report) age.set({ mode }, Math.max(0, this.clock.now() - report.finishedAt) / 1_000);
      },
    });
  }

  /** Records a reconciliation that ended. */
  reconciled(mode: ReconciliationMode, { checked, terminated, postponed }: ReconciliationReport): void {
    this.checked.inc({ mode }, checked);
    this.terminated.inc(terminated);
    this.postponed.inc({ mode }, postponed);
  }

  /** Counts a workflow that the reconciler restarted. */
  restarted(workflowType: string): void {
    this.restarts.inc({ workflow_type: workflowType });
  }

  /**
   * Sets the source of the last reconciliation of each mode. It is read when Prometheus scrapes, at most every 15 s.
   */
  watchReports(read: () => Promise<Partial<Record<ReconciliationMode, ReconciliationReport>>>): void {
    this.lastLooks = cachedRead(read, { everyMs: READ_EVERY_MS });
  }
}
