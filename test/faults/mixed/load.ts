import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Random } from '../../../src/domain/fraud/random';
import type { Capability, Plan, Violation } from './capability';
import { Caller, type Lines, Tally } from './caller';

/** Where nothing is broken everything is acknowledged; how soon is a matter of the machine. */
const CALM_PATIENCE_MS = 240_000;

/** Numbers of one operation, the same whatever came of those before. */
export function randomOf(seed: number, ...names: (string | number)[]): Random {
  return new Random(
    createHash('sha256')
      .update([seed, ...names].join('/'))
      .digest()
      .readUInt32BE(0),
  );
}

/** One capability under load, until it is stopped. */
export class Load {
  /** Faults of the capability itself while it was used. */
  readonly violations: Violation[] = [];
  private readonly callers: Caller[] = [];
  private journal: unknown;
  private running: Promise<unknown> = Promise.resolve();
  private readonly stopping = new AbortController();
  private poisonings = 0;
  private isCalm = false;

  constructor(
    readonly capability: Capability,
    private readonly lines: Lines,
    private readonly plan: Plan,
  ) {}

  async prepare(): Promise<void> {
    this.journal = await this.capability.prepare(this.caller(), this.plan);
  }

  start(): void {
    this.running = Promise.all(Array.from({ length: this.capability.lanes }, (_, lane) => this.lane(lane)));
  }

  /** Does so many operations, one after another. The lanes have been stopped, or were never started. */
  async run(operations: number): Promise<void> {
    const caller = this.caller();
    for (let operation = 1; operation <= operations; operation++)
      await this.operate(caller, `${this.capability.name}-run-${operation}`);
  }

  /** From now on nothing is broken: what is begun now must be acknowledged. */
  calm(): void {
    this.isCalm = true;
    for (const caller of this.callers) caller.patienceMs = CALM_PATIENCE_MS;
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await this.running;
  }

  async poison(): Promise<number> {
    const id = `poison-${++this.poisonings}`;
    return (await this.capability.poison?.(this.caller(), this.random(id), this.journal, id)) ?? 0;
  }

  get tally(): Tally {
    const sum = new Tally();
    for (const { tally } of this.callers) {
      sum.acknowledged += tally.acknowledged;
      sum.refused += tally.refused;
      sum.unknown += tally.unknown;
      sum.repeated += tally.repeated;
      sum.wrong.push(...tally.wrong);
    }
    return sum;
  }

  verify(reader: Parameters<Capability['verify']>[0]): ReturnType<Capability['verify']> {
    return this.capability.verify(reader, this.journal);
  }

  private async lane(lane: number): Promise<void> {
    const caller = this.caller();
    for (let operation = 1; !this.stopping.signal.aborted; operation++) {
      await this.operate(caller, `${this.capability.name}-${lane}-${operation}`);
      // Woken: the loop ends.
      await sleep(this.capability.pauseMs, undefined, { signal: this.stopping.signal }).catch(() => undefined);
    }
  }

  private async operate(caller: Caller, id: string): Promise<void> {
    const [wasCalm, before] = [this.isCalm, caller.tally.abandoned];
    await this.capability.operate(caller, this.random(id), this.journal, id);
    if (wasCalm && caller.tally.abandoned > before)
      this.violations.push({
        operation: id,
        acknowledged: 'nothing was broken any more',
        found: 'no answer, or 503, for as long as it was sent again',
      });
  }

  private caller(): Caller {
    const caller = new Caller(this.lines);
    if (this.isCalm) caller.patienceMs = CALM_PATIENCE_MS;
    this.callers.push(caller);
    return caller;
  }

  private random(id: string): Random {
    return randomOf(this.plan.seed, this.capability.name, id);
  }
}
