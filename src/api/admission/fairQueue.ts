import { type LoadClass, loadClasses, loadWeights } from '../../domain/platform/loadClass';

/** The properties of a request that the queue needs. */
export interface Waiting {
  loadClass: LoadClass;
  /** Caller that sent the request. */
  caller: string;
  /** Arrival time, in milliseconds of the admission control's clock. */
  arrivedAt: number;
}

/** Number of slots in a counting period. The queue counts how many of them each caller got. */
const COUNTED_TURNS = 128;
/**
 * A caller floods its class if it got at least this share of the class's slots in a period, and at least this number.
 */
const [FLOOD_SHARE, FLOOD_TURNS] = [0.25, 8];
/** Another caller is modest if the flooding caller uses more than this many times as much of the class. */
const CLEARLY_MORE = 1.1;

/** Requests of one class. Each caller's requests are first in, first out; the callers take turns (round robin). */
class ClassQueue<T extends Waiting> {
  /** Waiting requests of each caller. The map's order is the order of the callers' next turns. */
  private readonly callers = new Map<string, T[]>();
  /** Slots that each caller got in this counting period and in the previous one. */
  private turns = new Map<string, number>();
  private turnsBefore = new Map<string, number>();
  private counted = 0;
  /**
   * The caller that floods the class: the one with the most slots in the previous period, or the first with many in
   * this one.
   */
  private flood: string | undefined;
  /** Number of requests per caller whose bodies are not complete. */
  private readonly arriving = new Map<string, number>();
  arrivingSize = 0;
  size = 0;
  /** Virtual time at which the class gets its next slot (stride scheduling). */
  pass = 0;

  push(waiting: T): void {
    const own = this.callers.get(waiting.caller);
    if (own) own.push(waiting);
    else this.callers.set(waiting.caller, [waiting]);
    this.size++;
  }

  shift(): T | undefined {
    for (const [caller, own] of this.callers) {
      const next = own.shift();
      this.callers.delete(caller);
      if (own.length > 0) this.callers.set(caller, own);
      if (next) this.size--;
      return next;
    }
    return undefined;
  }

  /** Counts a slot for a caller, whether its request waited or not. */
  countTurn(caller: string): void {
    const turns = (this.turns.get(caller) ?? 0) + 1;
    this.turns.set(caller, turns);
    this.counted++;
    if (turns >= Math.max(FLOOD_TURNS, this.counted * FLOOD_SHARE)) this.flood ??= caller;
    if (this.counted < COUNTED_TURNS) return;
    const [most] = [...this.turns].sort(([, a], [, b]) => b - a);
    this.flood = most && most[1] >= COUNTED_TURNS * FLOOD_SHARE ? most[0] : undefined;
    [this.turnsBefore, this.turns, this.counted] = [this.turns, new Map(), 0];
  }

  /**
   * Forgets the counted slots. Called when an overload begins: slots that a caller used before took nothing from
   * others.
   */
  forgetTurns(): void {
    [this.turnsBefore, this.turns, this.counted, this.flood] = [new Map(), new Map(), 0, undefined];
  }

  countArriving(caller: string, change: 1 | -1): void {
    this.arrivingSize += change;
    const count = (this.arriving.get(caller) ?? 0) + change;
    if (count > 0) this.arriving.set(caller, count);
    else this.arriving.delete(caller);
  }

  /** Returns how much of the class a caller uses: its recent slots, its waiting and its arriving requests. */
  holdingOf(caller: string): number {
    const turns = (this.turns.get(caller) ?? 0) + (this.turnsBefore.get(caller) ?? 0);
    return turns + (this.callers.get(caller)?.length ?? 0) + (this.arriving.get(caller) ?? 0);
  }

  /** Returns whether some caller floods the class and this caller uses clearly less. */
  isModest(caller: string): boolean {
    return this.flood !== undefined && this.holdingOf(this.flood) > CLEARLY_MORE * this.holdingOf(caller) + 1;
  }

  /** Returns whether another caller with waiting or arriving requests uses clearly more of the class than this one. */
  hasGreater(caller: string): boolean {
    const enough = this.holdingOf(caller) + 1;
    for (const others of [this.callers, this.arriving])
      for (const other of others.keys()) if (this.holdingOf(other) > enough) return true;
    return false;
  }

  /** Returns the caller that uses the most of the class, among those with waiting requests. */
  greatest(): { caller: string; holding: number } {
    let found = { caller: '', holding: 0 };
    for (const caller of this.callers.keys()) {
      const holding = this.holdingOf(caller);
      if (holding > found.holding) found = { caller, holding };
    }
    return found;
  }

  remove(waiting: T): boolean {
    const own = this.callers.get(waiting.caller);
    const at = own?.indexOf(waiting) ?? -1;
    if (!own || at < 0) return false;
    own.splice(at, 1);
    if (own.length === 0) this.callers.delete(waiting.caller);
    this.size--;
    return true;
  }

