import { isPermanent } from '../../../domain/errors';
import { inLanes } from '../../../domain/lanes';
import type { OutboxEntry, RelayReport } from '../../../domain/platform/outbox';
import type { DeadLetter } from '../../../stores/platform/deadLetters';
import { OUTBOX_SHARDS, type OutboxStore } from '../../../stores/platform/outbox';
import { IdlePause } from '../idlePause';
import { isolate } from '../isolate';
import type { ReadAttempt } from '../streams/consumer';
import { deadEntry } from './entryRedriver';
import type { OutboxKind } from './kinds';
import type { Outbox } from './outbox';
import { type Clock, systemClock } from '../../../timing/clock';

/** The parts that {@link Relay} needs. */
export interface RelayParts {
  store: OutboxStore;
  outbox: Pick<Outbox, 'dispatch'>;
  kinds: readonly OutboxKind[];
  /** Stores dead letters. */
  keepLetters(letters: readonly DeadLetter[]): Promise<void>;
  /**
   * Pause between two rounds of queries while entries are due, in milliseconds. Default 2,000. Up to four times as long
   * while no entry is due.
   */
  everyMs?: number;
  onFault?(error: unknown): void;
  clock?: Clock;
}

/**
 * A process that recorded an entry and is still alive dispatches it within this time. After that the relay dispatches
 * it.
 */
const GRACE_MS = 3_000;
const PAGE = 100;
const LANES = 8;

/** Polls the outbox and dispatches the due entries that no other process has dispatched. */
export class Relay {
  private readonly clock: Clock;

  constructor(private readonly parts: RelayParts) {
    this.clock = parts.clock ?? systemClock;
  }

  /**
   * Polls until the time is over or the signal aborts. Sends a heartbeat after each shard of the outbox.
   * @returns the number of due entries that it handled, by kind
   */
  async run(beat: Omit<ReadAttempt, 'heartbeat'> & { heartbeat(report: RelayReport): void }): Promise<RelayReport> {
    const until = this.clock.now() + beat.forMs;
    const dispatched: Record<string, number> = Object.fromEntries(this.parts.kinds.map(({ kind }) => [kind, 0]));
    const pause = new IdlePause(this.parts.everyMs ?? 2_000);
    while (!beat.signal.aborted && this.clock.now() < until) {
      let found = 0;
      for (let shard = 0; shard < OUTBOX_SHARDS && !beat.signal.aborted; shard++) {
        for (const kind of this.parts.kinds) {
          const count = await this.tolerant(() => this.dispatch(kind, shard));
          dispatched[kind.kind] = (dispatched[kind.kind] ?? 0) + count;
          found += count;
        }
        beat.heartbeat({ dispatched });
      }
      // When the signal aborts the pause, the loop ends.
      await this.clock.sleep(pause.after(found), beat.signal).catch(() => undefined);
    }
    return { dispatched };
  }

  /**
   * Dispatches the due entries of a kind in one shard.
   * @returns the number of entries that were due
   */
  private async dispatch({ kind, dispatched, batch }: OutboxKind, shard: number): Promise<number> {
    const due = await this.parts.store.due(
      kind,
      shard,
      this.clock.now() - (dispatched === 'soon' ? GRACE_MS : 0),
      PAGE,
    );
    const batches = Array.from({ length: Math.ceil(due.length / batch) }, (_, i) =>
      due.slice(i * batch, (i + 1) * batch),
    );
    const failures: unknown[] = [];
    // A failed batch must not stop the other batches. The first failure is thrown after all batches ran.
    await inLanes(batches, LANES, async (entries) => {
      await this.dispatchIsolated(entries).catch((error: unknown) => failures.push(error));
    });
    if (failures.length > 0) throw failures[0];
    return due.length;
  }

  private dispatchIsolated(entries: readonly OutboxEntry[]): Promise<unknown> {
    const dispatch = async (some: readonly OutboxEntry[]) => {
      await this.parts.outbox.dispatch(some);
      return some.map(() => undefined);
    };
    return isolate(entries, dispatch, (entry, error) => this.setAside(entry, error));
  }

  /**
   * Moves an entry that can never be dispatched from the outbox to the dead letters.
   * @throws every other failure
   */
  private async setAside(entry: OutboxEntry, error: unknown): Promise<undefined> {
    if (!isPermanent(error)) throw error;
    this.parts.onFault?.(error);
    await this.parts.keepLetters([deadEntry(entry, error, this.clock.now())]);
    await this.parts.store.remove([entry]);
  }

  /**
   * Reports a failure and continues with the next shard. The entries stay in the outbox, so the next round finds them
   * again.
   */
  private async tolerant(dispatch: () => Promise<number>): Promise<number> {
    try {
      return await dispatch();
    } catch (error) {
      this.parts.onFault?.(error);
      return 0;
    }
  }
}
