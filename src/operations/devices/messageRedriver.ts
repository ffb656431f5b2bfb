import type { DeadLetter, DeadLetterStore } from '../../stores/platform/deadLetters';
import type { Redriver } from '../platform/deadLetters/deadLetters';
import type { Ingest } from './ingest';
import { arrivalsOf, faultsOf } from './messages';

/**
 * Stores the readings of devices' messages that were kept as dead letters. Storing twice is once, so the letter may go
 * afterwards.
 */
export class MessageRedriver implements Redriver {
  constructor(private readonly parts: { ingest: Pick<Ingest, 'store'>; letters: Pick<DeadLetterStore, 'discard'> }) {}

  async redrive(letters: readonly DeadLetter[]): Promise<(string | undefined)[]> {
    const reasons: (string | undefined)[] = [];
    for (const letter of letters) {
      const { shardId, record, arrivedAt } = letter;
      // By the time it came: waiting here made it none the later.
      const arrivals = arrivalsOf(record, { topicDevice: shardId, arrivedAt });
      const reason = typeof arrivals === 'string' ? arrivals : faultsOf(await this.parts.ingest.store(arrivals));
      if (reason === undefined) await this.parts.letters.discard(letter);
      reasons.push(reason);
    }
    return reasons;
  }
}
