import { ConcurrencyLimit, type ConcurrencySettings, type Sample } from './concurrencyLimit';
import { FairQueue, type Waiting } from './fairQueue';
import { type LoadClass, loadClasses, loadWeights } from '../../domain/platform/loadClass';
import { type Clock, monotonicClock } from '../../timing/clock';

/** Settings of admission control. */
export interface LoadShedderSettings extends Partial<ConcurrencySettings> {
  /** Maximum number of requests active at once. */
  max: number;
  /** Milliseconds for which a request of each class may wait. */
  budgets: Readonly<Record<LoadClass, number>>;
}

/** Called for requests that waited in the admission queue. */
export interface LoadShedderEvents<T> {
  /** A request that waited begins. */
  begin(request: T): void;
  /** A request that waited is shed. */
  refuse(request: T): void;
}

const [MIN, INITIAL] = [2, 4];
/**
 * Requests of a class that may always wait, at any measured service rate. A cold process, or one that shares its CPUs,
 * completes too few requests to measure the rate. And clients of this number that each have one request in flight are
 * no overload: they send only as fast as the process completes.
 */
const PLACES = 64;
/**
 * Maximum wait of a request of a class that is not overloaded, as a multiple of its budget. It applies only while other
 * requests complete.
 */
const PATIENCE = 10;
/** A class that has shed no request for this time is no longer overloaded. */
const CALM_MS = 2_000;
/**
 * Requests of an overloaded class that may wait, as a multiple of the class's share of the limit. The factor is just
 * large enough to keep every slot busy.
 */
const OVERLOADED_QUEUE = 1;
/** Period over which the rate of arriving requests is measured, in milliseconds. */
const OFFERED_MS = 1_000;
/** Bounds of the time, in seconds, over which Retry-After spreads the retries of shed requests. */
const [SPREAD_MIN, SPREAD_MAX] = [4, 30];

interface ClassState {
  active: number;
  /** Time until which the class counts as overloaded: `CALM_MS` after its last shed request. */
  overloadedUntil: number;
}

/**
 * Decides which requests run, wait or are shed. It knows nothing of HTTP and sets no timers.
 *
 * The wait is bounded by time: a request is shed if the requests before it in its class need longer than the class's
 * budget, at the measured service rate. A class that sheds is overloaded: more requests arrive than the process can
 * serve, so a queue only adds latency. Then the queue of the class is cut to a few requests, until the class has shed
 * none for two seconds (controlled delay: B. Maurer, "Fail at Scale", ACM Queue 13(8), 2015).
 */
export class LoadShedder<T extends Waiting> {
  private readonly limit: ConcurrencyLimit;
  private readonly queue = new FairQueue<T>();
  private readonly classes: Readonly<Record<LoadClass, ClassState>>;
  private readonly clock: Clock;
  private active = 0;
  private offered = { since: 0, count: 0, perSecond: 0 };

  constructor(
    private readonly settings: LoadShedderSettings,
    private readonly events: LoadShedderEvents<T>,
  ) {
    const { max } = settings;
    this.clock = settings.clock ?? monotonicClock;
    this.limit = new ConcurrencyLimit({ min: Math.min(MIN, max), initial: Math.min(INITIAL, max), ...settings });
    const state = (): ClassState => ({ active: 0, overloadedUntil: Number.NEGATIVE_INFINITY });
    this.classes = { money: state(), interactive: state(), bulk: state() };
  }

  /** The current limit of active requests, and how many requests are active, waiting and arriving. */
  get state(): { limit: number; active: number; waiting: number; arriving: number } {
    const arriving = loadClasses.reduce((sum, one) => sum + this.queue.arrivingOf(one), 0);
    return { limit: this.limit.value, active: this.active, waiting: this.queue.size, arriving };
  }

  /**
   * Admits a request whose request line has arrived. It counts as arriving until `arrived` is called.
   * @returns false if the request is shed.
   */
  arrive(request: Waiting): boolean {
    const { loadClass } = request;
    this.countOffered();
    // A caller that has had fewer slots than another may pass even without room: `join` then sheds a request of the
    // other.
    const hasRoom = this.hasRoom(loadClass, this.queue.arrivingOf(loadClass));
    if (!hasRoom && !this.queue.hasGreater(request) && !this.mayExceed(request)) {
      this.overload(loadClass);
      return false;
    }
    this.queue.countArriving(request, 1);
    return true;
  }

  /** Ends the arriving state of a request: its body is complete, late, or no longer expected. */
  arrived(request: Waiting): void {
    this.queue.countArriving(request, -1);
  }

  /**
   * Begins a request or queues it.
   * @returns what happens to it; for a queued request, the events report the outcome.
   */
  join(request: T): 'begins' | 'waits' | 'refused' {
    if (this.queue.sizeOf(request.loadClass) === 0 && this.mayBegin(request.loadClass)) {
      this.count(request, 1);
      return 'begins';
    }
    if (!this.hasRoom(request.loadClass, 0)) {
      const gives = this.queue.requestToShed(request.loadClass, request.caller);
      this.overload(request.loadClass);
      if (!this.hasRoom(request.loadClass, 0)) {
        const mayExceed = this.mayExceed(request);
        // Two modest callers do not displace each other's requests.
        if (gives && !(mayExceed && this.queue.isModest(gives)) && this.queue.remove(gives)) this.events.refuse(gives);
        else if (!mayExceed) return 'refused';
      }
    }
    this.queue.push(request);
    return 'waits';
  }

