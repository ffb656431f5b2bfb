import { defined } from '../../../domain/defined';
import { LongwatchError } from '../../../domain/errors';
import { type Page, pageOrFirst, type PageRequest } from '../../../stores/cursor';
import {
  type DeadLetter,
  type DeadLetterStore,
  type LetterKey,
  REDRIVE_LIMIT,
} from '../../../stores/platform/deadLetters';

/**
 * Handles the records of a stream's letters once more; says for each why it still cannot be processed, or undefined.
 */
export interface Redriver {
  redrive(letters: readonly DeadLetter[], signal: AbortSignal): Promise<(string | undefined)[]>;
}

export interface DeadLettersParts {
  letters: DeadLetterStore;
  /** By stream. */
  redrivers: Readonly<Record<string, Redriver>>;
}

export interface RedrivenAll {
  redriven: number;
  left: number;
  /** Absent when all were tried. */
  cursor?: string;
}

/** How long a caller waits for one letter. */
const ONE_DEADLINE_MS = 20_000;
const CUT = 'it was too large to be kept whole; send it again from where it came from';

/** What people do with records that could not be processed. */
export class DeadLetters {
  constructor(private readonly parts: DeadLettersParts) {}

  list(source: string | undefined, page: PageRequest): Promise<Page<DeadLetter>> {
    return this.parts.letters.list(source, page);
  }

  /** @throws LongwatchError `notFound` */
  async find(id: string): Promise<DeadLetter> {
    const key = letterKey(id);
    const letter = key && (await this.parts.letters.find(key));
    if (!letter)
      throw new LongwatchError('notFound', `There is no dead letter ${id}; it may have been re-driven or discarded`);
    return letter;
  }

  /**
   * @throws LongwatchError `notFound`, `conflict` when it still cannot be processed: it stays, and the message says
   * why.
   */
  async redrive(id: string): Promise<void> {
    const letter = await this.find(id);
    const [reason] = letter.isCut
      ? [CUT]
      : await this.redriver(letter.source).redrive([letter], AbortSignal.timeout(ONE_DEADLINE_MS));
    if (reason !== undefined) throw new LongwatchError('conflict', `The record still cannot be processed: ${reason}`);
  }

  /** Those after the cursor, page by page until the signal. */
  async redriveAll(
    source: string,
    { cursor, signal, progress }: { cursor?: string; signal: AbortSignal; progress(report: RedrivenAll): void },
  ): Promise<RedrivenAll> {
    const redriver = this.redriver(source);
    let report: RedrivenAll = { redriven: 0, left: 0, ...defined({ cursor }) };
    while (!signal.aborted) {
      // A redrive that begins again tries the letters that stayed once more.
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

  /** @throws LongwatchError `notFound` */
  async discard(id: string): Promise<void> {
    const key = letterKey(id);
    if (!key || !(await this.parts.letters.discard(key)))
      throw new LongwatchError('notFound', `There is no dead letter ${id}`);
  }

  /** @throws LongwatchError `conflict` when nobody here reads the stream. */
  redriver(source: string): Redriver {
    const redriver = this.parts.redrivers[source];
    if (!redriver)
      throw new LongwatchError(
        'conflict',
        `Nobody reads the stream ${source} here; there are ${Object.keys(this.parts.redrivers).join(', ')}`,
      );
    return redriver;
  }
}

/** Names a letter in a path; neither streams nor shards nor positions hold a `~`. */
export function letterId({ source, shardId, position }: LetterKey): string {
  return [source, shardId, position].join('~');
}

function letterKey(id: string): LetterKey | undefined {
  const [source, shardId, position, ...more] = id.split('~');
  return source && shardId && position && more.length === 0 ? { source, shardId, position } : undefined;
}
