import { z } from 'zod';
import { url } from './values';

/** Settings of the notification channels. */
export const notificationsSettings = {
  LONGWATCH_WEBHOOK_URL: url.optional().describe('Notification channel: URL of an HMAC-signed webhook'),
  LONGWATCH_WEBHOOK_SECRET: z
    .string()
    .min(32)
    .optional()
    .describe(
      'Secret that signs webhooks, shared with the receiver. Default: derived from ' +
        'LONGWATCH_SIGNING_SECRET, so that the receiver does not need that one',
    ),
  LONGWATCH_SNS_TOPIC_ARN: z.string().optional().describe('Notification channel: ARN of an SNS topic'),
  LONGWATCH_SMTP_URL: z
    .url({ protocol: /^smtps?$/ })
    .optional()
    .describe('Notification channel: URL of a mail server, smtp:// or smtps://'),
  LONGWATCH_MAIL_FROM: z.string().default('longwatch@localhost'),
};
