import { isIP } from 'node:net';
import ms from 'ms';
import { z } from 'zod';
import { parseQuietHours } from './domain/carts/preferences';

/**
 * The only reader of the environment. Every variable is listed here with its default and meaning;
 * a fault names the variable, what was found and what is wanted, and all faults are reported at once.
 */
const integer = (fallback: number, min: number, max: number) =>
  z.coerce.number().int().min(min).max(max).default(fallback);
const duration = (fallback: number) => integer(fallback, 1, 366 * 24 * 3_600_000);
const flag = z.enum(['true', 'false']).default('false').transform((value) => value === 'true');
/** Durations like `1h,24h,72h`, ascending, in milliseconds; `none`. */
const ladder = (fallback: string) =>
  z
    .string()
    .default(fallback)
    .transform((text) => (text === 'none' ? [] : text.split(',').map((one) => (/\d/.test(one) ? (ms(one.trim() as ms.StringValue) as number | undefined) : undefined))))
    .refine((steps) => steps.every((step, i) => step !== undefined && step > (steps[i - 1] ?? 0)), 'must be durations that ascend, like 1h,24h,72h, or none')
    .transform((steps) => steps as number[]);
const url = z.url({ protocol: /^https?$/ });
const isNetwork = (text: string): boolean => {
  const [address = '', bits, ...rest] = text.split('/');
  const version = isIP(address);
  return version !== 0 && rest.length === 0 && (bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (version === 4 ? 32 : 128)));
};

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

