import type { IncomingMessage, ServerResponse } from 'node:http';
import { LoadShedder, type LoadShedderSettings } from './loadShedder';
import type { Waiting } from './fairQueue';
import { type LoadClass, loadClasses } from '../../domain/platform/loadClass';
import { type ClientAddress, clientAddressBehind } from '../http/clientAddress';
import { Problem } from '../http/problem';
import { errorPage, HTML, wantsPage } from '../http/page';
import { callerOf } from './callerOf';
import { type Clock, monotonicClock } from '../../timing/clock';

/** Where a request was shed: at `arrival`, from its request line alone, or from the admission `queue`. */
export type ShedWhere = 'arrival' | 'queue';

/** Settings and callbacks of admission control. */
export interface AdmissionSettings extends Omit<LoadShedderSettings, 'budgets'> {
  /** Milliseconds for which a request of each class may wait in the admission queue. Default 1,000. */
  budgets?: Readonly<Record<LoadClass, number>>;
  /** Gives a request's load class from its request line. Default: `interactive` for all. */
  classOf?(method: string, url: string): LoadClass;
  /** Milliseconds for which a request whose body is not complete counts against the queue's limit. Default 250. */
  bodyWithinMs?: number;
  /** Finds the address of a caller without a key and a cookie. Default: that of the connection. */
  addressOf?: ClientAddress;
  /** Called for each request that is shed. */
  onShed?(where: ShedWhere, loadClass: LoadClass): void;
  /** Called for each request that begins. `waitedMs` is the time since its body was complete. */
  onBegin?(loadClass: LoadClass, waitedMs: number): void;
}

/** Health checks and metrics are never shed: orchestrators and scrapers must see the state of an overloaded process. */
const EXEMPT = /^\/(healthz|readyz|metrics)(\?|$)/;
/** Interval between two checks for requests that have waited longer than their budget. */
const EXPIRE_EVERY_MS = 50;
const BODY_WITHIN_MS = 250;
const BUDGET_MS = 1_000;

const TYPE = 'overloaded';
const TITLE = 'Service overloaded';
const DETAIL = 'The service is overloaded. The request was not processed; retry after the time in Retry-After.';
const BODY = JSON.stringify({ type: `urn:longwatch:problem:${TYPE}`, title: TITLE, status: 503, detail: DETAIL });
const PAGE = errorPage({ status: 503, message: DETAIL, extra: {} });

/**
 * A request under admission control. It is `arriving` until its body is complete (`late` if that takes too long),
 * `waiting` in the queue, `active` while its handler works, and then `gone`.
 */
interface Ticket extends Waiting {
  state: 'arriving' | 'late' | 'waiting' | 'active' | 'gone';
  bodyTimer?: NodeJS.Timeout;
  /** Time at which its body was complete, by the clock. */
  readyAt: number;
  begunAt: number;
  /** The highest number of requests that were active at once while this request was active. */
  peak: number;
  resolve?(entered: boolean): void;
}

/**
 * Admission control for HTTP requests. It sheds a request with 503 from its request line alone, before authentication
 * and parsing. A request occupies a slot only while the server works on it, from its complete body to the handler's
 * reply, so clients that send or read slowly occupy none.
 */
export class Admission {
  private readonly shedder: LoadShedder<Ticket>;
  private readonly tickets = new WeakMap<IncomingMessage, Ticket>();
  private readonly active = new Set<Ticket>();
  private expiry: NodeJS.Timeout | undefined;
  private readonly clock: Clock;
  private readonly addressOf: ClientAddress;

