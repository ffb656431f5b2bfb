import { LoadShedder } from '../../src/api/admission/loadShedder';
import type { Waiting } from '../../src/api/admission/fairQueue';
import type { LoadClass } from '../../src/domain/platform/loadClass';
import { Random } from '../../src/domain/fraud/random';
import { clockOf } from './clock';

/**
 * A discrete-event simulation of a process with admission control, in virtual time: a server that shares its processors
 * among the active requests, dependencies that take time of their own, and clients that send in a closed or an open
 * loop. It knows the true capacity, which the load shedder does not, so it can say what the shedder should have done.
 */
export interface Work {
  route: string;
  loadClass: LoadClass;
  /** Processor time, in milliseconds. */
  cpuMs(random: Random): number;
  /** Time in a dependency of unlimited capacity, in milliseconds. */
  waitMs(random: Random, now: number): number;
}

export interface Visit extends Waiting {
  work: Work;
  /** The most that were active while it was. */
  peak: number;
  begunAt: number;
  cpuLeft: number;
  onAnswer(status: 'served' | 'refused', at: number, retryAfter: number): void;
}

export interface Answered {
  caller: string;
  loadClass: LoadClass;
  status: 'served' | 'refused';
  arrivedAt: number;
  begunAt: number;
  at: number;
  retryAfter: number;
}

export class Simulation {
  now = 0;
  readonly answers: Answered[] = [];
  readonly shedder: LoadShedder<Visit>;
  readonly random: Random;
  /** Processors, times the part of them that neighbours leave. */
  cores: (now: number) => number;
  /** Milliseconds from a request's first line to its complete body. */
  arrivalMs = 0;
  /** How much longer than usual a request computes: code that is not compiled yet. */
  coldness: (served: number) => number = () => 1;
  private served = 0;
  private readonly timers: { at: number; run(): void }[] = [];
  private readonly computing = new Set<Visit>();
  private readonly active = new Set<Visit>();

  constructor({
    cores = 1,
    budgetMs = 1_000,
    max = 256,
    seed = 1,
  }: { cores?: number; budgetMs?: number; max?: number; seed?: number } = {}) {
    this.random = new Random(seed);
    this.cores = () => cores;
    this.shedder = new LoadShedder<Visit>(
      { max, budgets: { money: budgetMs, interactive: budgetMs, bulk: budgetMs }, clock: clockOf(() => this.now) },
      { begin: (visit) => this.begin(visit), refuse: (visit) => this.answer(visit, 'refused') },
    );
    const expire = () => {
      this.shedder.expire();
      this.after(50, expire);
    };
    this.after(50, expire);
  }

  after(ms: number, run: () => void): void {
    const at = this.now + ms;
    let [low, high] = [0, this.timers.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.timers[middle]?.at ?? 0) > at) low = middle + 1;
      else high = middle;
    }
    this.timers.splice(low, 0, { at, run });
  }

  send(work: Work, caller = 'a', onAnswer: Visit['onAnswer'] = () => undefined): void {
    const visit: Visit = {
      work,
      loadClass: work.loadClass,
      caller,
      arrivedAt: this.now,
      peak: 0,
      begunAt: Number.NaN,
      cpuLeft: work.cpuMs(this.random),
      onAnswer,
    };
    if (!this.shedder.arrive(visit)) return this.answer(visit, 'refused');
    if (this.arrivalMs > 0) this.after(this.arrivalMs, () => this.join(visit));
    else this.join(visit);
  }

  private join(visit: Visit): void {
    this.shedder.arrived(visit);
    // As in HTTP: its budget is for waiting.
    visit.arrivedAt = this.now;
    const what = this.shedder.join(visit);
    if (what === 'begins') this.begin(visit);
    else if (what === 'refused') this.answer(visit, 'refused');
  }

  /** Clients that each have one request in flight, and send the next at once; whoever is refused waits as told. */
  closedLoop(work: Work, clients: number, until: number, caller = 'a'): void {
    const next = () => {
      if (this.now >= until) return;
      this.send(work, caller, (status, _at, retryAfter) =>
        this.after(status === 'refused' ? retryAfter * 1_000 : 0.2, next),
      );
    };
    for (let i = 0; i < clients; i++) next();
  }

  /** A Poisson process; nobody waits for answers. */
  openLoop(work: Work, perSecond: number, until: number, caller = 'a'): void {
    const next = () => {
      if (this.now >= until) return;
      this.send(work, caller);
      this.after((-Math.log(1 - this.random.next()) * 1_000) / perSecond, next);
    };
    next();
  }

  run(until: number): void {
    for (;;) {
      const timer = this.timers.at(-1);
      const share = Math.min(1, this.cores(this.now) / Math.max(1, this.computing.size));
      let first: Visit | undefined;
      for (const visit of this.computing) if (!first || visit.cpuLeft < first.cpuLeft) first = visit;
      const doneAt = first ? this.now + first.cpuLeft / share : Number.POSITIVE_INFINITY;
      const at = Math.min(doneAt, timer?.at ?? Number.POSITIVE_INFINITY);
      const to = Math.min(at, until);
      for (const visit of this.computing) visit.cpuLeft -= (to - this.now) * share;
      this.now = to;
      if (at > until) return;
      if (first && doneAt <= (timer?.at ?? Number.POSITIVE_INFINITY)) {
        this.computing.delete(first);
        const visit = first;
        const wait = visit.work.waitMs(this.random, this.now);
        if (wait > 0) this.after(wait, () => this.finish(visit));
        else this.finish(visit);
      } else this.timers.pop()?.run();
    }
  }

  private begin(visit: Visit): void {
    visit.begunAt = this.now;
    visit.cpuLeft *= this.coldness(this.served);
    this.active.add(visit);
    for (const one of this.active) one.peak = Math.max(one.peak, this.active.size);
    this.computing.add(visit);
  }

  private finish(visit: Visit): void {
    this.active.delete(visit);
    this.served++;
    this.shedder.done(visit, {
      route: visit.work.route,
      ms: this.now - visit.begunAt,
      active: visit.peak,
      completed: true,
    });
    this.answer(visit, 'served');
  }

  private answer(visit: Visit, status: 'served' | 'refused'): void {
    const retryAfter = status === 'refused' ? this.shedder.retryAfterSeconds() : 0;
    const { caller, loadClass, arrivedAt, begunAt } = visit;
    this.answers.push({ caller, loadClass, status, arrivedAt, begunAt, at: this.now, retryAfter });
    visit.onAnswer(status, this.now, retryAfter);
  }
}

/** Log-normal with the given mean; `spread` 0 is constant. */
export const around =
  (mean: number, spread: number) =>
  (random: Random): number =>
    mean *
    Math.exp(
      spread * Math.sqrt(-2 * Math.log(1 - random.next())) * Math.cos(2 * Math.PI * random.next()) -
        (spread * spread) / 2,
    );
