import { createHash } from 'node:crypto';
import { reasonOf } from '../../../domain/errors';
import type { OutboxEntry } from '../../../domain/platform/outbox';
import type { DeadLetter, DeadLetterStore } from '../../../stores/platform/deadLetters';
import { decodeEntry } from '../../../stores/platform/outbox';
import type { Redriver } from '../deadLetters/deadLetters';
import type { Outbox } from './outbox';

/** Source of the dead letters of the outbox. */
export const OUTBOX_LETTERS = 'ledger';

/** Converts an entry that can never be dispatched into a dead letter of the instant `at` (epoch ms). */
export function deadEntry(entry: OutboxEntry, error: unknown, at: number): DeadLetter {
  const position = createHash('sha256').update(entry.id).digest('hex');
  return {
    source: OUTBOX_LETTERS,
    shardId: entry.kind,
    position,
    reason: reasonOf(error),
    record: Buffer.from(JSON.stringify(entry)),
    arrivedAt: entry.dueAt,
    at,
  };
}

/**
 * Reads the entry of a dead letter. The previous release stored the entry in the table's format and without its id. The
 * id is needed only to remove the entry from the outbox, and the entry is already gone from there.
 */
function entryOf({ record }: DeadLetter): OutboxEntry {
  const text = Buffer.from(record).toString('utf8');
  const entry = JSON.parse(text) as OutboxEntry;
  return 'payload' in entry ? entry : decodeEntry('', text);
}

/** Redrives dead letters of the outbox: dispatches each entry, then deletes its dead letter. */
export class EntryRedriver implements Redriver {
  constructor(
    private readonly parts: { outbox: Pick<Outbox, 'dispatch'>; letters: Pick<DeadLetterStore, 'discard'> },
  ) {}

  /** Returns for each letter why its entry still cannot be dispatched, or undefined if it was dispatched. */
  async redrive(letters: readonly DeadLetter[]): Promise<(string | undefined)[]> {
    const reasons: (string | undefined)[] = [];
    for (const letter of letters) {
      try {
        await this.parts.outbox.dispatch([entryOf(letter)]);
        await this.parts.letters.discard(letter);
        reasons.push(undefined);
      } catch (error) {
        reasons.push(reasonOf(error));
      }
    }
    return reasons;
  }
}
