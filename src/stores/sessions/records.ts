import { defined } from '../../domain/defined';
import { type EndReason, isOver, type SessionHead, type SessionOwner } from '../../domain/sessions/session';
import { SessionEnds } from './ends';
import {
  DATA,
  dataKey,
  dataOf,
  fitsHead,
  HEAD,
  headItem,
  headKey,
  headOf,
  keyLength,
  newHandle,
  removeAt,
  type SessionBytes,
  signInKey,
} from './items';
import type { Put, SessionTable } from './sessionTable';
import type { RecordSettings } from './settings';

export interface StoredSession {
  head: SessionHead;
  data: SessionBytes;
}

export interface NewSession extends SessionOwner {
  data: SessionBytes;
  expiresAt: number;
  absoluteExpiresAt: number;
}

export interface Save {
  data: SessionBytes;
  expiresAt: number;
  /** The life was changed on purpose: take the expiry as it is, also where it is nearer. */
  exactly?: boolean;
  /** What was read or written before. */
  before?: SessionBytes;
}

/** What a write to a session demands that was loaded; takes `:now`. */
const LIVE = 'attribute_not_exists(EndedAt) AND ExpiresAt > :now';

/** Sessions, by the keys that their ids hash to. */
export class SessionRecords {
  readonly ends: SessionEnds;

  constructor(
    private readonly table: SessionTable,
    private readonly settings: RecordSettings,
  ) {
    this.ends = new SessionEnds(table, settings);
  }

  /**
   * A session that is alive. Strongly consistent: a stale read would return what was ended a moment ago. Both parts in
   * one request, which makes it one read unit up to 4 KB. Who finds a session expired ends it, so that no clock that
   * is behind finds it alive again.
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

  /** @returns the new session's head, that of a live one which is there already, or undefined where one has ended. */
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

  /** @returns the session as it is now, or undefined where it has ended: nothing is kept of the save then. */
  async save(head: SessionHead, save: Save): Promise<SessionHead | undefined> {
    const split = !fitsHead(head, save.data);
    // Data first: a reader that finds the new head finds its data. At once, where there is data beside the head
    // already.
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
    const moves = exactly || expiresAt > head.expiresAt;
    const now = this.settings.now();
    // The one save that writes to the index: its end would come before the sweeper looks.
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
      // The races: the session ended meanwhile, by whomever, or its time is over: no save brings it back. And another
      // save or touch moved the expiry further: there it stays.
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
   * Moves the expiry on. One write unit, no index. @returns the session as it is now, or undefined where it has ended.
   */
  async touch(head: SessionHead, expiresAt: number): Promise<SessionHead | undefined> {
    const now = this.settings.now();
    const outcome = await this.table.update({
      key: headKey(head.key),
      set: 'SET ExpiresAt = :expiresAt, LastSeenAt = :now',
      // The races: the session ended meanwhile, or its time is over; another touch moved the expiry further.
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
   * The session goes on under another key, and never again under the old one. @returns undefined where it has ended.
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
          // The races: the session ended meanwhile, or its time is over: it does not escape under a new id.
          condition: LIVE,
          values: { ':now': now, ':rotated': 'rotated' satisfies EndReason },
        },
      },
      { put: this.firstPut(head, data) },
      // The user's list names the session by what it is now, so that whoever ends them all finds it.
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

  /** Every live session of the prefix: a scan, for administration alone. */
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
        const data = dataOf(item, undefined) ?? (await this.find(item['SessionKey'] as string))?.data;
        if (data !== undefined) yield { head: headOf(item), data };
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
      item: { ...headItem(head, this.settings.buckets), ...(head.split ? { SplitData: true } : { SessionData: data }) },
      // The race: two first saves under one id, or a save of what was ended before it was ever saved.
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

  /** Unconditional: without a live head nobody reads it, and the last one to save wins, as ever. */
  private async putData({ key, absoluteExpiresAt }: SessionHead, data: SessionBytes): Promise<void> {
    await this.table.put({ item: { ...dataKey(key), SessionData: data, RemoveAt: removeAt(absoluteExpiresAt) } });
  }

  /** It came after the end: nothing is kept of it. */
  private async refused(key: string, split: boolean | undefined): Promise<void> {
    this.settings.watch?.refused?.();
    if (split) await this.ends.removeData(key);
  }
}
