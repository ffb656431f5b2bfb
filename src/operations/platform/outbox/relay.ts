import { setTimeout as sleep } from 'node:timers/promises';
import { isPermanent } from '../../../domain/errors';
import type { Debt, RelayReport } from '../../../domain/platform/outbox';
import { debtLetter } from './deadEntries';
import { IdlePause } from '../idlePause';
import type { Cases } from '../../fraud/cases';
import { isolate } from '../isolate';
import type { Starts } from './starts';
import type { DeadLetter } from '../../../stores/platform/deadLetters';
import { type Ledger, LEDGER_SHARDS } from '../../../stores/platform/outbox';
import type { Beat } from '../streams/consumer';

export interface RelayParts {
  ledger: Ledger;
  /** Keeps dead letters. */
  keepLetters(letters: readonly DeadLetter[]): Promise<void>;
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
      await this.all(due.slice(i, i + PARALLEL_STARTS).map((debt) => this.parts.starts.startNow(debt).catch((error: unknown) => this.setAside(debt, error))));
    return due.length;
  }

  private async payRescores(shard: number): Promise<number> {
    const due = await this.parts.ledger.due('rescore', shard, Date.now(), PAGE);
    if (due.length === 0) return 0;
    const rescore = async (some: readonly typeof due[number][]) => {
      await this.parts.cases.rescoreBatch(some.map((debt) => debt.rescore.transactionId));
      await this.parts.ledger.settleAll(some);
      return some.map(() => undefined);
    };
    await isolate(due, rescore, (debt, error) => this.setAside(debt, error));
    return due.length;
  }

  /** An entry that will never be taken becomes a dead letter, so that it is tried no more. @throws what passes. */
  private async setAside(debt: Debt, error: unknown): Promise<undefined> {
    if (!isPermanent(error)) throw error;
    this.parts.onFault?.(error);
    await this.parts.keepLetters([debtLetter(debt, error)]);
    await this.parts.ledger.settle(debt);
  }

  /** Waits for all of them: one that fails does not cut off the others. @throws the first failure. */
  private async all(work: Promise<unknown>[]): Promise<void> {
    const failed = (await Promise.allSettled(work)).find((one) => one.status === 'rejected');
    if (failed) throw failed.reason;
  }

  /** Whatever fails in one shard leaves its debts owed, and the other shards are paid; the next look tries again. */
  private async tolerant(pay: () => Promise<number>): Promise<number> {
    try {
      return await pay();
    } catch (error) {
      this.parts.onFault?.(error);
      return 0;
    }
  }
}