const schema = z.object({
  PORT: integer(3000, 0, 65_535).describe('Port of the HTTP API; 0 picks a free one'),
  HOST: z.string().default('127.0.0.1').describe('Address that the API listens on'),
  LONGWATCH_DATA_DIR: z.string().default('.longwatch').describe('Where the embedded stack keeps its data'),
  LONGWATCH_API_KEYS: z.string().optional().describe('API keys as name:role:key,… or, so that no key is in the environment, name:role:sha256=<hex>,… (npm run api-key makes one); without it the embedded stack makes one admin key'),
  LONGWATCH_JWKS_URL: url.optional().describe('JWKS that bearer JWTs are checked against; https, unless it is on this machine'),
  LONGWATCH_JWT_ISSUER: z.string().optional().describe('Expected `iss` of a JWT; must be set with LONGWATCH_JWKS_URL'),
  LONGWATCH_JWT_AUDIENCE: z.string().default('longwatch').describe('Expected `aud` of a JWT'),
  LONGWATCH_SIGNING_SECRET: z.string().min(32).optional().describe('Signs customer links and webhooks; the embedded stack makes one'),
  LONGWATCH_TRUSTED_PROXIES: z
    .string()
    .transform((list) => list.split(',').map((one) => one.trim()))
    .refine((list) => list.every(isNetwork), 'must be addresses or networks like 10.0.0.0/8, comma separated')
    .optional()
    .describe('Addresses or networks, comma separated, whose X-Forwarded-For is believed: the load balancer before the API. Without it a caller is whoever connects'),
  LONGWATCH_PUBLIC_URL: url.optional().describe('Address of the API as customers reach it, for links'),
  LONGWATCH_TABLE_PREFIX: z.string().regex(/^[A-Za-z0-9_.-]{0,100}$/).default('longwatch-').describe('Prefix of all table names'),
  LONGWATCH_QUEUES: z.string().optional().describe('Task queues that this process serves, comma separated; default all'),
  LONGWATCH_LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'silent']).default('info'),
  AWS_REGION: z.string().default('us-east-1'),
  DYNAMODB_ENDPOINT: url.optional().describe('DynamoDB other than the embedded one; "aws" is set by LONGWATCH_AWS=true'),
  KINESIS_ENDPOINT: url.optional().describe('Kinesis other than the embedded one'),
  LONGWATCH_TRANSACTIONS_STREAM: z.string().regex(/^[A-Za-z0-9_.-]{1,128}$/, 'must be the name of a Kinesis stream').optional().describe('Kinesis stream of transactions to decide; default longwatch-transactions, but with LONGWATCH_AWS none is read unless this names it'),
  LONGWATCH_STREAM_BATCH: integer(300, 1, 1_000).describe('Transactions of a stream that are decided at once, with one scoring call'),
  LONGWATCH_STREAM_MODEL_DEADLINE_MS: integer(5_000, 1, 60_000).describe('Time that the model has for a batch of a stream'),
  LONGWATCH_STREAM_WITHOUT_MODEL: z.enum(['degrade', 'wait']).default('degrade').describe('Stream while the model is away: degrade: decide by the rules alone and score again later; wait: for the model'),
  SAGEMAKER_ENDPOINT: url.optional().describe('SageMaker runtime other than the embedded one'),
  SAGEMAKER_ENDPOINT_NAME: z.string().default('longwatch-fraud').describe('Name of the SageMaker endpoint'),
  LONGWATCH_LOCAL_MODELS: z
    .string()
    .regex(/^([A-Za-z0-9-]+=[^,=]+)(,[A-Za-z0-9-]+=[^,=]+)*$/, 'must be endpoint=path, comma separated')
    .transform((list) => list.split(',').map((one) => ({ endpoint: one.split('=')[0] as string, path: one.split('=')[1] as string })))
    .optional()
    .transform((list) => list ?? [])
    .describe('Further models that the embedded endpoint serves, as endpoint=path, comma separated: challengers'),
  LONGWATCH_AWS: flag.describe('true: parts without an endpoint of their own are AWS itself, nothing is embedded but Temporal'),
  TEMPORAL_ADDRESS: z.string().optional().describe('Temporal other than the embedded dev server, host:port; TEMPORAL_API_KEY, TEMPORAL_TLS_* and the like are read as Temporal documents them'),
  TEMPORAL_NAMESPACE: z.string().default('default'),
  TEMPORAL_PROFILE: z.string().optional().describe("Profile of Temporal's own config file: address, TLS, API key"),
  TEMPORAL_UI_PORT: integer(8233, 0, 65_535).describe('Port of the embedded Web UI'),
  TEMPORAL_UI_URL: url.optional().describe('Web UI of an external Temporal, for links'),
  TEMPORAL_CLI_PATH: z.string().optional().describe('The temporal executable to run as dev server'),
  LONGWATCH_MODEL_DEADLINE_MS: duration(80).describe('Time that the model has to answer a request'),
  LONGWATCH_DRIFT_BASELINES: z.string().optional().describe('Baselines of models, as train writes them (….baseline.json), comma separated; that of the model that ships is there'),
  LONGWATCH_DRIFT_MIN_DECISIONS: integer(1_000, 1, 1_000_000_000).describe('Fewer decisions than this are not compared with a baseline'),
  LONGWATCH_DRIFT_REPORT_CRON: z.string().default('0 6 * * *').describe('When the drift report runs, cron in UTC'),
  LONGWATCH_DRIFT_REPORT_DAYS: integer(7, 1, 90).describe('Days that the drift report looks at'),
  LONGWATCH_DECISION_DEADLINE_MS: duration(250).describe('Time that a whole decision may take'),
  LONGWATCH_RESCORE_AFTER_MS: duration(30_000).describe('When a degraded decision is first scored again'),
  LONGWATCH_USER_HOLD_MS: duration(30 * 24 * HOUR).describe('How long a user is held after a confirmed fraud'),
  LONGWATCH_ANSWER_WITHIN_MS: duration(24 * HOUR).describe('How long a customer has to answer "was this you?"'),
  LONGWATCH_SLA_WARNING_MS: duration(3 * HOUR).describe('Review: warning after'),
  LONGWATCH_SLA_BREACH_MS: duration(4 * HOUR).describe('Review: breach and escalation after'),
  LONGWATCH_FINAL_AFTER_MS: duration(72 * HOUR).describe('Review: final policy after'),
  LONGWATCH_FINAL_POLICY: z.enum(['keep', 'release', 'confirm']).default('keep').describe('keep: hold and remind; release: close as genuine; confirm: close as fraud'),
  LONGWATCH_REMIND_EVERY_MS: duration(24 * HOUR).describe('Final policy keep: reminder interval'),
  LONGWATCH_FOUR_EYES_ABOVE: integer(100_000, 0, Number.MAX_SAFE_INTEGER).describe('Amount in minor units from which a decision needs two people'),
  LONGWATCH_CART_REMINDERS: ladder('1h,24h,72h').describe('Reminders of a cart, each so long after the last activity in it; none'),
  LONGWATCH_CART_ABANDON_AFTER_MS: duration(30 * 24 * HOUR).describe('A cart counts as abandoned so long after the last activity'),
  LONGWATCH_CART_QUIET_HOURS: z
    .string()
    .default('21:00-08:00')
    .transform(parseQuietHours)
    .refine((hours) => hours !== undefined, 'must be like 21:00-08:00, or none')
    .transform((hours) => hours ?? null)
    .describe('Local hours in which nobody is reminded, unless the user says otherwise; none'),
  LONGWATCH_CHECKOUT_HOLD_MS: duration(15 * MINUTE).describe('How long a checkout holds its stock at least; up to a twentieth more'),
  LONGWATCH_PRODUCT_CACHE_MS: integer(2_000, 0, HOUR).describe('How old the title and price may be that a cart shows of a product; 0: read every time'),
  LONGWATCH_SESSION_IDLE_MS: duration(30 * MINUTE).describe('Sessions: a session that is not used for so long has ended'),
  LONGWATCH_SESSION_ABSOLUTE_MS: duration(12 * HOUR).describe('Sessions: a session that was opened so long ago has ended'),
  LONGWATCH_SESSION_TOUCH_MS: z.coerce.number().int().min(0).max(366 * 24 * HOUR).optional().describe('Sessions: a use that moves the expiry by less is not written; default a tenth of the idle timeout'),
  LONGWATCH_SESSION_MAX_BYTES: integer(65_536, 1, 389_120).describe('Sessions: larger data is refused'),
  LONGWATCH_SESSION_BUCKETS: integer(4, 1, 1_000).describe('Sessions: sweepers; two for each million sessions that are in use at once'),
  LONGWATCH_SESSION_SWEEP_MS: integer(5 * MINUTE, 1_000, HOUR).describe('Sessions: how long one activity sweeps while sessions keep coming due; a killed worker is noticed a little later than that'),
  LONGWATCH_SESSION_EVENTS_TO: z.string().regex(/^[A-Za-z0-9_.:@-]{1,64}$/).optional().describe('Sessions: recipient of session.ended, in batches over the notification channels; without it nobody is told'),
  LONGWATCH_SEASON_FENCE_MS: duration(60_000).describe('How long before its end a season’s scores begin to be written in one transaction with the check that it is open; longer than any request can be under way'),
  LONGWATCH_RANK_CHECK_CRON: z.string().default('30 3 * * *').describe('When all leaderboards’ ranks are compared with their scores, cron in UTC'),
  LONGWATCH_FEED_THRESHOLD: integer(10_000, 0, 1_000_000_000).describe('Feeds: authors with more followers are not fanned out but merged when their followers read'),
  LONGWATCH_FEED_CAP: integer(800, 1, 10_000).describe('Feeds: posts that a feed shows at most'),
  LONGWATCH_FEED_BACKFILL: integer(100, 1, 1_000).describe('Feeds: posts of an author that a follow writes into the feed'),
  LONGWATCH_FEED_BULK_ABOVE: integer(1_000, 0, 1_000_000_000).describe('Feeds: a fan-out to more followers goes by ranges, on a queue of its own'),
  LONGWATCH_FEED_RANGES: integer(8, 1, 64).describe('Feeds: ranges of a large fan-out that are written at once'),
  LONGWATCH_FEED_BULK_ROWS_PER_SECOND: integer(2_000, 1, 10_000_000).describe('Feeds: rows a second that large fan-outs write, by process'),
  LONGWATCH_WEBHOOK_URL: url.optional().describe('Notification channel: HMAC-signed webhook'),
  LONGWATCH_WEBHOOK_SECRET: z.string().min(32).optional().describe('Signs webhooks; its receiver knows it. Default: made from LONGWATCH_SIGNING_SECRET, which no receiver need know'),
  LONGWATCH_SNS_TOPIC_ARN: z.string().optional().describe('Notification channel: SNS topic'),
  SNS_ENDPOINT: url.optional(),
  LONGWATCH_SMTP_URL: z.url({ protocol: /^smtps?$/ }).optional().describe('Notification channel: mail'),
  LONGWATCH_MAIL_FROM: z.string().default('longwatch@localhost'),

  S3_ENDPOINT: url.optional().describe('S3 other than the embedded one'),
  LONGWATCH_ARCHIVE_BUCKET: z.string().regex(/^[a-z0-9.-]{3,63}$/, 'must be the name of an S3 bucket').optional().describe('Bucket that readings and finished seasons are archived to: on AWS the one that is there, without which nothing is archived; elsewhere it is made, and by default longwatch-archive'),
  LONGWATCH_ARCHIVE_CRON: z.string().default('30 * * * *').describe('When it is looked for days to archive and to let go of, cron in UTC'),
  LONGWATCH_ARCHIVE_AFTER_MS: duration(24 * HOUR).describe('A day of readings is archived so long after its end'),
  LONGWATCH_ARCHIVE_FILE_BYTES: integer(128 * 1024 * 1024, 64 * 1024, 2 ** 32).describe('Size at which a file of the archive is closed'),
  LONGWATCH_LATE_WINDOW_MS: duration(7 * 24 * HOUR).describe('Readings older than this are refused'),
  LONGWATCH_REGISTERED_DEVICES: flag.describe('true: readings of devices that were not registered are refused'),
  LONGWATCH_DEVICE_CACHE_MS: duration(30_000).describe('How long a process goes by what it read of a device: registration, groups, alerts'),
  LONGWATCH_ERASE_AFTER_MS: duration(90_000).describe('From the request to erase a device to the first deletion: every process has heard of it by then, and ended its writes'),
  LONGWATCH_KEEP_MINUTES_DAYS: integer(31, 1, 36_500).describe('Days that rollups by the minute are kept'),
  LONGWATCH_KEEP_HOURS_DAYS: integer(400, 1, 36_500).describe('Days that rollups by the hour are kept'),
  LONGWATCH_KEEP_DAYS_DAYS: integer(3_650, 1, 36_500).describe('Days that rollups by the day are kept'),
  LONGWATCH_KEEP_ARCHIVE_DAYS: integer(3_650, 1, 36_500).describe('Days that archived readings are kept'),
  LONGWATCH_KEEP_RESTORED_DAYS: integer(7, 1, 36_500).describe('Days that restored readings stay in the table before they are archived again'),
  LONGWATCH_READINGS_STREAM: z.string().regex(/^[A-Za-z0-9_.-]{1,128}$/, 'must be the name of a Kinesis stream').optional().describe('Kinesis stream of readings; default longwatch-readings where Kinesis is embedded, else none is read unless this names it'),
  MQTT_URL: z.url({ protocol: /^(mqtts?|wss?)$/ }).optional().describe('MQTT broker other than the embedded one: mqtts://user:password@host:8883'),
  MQTT_CA_FILE: z.string().optional().describe('PEM file of the authority that signed the broker’s certificate'),
  MQTT_CERT_FILE: z.string().optional().describe('PEM file of our certificate, as AWS IoT Core wants one'),
  MQTT_KEY_FILE: z.string().optional().describe('PEM file of its key'),
  MQTT_CLIENT_ID: z.string().max(100).default('longwatch').describe('Of the broker’s session, which keeps what comes while we are away: another one for each process'),
});

