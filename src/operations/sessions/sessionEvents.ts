import { createHash } from 'node:crypto';
import { sessionsEndedLetter } from '../../domain/sessions/letters';
import type { SessionEnded } from '../../domain/sessions/session';
import type { SessionEndings } from '../../stores/sessions/ends';
import { type OnSkipped, skipEachRefused } from '../platform/isolate';
import { type Notifications, sendUnlessUndeliverable } from '../platform/notifications';
import { DelayedRun } from '../../timing/delayedRun';

/** An ended session whose event must be sent. */
export interface EndedSession {
  event: SessionEnded;
  /** Key of the session's tombstone. The tombstone stays in the expiry index until the event was sent. */
  key: string;
}

/** The parts that {@link SessionEvents} needs. */
export interface SessionEventParts {
  notifications: Pick<Notifications, 'send'>;
  ends: Pick<SessionEndings, 'removeFromIndex'>;
  recipient: string;
  onFault(error: unknown): void;
  onSkipped?: OnSkipped;
}

/** Maximum number of events in one message, about 15 KB. */
const BATCH = 100;
/** How long events are collected for one message. */
const COLLECT_MS = 500;
/** Maximum number of events that wait in this process. The sweeper sends the events beyond that. */
const WAITING = 10_000;
/** Number of tombstones that are updated in parallel. */
const CONCURRENCY = 16;

/**
 * Sends the event `session.ended` to the subscriber, at least once for each ended session. A tombstone stays in the
 * expiry index until a channel accepted a message with its event. If the process crashes before that, the sweeper sends
 * the event. An event has the same id in every message.
 */
export class SessionEvents {
  private readonly waiting: EndedSession[] = [];
  private readonly delayed = new DelayedRun(() => void this.flush());
  private sending: Promise<void> = Promise.resolve();

  constructor(private readonly parts: SessionEventParts) {}

  /**
   * Sends an event in the background, in one message with others. Never waits. If too many events wait, leaves the
   * event to the sweeper.
   */
  reportSoon(ended: EndedSession): void {
    if (this.waiting.length >= WAITING) return;
    this.waiting.push(ended);
    this.delayed.request(COLLECT_MS);
  }

  /** Sends all waiting events. The sweeper sends those that fail. */
  flush(): Promise<void> {
    this.delayed.cancel();
    this.sending = this.sending.then(async () => {
      for (let batch = this.waiting.splice(0, BATCH); batch.length > 0; batch = this.waiting.splice(0, BATCH))
        await this.report(batch).catch(this.parts.onFault);
    });
    return this.sending;
  }

  /**
   * Sends events, then removes their tombstones from the expiry index. If the removal of a tombstone is refused
   * permanently, reports that and continues with the others; the event may then be sent again.
   * @returns the keys of the tombstones that could not be removed
   * @throws LongwatchError `unavailable` if no channel accepts the events now
   */
  async report(ended: readonly EndedSession[]): Promise<Set<string>> {
    const skipped = new Set<string>();
    for (let from = 0; from < ended.length; from += BATCH) {
      const batch = ended.slice(from, from + BATCH);
      await this.send(batch.map(({ event }) => event));
      const refused = await skipEachRefused(
        batch,
        CONCURRENCY,
        ({ key }) => this.parts.ends.removeFromIndex(key),
        ({ key }, error) => this.parts.onSkipped?.(`the event of session ${key}`, error),
      );
      for (const { key } of refused) skipped.add(key);
    }
    return skipped;
  }

  private async send(events: SessionEnded[]): Promise<void> {
    // The message id follows from the events. If the same events are sent again, the notification's record shows that
    // they went out.
    const sorted = [...events].sort((a, b) => (a.id < b.id ? -1 : 1));
    const id = `session.ended.${createHash('sha256')
      .update(sorted.map((event) => event.id).join())
      .digest('base64url')
      .slice(0, 22)}`;
    const letter = sessionsEndedLetter(id, this.parts.recipient, sorted);
    const why = await sendUnlessUndeliverable(this.parts.notifications, letter);
    if (why !== undefined) this.parts.onFault(why);
  }
}
