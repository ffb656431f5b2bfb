import type { DeadLetter, DeadLetterStore } from '../../stores/platform/deadLetters';
import type { Redriver } from '../platform/deadLetters/deadLetters';
import type { Ingest } from './ingest';
import { arrivalsOf, faultsOf } from './messages';

/**
 * Redrives dead letters of devices' messages: stores the readings, then deletes the letter. Storing is idempotent, so a
 * crash between the two loses nothing.
 */
export class MessageRedriver implements Redriver {
  constructor(private readonly parts: { ingest: Pick<Ingest, 'store'>; letters: Pick<DeadLetterStore, 'discard'> }) {}

  /** Returns for each letter why its message still cannot be stored, or undefined if it was stored. */
  async redrive(letters: readonly DeadLetter[]): Promise<(string | undefined)[]> {
    const reasons: (string | undefined)[] = [];
    for (const letter of letters) {
      const { shardId, record, arrivedAt } = letter;
      // Lateness counts from the arrival of the message, so the time as a dead letter does not matter.
      const arrivals = arrivalsOf(record, { topicDevice: shardId, arrivedAt });
      const reason = typeof arrivals === 'string' ? arrivals : faultsOf(await this.parts.ingest.store(arrivals));
      if (reason === undefined) await this.parts.letters.discard(letter);
      reasons.push(reason);
    }
    return reasons;
  }
}
