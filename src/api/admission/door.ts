import { ConcurrencyLimit, type ConcurrencySettings, type Sample } from './concurrencyLimit';
import { FairQueue, type Waiting } from './fairQueue';
import { type LoadClass, loadClasses, loadWeights } from '../../domain/platform/loadClass';

export interface DoorSettings extends Partial<ConcurrencySettings> {
  /** Requests active at once, at most. */
  max: number;
  /** Milliseconds that a request of each class may wait. */
  budgets: Readonly<Record<LoadClass, number>>;
}

export interface DoorEvents<T> {
  /** A request that waited begins. */
  begin(request: T): void;
  /** A request that waited is refused. */
  refuse(request: T): void;
}

const [MIN, INITIAL] = [2, 4];
/**
 * Requests of a class that may wait whatever the service rate says. A process that is cold or shares its processors
 * completes too few to judge by; and a client population of this size, each with one request in flight, is no overload:
 * it sends no more than is completed.
 */
const PLACES = 64;
/** A request of such a population waits for so many budgets at most, and only while others are completed. */
const PATIENCE = 10;
/** A class that refused nobody for so long is no longer overloaded. */
const CALM_MS = 2_000;
/**
 * Requests of an overloaded class that may wait, as a multiple of those of its share that are active: enough never to
 * leave a place empty.
 */
const OVERLOADED_QUEUE = 1;
/** Period over which what is offered is measured, in milliseconds. */
const OFFERED_MS = 1_000;
/** Seconds over which clients that were refused are asked to spread their retries. */
const [SPREAD_MIN, SPREAD_MAX] = [4, 30];

interface ClassState {
  active: number;
  /** Until when the class counts as overloaded: since a refusal, for `CALM_MS`. */
  overloadedUntil: number;
}

/**
 * Decides which requests are processed, which wait and which are refused; knows nothing of HTTP, and has no clock of
 * its
 * own. Waiting is bounded by time: a request is refused when those before it in its class would take longer than its
 * class's budget at the measured service rate. A class that refuses is overloaded: more is offered than can be served,
 * so a
 * queue adds only delay. Its queue is then cut to a few requests, until it has refused nobody for two seconds
 * (controlled delay: B. Maurer, "Fail at Scale", ACM Queue 13(8), 2015).
 */
export class Door<T extends Waiting> {
  private readonly limit: ConcurrencyLimit;
  private readonly queue = new FairQueue<T>();
  private readonly classes: Readonly<Record<LoadClass, ClassState>>;
  private readonly now: () => number;
  private active = 0;
  private offered = { since: 0, count: 0, perSecond: 0 };

  constructor(
    private readonly settings: DoorSettings,
    private readonly events: DoorEvents<T>,
  ) {
    const { max } = settings;
    this.now = settings.now ?? performance.now.bind(performance);
    this.limit = new ConcurrencyLimit({ min: Math.min(MIN, max), initial: Math.min(INITIAL, max), ...settings });
    const state = (): ClassState => ({ active: 0, overloadedUntil: Number.NEGATIVE_INFINITY });
    this.classes = { money: state(), interactive: state(), bulk: state() };
  }

  get state(): { limit: number; active: number; waiting: number; arriving: number } {
    const arriving = loadClasses.reduce((sum, one) => sum + this.queue.arrivingOf(one), 0);
    return { limit: this.limit.value, active: this.active, waiting: this.queue.size, arriving };
  }

  /**
   * A request's first line is here. It counts as arriving until `arrived` says that it does no longer.
   * @returns false when it is to be refused at once.
   */
  arrive(request: Waiting): boolean {
    const { loadClass } = request;
    this.countOffered();
    // A caller that has had less than others is let through to ask again: in `join` another's request gives way.
    const hasRoom = this.hasRoom(loadClass, this.queue.arrivingOf(loadClass));
    if (!hasRoom && !this.queue.hasGreater(request) && !this.mayExceed(request)) {
      this.overload(loadClass);
      return false;
    }
    this.queue.countArriving(request, 1);
    return true;
  }

