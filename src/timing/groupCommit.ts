import { AsyncResource } from 'node:async_hooks';

/** The settings of {@link GroupCommit}. */
export interface GroupSettings<Q> {
  /** Maximum weight of a group of several requests. */
  limit: number;
  /** Returns the weight of a request. Default: 1. */
  weightOf?(request: Q): number;
  /** Maximum number of groups in flight. */
  maxInFlight: number;
  /** Whether a failure may be the fault of one request. Then each request of the group is repeated alone. */
  isOfOne(error: unknown): boolean;
}

interface Waiting<Q, A> {
  request: Q;
  weight: number;
  since: number;
  /** The context of the request. The call of a group belongs to the trace and the log lines of its first request. */
  scope: AsyncResource;
  answer(this: void, answer: A | PromiseLike<A>): void;
  fail(this: void, error: unknown): void;
}

/** Weight of the last call in the typical duration. */
const SMOOTHING = 0.2;

/**
 * Makes one call for requests that come at the same time, as the group commit of a database does. While nothing is in
 * flight, a request leaves at once. While a call is in flight, requests wait and leave together when it ends, when they
 * fill a group, or when they have waited as long as a call typically takes, so that a stalled call delays only its own
 * group. Groups keep the order of the requests.
 */
export class GroupCommit<Q, A> {
  private waiting: Waiting<Q, A>[] = [];
  private inFlight = 0;
  private typicalMs = 0;
  private isScheduled = false;
  private timer: NodeJS.Timeout | undefined;

  /**
   * @param call makes the call for a group. Returns one answer for each request, in their order; an answer may be a
   *   promise, so that one request can take longer or fail alone.
   */
  constructor(
    private readonly call: (group: readonly Q[]) => Promise<readonly (A | PromiseLike<A>)[]>,
    private readonly settings: GroupSettings<Q>,
  ) {}

  /** Makes a request in a group. @throws the error of the group's call, or of its own if it was repeated alone */
  submit(request: Q): Promise<A> {
    return new Promise((answer, fail) => {
      const { weightOf = () => 1 } = this.settings;
      const scope = new AsyncResource('GroupCommit');
      this.waiting.push({ request, weight: weightOf(request), since: performance.now(), scope, answer, fail });
      this.schedule();
    });
  }

  /** Waits for the end of the turn of the event loop, because requests of one turn belong together. */
  private schedule(): void {
    if (this.isScheduled) return;
    this.isScheduled = true;
    setImmediate(() => {
      this.isScheduled = false;
      this.dispatch();
    });
  }

  private dispatch(): void {
    clearTimeout(this.timer);
    const { limit, maxInFlight } = this.settings;
    while (this.waiting.length > 0 && this.inFlight < maxInFlight) {
      const { size, isFull } = nextGroup(this.waiting, limit);
      const dueInMs = (this.waiting[0] as Waiting<Q, A>).since + this.typicalMs - performance.now();
      if (this.inFlight > 0 && !isFull && dueInMs > 0) {
        this.timer = setTimeout(() => this.dispatch(), dueInMs);
        return;
      }
      void this.send(this.waiting.splice(0, size));
    }
  }

  private async send(group: readonly Waiting<Q, A>[]): Promise<void> {
    this.inFlight++;
    const started = performance.now();
    try {
      await this.answer(group);
    } catch (error) {
      if (group.length > 1 && this.settings.isOfOne(error))
        await Promise.all(group.map((one) => this.answer([one]).catch(one.fail)));
      else for (const { fail } of group) fail(error);
    } finally {
      this.inFlight--;
      this.typicalMs += SMOOTHING * (performance.now() - started - this.typicalMs);
      if (this.waiting.length > 0) this.schedule();
    }
  }

  private async answer(group: readonly Waiting<Q, A>[]): Promise<void> {
    const [first] = group;
    const answers = await first?.scope.runInAsyncScope(() => this.call(group.map(({ request }) => request)));
    if (answers?.length !== group.length)
      throw new RangeError(`${answers?.length} answers for a group of ${group.length}`);
    for (const [i, { answer }] of group.entries()) answer(answers[i] as A | PromiseLike<A>);
  }
}

/** Returns how many of the requests make the next group, and whether no further request fits into it. */
function nextGroup(waiting: readonly { weight: number }[], limit: number): { size: number; isFull: boolean } {
  let weight = 0;
  for (const [size, one] of waiting.entries()) {
    weight += one.weight;
    if (weight > limit && size > 0) return { size, isFull: true };
  }
  return { size: waiting.length, isFull: weight >= limit };
}
