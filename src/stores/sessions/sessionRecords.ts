import { defined } from '../../domain/defined';
import {
  type EndReason,
  isOver,
  movesExpiry,
  type SessionHead,
  type SessionOwner,
} from '../../domain/sessions/session';
import { SessionEndings } from './ends';
import { removeAt } from '../../domain/sessions/retention';
import { dataOf, fitsHead, headItem, headOf, type SessionBytes } from './items';
import { DATA, dataKey, HEAD, headKey, keyLength, newHandle, signInKey } from './keys';
import type { Put, SessionTable } from './sessionTable';
import type { RecordSettings } from './settings';

/** A live session. */
export interface StoredSession {
  head: SessionHead;
  data: SessionBytes;
}

/** A session to create. */
export interface NewSession extends SessionOwner {
  data: SessionBytes;
  expiresAt: number;
  absoluteExpiresAt: number;
}

/** A save of a session's data. */
export interface Save {
  data: SessionBytes;
  expiresAt: number;
  /** The application changed the session's life: store the expiry even if it is earlier than the current one. */
  exactly?: boolean;
  /** The data of the last read or write. */
  before?: SessionBytes;
}

/** The condition of a write to a loaded session: it is alive at `:now`. */
const LIVE = 'attribute_not_exists(EndedAt) AND ExpiresAt > :now';

/**
 * Sessions by key, the hash of their id. Every write of a loaded session's head has the condition that the session is
 * alive.
 */
export class SessionRecords {
  readonly ends: SessionEndings;

  constructor(
    private readonly table: SessionTable,
    private readonly settings: RecordSettings,
  ) {
    this.ends = new SessionEndings(table, settings);
  }

  /**
   * Returns a live session. Strongly consistent, because a stale read could return a session that has just ended. One
   * request reads head and data: one read unit up to 4 KB. A process that finds the session expired ends it, so that a
   * process whose clock is behind cannot find it alive again.
   */
  async find(key: string): Promise<StoredSession | undefined> {
    const parts = await this.table.parts(key);
    const item = parts.find(({ Part }) => Part === HEAD);
    if (!item) return undefined;
    const head = headOf(item);
    if (isOver(head, this.settings.now())) {
      await this.ends.endExpired(head);
      return undefined;
    }
    const data = dataOf(
      item,
      parts.find(({ Part }) => Part === DATA),
    );
    return data === undefined ? undefined : { head, data };
  }

  /**
   * Creates a session.
   * @returns its head, or the head of a live session under the same key, or undefined if the session under this key has
   *   ended.
   */
  async create(key: string, session: NewSession): Promise<{ created: boolean; head: SessionHead } | undefined> {
    const { data, ...rest } = session;
    const now = this.settings.now();
    const head = this.placed({ key, handle: newHandle(now), createdAt: now, lastSeenAt: now, ...rest }, data);
    if (head.split) await this.putData(head, data);
    const put = this.firstPut(head, data);
    const inTheWay =
      head.userId === undefined
        ? await this.table.put(put)
        : await this.table.transact([{ put }, { put: this.signIn(head, head.userId) }]);
    if (!inTheWay) {
      this.settings.watch?.created?.();
      return { created: true, head };
    }
    const found = await this.ends.liveAmong([inTheWay].flat());
    if (found) return { created: false, head: found };
    await this.refused(key, head.split);
    return undefined;
  }

  /** Saves a session. @returns its new head, or undefined if it has ended. In that case nothing is stored. */
  async save(head: SessionHead, save: Save): Promise<SessionHead | undefined> {
    const split = !fitsHead(head, save.data);
    // Write the data first, so that a reader of the new head finds its data. If a data item exists already, write both
    // at the same time.
    const atOnce = split && save.before !== undefined && !fitsHead(head, save.before);
    if (split && !atOnce) await this.putData(head, save.data);
    const [saved] = await Promise.all([this.saveHead(head, save, split), atOnce && this.putData(head, save.data)]);
    if (!saved) await this.refused(head.key, split);
    return saved && { ...saved, ...(split && { split }) };
  }

  private async saveHead(
    head: SessionHead,
    { data, expiresAt, exactly = false }: Save,
    split: boolean,
  ): Promise<SessionHead | undefined> {
    const moves = movesExpiry(head.expiresAt, expiresAt, exactly);
    const now = this.settings.now();
    // Only this save writes to the index: the session would end before the sweeper's next check.
    const checkAt = moves && head.checkAt !== undefined && expiresAt < head.checkAt ? expiresAt : undefined;
    const attributes = {
      LastSeenAt: now,
      ...(split ? { SplitData: true } : { SessionData: data }),
      ...(moves && { ExpiresAt: expiresAt }),
      ...defined({ CheckAt: checkAt }),
    };
    const outcome = await this.table.update({
      key: headKey(head.key),
      set: `SET ${Object.keys(attributes)
        .map((name) => `${name} = :${name}`)
        .join(', ')}${split ? ' REMOVE SessionData' : ''}`,
      // Races: the session ends or expires meanwhile, and no save may revive it; or another save or touch sets a later
      // expiry, which remains.
      condition: LIVE + (moves && !exactly ? ' AND ExpiresAt <= :ExpiresAt' : ''),
      values: {
        ...Object.fromEntries(Object.entries(attributes).map(([name, value]) => [`:${name}`, value])),
        ':now': now,
      },
    });
    if ('before' in outcome) return { ...head, lastSeenAt: now, ...(moves && { expiresAt }), ...defined({ checkAt }) };
    const found = await this.ends.liveAmong([outcome.inTheWay]);
    return found && this.saveHead(found, { data, expiresAt: Math.min(expiresAt, found.expiresAt) }, split);
  }