  newestOf(caller: string): T | undefined {
    return this.callers.get(caller)?.at(-1);
  }

  all(): T[] {
    return [...this.callers.values()].flat();
  }

  /**
   * Returns the requests that do not fit a queue of this length. The callers keep places in turn, each for its oldest
   * requests.
   */
  beyond(places: number): T[] {
    const ranked = [...this.callers.values()].flatMap((own) => own.map((waiting, rank) => ({ waiting, rank })));
    ranked.sort((a, b) => a.rank - b.rank || a.waiting.arrivedAt - b.waiting.arrivedAt);
    return ranked.slice(Math.ceil(places)).map(({ waiting }) => waiting);
  }
}

/**
 * The admission queue. Classes share the slots by weight (stride scheduling: C. Waldspurger and W. Weihl, 1995). Inside
 * a class the callers take turns, so a caller that sends a thousand requests delays only its own.
 */
export class FairQueue<T extends Waiting> {
  private readonly classes: Readonly<Record<LoadClass, ClassQueue<T>>> = {
    money: new ClassQueue(),
    interactive: new ClassQueue(),
    bulk: new ClassQueue(),
  };
  private virtualTime = 0;

  /** Number of waiting requests. */
  get size(): number {
    return loadClasses.reduce((sum, one) => sum + this.classes[one].size, 0);
  }

  /** Returns the number of waiting requests of a class. */
  sizeOf(loadClass: LoadClass): number {
    return this.classes[loadClass].size;
  }

  /** Returns the class's share of the service rate among the classes with waiting requests, itself included. */
  shareOf(loadClass: LoadClass): number {
    const rivals = loadClasses.reduce(
      (sum, one) => sum + (one === loadClass || this.classes[one].size > 0 ? loadWeights[one] : 0),
      0,
    );
    return loadWeights[loadClass] / rivals;
  }

  /** Adds a request to the queue. */
  push(waiting: T): void {
    const queue = this.classes[waiting.loadClass];
    // A class without waiting requests does not save up slots for later.
    if (queue.size === 0) queue.pass = Math.max(queue.pass, this.virtualTime);
    queue.push(waiting);
  }

  /** Removes and returns the next request, among the classes for which `may` returns true. */
  shift(may: (loadClass: LoadClass) => boolean = () => true): T | undefined {
    let next: LoadClass | undefined;
    for (const one of loadClasses)
      if (
        this.classes[one].size > 0 &&
        may(one) &&
        (next === undefined || this.classes[one].pass < this.classes[next].pass)
      )
        next = one;
    if (next === undefined) return undefined;
    const queue = this.classes[next];
    this.virtualTime = queue.pass;
    queue.pass += 1 / loadWeights[next];
    return queue.shift();
  }

  /** Counts a slot for the request's caller. */
  countTurn({ loadClass, caller }: T): void {
    this.classes[loadClass].countTurn(caller);
  }

  /** Removes a waiting request. @returns false if it does not wait */
  remove(waiting: T): boolean {
    return this.classes[waiting.loadClass].remove(waiting);
  }

  /** Forgets the counted slots of a class, when an overload of it begins. */
  forgetTurns(loadClass: LoadClass): void {
    this.classes[loadClass].forgetTurns();
  }

  /** Returns how many requests of a class have arrived without a complete body. */
  arrivingOf(loadClass: LoadClass): number {
    return this.classes[loadClass].arrivingSize;
  }

  /** Counts a request as arriving (1), or no longer: its body is complete or no longer expected (-1). */
  countArriving({ loadClass, caller }: Waiting, change: 1 | -1): void {
    this.classes[loadClass].countArriving(caller, change);
  }

  /** Returns whether one caller floods the request's class and the request's own caller uses clearly less of it. */
  isModest({ loadClass, caller }: Waiting): boolean {
    return this.classes[loadClass].isModest(caller);
  }

  /**
   * Returns whether another caller with waiting or arriving requests uses clearly more of the class than the request's
   * caller.
   */
  hasGreater({ loadClass, caller }: Waiting): boolean {
    return this.classes[loadClass].hasGreater(caller);
  }

  /**
   * Returns the request to shed in favour of the given caller when the class's queue is full: the newest of the caller
   * that uses the most of the class, if that is clearly more than the given caller uses.
   */
  requestToShed(loadClass: LoadClass, caller: string): T | undefined {
    const queue = this.classes[loadClass];
    const { caller: greatest, holding } = queue.greatest();
    return holding > queue.holdingOf(caller) + 1 ? queue.newestOf(greatest) : undefined;
  }

  /** Returns the requests of a class to shed when its queue is cut to this length. */
  beyond(loadClass: LoadClass, places: number): T[] {
    return this.classes[loadClass].beyond(places);
  }

  /** Returns the waiting requests of a class, oldest arrival first. */
  oldestFirst(loadClass: LoadClass): T[] {
    return this.classes[loadClass].all().sort((a, b) => a.arrivedAt - b.arrivedAt);
  }
}