const DAY = 24 * HOUR;

/** What settings ask of each other. */
const checked = schema
  .refine((config) => config.LONGWATCH_JWKS_URL === undefined || config.LONGWATCH_JWT_ISSUER !== undefined, {
    path: ['LONGWATCH_JWT_ISSUER'],
    message: 'must be set with LONGWATCH_JWKS_URL: the `iss` that tokens have',
  })
  // Else whoever is on the way could sign anybody in.
  .refine((config) => config.LONGWATCH_JWKS_URL === undefined || /^https:|^http:\/\/(localhost|127\.[\d.]+|\[::1\])[:/]/.test(config.LONGWATCH_JWKS_URL), {
    path: ['LONGWATCH_JWKS_URL'],
    message: 'must be https, unless it is on this machine',
  })
  .refine((config) => config.LONGWATCH_ERASE_AFTER_MS > config.LONGWATCH_DEVICE_CACHE_MS, { path: ['LONGWATCH_ERASE_AFTER_MS'], message: 'must be more than LONGWATCH_DEVICE_CACHE_MS' })
  // Else a late reading would bring back what was deleted by age.
  .refine((config) => Math.min(config.LONGWATCH_KEEP_MINUTES_DAYS, config.LONGWATCH_KEEP_ARCHIVE_DAYS) * DAY > config.LONGWATCH_LATE_WINDOW_MS + DAY, {
    path: ['LONGWATCH_LATE_WINDOW_MS'],
    message: 'must be shorter, by more than a day, than what LONGWATCH_KEEP_MINUTES_DAYS and LONGWATCH_KEEP_ARCHIVE_DAYS keep',
  })
  .refine((config) => config.LONGWATCH_KEEP_MINUTES_DAYS <= config.LONGWATCH_KEEP_HOURS_DAYS && config.LONGWATCH_KEEP_HOURS_DAYS <= config.LONGWATCH_KEEP_DAYS_DAYS, {
    path: ['LONGWATCH_KEEP_DAYS_DAYS'],
    message: 'must be at least LONGWATCH_KEEP_HOURS_DAYS, and that at least LONGWATCH_KEEP_MINUTES_DAYS: a day’s devices are known as long as its rollups by the day are kept',
  });

export type Config = z.infer<typeof schema>;

export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

/**
 * Parses the environment. Empty values count as absent.
 * @throws ConfigError with one line per faulty variable.
 */
export function readConfig(env: Record<string, string | undefined> = process.env): Config {
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined && value !== ''));
  const result = checked.safeParse(given);
  if (result.success) return result.data;
  const lines = result.error.issues.map((issue) => {
    const name = issue.path.join('.');
    const secret = /KEY|SECRET|SMTP_URL|MQTT_URL|WEBHOOK_URL/.test(name);
    return `  ${name}: ${issue.message} (found: ${secret ? 'a value that is not shown' : JSON.stringify(given[name])})`;
  });
  throw new ConfigError(`The configuration has ${lines.length} fault(s):\n${lines.join('\n')}`);
}

/** Name, default and meaning of every variable, for `--help` and the docs. */
export function configReference(): { name: string; fallback: string; description: string }[] {
  return Object.entries(schema.shape).map(([name, type]) => {
    const json = z.toJSONSchema(type as z.ZodType, { io: 'input', unrepresentable: 'any' });
    return { name, fallback: json.default === undefined ? '' : String(json.default), description: json.description ?? '' };
  });
}
