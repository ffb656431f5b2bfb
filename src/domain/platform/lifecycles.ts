import { child, job, standing, type Lifecycles } from './lifecycle';

/** The lifecycle rules of the platform's workflow types; decision 0034 has the reasons. */
export const platformLifecycles = {
  relay: standing('The outbox relay never ends: it dispatches outbox entries.'),
  reconciler: standing('The reconciler never ends: it restarts lost workflows.'),
  reconciliation: job(
    'schedule',
    'The next scheduled reconciliation, or POST /v1/reconciliations, checks everything again.',
  ),
  stream: standing('The stream reader never ends; LONGWATCH_STREAMS_BY selects what reads streams.'),
  shard: child('The shard reader ends when the shard ends.'),
  redrive: job('nobody', 'Start another redrive to process the remaining dead letters: POST /v1/dead-letters/redrive.'),
} as const satisfies Lifecycles;
