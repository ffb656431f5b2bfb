import { z } from 'zod';
import { cron, duration, HOUR, integer } from './values';

/** Settings of decisions, their models, and investigations. */
export const fraudSettings = {
  LONGWATCH_TRANSACTIONS_STREAM: z
    .string()
    .regex(/^[A-Za-z0-9_.-]{1,128}$/, 'must be the name of a Kinesis stream')
    .optional()
    .describe('Kinesis stream of payments to decide. Default: longwatch-transactions; with LONGWATCH_AWS none'),
  LONGWATCH_STREAM_BATCH: integer(300, 1, 1_000).describe(
    'Maximum number of payments of a stream that are decided together, with one scoring call',
  ),
  LONGWATCH_STREAM_MODEL_DEADLINE_MS: integer(5_000, 1, 60_000).describe(
    'Time that the model has to score a batch of a stream',
  ),
  LONGWATCH_STREAM_WITHOUT_MODEL: z
    .enum(['degrade', 'wait'])
    .default('degrade')
    .describe(
      'What stream readers do while the model is unavailable: degrade: decide by the rules alone and ' +
        'rescore later; wait: wait for the model',
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
    .describe(
      'Further models (challengers) that the embedded SageMaker endpoint serves, as endpoint=path, comma ' +
        'separated',
    ),
  LONGWATCH_MODEL_DEADLINE_MS: duration(80).describe('Time that the model has to score the payment of a request'),
  LONGWATCH_DECISION_DEADLINE_MS: duration(250).describe('Time that a whole decision may take'),
  LONGWATCH_RESCORE_AFTER_MS: duration(30_000).describe(
    'Time after a decision without the model at which it is first rescored',
  ),
  LONGWATCH_DRIFT_BASELINES: z
    .string()
    .optional()
    .describe(
      'Baseline files of further models, as train writes them (….baseline.json), comma separated; the ' +
        'shipped model’s is always loaded',
    ),
  LONGWATCH_DRIFT_MIN_DECISIONS: integer(1_000, 1, 1_000_000_000).describe(
    'Minimum number of decisions to compare with a baseline',
  ),
  LONGWATCH_DRIFT_REPORT_CRON: cron('0 6 * * *').describe('Cron (UTC) of the drift report'),
  LONGWATCH_DRIFT_REPORT_DAYS: integer(7, 1, 90).describe('Days that the drift report covers'),
  LONGWATCH_USER_HOLD_MS: duration(30 * 24 * HOUR).describe(
    'Time for which a user’s payments are held after a confirmed fraud',
  ),
  LONGWATCH_ANSWER_WITHIN_MS: duration(24 * HOUR).describe('Time that a customer has to answer “was this you?”'),
  LONGWATCH_SLA_WARNING_MS: duration(3 * HOUR).describe('Time after which an open review sends a warning'),
  LONGWATCH_SLA_BREACH_MS: duration(4 * HOUR).describe(
    'Time after which an open review breaches its SLA and is escalated',
  ),
  LONGWATCH_FINAL_AFTER_MS: duration(72 * HOUR).describe(
    'Time after which LONGWATCH_FINAL_POLICY applies to an open review',
  ),
  LONGWATCH_FINAL_POLICY: z
    .enum(['keep', 'release', 'confirm'])
    .default('keep')
    .describe(
      'Final policy of a review: keep: stays open, with reminders; release: closed as genuine; confirm: ' +
        'closed as fraud',
    ),
  LONGWATCH_REMIND_EVERY_MS: duration(24 * HOUR).describe('Interval of the reminders with the final policy keep'),
  LONGWATCH_FOUR_EYES_ABOVE: integer(100_000, 0, Number.MAX_SAFE_INTEGER).describe(
    'Amount in minor units from which a decision on a case needs a second person (four-eyes approval)',
  ),
};
