import { Context } from '@temporalio/activity';
import type { WorkflowHandle } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { eventually } from './eventually';
import type { TestGraph } from './graph';
import { answerOf, type ScriptedRun } from './scriptedWorkers';

/** Where a workflow is terminated: before the effect of a call, or behind the effect, whose answer is lost. */
export interface Point {
  call: number;
  when: 'before' | 'behind';
}

/** A termination that waits for its workflow to come to a point. Runs after that one are left alone. */
export interface Termination {
  /** Of the workflow; with `*` at its end, of the first one whose id begins so. */
  workflowId: string;
  point?: Point | undefined;
  /** Calls of the first run so far. */
  calls: number;
  /** The workflow that was terminated. */
  terminated?: string;
}

/** Activities in which workflows are terminated, and in which scripts answer for those workflows that have one. */
export class Terminations {
  private readonly all: Termination[] = [];
  private readonly scripts = new Map<string, ScriptedRun>();

  constructor(private readonly handle: (id: string) => WorkflowHandle) {}

  /** @param point Without one the calls are counted, and nothing is terminated. */
  at(workflowId: string, point?: Point): Termination {
    const termination: Termination = { workflowId, point, calls: 0 };
    this.all.push(termination);
    return termination;
  }

  script(run: ScriptedRun, workflowIds: readonly string[]): void {
    for (const workflowId of workflowIds) this.scripts.set(workflowId, run);
  }

  through(activities: TestGraph['activities']): TestGraph['activities'] {
    const wrapped = Object.entries(activities).map(([queue, of]) => {
      const works = Object.entries(of as Record<string, (...args: unknown[]) => unknown>);
      const through = works.map(([name, work]) => {
        return [name, (...args: unknown[]) => this.call(name, () => work(...args))] as const;
      });
      return [queue, Object.fromEntries(through)];
    });
    return Object.fromEntries(wrapped) as TestGraph['activities'];
  }

  private async call(name: string, work: () => unknown): Promise<unknown> {
    const workflowId = Context.current().info.workflowExecution?.workflowId ?? '';
    const script = this.scripts.get(workflowId);
    const answer = () => (script ? answerOf(script, name, Date.now()) : work());
    const termination = this.all.find((one) => one.terminated === undefined && isMeant(one.workflowId, workflowId));
    if (!termination || ++termination.calls !== termination.point?.call) return answer();
    termination.terminated = workflowId;
    const terminate = () => this.handle(workflowId).terminate('by a test');
    if (termination.point.when === 'before') {
      await terminate();
      throw ApplicationFailure.nonRetryable('the workflow was terminated');
    }
    const given = await answer();
    await terminate();
    return given;
  }
}

const isMeant = (wanted: string, workflowId: string): boolean =>
  wanted.endsWith('*') ? workflowId.startsWith(wanted.slice(0, -1)) : workflowId === wanted;

/** Waits until a workflow has done a task and has nothing to do: it waits for time, or for somebody. */
export async function isIdle(handle: WorkflowHandle): Promise<void> {
  await eventually(
    async () => (await handle.describe().catch(() => undefined))?.raw,
    (raw) => {
      const hasBegun = Number(raw?.workflowExecutionInfo?.historyLength) > 3;
      return hasBegun && !raw?.pendingWorkflowTask && !raw?.pendingActivities?.length;
    },
  );
}
