import { createHmac } from 'node:crypto';
import type { PlatformConfig } from '../config';
import type { Channel } from '../gateways/notifications/channel';
import { SmtpChannel } from '../gateways/notifications/smtp';
import { SnsChannel } from '../gateways/notifications/sns';
import { WebhookChannel } from '../gateways/notifications/webhook';
import type { CallWatch } from '../telemetry/calls';

/** A key of its own: who verifies webhooks must not be able to sign customers' links. */
export const webhookSecret = (
  config: Pick<PlatformConfig, 'LONGWATCH_WEBHOOK_SECRET'>,
  signingSecret: string,
): string => config.LONGWATCH_WEBHOOK_SECRET ?? createHmac('sha256', signingSecret).update('webhook').digest('hex');

/** Channels beside the table of notifications, as configured. */
export function channels(config: PlatformConfig, signingSecret: string, watch: CallWatch): Channel[] {
  const { LONGWATCH_WEBHOOK_URL: url, LONGWATCH_SNS_TOPIC_ARN: topicArn, LONGWATCH_SMTP_URL: smtp } = config;
  return [
    ...(url ? [new WebhookChannel({ url, secret: webhookSecret(config, signingSecret), watch })] : []),
    ...(topicArn
      ? [
          new SnsChannel({
            topicArn,
            region: config.AWS_REGION,
            watch,
            ...(config.SNS_ENDPOINT && { endpoint: config.SNS_ENDPOINT }),
          }),
        ]
      : []),
    ...(smtp ? [new SmtpChannel({ url: smtp, from: config.LONGWATCH_MAIL_FROM, watch })] : []),
  ];
}
