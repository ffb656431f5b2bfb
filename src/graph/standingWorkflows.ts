import { PLATFORM_QUEUE, RELAY_ID, RELAY_TYPE, STREAM_TYPE, streamWorkflowId } from '../domain/platform/workflows';
import type { CapabilityInstance, ReadStream, Services, StandingWorkflow } from './capability';
import { reconcilerWorkflow } from './reconciler';

/**
 * Returns the workflows that always run: the reconciler, the outbox relay, those of the capabilities, and a reader for
 * each stream unless Lambda reads the streams (`LONGWATCH_STREAMS_BY`).
 */
export function standingWorkflows(
  { config }: Services,
  streams: readonly ReadStream[],
  instances: readonly CapabilityInstance[],
): StandingWorkflow[] {
  return [
    {
      type: RELAY_TYPE,
      workflowId: RELAY_ID,
      taskQueue: PLATFORM_QUEUE,
      args: [],
      staticSummary: 'Dispatches outbox entries',
    },
    ...(config.LONGWATCH_STREAMS_BY === 'workflow' ? streams.map(readerOf) : []),
    ...instances.flatMap((instance) => instance.standing),
    // The last to start: it reports each of the others that it finds missing.
    reconcilerWorkflow,
  ];
}

const readerOf = ({ name, summary }: ReadStream): StandingWorkflow => ({
  type: STREAM_TYPE,
  workflowId: streamWorkflowId(name),
  taskQueue: PLATFORM_QUEUE,
  args: [{ stream: name }],
  staticSummary: summary,
});
