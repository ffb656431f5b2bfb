import { createHash } from 'node:crypto';
import { iso } from '../../domain/ids';
import type { SessionEnded } from '../../domain/sessions/session';
import type { SessionEnds } from '../../stores/sessions/ends';
import { type OnSkipped, skipEachRefused } from '../platform/isolate';
import { type Notifications, sendUnlessUndeliverable } from '../platform/notifications';

export interface EndedSession {
  event: SessionEnded;
  /** Where its tombstone lies, which owes the event. */
  key: string;
}

export interface SessionEventParts {
  notifications: Pick<Notifications, 'send'>;
  ends: Pick<SessionEnds, 'settle'>;
  recipient: string;
  onFault(error: unknown): void;
  onSkipped?: OnSkipped;
}

/** Events of a message; some 15 KB. */
const BATCH = 100;
const COLLECT_MS = 500;
/** Ends that wait in this process; beyond that the sweeper reports. */
const WAITING = 10_000;
const CONCURRENCY = 16;

/**
 * Tells the subscriber which sessions ended. At least once: an end owes its event, in the index, until a message with
 * it
 * was accepted; who crashes in between leaves it to the sweeper. An event has the same id in every message.
 */
export class SessionEvents {
  private readonly waiting: EndedSession[] = [];
  private timer: NodeJS.Timeout | undefined;
  private sending: Promise<void> = Promise.resolve();

  constructor(private readonly parts: SessionEventParts) {}

  /** Soon, with others, without anybody waiting. */
  reportSoon(ended: EndedSession): void {
    if (this.waiting.length >= WAITING) return;
    this.waiting.push(ended);
    this.timer ??= setTimeout(() => void this.flush(), COLLECT_MS);
  }

  /** Sends what waits. What fails stays owed. */
  flush(): Promise<void> {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.sending = this.sending.then(async () => {
      for (let batch = this.waiting.splice(0, BATCH); batch.length > 0; batch = this.waiting.splice(0, BATCH))
        await this.report(batch).catch(this.parts.onFault);
    });
    return this.sending;
  }

  /**
   * Sends events, then settles them. An event whose settling is refused for good stays owed and is reported; it keeps
   * no other from
   * being settled.
   * @returns the keys of such events. @throws LongwatchError `unavailable` when no channel takes them now.
   */
  async report(ended: readonly EndedSession[]): Promise<Set<string>> {
    const skipped = new Set<string>();
    for (let from = 0; from < ended.length; from += BATCH) {
      const batch = ended.slice(from, from + BATCH);
      await this.send(batch.map(({ event }) => event));
      const refused = await skipEachRefused(
        batch,
        CONCURRENCY,
        ({ key }) => this.parts.ends.settle(key),
        ({ key }, error) => this.parts.onSkipped?.(`the event of session ${key}`, error),
      );
      for (const { key } of refused) skipped.add(key);
    }
    return skipped;
  }

  private async send(events: SessionEnded[]): Promise<void> {
    // The same events again are the same message, which is not sent twice by who finds it on record.
    const sorted = [...events].sort((a, b) => (a.id < b.id ? -1 : 1));
    const id = `session.ended.${createHash('sha256')
      .update(sorted.map((event) => event.id).join())
      .digest('base64url')
      .slice(0, 22)}`;
    const why = await sendUnlessUndeliverable(this.parts.notifications, {
      id,
      recipient: this.parts.recipient,
      subject: 'session.ended',
      text: JSON.stringify({
        type: 'session.ended',
        events: sorted.map(({ at, ...event }) => ({ ...event, at: iso(at) })),
      }),
      at: Math.max(...sorted.map(({ at }) => at)),
    });
    if (why !== undefined) this.parts.onFault(why);
  }
}
