import { Counter, Gauge, type Registry } from 'prom-client';
import type { Backlog } from '../domain/platform/outbox';
import { cachedRead } from './cachedRead';
import { type Clock, systemClock } from '../timing/clock';

/** Interval of reads. Each read costs half a read unit per shard of an empty outbox. */
const READ_EVERY_MS = 15_000;

/** Metrics of the outbox and its dispatched entries. */
export class OutboxMetrics {
  private readonly starts: Counter<'result'>;
  private backlog: () => Promise<readonly Backlog[] | undefined> = async () => undefined;

  constructor(
    registry: Registry,
    private readonly clock: Clock = systemClock,
  ) {
    const registers = [registry];
    this.starts = new Counter({
      name: 'longwatch_workflow_starts_total',
      help: 'Workflow starts of outbox entries, by result',
      labelNames: ['result'],
      registers,
    });
    for (const result of ['started', 'already-started', 'failed']) this.starts.inc({ result }, 0);
    const owed: Gauge<'kind'> = new Gauge({
      name: 'longwatch_ledger_owed',
      help:
        'Outbox entries that are due: workflow starts and rescorings; counted up to 1,000 a shard; the same ' +
        'in every process',
      labelNames: ['kind'],
      registers,
      collect: async () => {
        for (const { kind, due } of (await this.backlog()) ?? []) owed.set({ kind }, due);
      },
    });
    const oldest: Gauge<'kind'> = new Gauge({
      name: 'longwatch_ledger_oldest_seconds',
      help: 'Time for which the oldest outbox entry has been due; 0 if none is; the same in every process',
      labelNames: ['kind'],
      registers,
      collect: async () => {
        for (const { kind, oldestDueAt } of (await this.backlog()) ?? [])
          oldest.set({ kind }, oldestDueAt === undefined ? 0 : Math.max(0, this.clock.now() - oldestDueAt) / 1000);
      },
    });
  }

  /** Counts a workflow start of an outbox entry. */
  start(result: 'started' | 'already-started' | 'failed'): void {
    this.starts.inc({ result });
  }

  /** Sets the source of the backlog. It is read when Prometheus scrapes, at most every 15 s. */
  watchBacklog(read: () => Promise<readonly Backlog[]>): void {
    this.backlog = cachedRead(read, { everyMs: READ_EVERY_MS });
  }
}