  arrived(request: Waiting): void {
    this.queue.countArriving(request, -1);
  }

  /** A request could begin. @returns what becomes of it; of one that waits, the events tell the rest. */
  join(request: T): 'begins' | 'waits' | 'refused' {
    if (this.queue.sizeOf(request.loadClass) === 0 && this.mayBegin(request.loadClass)) {
      this.count(request, 1);
      return 'begins';
    }
    if (!this.hasRoom(request.loadClass, 0)) {
      const gives = this.queue.giver(request.loadClass, request.caller);
      this.overload(request.loadClass);
      if (!this.hasRoom(request.loadClass, 0)) {
        const mayExceed = this.mayExceed(request);
        // Callers that are both modest do not take each other's places.
        if (gives && !(mayExceed && this.queue.isModest(gives)) && this.queue.remove(gives)) this.events.refuse(gives);
        else if (!mayExceed) return 'refused';
      }
    }
    this.queue.push(request);
    return 'waits';
  }

  /** A request that waits has gone away. */
  abandon(request: T): void {
    this.queue.remove(request);
  }

  /**
   * A request that had begun is done, or is no longer waited for. @param sample what its work took, where that is
   * known.
   */
  done(request: T, sample?: Sample): void {
    this.count(request, -1);
    if (sample) this.limit.sample(sample, this.queue.size > 0);
    this.advance();
  }

  /** Begins what may begin and refuses what has waited too long. To be called now and then while requests wait. */
  advance(): void {
    for (;;) {
      const next = this.queue.shift((loadClass) => this.mayBegin(loadClass));
      if (!next) break;
      this.count(next, 1);
      this.events.begin(next);
    }
  }

  /** Refuses what has waited too long. To be called several times in a budget while requests wait. */
  expire(): void {
    const now = this.now();
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
    // The limit may have changed by time alone.
    this.advance();
  }

  /**
   * Returns seconds after which a refused client should come back: at random over a time in which what is offered could
   * be served.
   */
  retryAfterSeconds(): number {
    const { rate } = this.limit;
    const times = rate === undefined ? SPREAD_MIN : this.offered.perSecond / rate;
    const spread = Math.min(SPREAD_MAX, Math.max(SPREAD_MIN, Math.ceil(times)));
    return 1 + Math.floor(Math.random() * spread);
  }

  isOverloaded(loadClass: LoadClass): boolean {
    return this.now() < this.classes[loadClass].overloadedUntil;
  }

  private count(request: T, change: 1 | -1): void {
    this.active += change;
    this.classes[request.loadClass].active += change;
    if (change > 0) this.queue.countTurn(request);
  }

  /**
   * Each class may always have its share of the places active, whatever the others do with theirs: a route of another
   * class
   * whose dependency hangs keeps only the places that are shared.
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
   * Whether a request may wait beyond a cut queue: another caller floods the class, and a burst of a modest one is no
   * overload.
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
   * A request is refused: the class is overloaded, so its queue is cut and stays short. The newest requests of the
   * callers that have most of them waiting give way.
   */
  private overload(loadClass: LoadClass): void {
    const state = this.classes[loadClass];
    const begins = !this.isOverloaded(loadClass);
    state.overloadedUntil = this.now() + CALM_MS;
    if (!begins) return;
    this.queue.forgetTurns(loadClass);
    for (const one of this.queue.beyond(loadClass, this.places(loadClass))) {
      this.queue.remove(one);
      this.events.refuse(one);
    }
  }

  private countOffered(): void {
    const { offered } = this;
    const elapsed = this.now() - offered.since;
    offered.count++;
    if (elapsed < OFFERED_MS) return;
    this.offered = { since: this.now(), count: 0, perSecond: (offered.count * 1_000) / elapsed };
  }
}

const weightOf = (loadClass: LoadClass): number =>
  loadWeights[loadClass] / loadClasses.reduce((sum, one) => sum + loadWeights[one], 0);
