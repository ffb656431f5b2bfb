import type { Request } from 'express';
import type { SessionData } from 'express-session';
import { mergedData, type SessionHead, type SessionOwner } from '../../domain/sessions/session';
import type { DynamoDBSessionStore } from '../../stores/sessions/dynamoDBSessionStore';

declare module 'express-session' {
  interface SessionData {
    userId?: string;
    data?: Record<string, unknown>;
  }
}

/** Owners of sessions that are being opened, until they are saved. */
export type Owners = WeakMap<object, SessionOwner>;

/** Returns the owner of a session for the store. For a loaded session only the user is known. */
export const ownerIn =
  (owners: Owners) =>
  (data: SessionData): SessionOwner =>
    owners.get(data) ?? (data.userId === undefined ? {} : { userId: data.userId });

/** The session of the browser that sent a request. */
export class BrowserSession {
  constructor(
    private readonly request: Request,
    private readonly store: DynamoDBSessionStore,
    private readonly owners: Owners,
    /** Set-Cookie header that deletes the cookie. */
    readonly clearingCookie: string,
  ) {}

  /** Head of the live session; undefined without one. */
  get head(): SessionHead | undefined {
    return this.store.headOf(this.request.session);
  }

  /** Data of the session. */
  get data(): Record<string, unknown> {
    return this.request.session.data ?? {};
  }

  /**
   * Opens a session under a new id. An earlier session of the browser ends.
   * @param data initial data
   */
  async open(owner: SessionOwner & { userId: string }, data: Record<string, unknown>): Promise<void> {
    if (this.head)
      await new Promise<void>((resolve, reject) =>
        this.request.session.regenerate((error: unknown) => (error ? reject(error as Error) : resolve())),
      );
    Object.assign(this.request.session, { userId: owner.userId, data });
    this.owners.set(this.request.session, owner);
    await this.save();
  }

  /**
   * Merges data into the session; null deletes a name. With `rotates` the session gets a new id, and the old id never
   * works again.
   */
  async change(changes: Record<string, unknown>, rotates: boolean): Promise<void> {
    if (rotates) this.store.rotate(this.request);
    this.request.session.data = mergedData(this.data, changes);
    await this.save();
  }

  /** Ends the session, if there is one. */
  async end(): Promise<void> {
    if (this.head)
      await new Promise<void>((resolve, reject) =>
        this.request.session.destroy((error: unknown) => (error ? reject(error as Error) : resolve())),
      );
  }

  /** Saves before the reply is sent, so a reply never reports a change that was not saved. */
  private async save(): Promise<void> {
    await new Promise<void>((resolve, reject) =>
      this.request.session.save((error: unknown) => (error ? reject(error as Error) : resolve())),
    );
  }
}
