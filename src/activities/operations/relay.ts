import { setTimeout as sleep } from 'node:timers/promises';
import { isLongwatchError } from '../../domain/errors';
import { ScoringFailure } from '../../gateways/sagemaker';
import { IdlePause } from '../../operations/idlePause';
import type { Cases } from '../../operations/cases';
import type { Starts } from '../../operations/starts';
import { type Ledger, LEDGER_SHARDS } from '../../stores/ledger';
import type { Beat } from './consumer';
import type { RelayReport } from './types';

export interface RelayParts {
  ledger: Ledger;
  starts: Pick<Starts, 'startNow'>;
  cases: Pick<Cases, 'rescoreBatch'>;
  /** Between two looks at the ledger while something is owed; default 2 s. Otherwise up to four times that. */
  everyMs?: number;
  onFault?(error: unknown): void;
}

/** The process that wrote a debt pays it within this time or has died. */
const GRACE_MS = 3_000;
const PAGE = 100;
const PARALLEL_STARTS = 8;

/** Looks at the ledger again and again and pays what is due. */
export class Relay {
  constructor(private readonly parts: RelayParts) {}

  async pay(beat: Omit<Beat, 'heartbeat'> & { heartbeat(report: RelayReport): void }): Promise<RelayReport> {
    const until = Date.now() + beat.forMs;
    const report: RelayReport = { started: 0, rescored: 0 };
    const pause = new IdlePause(this.parts.everyMs ?? 2_000);
    while (!beat.signal.aborted && Date.now() < until) {
      const before = report.started + report.rescored;
      for (let shard = 0; shard < LEDGER_SHARDS && !beat.signal.aborted; shard++) {
        report.started += await this.tolerant(() => this.payStarts(shard));
        report.rescored += await this.tolerant(() => this.payRescores(shard));
        beat.heartbeat(report);
      }
      await sleep(pause.after(report.started + report.rescored - before), undefined, { signal: beat.signal }).catch(() => undefined); // Woken: the loop ends.
    }
    return report;
  }

  private async payStarts(shard: number): Promise<number> {
    const due = await this.parts.ledger.due('start', shard, Date.now() - GRACE_MS, PAGE);
    for (let i = 0; i < due.length; i += PARALLEL_STARTS)
      await Promise.all(due.slice(i, i + PARALLEL_STARTS).map((debt) => this.parts.starts.startNow(debt)));
    return due.length;
  }

  private async payRescores(shard: number): Promise<number> {
    const due = await this.parts.ledger.due('rescore', shard, Date.now(), PAGE);
    if (due.length === 0) return 0;
    await this.parts.cases.rescoreBatch(due.map(({ rescore }) => rescore.transactionId));
    await this.parts.ledger.settleAll(due);
    return due.length;
  }

  /** A part that is away leaves its debts owed; the next look tries again. */
  private async tolerant(pay: () => Promise<number>): Promise<number> {
    try {
      return await pay();
    } catch (error) {
      if (!(error instanceof ScoringFailure) && !isLongwatchError(error)) throw error;
      this.parts.onFault?.(error);
      return 0;
    }
  }
}
