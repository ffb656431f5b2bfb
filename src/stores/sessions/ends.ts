import { endedEvent, type EndReason, expiredBecause, isOver, type SessionHead } from '../../domain/sessions/session';
import { again, retry } from '../../timing/retry';
import { dataKey, headKey, headOf, removeAt, signInKey } from './items';
import { contention, type InTheWay, ATTEMPTS, type SessionTable } from './sessionTable';
import type { RecordSettings } from './settings';

/** What came of an end: ended now, or before and why, or there never was such a session. */
export type End = { was: 'ended now' | 'never there' } | { was: 'ended before'; reason: EndReason };

/** Ends of sessions. An end is a tombstone: the head without data, kept until no save can be under way any more. */
export class SessionEnds {
  constructor(
    private readonly table: SessionTable,
    private readonly settings: RecordSettings,
  ) {}

  /**
   * Ends a session now. Ending what has ended, or what never was, changes nothing; nothing can be saved under the id
   * afterwards.
   */
  async end(key: string, reason: EndReason): Promise<End> {
    return retry({ attempts: ATTEMPTS, exhausted: contention }, async () => {
      const at = this.settings.now();
      // The race: two ends at once. The first is the one that counts, and the one that is reported.
      const inTheWay = await this.entomb(
        key,
        reason,
        at,
        'attribute_exists(CreatedAt) AND attribute_not_exists(EndedAt)',
      );
      if (!inTheWay) return { was: 'ended now' };
      if (typeof inTheWay === 'object') return { was: 'ended before', reason: inTheWay['EndReason'] as EndReason };
      const there = await this.table.put({
        item: { ...headKey(key), EndedAt: at, EndReason: reason, RemoveAt: removeAt(at + this.settings.absoluteMs) },
        // The race: the session's first save. Whichever comes first, it has ended: we look again.
        condition: 'attribute_not_exists(SessionKey)',
      });
      return there ? again : { was: 'never there' };
    });
  }

  /** Makes an expiry that somebody saw an end for good. @returns whether it ended just now. */
  async endExpired(head: SessionHead): Promise<boolean> {
    if (head.ended) return false;
    const now = this.settings.now();
    // The race: a touch in time, by a process whose clock is behind. Then the session lives on.
    return (
      (await this.entomb(head.key, expiredBecause(head), now, 'attribute_not_exists(EndedAt) AND ExpiresAt <= :at')) ===
      undefined
    );
  }

  /** Among what stood in the way of a write, a session that is alive. One that is over without an end gets it. */
  async liveAmong(inTheWay: readonly InTheWay[]): Promise<SessionHead | undefined> {
    for (const item of inTheWay) {
      if (typeof item === 'string' || item['CreatedAt'] === undefined) continue;
      const head = headOf(item);
      if (!isOver(head, this.settings.now())) return head;
      await this.endExpired(head);
    }
    return undefined;
  }

  /** The event of an end has been delivered: the sweeper need not see it any more. */
  async settle(key: string): Promise<void> {
    // It may have been removed since: no stump of it.
    await this.table.update({
      key: headKey(key),
      set: 'REMOVE ExpiryBucket, CheckAt',
      condition: 'attribute_exists(EndedAt)',
      values: {},
    });
  }

  async removeData(key: string): Promise<void> {
    await this.table.remove(dataKey(key));
  }

  /** @returns undefined when it ended now, else what stood in the way. */
  private async entomb(key: string, reason: EndReason, at: number, condition: string): Promise<InTheWay | undefined> {
    const { events, prefix, watch } = this.settings;
    // With somebody to tell it stays in the index, due at once, until that is done.
    const set = events
      ? 'SET EndedAt = :at, EndReason = :reason, CheckAt = :at REMOVE SessionData'
      : 'SET EndedAt = :at, EndReason = :reason REMOVE SessionData, ExpiryBucket, CheckAt';
    const outcome = await this.table.update(
      { key: headKey(key), set, condition, values: { ':at': at, ':reason': reason } },
      'before',
    );
    if ('inTheWay' in outcome) return outcome.inTheWay;
    const head = headOf(outcome.before);
    // After the end, which is what counts: where we are cut off here, they go by their time to live.
    if (head.userId !== undefined) await this.table.remove(signInKey(prefix, head.userId, head.handle));
    if (head.split) await this.removeData(key);
    const event = endedEvent(head, reason, at);
    if (event) watch?.ended?.(event, key);
    return undefined;
  }
}
