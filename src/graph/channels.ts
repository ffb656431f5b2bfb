import type { Config } from '../config';
import type { Channel } from '../gateways/notifications/channel';
import { SmtpChannel } from '../gateways/notifications/smtp';
import { SnsChannel } from '../gateways/notifications/sns';
import { WebhookChannel } from '../gateways/notifications/webhook';
import type { CallWatch } from '../telemetry/calls';

/** Channels beside the table of notifications, as configured. */
export function channels(config: Config, signingSecret: string, watch: CallWatch): Channel[] {
  const { LONGWATCH_WEBHOOK_URL: url, LONGWATCH_SNS_TOPIC_ARN: topicArn, LONGWATCH_SMTP_URL: smtp } = config;
  return [
    ...(url ? [new WebhookChannel({ url, secret: signingSecret, watch })] : []),
    ...(topicArn
      ? [new SnsChannel({ topicArn, region: config.AWS_REGION, watch, ...(config.SNS_ENDPOINT && { endpoint: config.SNS_ENDPOINT }) })]
      : []),
    ...(smtp ? [new SmtpChannel({ url: smtp, from: config.LONGWATCH_MAIL_FROM, watch })] : []),
  ];
}
