import { setTimeout as sleep } from 'node:timers/promises';
import type { LastLook, LookMode, ReconcilerReport } from '../../../domain/platform/reconciliation';
import type { LookProgress, Reconciler } from './reconciler';

export interface ReconciliationParts {
  reconciler: Pick<Reconciler, 'look'>;
  /** Between two quick looks, in milliseconds. */
  everyMs: number;
  onLook(mode: LookMode, look: LastLook): void;
  onFault(error: unknown): void;
}

/** Well within the heartbeat timeout of the workflows. */
const BEAT_MS = 8_000;

/** Looks of the reconciler, one after the other or one alone. */
export class Reconciliation {
  constructor(private readonly parts: ReconciliationParts) {}

  /** Looks every few minutes for as long as told. A look that fails because a part is away is made again. */
  async keep({
    signal,
    forMs,
    heartbeat,
  }: {
    signal: AbortSignal;
    forMs: number;
    heartbeat(): void;
  }): Promise<ReconcilerReport> {
    const until = Date.now() + forMs;
    const report: ReconcilerReport = { looks: 0, restarted: {} };
    while (!signal.aborted && Date.now() < until) {
      try {
        const { restarted } = await this.once('quick', { signal, heartbeat });
        report.looks++;
        for (const [type, count] of Object.entries(restarted))
          report.restarted[type] = (report.restarted[type] ?? 0) + count;
      } catch (error) {
        if (!signal.aborted) this.parts.onFault(error);
      }
      for (const next = Math.min(Date.now() + this.parts.everyMs, until); Date.now() < next && !signal.aborted;) {
        heartbeat();
        // Woken: the loop ends.
        await sleep(Math.min(BEAT_MS, Math.max(0, next - Date.now())), undefined, { signal }).catch(() => undefined);
      }
    }
    return report;
  }

  /** One look, from where an attempt before this one had come to. */
  async once(
    mode: LookMode,
    look: { signal: AbortSignal; from?: LookProgress | undefined; heartbeat(progress: LookProgress): void },
  ): Promise<LastLook> {
    const { signal, from, heartbeat } = look;
    const done = await this.parts.reconciler.look(mode, { signal, heartbeat, ...(from && { from }) });
    this.parts.onLook(mode, done);
    return done;
  }
}
