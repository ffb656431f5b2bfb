import type { IncomingMessage, ServerResponse } from 'node:http';
import { Door, type DoorSettings } from './door';
import type { Waiting } from './fairQueue';
import { type LoadClass, loadClasses } from '../../domain/platform/loadClass';
import { Problem } from '../http/problem';

/** Where a request was refused: as it arrived, before anything was read of it; or after it had waited. */
export type ShedWhere = 'arrival' | 'queue';

export interface AdmissionSettings extends Omit<DoorSettings, 'budgets'> {
  /** Milliseconds that a request of each class may wait. Default 1,000. */
  budgets?: Readonly<Record<LoadClass, number>>;
  /** Gives a request's load class from its request line. Default: `interactive` for all. */
  classOf?(method: string, url: string): LoadClass;
  /** Milliseconds for which a request whose body is still on its way has a place. Default 250. */
  bodyWithinMs?: number;
  onShed?(where: ShedWhere, loadClass: LoadClass): void;
  /** Told of every request that begins, and how long it waited since its body was complete. */
  onBegin?(loadClass: LoadClass, waitedMs: number): void;
}

/** Orchestrators and scrapers must see an overloaded process as it is. */
const EXEMPT = /^\/(healthz|readyz|metrics)(\?|$)/;
/** How often requests are looked for that have waited too long. */
const EXPIRE_EVERY_MS = 50;
const BODY_WITHIN_MS = 250;
const BUDGET_MS = 1_000;

const TYPE = 'overloaded';
const TITLE = 'Service overloaded';
const DETAIL = 'The service is overloaded. The request was not processed; retry after the time in Retry-After.';
const BODY = JSON.stringify({ type: `urn:longwatch:problem:${TYPE}`, title: TITLE, status: 503, detail: DETAIL });

/**
 * A request on its way: it arrives, waits once its body is complete, is active while its handler works, and is gone.
 */
interface Ticket extends Waiting {
  state: 'arriving' | 'late' | 'waiting' | 'active' | 'gone';
  bodyTimer?: NodeJS.Timeout;
  /** Since when its body is complete. */
  readyAt: number;
  begunAt: number;
  /** The most requests that were active while it was. */
  peak: number;
  resolve?(entered: boolean): void;
}

/**
 * The door in HTTP's terms. A request that the door refuses is answered on sight of its first line, before
 * authentication
 * and parsing. A place is taken by work only, from a complete body to the handler's reply: clients that send or read
 * slowly
 * take none.
 */
export class Admission {
  private readonly door: Door<Ticket>;
  private readonly tickets = new WeakMap<IncomingMessage, Ticket>();
  private readonly active = new Set<Ticket>();
  private expiry: NodeJS.Timeout | undefined;

  constructor(private readonly settings: AdmissionSettings) {
    const budgets =
      settings.budgets ?? (Object.fromEntries(loadClasses.map((one) => [one, BUDGET_MS])) as Record<LoadClass, number>);
    this.door = new Door<Ticket>(
      { ...settings, budgets },
      {
        begin: (ticket) => {
          this.begin(ticket);
          ticket.resolve?.(true);
        },
        refuse: (ticket) => {
          ticket.state = 'gone';
          settings.onShed?.('queue', ticket.loadClass);
          ticket.resolve?.(false);
        },
      },
    );
  }

  get state(): { limit: number; active: number; waiting: number; arriving: number } {
    return this.door.state;
  }

  /** First of all that is done with a request. @returns false when it was refused, and answered. */
  arrive(request: IncomingMessage, response: ServerResponse): boolean {
    const url = request.url ?? '';
    if (EXEMPT.test(url)) return true;
    const loadClass = this.settings.classOf?.(request.method ?? '', url) ?? 'interactive';
    const now = performance.now();
    const ticket: Ticket = {
      state: 'arriving',
      loadClass,
      caller: callerOf(request),
      arrivedAt: now,
      readyAt: now,
      begunAt: now,
      peak: 0,
    };
    if (!this.door.arrive(ticket)) {
      this.settings.onShed?.('arrival', loadClass);
      response
        .writeHead(503, {
          'content-type': 'application/problem+json',
          'content-length': Buffer.byteLength(BODY),
          'retry-after': String(this.door.retryAfterSeconds()),
          'cache-control': 'no-store',
        })
        .end(BODY);
      return false;
    }
    ticket.bodyTimer = setTimeout(() => this.arrived(ticket, 'late'), this.settings.bodyWithinMs ?? BODY_WITHIN_MS);
    this.tickets.set(request, ticket);
    response.once('close', () => this.leave(request));
    return true;
  }

  /**
   * Waits for the request's turn; its body is complete and its work has not begun.
   * @throws Problem 503 when it has none within its budget.
   */
  async enter(request: IncomingMessage): Promise<void> {
    const ticket = this.tickets.get(request);
    if (!ticket || ticket.state === 'active') return;
    if (ticket.state === 'gone') throw this.overloaded();
    this.arrived(ticket, 'late');
    ticket.readyAt = performance.now();
    // Its budget is for waiting here; how slowly the client sent its body is another matter.
    ticket.arrivedAt = ticket.readyAt;
    const what = this.door.join(ticket);
    if (what === 'begins') return this.begin(ticket);
    if (what === 'waits') {
      ticket.state = 'waiting';
      this.expiry ??= setInterval(() => this.expire(), EXPIRE_EVERY_MS);
      if (await new Promise<boolean>((resolve) => (ticket.resolve = resolve))) return;
    } else {
      ticket.state = 'gone';
      this.settings.onShed?.('queue', ticket.loadClass);
    }
    throw this.overloaded();
  }

  /**
   * The request's work is done, is no longer waited for, or its connection is gone.
   * @param route what it did, as far as that is known
   * @param completed whether it did all of it: failures are faster than work
   */
  leave(request: IncomingMessage, route?: string, completed = false): void {
    const ticket = this.tickets.get(request);
    if (!ticket || ticket.state === 'gone') return;
    const { state } = ticket;
    this.arrived(ticket, 'gone');
    ticket.state = 'gone';
    if (state === 'waiting') {
      this.door.abandon(ticket);
      ticket.resolve?.(false);
    }
    if (state !== 'active') return;
    this.active.delete(ticket);
    this.door.done(
      ticket,
      route === undefined
        ? undefined
        : { route, ms: performance.now() - ticket.begunAt, active: ticket.peak, completed },
    );
  }

  private begin(ticket: Ticket): void {
    ticket.state = 'active';
    ticket.begunAt = performance.now();
    this.active.add(ticket);
    for (const one of this.active) one.peak = Math.max(one.peak, this.active.size);
    this.settings.onBegin?.(ticket.loadClass, ticket.begunAt - ticket.readyAt);
  }

  private arrived(ticket: Ticket, to: 'late' | 'gone'): void {
    if (ticket.state !== 'arriving') return;
    clearTimeout(ticket.bodyTimer);
    this.door.arrived(ticket);
    ticket.state = to;
  }

  private expire(): void {
    this.door.expire();
    if (this.door.state.waiting > 0) return;
    clearInterval(this.expiry);
    this.expiry = undefined;
  }

  private overloaded(): Problem {
    return new Problem(503, DETAIL, {
      type: TYPE,
      title: TITLE,
      headers: { 'retry-after': String(this.door.retryAfterSeconds()) },
    });
  }
}

/**
 * Whose request it is, as far as its headers tell before it is authenticated: callers that share a key share their
 * turns.
 */
function callerOf({ headers, socket }: IncomingMessage): string {
  return headers.authorization ?? headers.cookie ?? socket.remoteAddress ?? '';
}
