import { ContinueAsNew, type Headers, isCancellation, proxySinks, type Sinks, workflowInfo, type WorkflowInterceptorsFactory } from '@temporalio/workflow';
import { type Carrier, carrierOfRun, parseTraceparent } from '../domain/carrier';
import { carrierHeader, carrierIn } from './carrierHeader';

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
 */
export const interceptors: WorkflowInterceptorsFactory = () => {
  let carrier: Carrier | undefined;
  const handedOn = <T extends { readonly headers: Headers }>(input: T): T =>
    carrier === undefined ? input : { ...input, headers: { ...input.headers, ...carrierHeader(carrierOfRun(carrier, workflowInfo().runId)) } };
  return {
    inbound: [
      {
        execute(input, next) {
          carrier = carrierIn(input.headers);
          const run = next(input);
          const traceparent = carrier?.traceparent;
          if (traceparent !== undefined && parseTraceparent(traceparent)?.sampled) report(run, traceparent);
          return run;
        },
      },
    ],
    outbound: [
      {
        scheduleActivity: (input, next) => next(handedOn(input)),
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
    (error: unknown) => ended(error instanceof ContinueAsNew ? 'continued' : isCancellation(error) ? 'cancelled' : 'failed'),
  );
}