  /** Removes a queued request that its client no longer waits for. */
  abandon(request: T): void {
    this.queue.remove(request);
  }

  /**
   * Releases the slot of a request that has ended or is no longer waited for.
   * @param sample measurement of its work, if there is one
   */
  done(request: T, sample?: Sample): void {
    this.count(request, -1);
    if (sample) this.limit.sample(sample, this.queue.size > 0);
    this.advance();
  }

  /** Begins queued requests as far as the limit allows. */
  advance(): void {
    for (;;) {
      const next = this.queue.shift((loadClass) => this.mayBegin(loadClass));
      if (!next) break;
      this.count(next, 1);
      this.events.begin(next);
    }
  }

  /** Sheds the requests that have waited too long. Call it several times per budget while requests wait. */
  expire(): void {
    const now = this.clock.now();
    for (const loadClass of loadClasses) {
      const budget = this.settings.budgets[loadClass];
      if (this.queue.sizeOf(loadClass) === 0) continue;
      const patience = this.isOverloaded(loadClass) || this.limit.stalledMs > budget ? budget : PATIENCE * budget;
      for (const waiting of this.queue.oldestFirst(loadClass)) {
        if (now - waiting.arrivedAt < patience) break;
        this.queue.remove(waiting);
        this.overload(loadClass);
        this.events.refuse(waiting);
      }
    }
    if (this.queue.size > 0) this.limit.whileWaiting();
    // The limit may have changed with time alone, for example at the end of a probe.
    this.advance();
  }

  /**
   * Returns the seconds after which the client of a shed request should retry: random, over a time in which the process
   * could serve the offered load.
   */
  retryAfterSeconds(): number {
    const { rate } = this.limit;
    const times = rate === undefined ? SPREAD_MIN : this.offered.perSecond / rate;
    const spread = Math.min(SPREAD_MAX, Math.max(SPREAD_MIN, Math.ceil(times)));
    return 1 + Math.floor(Math.random() * spread);
  }

  /** Returns whether the class has shed a request within the last `CALM_MS` milliseconds. */
  isOverloaded(loadClass: LoadClass): boolean {
    return this.clock.now() < this.classes[loadClass].overloadedUntil;
  }

  private count(request: T, change: 1 | -1): void {
    this.active += change;
    this.classes[request.loadClass].active += change;
    if (change > 0) this.queue.countTurn(request);
  }

  /**
   * Each class may always use its weighted share of the slots. So if the dependency of one class hangs, that class
   * blocks only the shared slots, and not those of other classes.
   */
  private mayBegin(loadClass: LoadClass): boolean {
    if (this.active >= this.settings.max) return false;
    return (
      this.active < this.limit.value ||
      this.classes[loadClass].active < Math.floor(this.limit.value * weightOf(loadClass))
    );
  }

  private hasRoom(loadClass: LoadClass, arriving: number): boolean {
    const free = Math.max(0, this.limit.value - this.active);
    return this.queue.sizeOf(loadClass) + arriving < this.places(loadClass) + free;
  }

  /**
   * Whether a request may wait although the queue is cut: another caller floods the class, and a burst of a modest
   * caller is no overload.
   */
  private mayExceed(request: Waiting): boolean {
    return this.queue.sizeOf(request.loadClass) < this.usualPlaces(request.loadClass) && this.queue.isModest(request);
  }

  /** Requests of a class that may wait. */
  private places(loadClass: LoadClass): number {
    if (!this.isOverloaded(loadClass)) return this.usualPlaces(loadClass);
    return Math.max(2, Math.ceil(this.limit.value * this.queue.shareOf(loadClass) * OVERLOADED_QUEUE));
  }

  private usualPlaces(loadClass: LoadClass): number {
    const { rate = 0 } = this.limit;
    return Math.max(PLACES, (rate * this.queue.shareOf(loadClass) * this.settings.budgets[loadClass]) / 1_000);
  }

  /**
   * Records that a request is shed: the class is overloaded, and its queue stays short for `CALM_MS`. The cut sheds the
   * newest requests of the callers with the most requests waiting.
   */
  private overload(loadClass: LoadClass): void {
    const state = this.classes[loadClass];
    const begins = !this.isOverloaded(loadClass);
    state.overloadedUntil = this.clock.now() + CALM_MS;
    if (!begins) return;
    this.queue.forgetTurns(loadClass);
    for (const one of this.queue.beyond(loadClass, this.places(loadClass))) {
      this.queue.remove(one);
      this.events.refuse(one);
    }
  }

  private countOffered(): void {
    const { offered } = this;
    const elapsed = this.clock.now() - offered.since;
    offered.count++;
    if (elapsed < OFFERED_MS) return;
    this.offered = { since: this.clock.now(), count: 0, perSecond: (offered.count * 1_000) / elapsed };
  }
}

const weightOf = (loadClass: LoadClass): number =>
  loadWeights[loadClass] / loadClasses.reduce((sum, one) => sum + loadWeights[one], 0);