  /**
   * Extends a session's expiry. One write unit, no write to the index.
   * @returns its new head, or undefined if it has ended.
   */
  async touch(head: SessionHead, expiresAt: number): Promise<SessionHead | undefined> {
    const now = this.settings.now();
    const outcome = await this.table.update({
      key: headKey(head.key),
      set: 'SET ExpiresAt = :expiresAt, LastSeenAt = :now',
      // Races: the session ends or expires meanwhile; or another touch sets a later expiry.
      condition: `${LIVE} AND ExpiresAt < :expiresAt`,
      values: { ':now': now, ':expiresAt': expiresAt },
    });
    if ('before' in outcome) {
      this.settings.watch?.touched?.(true);
      return { ...head, expiresAt, lastSeenAt: now };
    }
    const found = await this.ends.liveAmong([outcome.inTheWay]);
    if (!found) this.settings.watch?.refused?.();
    return found;
  }

  /**
   * Moves a session to another key, in one transaction. The old key never works again.
   * @returns the new head, or undefined if the session has ended.
   */
  async rotate(from: SessionHead, key: string, { data, expiresAt }: Save): Promise<SessionHead | undefined> {
    const now = this.settings.now();
    const { split: _, ...kept } = from;
    const head = this.placed({ ...kept, key, lastSeenAt: now, expiresAt }, data);
    if (head.split) await this.putData(head, data);
    const lost = await this.table.transact([
      {
        update: {
          key: headKey(from.key),
          set: 'SET EndedAt = :now, EndReason = :rotated REMOVE SessionData, ExpiryBucket, CheckAt',
          // Races: the session ends or expires meanwhile. It must not survive under a new id.
          condition: LIVE,
          values: { ':now': now, ':rotated': 'rotated' satisfies EndReason },
        },
      },
      { put: this.firstPut(head, data) },
      // The user's list has the current key, so that ending all sessions of the user finds this one.
      ...(from.userId === undefined ? [] : [{ put: this.signIn(head, from.userId) }]),
    ]);
    if (lost) {
      await this.ends.liveAmong(lost);
      await this.refused(key, head.split);
      return undefined;
    }
    if (from.split) await this.ends.removeData(from.key);
    return head;
  }

  /** Returns every live session of the prefix. Scans the table: only for administration. */
  async *scan(): AsyncGenerator<StoredSession> {
    const { prefix, now } = this.settings;
    const filter =
      'Part = :head AND begins_with(SessionKey, :prefix) AND size(SessionKey) = :length AND ' +
      'attribute_not_exists(EndedAt) AND ExpiresAt > :now';
    let from: Awaited<ReturnType<SessionTable['page']>>['next'];
    do {
      const { items, next } = await this.table.page(
        filter,
        { ':head': HEAD, ':prefix': prefix, ':length': keyLength(prefix), ':now': now() },
        from,
      );
      for (const item of items) {
        const head = headOf(item);
        const data = dataOf(item, undefined) ?? (await this.find(head.key))?.data;
        if (data !== undefined) yield { head, data };
      }
      from = next;
    } while (from);
  }

  private placed(head: SessionHead, data: SessionBytes): SessionHead {
    return {
      ...head,
      ...(this.settings.buckets > 0 && { checkAt: head.expiresAt }),
      ...(!fitsHead(head, data) && { split: true }),
    };
  }

  private firstPut(head: SessionHead, data: SessionBytes): Put {
    return {
      item: { ...headItem(head, this.settings.buckets), ...(!head.split && { SessionData: data }) },
      // Races: two first saves under the same id; or the first save of a session that was ended before.
      condition: 'attribute_not_exists(SessionKey)',
    };
  }

  private signIn(head: SessionHead, userId: string): Put {
    return {
      item: {
        ...signInKey(this.settings.prefix, userId, head.handle),
        CurrentKey: head.key,
        RemoveAt: removeAt(head.absoluteExpiresAt),
      },
    };
  }

  /** No condition: without a live head no request reads the data, and the last save wins. */
  private async putData({ key, absoluteExpiresAt }: SessionHead, data: SessionBytes): Promise<void> {
    await this.table.put({ item: { ...dataKey(key), SessionData: data, RemoveAt: removeAt(absoluteExpiresAt) } });
  }

  /** Reports a save that came after the session's end, and deletes the data that it wrote. */
  private async refused(key: string, split: boolean | undefined): Promise<void> {
    this.settings.watch?.refused?.();
    if (split) await this.ends.removeData(key);
  }
}
