import { Context } from '@temporalio/activity';
import { defined } from '../../domain/defined';
import type { DeadLetters } from '../../operations/platform/deadLetters/deadLetters';
import type { ReconciliationProgress } from '../../operations/platform/reconciliation/reconciler';
import type { Consumer } from '../../operations/platform/streams/consumer';
import { asFailure } from '../failures';
import { within } from '../../timing/deadline';
import type { ReconciliationLoop } from '../../operations/platform/reconciliation/reconciliationLoop';
import type { Relay } from '../../operations/platform/outbox/relay';
import type { PlatformActivities } from './types';
import type { LettersReport } from '../../domain/platform/streams';

/** The operations that the activities of the platform use. */
export interface PlatformParts {
  relay: Relay;
  /** By stream name. */
  consumers: Readonly<Record<string, Pick<Consumer<never>, 'openShards' | 'consume'>>>;
  deadLetters: Pick<DeadLetters, 'redriveAll'>;
  reconciliation: ReconciliationLoop;
  /** Duration of one attempt of a long activity in milliseconds; default an hour. */
  attemptMs?: number;
}

const HOUR_MS = 60 * 60_000;

/** Returns the activities of the platform. */
export function platformActivities(parts: PlatformParts): PlatformActivities {
  const forMs = parts.attemptMs ?? HOUR_MS;
  const consumerOf = (stream: string) => {
    const consumer = parts.consumers[stream];
    if (!consumer) throw new Error(`No consumer for stream ${stream} in this worker`);
    return consumer;
  };
  return {
    payDebts: () =>
      longAttempt((signal) =>
        parts.relay.run({ signal, forMs, heartbeat: (report) => Context.current().heartbeat(report) }),
      ),
    keepReconciled: () =>
      longAttempt((signal) =>
        parts.reconciliation.keep({ signal, forMs, heartbeat: () => Context.current().heartbeat() }),
      ),
    reconcile: (mode) =>
      longAttempt((signal) =>
        parts.reconciliation.once(mode, {
          signal,
          from: Context.current().info.heartbeatDetails as ReconciliationProgress | undefined,
          heartbeat: (progress) => Context.current().heartbeat(progress),
        }),
      ),
    openShards: (stream) => asFailure(() => consumerOf(stream).openShards()),
    consumeShard: (stream, shardId, askedMs = HOUR_MS) =>
      longAttempt((signal) =>
        consumerOf(stream).consume(shardId, {
          signal,
          forMs: Math.min(forMs, askedMs),
          heartbeat: (progress) => Context.current().heartbeat(progress),
        }),
      ),
    redriveLetters: (stream, cursor) =>
      longAttempt((signal) => {
        // Continues from the last heartbeat of the previous attempt.
        const before = Context.current().info.heartbeatDetails as LettersReport | undefined;
        const { redriven = 0, left = 0, cursor: from = cursor } = before ?? {};
        const withBefore = (report: LettersReport) => ({
          ...report,
          redriven: report.redriven + redriven,
          left: report.left + left,
        });
        return within(signal, forMs, async (stop) =>
          withBefore(
            await parts.deadLetters.redriveAll(stream, {
              ...defined({ cursor: from }),
              signal: stop,
              progress: (report) => Context.current().heartbeat(withBefore(report)),
            }),
          ),
        );
      }),
  };
}

/**
 * Runs a long activity. On a shutdown of the worker, or a cancellation of the workflow, it stops between two batches.
 * Then the attempt fails in place of returning its report, so that another worker continues at once.
 */
async function longAttempt<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const context = Context.current();
  const result = await asFailure(() => work(context.cancellationSignal));
  context.cancellationSignal.throwIfAborted();
  return result;
}
