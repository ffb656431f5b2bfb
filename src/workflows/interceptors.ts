import {
  ContinueAsNew,
  type Headers,
  isCancellation,
  proxySinks,
  type Sinks,
  workflowInfo,
  type WorkflowInterceptorsFactory,
} from '@temporalio/workflow';
import { type Carrier, carrierOfRun, parseTraceparent } from '../domain/platform/carrier';
import { type RunShielded, shieldFromCancellation, watchBody } from './cancellation';
import { carrierHeader, carrierIn } from '../domain/platform/carrierHeader';
import { heldStep, holds } from './refusals';

/** The end of a run whose trace is recorded. */
export interface EndedRun {
  /** Of whoever started it: its span is the parent of the run's. */
  traceparent: string;
  /** Epoch ms. */
  endedAt: number;
  outcome: 'completed' | 'continued' | 'cancelled' | 'failed';
}

export interface RunSinks extends Sinks {
  runs: { ended(run: EndedRun): void };
}

/**
 * Hands on what a workflow was told by whoever started it (its request's id, its trace) to its activities, children and
 * next run, and reports the end of a run that is traced. Headers are no part of what a replay compares; nothing here
 * waits, makes a command or takes a random number, so that histories go on the same with and without it.
 *
 * Also keeps a cancellation away from the body and the handlers of a lifecycle (decision 0034), and lets a lifecycle
 * hold at
 * a step that is refused for good (decision 0032).
 */
export const interceptors: WorkflowInterceptorsFactory = () => {
  let carrier: Carrier | undefined;
  let shield: RunShielded | undefined;
  // A handler may run before the body does.
  const shielded: RunShielded = (work) => (shield ??= shieldFromCancellation())(work);
  const handedOn = <T extends { readonly headers: Headers }>(input: T): T =>
    carrier === undefined
      ? input
      : { ...input, headers: { ...input.headers, ...carrierHeader(carrierOfRun(carrier, workflowInfo().runId)) } };
  return {
    inbound: [
      {
        execute(input, next) {
          carrier = carrierIn(input.headers);
          const run = shielded(() => watchBody(next(input)));
          const traceparent = carrier?.traceparent;
          if (traceparent !== undefined && parseTraceparent(traceparent)?.sampled) report(run, traceparent);
          return run;
        },
        handleSignal: (input, next) => shielded(() => next(input)),
        handleUpdate: (input, next) => shielded(() => next(input)),
      },
    ],
    outbound: [
      {
        scheduleActivity: (input, next) =>
          holds() ? heldStep(input.activityType, () => next(handedOn(input))) : next(handedOn(input)),
        scheduleLocalActivity: (input, next) => next(handedOn(input)),
        startChildWorkflowExecution: (input, next) => next(handedOn(input)),
        continueAsNew: (input, next) => next(handedOn(input)),
      },
    ],
  };
};

function report(run: Promise<unknown>, traceparent: string): void {
  const { runs } = proxySinks<RunSinks>();
  const ended = (outcome: EndedRun['outcome']) => runs.ended({ traceparent, endedAt: Date.now(), outcome });
  run.then(
    () => ended('completed'),
    (error: unknown) =>
      ended(error instanceof ContinueAsNew ? 'continued' : isCancellation(error) ? 'cancelled' : 'failed'),
  );
}
