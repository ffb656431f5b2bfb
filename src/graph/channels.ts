import { createHmac } from 'node:crypto';
import type { PlatformConfig } from '../config';
import type { Channel } from '../gateways/notifications/channel';
import { SmtpChannel } from '../gateways/notifications/smtp';
import { SnsChannel } from '../gateways/notifications/sns';
import { WebhookChannel } from '../gateways/notifications/webhook';
import type { CallWatch } from '../telemetry/calls';

/**
 * Returns the key that signs webhooks. It differs from the signing secret, because receivers of webhooks know it and
 * must not be able to sign customers' links.
 */
export const webhookSecret = (
  config: Pick<PlatformConfig, 'LONGWATCH_WEBHOOK_SECRET'>,
  signingSecret: string,
): string => config.LONGWATCH_WEBHOOK_SECRET ?? createHmac('sha256', signingSecret).update('webhook').digest('hex');

/** Builds the configured notification channels: webhook, SNS, mail. */
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
