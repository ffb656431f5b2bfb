import { GetCommand } from '@aws-sdk/lib-dynamodb';
import { inLanes } from '../../domain/lanes';
import { isOver, type SessionHead } from '../../domain/sessions/session';
import { batchGet } from '../batchGet';
import { type List, type Page, type PageRequest, startAt, toCursor } from '../cursor';
import type { Db } from '../dynamodb';
import { queryFrom, readEach } from '../query';
import type { SessionEndings } from './ends';
import { HEAD_ATTRIBUTES, headOf, signInItems } from './items';
import { headKey, signInKey, SIGN_INS, userKey } from './keys';

const handleItems = signInItems.pick('handle');
/** Number of concurrent ends while all sessions of a user are ended. */
const CONCURRENCY = 8;

/**
 * The sessions of a user, from a list that the same transactions write as the sessions. Every read is strongly
 * consistent.
 */
export class UserSessions {
  constructor(
    private readonly db: Pick<Db, 'client' | 'table' | 'onMalformed'>,
    private readonly ends: SessionEndings,
    private readonly settings: { prefix: string; now(): number },
  ) {}

  /**
   * Returns a page of a user's live sessions, newest first. A page may have fewer than its limit.
   * @throws LongwatchError `invalid` for a cursor of another release or of another list.
   */
  async list(userId: string, { cursor, limit = 50 }: PageRequest = {}): Promise<Page<SessionHead>> {
    const list: List = { name: 'sessions', of: { userId } };
    const { items: found, next } = await this.signIns(
      userId,
      limit,
      startAt(list, cursor, ['SessionKey', 'Part']).ExclusiveStartKey,
    );
    const signIns = readEach(this.db, found, signInItems.read);
    const { Sessions } = await batchGet(this.db, {
      Sessions: { keys: signIns.map(({ key }) => headKey(key)), consistent: true, projection: HEAD_ATTRIBUTES },
    });
    const now = this.settings.now();
    const items = readEach(this.db, Sessions, headOf).filter((head) => !isOver(head, now));
    return { items: items.sort((a, b) => (a.handle < b.handle ? 1 : -1)), ...toCursor(list, next) };
  }

  /** Ends one session of a user by its handle. @returns whether it was alive. */
  async end(userId: string, handle: string): Promise<boolean> {
    return this.endSignIn(userId, handle);
  }

  /**
   * Ends every session of a user that was opened before this call, even if its id is rotated meanwhile. A session that
   * is opened during the call may survive. If the call fails halfway, repeat it.
   * @param keep the handle of a session that must not end.
   * @returns the number of ended sessions.
   */
  async endAll(userId: string, keep?: string): Promise<number> {
    let ended = 0;
    let next: Record<string, unknown> | undefined;
    do {
      const page = await this.signIns(userId, 200, next);
      // Not `readEach`: a session must not survive because its entry of the list is malformed.
      const others = page.items.map(handleItems.read).filter(({ handle }) => handle !== keep);
      const alive = await inLanes(others, CONCURRENCY, ({ handle }) => this.endSignIn(userId, handle));
      ended += alive.filter(Boolean).length;
      ({ next } = page);
    } while (next);
    return ended;
  }

  /**
   * Ends the session of a handle. Race: the session's id is rotated meanwhile. The list has the new key, so the next
   * iteration ends that one.
   */
  private async endSignIn(userId: string, handle: string): Promise<boolean> {
    let before: string | undefined;
    for (;;) {
      const { Item } = await this.db.client.send(
        new GetCommand({
          TableName: this.table,
          Key: signInKey(this.settings.prefix, userId, handle),
          ConsistentRead: true,
        }),
      );
      const key = Item && signInItems.read(Item).key;
      if (key === undefined || key === before) return false;
      const end = await this.ends.end(key, 'revoked');
      if (end.was !== 'ended before' || end.reason !== 'rotated') return end.was === 'ended now';
      before = key;
    }
  }

  private async signIns(userId: string, limit: number, from: Record<string, unknown> | undefined) {
    const query = {
      table: 'Sessions',
      where: 'SessionKey = :user AND begins_with(Part, :signIns)',
      values: { ':user': userKey(this.settings.prefix, userId), ':signIns': SIGN_INS },
      consistent: true,
      descending: true,
      limit,
    };
    return queryFrom(this.db, query, from);
  }

  private get table(): string {
    return this.db.table('Sessions');
  }
}
