import {
  CancellationScope,
  CancelledFailure,
  ChildWorkflowFailure,
  patched,
  setCurrentDetails,
  TerminatedFailure,
  workflowInfo,
} from '@temporalio/workflow';
import { iso } from '../domain/ids';
import { lifecycleRule } from './lifecycles';

/*
 * Module state is the state of one execution: the sandbox gives every workflow its own instance of this module.
 */
let requestedAt: number | undefined;
let lastDetails = '';
/** Steps that are held, by activity. */
const notes = new Map<string, string>();
const listeners: (() => void)[] = [];
let bodyHasEnded = false;

/**
 * Shows a workflow's details (Markdown) in the Web UI, with a note above them when somebody asked to cancel the
 * workflow. Every workflow shows its details through this.
 */
export function showDetails(details: string): void {
  lastDetails = details;
  setCurrentDetails(withNote(details));
}

/** Calls `listener` when somebody asks to cancel this workflow, for lifecycles that record it in their row. */
export function onCancellationRequested(listener: () => void): void {
  listeners.push(listener);
}

/** Shows a note above the details, or takes it away. */
export function noteOnPage(about: string, note: string | undefined): void {
  if (note === undefined) notes.delete(about);
  else notes.set(about, note);
  setCurrentDetails(withNote(lastDetails));
}

function withNote(details: string): string {
  const noted = [...notes.values(), details].filter((part) => part !== '').join('\n\n');
  if (requestedAt === undefined) return noted;
  const { instead = '' } = lifecycleRule(workflowInfo().workflowType) ?? {};
  return [`> **Cancellation was requested at ${iso(requestedAt)}. It does not end this workflow.** ${instead}`, noted]
    .filter((part) => part !== '')
    .join('\n\n');
}

/**
 * Notes when the workflow's body has ended, without a step between its end and the command that completes the workflow.
 */
export function watchBody<T>(body: Promise<T>): Promise<T> {
  const ended = (): void => void (bodyHasEnded = true);
  void body.then(ended, ended);
  return body;
}

/** Runs a workflow's body, or a handler of it. */
export type RunShielded = <T>(work: () => Promise<T>) => Promise<T>;

/**
 * A scope for the body and the handlers of a workflow that outlives cancellation; for a type that a person may stop it
 * is the workflow's own scope. Adds no command to a history in which nobody cancelled.
 */
export function shieldFromCancellation(): RunShielded {
  const { workflowType } = workflowInfo();
  if (lifecycleRule(workflowType)?.cancelled !== 'continues') return (work) => work();
  const root = CancellationScope.current();
  // Cancellable by us, but not by the root: its parent does not hand cancellation on.
  const body = new CancellationScope({ cancellable: true, parent: new CancellationScope({ cancellable: false }) });
  root.cancelRequested.catch(() => {
    // Race: the cancellation comes in the task that completes the workflow. The server refuses a task with a marker
    // behind
    // the completion. In a replay the marker is called for only where the history has it.
    if (bodyHasEnded && !workflowInfo().unsafe.isReplaying) return;
    // A workflow that was cancelled under the code before this one has commands of that in its history.
    if (!patched('outlives-cancellation')) return body.cancel();
    requestedAt = Date.now();
    setCurrentDetails(withNote(lastDetails));
    void body.run(async () => {
      for (const listener of listeners) listener();
    });
  });
  return (work) => body.run(work);
}

/** Whether a child workflow ended because somebody terminated or cancelled it, so that its parent starts it again. */
export function wasStoppedFromOutside(error: unknown): boolean {
  return (
    error instanceof ChildWorkflowFailure &&
    (error.cause instanceof TerminatedFailure || error.cause instanceof CancelledFailure)
  );
}
