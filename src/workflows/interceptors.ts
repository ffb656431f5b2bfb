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

/** The end of a run in a recorded trace. */
export interface EndedRun {
  /** The trace of the workflow's starter; its span is the parent of the run's span. */
  traceparent: string;
  /** Epoch ms. */
  endedAt: number;
  outcome: 'completed' | 'continued' | 'cancelled' | 'failed';
}

/** The sinks of workflow code. */
export interface RunSinks extends Sinks {
  runs: { ended(run: EndedRun): void };
}

/**
 * Workflow interceptors. They pass the carrier of a workflow's start (request id, trace) to its activities, children
 * and next run, and report the end of a traced run. A replay does not compare headers, and this code neither waits nor
 * creates commands nor uses randomness, so histories replay with and without it.
 *
 * They also shield the body and the handlers of a lifecycle from cancellation (decision 0034), and let a lifecycle hold
 * at a step that is refused permanently (decision 0032).
 */
export const interceptors: WorkflowInterceptorsFactory = () => {
  let carrier: Carrier | undefined;
  let shield: RunShielded | undefined;
  // Created on first use, because a handler can run before the body.
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
