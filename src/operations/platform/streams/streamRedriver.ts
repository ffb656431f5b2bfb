import { LongwatchError, reasonOf } from '../../../domain/errors';
import { type DeadLetter, type DeadLetterStore, REDRIVE_LIMIT } from '../../../stores/platform/deadLetters';
import type { RecordSource, StreamRecord } from '../../../gateways/streams/source';
import type { Db } from '../../../stores/dynamodb';
import { again, retry } from '../../../timing/retry';
import type { Redriver } from '../deadLetters/deadLetters';
import { isolate } from '../isolate';
import type { ConsumerWatch } from './consumerWatch';
import type { StreamHandler } from './streamHandler';
import { writeGuarded } from './writeGuarded';
import { monotonicClock } from '../../../timing/clock';

/** Maximum attempts of a redrive while other writers change the same items. */
const ATTEMPTS = 8;

/** The parts that {@link StreamRedriver} needs. */
export interface StreamRedriverParts<T> {
  /** Name of the stream in error messages. */
  stream: string;
  source: Pick<RecordSource<T>, 'fromBytes'>;
  handler: StreamHandler<T>;
  db: Db;
  deadLetters: Pick<DeadLetterStore, 'strikeOff'>;
  watch?: Pick<ConsumerWatch, 'batch'>;
}

/** Redrives the dead letters of a stream. */
export class StreamRedriver<T> implements Redriver {
  constructor(private readonly parts: StreamRedriverParts<T>) {}

  /**
   * Processes the records of dead letters again. Deletes each letter whose record succeeds, in one transaction with the
   * record's effects.
   * @param letters at most `REDRIVE_LIMIT`; none of them may be cut
   * @returns for each letter why its record still cannot be processed, or undefined if it was processed
   * @throws RangeError for too many letters
   */
  redrive(letters: readonly DeadLetter[], signal: AbortSignal): Promise<(string | undefined)[]> {
    if (letters.length > REDRIVE_LIMIT) throw new RangeError(`At most ${REDRIVE_LIMIT} letters at once`);
    return isolate(
      letters,
      (some) => this.redriveWhole(some, signal),
      (_, error) => reasonOf(error),
    );
  }

  private async redriveWhole(letters: readonly DeadLetter[], signal: AbortSignal): Promise<(string | undefined)[]> {
    const { source, handler, deadLetters, db, watch, stream } = this.parts;
    const records = letters.map(({ position, arrivedAt, record }): StreamRecord<T> => ({
      position,
      arrivedAt,
      data: source.fromBytes(record),
    }));
    const exhausted = () =>
      new LongwatchError(
        'contention',
        `Dead letters of ${stream} could not be redriven, because other writers change the same items; try again`,
      );
    return retry({ attempts: ATTEMPTS, exhausted }, async () => {
      const started = monotonicClock.now();
      const { effects, poison, counts } = await handler.handle(records, signal);
      const reasons = new Map(poison.map(({ record, reason }) => [record, reason]));
      const done = letters.filter((_, i) => !reasons.has(records[i] as StreamRecord<T>));
      const lost =
        done.length === 0
          ? undefined
          : await writeGuarded(
              db,
              done.map((letter) => deadLetters.strikeOff(letter)),
              effects,
            );
      if (lost === undefined) {
        if (done[0])
          watch?.batch?.({
            shardId: done[0].shardId,
            records: done.length,
            seconds: (monotonicClock.now() - started) / 1000,
            counts,
            deadLetters: 0,
          });
        return records.map((record) => reasons.get(record));
      }
      // Race: another redrive processed and deleted some of these letters meanwhile.
      if (lost === 'condition' && letters.length === 1) return [undefined];
      if (lost === 'condition') {
        const each: (string | undefined)[] = [];
        for (const letter of letters) each.push(...(await this.redriveWhole([letter], signal)));
        return each;
      }
      return again;
    });
  }
}
