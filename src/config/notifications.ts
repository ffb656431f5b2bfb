import { z } from 'zod';
import { url } from './values';

/** Settings of the notification channels. */
export const notificationsSettings = {
  LONGWATCH_WEBHOOK_URL: url.optional().describe('Notification channel: HMAC-signed webhook'),
  LONGWATCH_WEBHOOK_SECRET: z
    .string()
    .min(32)
    .optional()
    .describe(
      'Signs webhooks; its receiver knows it. Default: made from LONGWATCH_SIGNING_SECRET, which no receiver need know',
    ),
  LONGWATCH_SNS_TOPIC_ARN: z.string().optional().describe('Notification channel: SNS topic'),
  LONGWATCH_SMTP_URL: z
    .url({ protocol: /^smtps?$/ })
    .optional()
    .describe('Notification channel: mail'),
  LONGWATCH_MAIL_FROM: z.string().default('longwatch@localhost'),
};
