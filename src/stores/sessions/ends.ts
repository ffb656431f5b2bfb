import { endedEvent, type EndReason, expiredBecause, isOver, type SessionHead } from '../../domain/sessions/session';
import { again, retry } from '../../timing/retry';
import { removeAt } from '../../domain/sessions/retention';
import { endOf, headOf } from './items';
import { dataKey, headKey, signInKey } from './keys';
import { contention, type WriteObstacle, ATTEMPTS, type SessionTable } from './sessionTable';
import type { RecordSettings } from './settings';

/** The result of ending a session: it ended now, it had ended before for the given reason, or it never existed. */
export type End = { was: 'ended now' | 'never there' } | { was: 'ended before'; reason: EndReason };

/**
 * Ends sessions. An ended session stays as a tombstone, the head without data, until no late save can arrive any more.
 */
export class SessionEndings {
  constructor(
    private readonly table: SessionTable,
    private readonly settings: RecordSettings,
  ) {}

  /**
   * Ends a session now. Nothing can be saved under its id afterwards, even if the session did not exist. Ending an
   * ended session changes nothing.
   * @throws LongwatchError `contention` if every attempt met other writes.
   */
  async end(key: string, reason: EndReason): Promise<End> {
    return retry({ attempts: ATTEMPTS, exhausted: contention }, async () => {
      const at = this.settings.now();
      // Race: two requests end the session at the same time. The first one sets the reason, and both report it.
      const inTheWay = await this.writeTombstone(
        key,
        reason,
        at,
        'attribute_exists(CreatedAt) AND attribute_not_exists(EndedAt)',
      );
      if (!inTheWay) return { was: 'ended now' };
      if (typeof inTheWay === 'object') return { was: 'ended before', reason: endOf(inTheWay).reason };
      const there = await this.table.put({
        item: { ...headKey(key), EndedAt: at, EndReason: reason, RemoveAt: removeAt(at + this.settings.absoluteMs) },
        // Race: the session's first save succeeds in between. Then the next attempt ends that session.
        condition: 'attribute_not_exists(SessionKey)',
      });
      return there ? again : { was: 'never there' };
    });
  }

  /** Ends an expired session permanently. @returns whether this call ended it. */
  async endExpired(head: SessionHead): Promise<boolean> {
    if (head.ended) return false;
    const now = this.settings.now();
    // Race: a process whose clock is behind touches the session in time. Then the session remains alive.
    return (
      (await this.writeTombstone(
        head.key,
        expiredBecause(head),
        now,
        'attribute_not_exists(EndedAt) AND ExpiresAt <= :at',
      )) === undefined
    );
  }

  /** Returns the live session among the items that failed a write's condition. Ends those that have expired. */
  async liveAmong(inTheWay: readonly WriteObstacle[]): Promise<SessionHead | undefined> {
    for (const item of inTheWay) {
      if (typeof item === 'string' || item['CreatedAt'] === undefined) continue;
      const head = headOf(item);
      if (!isOver(head, this.settings.now())) return head;
      await this.endExpired(head);
    }
    return undefined;
  }

  /** Removes an ended session from the expiry index, after its event was delivered. */
  async removeFromIndex(key: string): Promise<void> {
    // TTL may have removed the item. The condition keeps this update from creating an incomplete one.
    await this.table.update({
      key: headKey(key),
      set: 'REMOVE ExpiryBucket, CheckAt',
      condition: 'attribute_exists(EndedAt)',
      values: {},
    });
  }

  /** Deletes the data item of a session. */
  async removeData(key: string): Promise<void> {
    await this.table.remove(dataKey(key));
  }

  /**
   * Turns a live session into a tombstone.
   * @returns undefined if it ended now, otherwise the item that failed the condition.
   */
  private async writeTombstone(
    key: string,
    reason: EndReason,
    at: number,
    condition: string,
  ): Promise<WriteObstacle | undefined> {
    const { events, prefix, watch } = this.settings;
    // If the store keeps events, the session stays in the index, due at once, until the sweeper has delivered the event
    // of its end.
    const set = events
      ? 'SET EndedAt = :at, EndReason = :reason, CheckAt = :at REMOVE SessionData'
      : 'SET EndedAt = :at, EndReason = :reason REMOVE SessionData, ExpiryBucket, CheckAt';
    const outcome = await this.table.update(
      { key: headKey(key), set, condition, values: { ':at': at, ':reason': reason } },
      'before',
    );
    if ('inTheWay' in outcome) return outcome.inTheWay;
    const head = headOf(outcome.before);
    // These deletions follow the end, which is what matters. If this process stops here, TTL removes the items.
    if (head.userId !== undefined) await this.table.remove(signInKey(prefix, head.userId, head.handle));
    if (head.split) await this.removeData(key);
    const event = endedEvent(head, reason, at);
    if (event) watch?.ended?.(event, key);
    return undefined;
  }
}
