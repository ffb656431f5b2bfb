import { setTimeout as sleep } from 'node:timers/promises';
import type { Deployment } from './deployment';
import { type Fault, faultName, type WireName } from './faults';

/** Carries out the faults of a plan, each at its time. */
export class Injection {
  /** What was done, by name. */
  readonly done = new Map<string, number>();
  /** Workflows that were cancelled and terminated, by type. */
  readonly stopped = new Map<string, number>();
  private readonly underWay = new Set<Promise<void>>();
  /** By wire and for the model: whose turn it is to mend it. */
  private readonly latest = new Map<string, Fault>();

  constructor(
    private readonly deployment: Deployment,
    private readonly poison: () => Promise<number>,
    private readonly onFault: (fault: Fault) => void,
  ) {}

  /**
   * Resolves when every fault is over and everything is up again. @throws StartError when a process does not come up.
   */
  async run(faults: readonly Fault[]): Promise<void> {
    const started = Date.now();
    for (const fault of faults) {
      await sleep(Math.max(0, started + fault.at - Date.now()));
      this.onFault(fault);
      const name = faultName(fault);
      this.done.set(name, (this.done.get(name) ?? 0) + 1);
      const doing: Promise<void> = this.carryOut(fault).finally(() => this.underWay.delete(doing));
      this.underWay.add(doing);
      doing.catch(() => undefined); // Thrown where it is awaited.
    }
    await Promise.all(this.underWay);
    await Promise.all(Object.values(this.deployment.processes).map((one) => one.up()));
  }

  private async carryOut(fault: Fault): Promise<void> {
    const { processes, wires, model } = this.deployment;
    switch (fault.kind) {
      case 'kill':
        return processes[fault.what].kill(fault.downMs);
      case 'delay':
        return this.broken(fault, fault.what, fault.forMs, () => wires[fault.what].delay(fault.byMs));
      case 'drop':
      case 'cut':
        return this.broken(fault, fault.what, fault.forMs, () => wires[fault.what][fault.kind]());
      case 'reset':
        return wires[fault.what].reset();
      case 'model':
        this.latest.set('behaviour', fault);
        model.behaviour = fault.how;
        await sleep(fault.forMs);
        if (this.latest.get('behaviour') === fault) model.behaviour = undefined;
        return;
      case 'workflow':
        return this.stopWorkflow(fault.what, fault.which);
      case 'poison':
        return void (await this.poison());
    }
  }

  /** A type first, then one of its workflows: else those of which there are thousands would keep the others whole. */
  private async stopWorkflow(what: 'cancel' | 'terminate', which: number): Promise<void> {
    const { temporal } = this.deployment;
    const all = new Map<string, string[]>();
    try {
      for await (const { type, workflowId } of temporal.workflow.list({ query: "ExecutionStatus = 'Running'" }))
        all.set(type, [...(all.get(type) ?? []), workflowId]);
      const types = [...all.keys()].sort();
      const share = which * types.length;
      const type = types[Math.floor(share)];
      const ids = all.get(type ?? '')?.sort() ?? [];
      const workflowId = ids[Math.floor((share % 1) * ids.length)];
      if (type === undefined || workflowId === undefined) return;
      this.stopped.set(`${what} ${type}`, (this.stopped.get(`${what} ${type}`) ?? 0) + 1);
      const handle = temporal.workflow.getHandle(workflowId);
      await (what === 'cancel' ? handle.cancel() : handle.terminate('fault injection'));
    } catch {
      // Temporal is down just now, or the workflow has ended: no fault then.
    }
  }

  /** A later fault of the same wire takes its place. */
  private async broken(fault: Fault, wire: WireName, forMs: number, breakIt: () => void): Promise<void> {
    this.latest.set(wire, fault);
    breakIt();
    await sleep(forMs);
    if (this.latest.get(wire) === fault) this.deployment.wires[wire].mend();
  }
}
