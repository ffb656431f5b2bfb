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
 * This module's variables belong to one workflow execution: the sandbox gives each execution its own module instance.
 */
let requestedAt: number | undefined;
let lastDetails = '';
/** Notes above the details, by subject. */
const notes = new Map<string, string>();
const listeners: (() => void)[] = [];
let bodyHasEnded = false;

/**
 * Shows a workflow's details (Markdown) in the Web UI, below the notes and a notice of a requested cancellation. Every
 * workflow shows its details through this function.
 */
export function showDetails(details: string): void {
  lastDetails = details;
  setCurrentDetails(withNote(details));
}

/** Calls `listener` when somebody requests a cancellation of this workflow, for lifecycles that record it. */
export function onCancellationRequested(listener: () => void): void {
  listeners.push(listener);
}

/** Shows a note above the details, or removes it if `note` is undefined. */
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
 * Records that the workflow's body has ended. It adds no step between that end and the command that completes the
 * workflow.
 */
export function watchBody<T>(body: Promise<T>): Promise<T> {
  const ended = (): void => void (bodyHasEnded = true);
  void body.then(ended, ended);
  return body;
}

/** Runs a workflow's body or one of its handlers inside the shielding scope. */
export type RunShielded = <T>(work: () => Promise<T>) => Promise<T>;

/**
 * Returns a scope for the body and the handlers of a workflow whose rule is to continue after a cancellation. For a
 * type that may be cancelled it is the workflow's own scope. It adds no command to a history without a cancellation.
 */
export function shieldFromCancellation(): RunShielded {
  const { workflowType } = workflowInfo();
  if (lifecycleRule(workflowType)?.cancelled !== 'continues') return (work) => work();
  const root = CancellationScope.current();
  // This scope can be cancelled by this function but not by the root: its parent does not propagate cancellation.
  const body = new CancellationScope({ cancellable: true, parent: new CancellationScope({ cancellable: false }) });
  root.cancelRequested.catch(() => {
    // Race: the cancellation arrives in the task that completes the workflow. The server refuses a task with a marker
    // command after the completion. A replay reaches this line only if the history has the marker.
    if (bodyHasEnded && !workflowInfo().unsafe.isReplaying) return;
    // A workflow that was cancelled before this patch has commands of the old behaviour in its history.
    if (!patched('outlives-cancellation')) return body.cancel();
    requestedAt = Date.now();
    setCurrentDetails(withNote(lastDetails));
    void body.run(async () => {
      for (const listener of listeners) listener();
    });
  });
  return (work) => body.run(work);
}

/** Returns whether somebody terminated or cancelled a child workflow, so that its parent must restart it. */
export function wasStoppedFromOutside(error: unknown): boolean {
  return (
    error instanceof ChildWorkflowFailure &&
    (error.cause instanceof TerminatedFailure || error.cause instanceof CancelledFailure)
  );
}