  constructor(private readonly settings: AdmissionSettings) {
    this.clock = settings.clock ?? monotonicClock;
    this.addressOf = settings.addressOf ?? clientAddressBehind();
    const budgets =
      settings.budgets ?? (Object.fromEntries(loadClasses.map((one) => [one, BUDGET_MS])) as Record<LoadClass, number>);
    this.shedder = new LoadShedder<Ticket>(
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

  /** The current limit of active requests, and how many requests are active, waiting and arriving. */
  get state(): { limit: number; active: number; waiting: number; arriving: number } {
    return this.shedder.state;
  }

  /**
   * Admits or sheds a request. Must be called before any other handling of the request.
   * @returns false if the request was shed; the 503 response is then already sent.
   */
  arrive(request: IncomingMessage, response: ServerResponse): boolean {
    const url = request.url ?? '';
    if (EXEMPT.test(url)) return true;
    const loadClass = this.settings.classOf?.(request.method ?? '', url) ?? 'interactive';
    const now = this.clock.now();
    const ticket: Ticket = {
      state: 'arriving',
      loadClass,
      caller: callerOf(request, this.addressOf),
      arrivedAt: now,
      readyAt: now,
      begunAt: now,
      peak: 0,
    };
    if (!this.shedder.arrive(ticket)) {
      this.settings.onShed?.('arrival', loadClass);
      const [body, contentType] = wantsPage(request) ? [PAGE, HTML] : [BODY, 'application/problem+json'];
      response
        .writeHead(503, {
          'content-type': contentType,
          'content-length': Buffer.byteLength(body),
          'retry-after': String(this.shedder.retryAfterSeconds()),
          'cache-control': 'no-store',
        })
        .end(body);
      return false;
    }
    ticket.bodyTimer = setTimeout(() => this.arrived(ticket, 'late'), this.settings.bodyWithinMs ?? BODY_WITHIN_MS);
    this.tickets.set(request, ticket);
    response.once('close', () => this.leave(request));
    return true;
  }

  /**
   * Waits until the request gets a slot. Call it when the body is complete and the handler has not begun.
   * @throws Problem 503 if the request gets no slot within its budget.
   */
  async enter(request: IncomingMessage): Promise<void> {
    const ticket = this.tickets.get(request);
    if (!ticket || ticket.state === 'active') return;
    if (ticket.state === 'gone') throw this.overloaded();
    this.arrived(ticket, 'late');
    ticket.readyAt = this.clock.now();
    // The budget limits the wait for a slot. The time that the client took to send the body does not count.
    ticket.arrivedAt = ticket.readyAt;
    const what = this.shedder.join(ticket);
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
   * Releases the slot of a request whose handler has ended, whose caller no longer waits, or whose connection closed.
   * @param route route of the request; undefined if it is not known, and then the duration is not measured
   * @param completed whether the handler did all of its work; failed requests are often faster, and must not lower the
   * measured duration of the route
   */
  leave(request: IncomingMessage, route?: string, completed = false): void {
    const ticket = this.tickets.get(request);
    if (!ticket || ticket.state === 'gone') return;
    const { state } = ticket;
    this.arrived(ticket, 'gone');
    ticket.state = 'gone';
    if (state === 'waiting') {
      this.shedder.abandon(ticket);
      ticket.resolve?.(false);
    }
    if (state !== 'active') return;
    this.active.delete(ticket);
    this.shedder.done(
      ticket,
      route === undefined
        ? undefined
        : { route, ms: this.clock.now() - ticket.begunAt, active: ticket.peak, completed },
    );
  }

  private begin(ticket: Ticket): void {
    ticket.state = 'active';
    ticket.begunAt = this.clock.now();
    this.active.add(ticket);
    for (const one of this.active) one.peak = Math.max(one.peak, this.active.size);
    this.settings.onBegin?.(ticket.loadClass, ticket.begunAt - ticket.readyAt);
  }

  private arrived(ticket: Ticket, to: 'late' | 'gone'): void {
    if (ticket.state !== 'arriving') return;
    clearTimeout(ticket.bodyTimer);
    this.shedder.arrived(ticket);
    ticket.state = to;
  }

  private expire(): void {
    this.shedder.expire();
    if (this.shedder.state.waiting > 0) return;
    clearInterval(this.expiry);
    this.expiry = undefined;
  }

  private overloaded(): Problem {
    return new Problem(503, DETAIL, {
      type: TYPE,
      title: TITLE,
      headers: { 'retry-after': String(this.shedder.retryAfterSeconds()) },
    });
  }
}
