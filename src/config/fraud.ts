import { z } from 'zod';
import { cron, duration, HOUR, integer } from './values';

/** Settings of decisions, their models, and investigations. */
export const fraudSettings = {
  LONGWATCH_TRANSACTIONS_STREAM: z
    .string()
    .regex(/^[A-Za-z0-9_.-]{1,128}$/, 'must be the name of a Kinesis stream')
    .optional()
    .describe(
      'Kinesis stream of transactions to decide; default longwatch-transactions, but with LONGWATCH_AWS none is ' +
        'read unless this names it',
    ),
  LONGWATCH_STREAM_BATCH: integer(300, 1, 1_000).describe(
    'Transactions of a stream that are decided at once, with one scoring call',
  ),
  LONGWATCH_STREAM_MODEL_DEADLINE_MS: integer(5_000, 1, 60_000).describe(
    'Time that the model has for a batch of a stream',
  ),
  LONGWATCH_STREAM_WITHOUT_MODEL: z
    .enum(['degrade', 'wait'])
    .default('degrade')
    .describe(
      'Stream while the model is away: degrade: decide by the rules alone and score again later; wait: for the model',
    ),
  SAGEMAKER_ENDPOINT_NAME: z.string().default('longwatch-fraud').describe('Name of the SageMaker endpoint'),
  LONGWATCH_LOCAL_MODELS: z
    .string()
    .regex(/^([A-Za-z0-9-]+=[^,=]+)(,[A-Za-z0-9-]+=[^,=]+)*$/, 'must be endpoint=path, comma separated')
    .transform((list) =>
      list.split(',').map((one) => ({ endpoint: one.split('=')[0] as string, path: one.split('=')[1] as string })),
    )
    .optional()
    .transform((list) => list ?? [])
    .describe('Further models that the embedded endpoint serves, as endpoint=path, comma separated: challengers'),
  LONGWATCH_MODEL_DEADLINE_MS: duration(80).describe('Time that the model has to answer a request'),
  LONGWATCH_DECISION_DEADLINE_MS: duration(250).describe('Time that a whole decision may take'),
  LONGWATCH_RESCORE_AFTER_MS: duration(30_000).describe('When a degraded decision is first scored again'),
  LONGWATCH_DRIFT_BASELINES: z
    .string()
    .optional()
    .describe(
      'Baselines of models, as train writes them (….baseline.json), comma separated; that of the model that ' +
        'ships is there',
    ),
  LONGWATCH_DRIFT_MIN_DECISIONS: integer(1_000, 1, 1_000_000_000).describe(
    'Fewer decisions than this are not compared with a baseline',
  ),
  LONGWATCH_DRIFT_REPORT_CRON: cron('0 6 * * *').describe('When the drift report runs, cron in UTC'),
  LONGWATCH_DRIFT_REPORT_DAYS: integer(7, 1, 90).describe('Days that the drift report looks at'),
  LONGWATCH_USER_HOLD_MS: duration(30 * 24 * HOUR).describe('How long a user is held after a confirmed fraud'),
  LONGWATCH_ANSWER_WITHIN_MS: duration(24 * HOUR).describe('How long a customer has to answer "was this you?"'),
  LONGWATCH_SLA_WARNING_MS: duration(3 * HOUR).describe('Review: warning after'),
  LONGWATCH_SLA_BREACH_MS: duration(4 * HOUR).describe('Review: breach and escalation after'),
  LONGWATCH_FINAL_AFTER_MS: duration(72 * HOUR).describe('Review: final policy after'),
  LONGWATCH_FINAL_POLICY: z
    .enum(['keep', 'release', 'confirm'])
    .default('keep')
    .describe('keep: hold and remind; release: close as genuine; confirm: close as fraud'),
  LONGWATCH_REMIND_EVERY_MS: duration(24 * HOUR).describe('Final policy keep: reminder interval'),
  LONGWATCH_FOUR_EYES_ABOVE: integer(100_000, 0, Number.MAX_SAFE_INTEGER).describe(
    'Amount in minor units from which a decision needs two people',
  ),
};
