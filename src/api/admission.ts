import type { IncomingMessage, ServerResponse } from 'node:http';
import { ConcurrencyLimit, type ConcurrencySettings } from './concurrencyLimit';
import { Problem } from './problem';

/** Where a request was turned away: as it arrived, before anything was read of it; or when it could have begun. */
export type ShedWhere = 'arrival' | 'queue';

export interface AdmissionSettings extends Partial<ConcurrencySettings> {
  /** Requests under way at once, at most. */
  max: number;
  /** Milliseconds that a request waits at most for its turn; the queue is shorter than that as a rule. Default 1,000. */
  maxWaitMs?: number;
  /** Milliseconds for which a request whose body is still on its way has a place. Default 250. */
  bodyWithinMs?: number;
  onShed?(where: ShedWhere): void;
}

/** Before anything is known of how fast this machine is; and below which one slow request would keep out all others. */
const [INITIAL, MIN] = [8, 2];

/** Waiting places, as multiples of the limit: where most who come find a free place, a rush is a burst and may wait; else it would only make all slow. */
const [BURST, STANDING] = [3, 0.5];
/** Share of those who came lately that found a free place, above which a rush counts as a burst. */
const MOSTLY_FREE = 0.3;
/** Of the moving average of that share. */
const LATELY = 1 / 32;

/** Orchestrators and scrapers must see an overloaded process as it is. */
const EXEMPT = /^\/(healthz|readyz|metrics)(\?|$)/;
const RETRY_AFTER_SECONDS = '1';
const DETAIL = 'More requests than this process can take are under way; nothing was done, try again';

const SHED_BODY = JSON.stringify({ type: 'urn:longwatch:problem:overloaded', title: 'A part that this needs is away', status: 503, detail: DETAIL });
const SHED_HEADERS = { 'content-type': 'application/problem+json', 'content-length': Buffer.byteLength(SHED_BODY), 'retry-after': RETRY_AFTER_SECONDS, 'cache-control': 'no-store' };

/** A request's way through: it arrives, enters when its body is there, and leaves when its work is done. */
interface Ticket {
  state: 'arriving' | 'late' | 'waiting' | 'active' | 'gone';
  /** Puts an end to arriving or waiting. */
  timer?: NodeJS.Timeout;
  since: number;
  underWay: number;
  resolve?(entered: boolean): void;
}

/**
 * Lets in as many requests as can be served well, keeps some waiting, and turns the others away at once, before anything
 * was parsed or authenticated, so that what is let in stays fast and the process recovers with the load. A burst may
 * wait, in a queue that is three times as long as the limit; under a standing overload it is half of the limit (after
 * the controlled delay of B. Maurer, "Fail at Scale", ACM Queue 13(8), 2015).
 *
 * A place is held by work only, from a complete body to the handler's answer: clients that send or read slowly hold none.
 */
export class Admission {
  private readonly limit: ConcurrencyLimit;
  private readonly tickets = new WeakMap<IncomingMessage, Ticket>();
  private readonly queue: Ticket[] = [];
  private arriving = 0;
  private underWay = 0;
  /** Moving average of who found a free place. */
  private free = 1;

  constructor(private readonly settings: AdmissionSettings) {
    const { max } = settings;
    this.limit = new ConcurrencyLimit({ min: Math.min(MIN, max), initial: Math.min(INITIAL, max), ...settings });
  }

  get state(): { limit: number; active: number; waiting: number; arriving: number } {
    return { limit: this.limit.value, active: this.underWay, waiting: this.queue.length, arriving: this.arriving };
  }

  private get places(): number {
    const { value } = this.limit;
    return value + Math.ceil(value * (this.free > MOSTLY_FREE ? BURST : STANDING));
  }

  /** First of all that is done with a request. @returns false when it was turned away, and answered. */
  arrive(request: IncomingMessage, response: ServerResponse): boolean {
    if (EXEMPT.test(request.url ?? '')) return true;
    const taken = this.arriving + this.queue.length + this.underWay;
    this.free += ((taken < this.limit.value ? 1 : 0) - this.free) * LATELY;
    if (taken >= this.places) {
      this.settings.onShed?.('arrival');
      response.writeHead(503, SHED_HEADERS).end(SHED_BODY);
      return false;
    }
    const ticket: Ticket = { state: 'arriving', since: 0, underWay: 0 };
    this.arriving++;
    ticket.timer = setTimeout(() => this.depart(ticket, 'late'), this.settings.bodyWithinMs ?? 250);
    this.tickets.set(request, ticket);
    response.once('close', () => this.leave(request));
    return true;
  }

  /**
   * Before its work begins: waits for its turn.
   * @throws Problem 503 when there is none.
   */
  async enter(request: IncomingMessage): Promise<void> {
    const ticket = this.tickets.get(request);
    if (!ticket || ticket.state === 'active') return;
    if (ticket.state === 'gone') throw shed(); // Its client is, too.
    const kept = ticket.state === 'arriving';
    this.depart(ticket, 'late');
    if (this.underWay < this.limit.value && this.queue.length === 0) return this.begin(ticket);
    // Who arrived in time has a place; who comes late takes one where there is one.
    if (!kept && this.arriving + this.queue.length + this.underWay >= this.places) throw this.turnedAway(ticket);
    ticket.state = 'waiting';
    this.queue.push(ticket);
    const entered = await new Promise<boolean>((resolve) => {
      ticket.resolve = resolve;
      ticket.timer = setTimeout(() => this.depart(ticket, 'gone'), this.settings.maxWaitMs ?? 1_000);
    });
    if (!entered) throw this.turnedAway(ticket);
  }

  /** Its work is done, or its connection is. @param route given when it was done whole: a sample of how long that takes. */
  leave(request: IncomingMessage, route?: string): void {
    const ticket = this.tickets.get(request);
    if (!ticket) return;
    const { state } = ticket;
    this.depart(ticket, 'gone');
    if (state !== 'active') return;
    this.underWay--;
    if (route !== undefined) this.limit.sample(route, performance.now() - ticket.since, ticket.underWay);
    while (this.underWay < this.limit.value) {
      const next = this.queue.shift();
      if (!next) break;
      clearTimeout(next.timer);
      this.begin(next);
      next.resolve?.(true);
    }
  }

  private begin(ticket: Ticket): void {
    this.underWay++;
    ticket.state = 'active';
    ticket.since = performance.now();
    ticket.underWay = this.underWay;
  }

  /** Out of whatever it waits in. */
  private depart(ticket: Ticket, to: 'late' | 'gone'): void {
    clearTimeout(ticket.timer);
    if (ticket.state === 'arriving') this.arriving--;
    if (ticket.state === 'waiting') {
      this.queue.splice(this.queue.indexOf(ticket), 1);
      ticket.resolve?.(false);
    }
    ticket.state = to;
  }

  private turnedAway(ticket: Ticket): Problem {
    ticket.state = 'gone';
    this.settings.onShed?.('queue');
    return shed();
  }
}

const shed = (): Problem => new Problem(503, DETAIL, { type: 'overloaded', headers: { 'retry-after': RETRY_AFTER_SECONDS } });
