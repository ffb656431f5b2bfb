import { defined } from '../../../domain/defined';
import { LongwatchError } from '../../../domain/errors';
import { type Page, pageOrFirst, type PageRequest } from '../../../stores/cursor';
import {
  type DeadLetter,
  type DeadLetterStore,
  type LetterKey,
  REDRIVE_LIMIT,
} from '../../../stores/platform/deadLetters';

/** Redrives the dead letters of one source. */
export interface Redriver {
  /**
   * Processes the records of letters again and deletes the letters of those that succeed.
   * @returns for each letter why its record still cannot be processed, or undefined if it was processed
   */
  redrive(letters: readonly DeadLetter[], signal: AbortSignal): Promise<(string | undefined)[]>;
}

/** The parts that {@link DeadLetters} needs. */
export interface DeadLettersParts {
  letters: DeadLetterStore;
  /** By source: a stream, or another source of dead letters. */
  redrivers: Readonly<Record<string, Redriver>>;
}

/** The result of redriving a source. `redriven` and `left` are numbers of letters. */
export interface RedrivenAll {
  redriven: number;
  left: number;
  /** Where to continue; absent after the last letter. */
  cursor?: string;
}

/** Deadline of the redrive of a single letter. */
const ONE_DEADLINE_MS = 20_000;
const CUT = 'the dead letter has only a part of it, because it was too large; send it again from its source';

/** Lists, redrives and discards records that could not be processed. */
export class DeadLetters {
  constructor(private readonly parts: DeadLettersParts) {}

  /** Returns a page of dead letters, of one source or of all. */
  list(source: string | undefined, page: PageRequest): Promise<Page<DeadLetter>> {
    return this.parts.letters.list(source, page);
  }

  /**
   * Returns a dead letter.
   * @throws LongwatchError `notFound`
   */
  async find(id: string): Promise<DeadLetter> {
    const key = letterKey(id);
    const letter = key && (await this.parts.letters.find(key));
    if (!letter)
      throw new LongwatchError('notFound', `There is no dead letter ${id}; it may have been redriven or discarded`);
    return letter;
  }

  /**
   * Redrives a letter.
   * @throws LongwatchError `notFound`; `conflict` if its record still cannot be processed. Then the letter stays, and
   *   the message has the reason
   */
  async redrive(id: string): Promise<void> {
    const letter = await this.find(id);
    const [reason] = letter.isCut
      ? [CUT]
      : await this.redriver(letter.source).redrive([letter], AbortSignal.timeout(ONE_DEADLINE_MS));
    if (reason !== undefined) throw new LongwatchError('conflict', `The record still cannot be processed: ${reason}`);
  }

  /**
   * Redrives the letters of a source after the cursor, page by page, until the signal aborts.
   * @throws LongwatchError `conflict` if this process has no redriver for the source
   */
  async redriveAll(
    source: string,
    { cursor, signal, progress }: { cursor?: string; signal: AbortSignal; progress(report: RedrivenAll): void },
  ): Promise<RedrivenAll> {
    const redriver = this.redriver(source);
    let report: RedrivenAll = { redriven: 0, left: 0, ...defined({ cursor }) };
    while (!signal.aborted) {
      // If the cursor is no longer valid, this begins with the first page and tries the letters that stayed again.
      const page = await pageOrFirst(report.cursor, (from) =>
        this.parts.letters.list(source, { limit: REDRIVE_LIMIT, cursor: from }),
      );
      const whole = page.items.filter(({ isCut }) => !isCut);
      const reasons = whole.length === 0 ? [] : await redriver.redrive(whole, signal);
      const redriven = reasons.filter((reason) => reason === undefined).length;
      report = {
        redriven: report.redriven + redriven,
        left: report.left + page.items.length - redriven,
        ...defined({ cursor: page.cursor }),
      };
      if (page.cursor === undefined) break;
      progress(report);
    }
    return report;
  }

  /**
   * Deletes a dead letter.
   * @throws LongwatchError `notFound`
   */
  async discard(id: string): Promise<void> {
    const key = letterKey(id);
    if (!key || !(await this.parts.letters.discard(key)))
      throw new LongwatchError('notFound', `There is no dead letter ${id}`);
  }

  /**
   * Returns the redriver of a source.
   * @throws LongwatchError `conflict` if this process has no redriver for the source
   */
  redriver(source: string): Redriver {
    const redriver = this.parts.redrivers[source];
    if (!redriver)
      throw new LongwatchError(
        'conflict',
        `This process cannot redrive dead letters of ${source}. Known sources: ` +
          Object.keys(this.parts.redrivers).join(', '),
      );
    return redriver;
  }
}

/** Returns the id of a letter for a URL path. Sources, shards and positions contain no `~`. */
export function letterId({ source, shardId, position }: LetterKey): string {
  return [source, shardId, position].join('~');
}

function letterKey(id: string): LetterKey | undefined {
  const [source, shardId, position, ...more] = id.split('~');
  return source && shardId && position && more.length === 0 ? { source, shardId, position } : undefined;
}
