import { child, job, standing, type Lifecycles } from './lifecycle';

/** The lifecycle rules of the platform's workflow types; decision 0034 has the reasons. */
export const platformLifecycles = {
  relay: standing('The relay never ends: it starts the workflows that requests recorded in the ledger.'),
  reconciler: standing('The reconciler never ends: it starts lost workflows again.'),
  reconciliation: job('schedule', 'The next scheduled look, or POST /v1/reconciliations, looks at everything again.'),
  stream: standing('The reader of a stream never ends; LONGWATCH_STREAMS_BY says who reads streams.'),
  shard: child('The reader of a shard ends when the shard does.'),
  redrive: job('nobody', 'Redrive again to process the dead letters that are left: POST /v1/dead-letters/redrive.'),
} as const satisfies Lifecycles;
