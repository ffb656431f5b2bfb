import { type LoadClass, loadClasses, loadWeights } from '../../domain/platform/loadClass';

/** What a queue needs to know of a request that waits in it. */
export interface Waiting {
  loadClass: LoadClass;
  /** Whose request it is. */
  caller: string;
  /** When it arrived, in milliseconds of the clock that the door uses. */
  arrivedAt: number;
}

/** Turns over which it is counted how many each caller had. */
const COUNTED_TURNS = 128;
/** A caller floods its class if it had at least this share of the class's turns, and at least this many. */
const [FLOOD_SHARE, FLOOD_TURNS] = [0.25, 8];
/** Another caller is modest if the flooding caller holds more than this many times as much. */
const CLEARLY_MORE = 1.1;

/** Requests of one class, first in, first out for each caller; callers take turns. */
class ClassQueue<T extends Waiting> {
  /** Callers in the order of their next turn. */
  private readonly callers = new Map<string, T[]>();
  /** Turns that each caller had of late, in this period and in the one before. */
  private turns = new Map<string, number>();
  private turnsBefore = new Map<string, number>();
  private counted = 0;
  /** The caller that had most turns in the period before, or first had many in this one. */
  private flood: string | undefined;
  /** Requests of each caller whose bodies are not complete. */
  private readonly arriving = new Map<string, number>();
  arrivingSize = 0;
  size = 0;
  /** Virtual time of the class's next turn (stride scheduling). */
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

  /** A caller has a turn, with or without waiting for it. */
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

  /** Contention begins: what a caller had before was nobody's loss. */
  forgetTurns(): void {
    [this.turnsBefore, this.turns, this.counted, this.flood] = [new Map(), new Map(), 0, undefined];
  }

  countArriving(caller: string, change: 1 | -1): void {
    this.arrivingSize += change;
    const count = (this.arriving.get(caller) ?? 0) + change;
    if (count > 0) this.arriving.set(caller, count);
    else this.arriving.delete(caller);
  }

  /** Returns a caller's part of the class: its recent turns, its waiting requests and its arriving requests. */
  holdingOf(caller: string): number {
    const turns = (this.turns.get(caller) ?? 0) + (this.turnsBefore.get(caller) ?? 0);
    return turns + (this.callers.get(caller)?.length ?? 0) + (this.arriving.get(caller) ?? 0);
  }

  /** Returns whether one caller floods the class and this one has clearly less of it. */
  isModest(caller: string): boolean {
    return this.flood !== undefined && this.holdingOf(this.flood) > CLEARLY_MORE * this.holdingOf(caller) + 1;
  }

  /** Returns whether some caller with waiting or arriving requests holds clearly more of the class than this one. */
  hasGreater(caller: string): boolean {
    const enough = this.holdingOf(caller) + 1;
    for (const others of [this.callers, this.arriving])
      for (const other of others.keys()) if (this.holdingOf(other) > enough) return true;
    return false;
  }

  /** Returns the caller that has most of the class, among those that have requests waiting. */
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
   * Returns the requests for which a queue of so many places has no room: callers keep places in turn, each for its
   * oldest requests.
   */
  beyond(places: number): T[] {
    const ranked = [...this.callers.values()].flatMap((own) => own.map((waiting, rank) => ({ waiting, rank })));
    ranked.sort((a, b) => a.rank - b.rank || a.waiting.arrivedAt - b.waiting.arrivedAt);
    return ranked.slice(Math.ceil(places)).map(({ waiting }) => waiting);
  }
}

/**
 * Requests that wait for their turn. Classes share the turns by weight (stride scheduling: C. Waldspurger and W. Weihl,
 * 1995); inside a class each caller has a turn after the other, so a caller that sends a thousand requests delays its
 * own.
 */
export class FairQueue<T extends Waiting> {
  private readonly classes: Readonly<Record<LoadClass, ClassQueue<T>>> = {
    money: new ClassQueue(),
    interactive: new ClassQueue(),
    bulk: new ClassQueue(),
  };
  private virtualTime = 0;

  get size(): number {
    return loadClasses.reduce((sum, one) => sum + this.classes[one].size, 0);
  }

  sizeOf(loadClass: LoadClass): number {
    return this.classes[loadClass].size;
  }

  /** Returns the share of the service rate that a class has among those that have requests waiting, itself included. */
  shareOf(loadClass: LoadClass): number {
    const rivals = loadClasses.reduce(
      (sum, one) => sum + (one === loadClass || this.classes[one].size > 0 ? loadWeights[one] : 0),
      0,
    );
    return loadWeights[loadClass] / rivals;
  }

  push(waiting: T): void {
    const queue = this.classes[waiting.loadClass];
    // A class that had nothing waiting has saved no turns.
    if (queue.size === 0) queue.pass = Math.max(queue.pass, this.virtualTime);
    queue.push(waiting);
  }

  /** Takes the request whose turn it is, of those classes that may have one. */
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

  /** A request begins: its caller has had a turn. */
  countTurn({ loadClass, caller }: T): void {
    this.classes[loadClass].countTurn(caller);
  }

  remove(waiting: T): boolean {
    return this.classes[waiting.loadClass].remove(waiting);
  }

  forgetTurns(loadClass: LoadClass): void {
    this.classes[loadClass].forgetTurns();
  }

  /** Returns how many requests of a class have arrived without their complete bodies. */
  arrivingOf(loadClass: LoadClass): number {
    return this.classes[loadClass].arrivingSize;
  }

  /** A request's first line is here (1), or its body is complete or no longer waited for (-1). */
  countArriving({ loadClass, caller }: Waiting, change: 1 | -1): void {
    this.classes[loadClass].countArriving(caller, change);
  }

  /** Returns whether one caller floods the request's class and the request's caller holds clearly less of it. */
  isModest({ loadClass, caller }: Waiting): boolean {
    return this.classes[loadClass].isModest(caller);
  }

  /**
   * Returns whether some caller with waiting or arriving requests holds clearly more of the class than the request's
   * caller.
   */
  hasGreater({ loadClass, caller }: Waiting): boolean {
    return this.classes[loadClass].hasGreater(caller);
  }

  /**
   * Returns the request that gives way to one of the given caller when the class's queue is full: the newest of the
   * caller
   * that has had most of the class of late, where that is clearly more than the given caller has had.
   */
  giver(loadClass: LoadClass, caller: string): T | undefined {
    const queue = this.classes[loadClass];
    const { caller: greatest, holding } = queue.greatest();
    return holding > queue.holdingOf(caller) + 1 ? queue.newestOf(greatest) : undefined;
  }

  /** Returns the requests of a class that give way when its queue is cut to so many places. */
  beyond(loadClass: LoadClass, places: number): T[] {
    return this.classes[loadClass].beyond(places);
  }

  /** Returns the requests of a class, those that arrived first in front. */
  oldestFirst(loadClass: LoadClass): T[] {
    return this.classes[loadClass].all().sort((a, b) => a.arrivedAt - b.arrivedAt);
  }
}
