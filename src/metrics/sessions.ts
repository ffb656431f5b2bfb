import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import { cachedRead } from './cachedRead';
import { type Clock, systemClock } from '../timing/clock';

const READ_EVERY_MS = 15_000;

/** Metrics of sessions and their sweepers. */
export class SessionMetrics {
  private readonly opened: Counter;
  private readonly over: Counter<'reason'>;
  private readonly touches: Counter<'result'>;
  private readonly refusals: Counter;
  private readonly lateness: Histogram;
  private oldestDue: () => Promise<number | undefined> = async () => undefined;

  constructor(
    registry: Registry,
    private readonly clock: Clock = systemClock,
  ) {
    const registers = [registry];
    this.opened = new Counter({
      name: 'longwatch_sessions_created_total',
      help: 'Sessions opened',
      registers,
    });
    this.over = new Counter({
      name: 'longwatch_sessions_ended_total',
      help: 'Sessions ended, by reason',
      labelNames: ['reason'],
      registers,
    });
    this.touches = new Counter({
      name: 'longwatch_session_touches_total',
      help: 'Uses of a session that did not change its data: written, or skipped because the expiry would hardly move',
      labelNames: ['result'],
      registers,
    });
    this.refusals = new Counter({
      name: 'longwatch_sessions_refused_total',
      help: 'Saves and touches that arrived after the end of their session',
      registers,
    });
    this.lateness = new Histogram({
      name: 'longwatch_session_expiry_lateness_seconds',
      help: 'Time between a session’s expiry and its end by the sweeper',
      buckets: [0.1, 0.25, 0.5, 1, 2, 5, 10, 60, 600, 3_600],
      registers,
    });
    const overdue: Gauge = new Gauge({
      name: 'longwatch_session_sweep_overdue_seconds',
      help:
        'Time for which the oldest overdue session has waited for its sweeper; 0 if none is overdue; the ' +
        'same in every process',
      registers,
      collect: async () => {
        const dueAt = await this.oldestDue();
        if (dueAt !== undefined) overdue.set(Number.isFinite(dueAt) ? Math.max(0, this.clock.now() - dueAt) / 1000 : 0);
      },
    });
  }

  /** Counts an opened session. */
  created(): void {
    this.opened.inc();
  }

  /** Counts a session that ended. */
  ended(reason: string): void {
    this.over.inc({ reason });
  }

  /** Counts a use that did not change the session's data. `written`: whether its expiry was written. */
  touched(written: boolean): void {
    this.touches.inc({ result: written ? 'written' : 'skipped' });
  }

  /** Counts a save or touch after the end of its session. */
  refused(): void {
    this.refusals.inc();
  }

  /** Records how late the sweeper ended a session, in milliseconds. */
  swept(latenessMs: number): void {
    this.lateness.observe(latenessMs / 1000);
  }

  /**
   * Sets the source of the oldest overdue expiry, in epoch ms; Infinity if none is overdue. It is read when Prometheus
   * scrapes, at most every 15 s.
   */
  watchOldestDue(read: () => Promise<number>): void {
    this.oldestDue = cachedRead(read, { everyMs: READ_EVERY_MS });
  }
}
