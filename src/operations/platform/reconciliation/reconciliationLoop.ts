import type {
  ReconciliationReport,
  ReconciliationMode,
  ReconcilerReport,
} from '../../../domain/platform/reconciliation';
import type { ReconciliationAttempt, Reconciler } from './reconciler';
import { type Clock, systemClock } from '../../../timing/clock';

/** The parts that {@link ReconciliationLoop} needs. */
export interface ReconciliationLoopParts {
  reconciler: Pick<Reconciler, 'reconcile'>;
  /** Pause between two quick reconciliations, in milliseconds. */
  everyMs: number;
  onReconciled(mode: ReconciliationMode, report: ReconciliationReport): void;
  onFault(error: unknown): void;
  clock?: Clock;
}

/** Time between two heartbeats during a pause. It is well below the heartbeat timeout of the workflows (30 seconds). */
const BEAT_MS = 8_000;

/** Runs reconciliations: one, or quick ones in a loop. */
export class ReconciliationLoop {
  private readonly clock: Clock;

  constructor(private readonly parts: ReconciliationLoopParts) {
    this.clock = parts.clock ?? systemClock;
  }

  /**
   * Runs a quick reconciliation every `everyMs` milliseconds until `forMs` is over or the signal aborts. Reports a
   * reconciliation that fails and continues with the next one.
   */
  async keep({
    signal,
    forMs,
    heartbeat,
  }: {
    signal: AbortSignal;
    forMs: number;
    heartbeat(): void;
  }): Promise<ReconcilerReport> {
    const until = this.clock.now() + forMs;
    const report: ReconcilerReport = { looks: 0, restarted: {} };
    while (!signal.aborted && this.clock.now() < until) {
      try {
        const { restarted } = await this.once('quick', { signal, heartbeat });
        report.looks++;
        for (const [type, count] of Object.entries(restarted))
          report.restarted[type] = (report.restarted[type] ?? 0) + count;
      } catch (error) {
        if (!signal.aborted) this.parts.onFault(error);
      }
      for (
        const next = Math.min(this.clock.now() + this.parts.everyMs, until);
        this.clock.now() < next && !signal.aborted;
      ) {
        heartbeat();
        // When the signal aborts the pause, the loop ends.
        await this.clock.sleep(Math.min(BEAT_MS, Math.max(0, next - this.clock.now())), signal).catch(() => undefined);
      }
    }
    return report;
  }

  /**
   * Runs one reconciliation, from the progress of the previous attempt if there is one.
   * @throws the error of Temporal or DynamoDB if one of them is unavailable
   */
  async once(mode: ReconciliationMode, attempt: ReconciliationAttempt): Promise<ReconciliationReport> {
    const done = await this.parts.reconciler.reconcile(mode, attempt);
    this.parts.onReconciled(mode, done);
    return done;
  }
}
