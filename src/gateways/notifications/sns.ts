import { PublishCommand, SNSClient } from '@aws-sdk/client-sns';
import { awsHttp } from '../aws/http';
import type { Notification } from '../../domain/platform/notification';
import { type CallWatch, watchedClient } from '../../telemetry/calls';
import { type Channel, ChannelError } from './channel';

/** Topic and credentials. */
export interface SnsSettings {
  topicArn: string;
  region: string;
  endpoint?: string;
  credentials?: { accessKeyId: string; secretAccessKey: string };
  watch?: CallWatch;
}

/**
 * Publishes notifications to an SNS topic, with recipient and id as message attributes for subscription filters. A FIFO
 * topic removes copies within five minutes by the id; a standard topic delivers at least once.
 */
export class SnsChannel implements Channel {
  readonly name = 'sns';
  private readonly client: SNSClient;

  constructor(private readonly settings: SnsSettings) {
    const { topicArn: _topic, watch, ...client } = settings;
    this.client = watchedClient(
      new SNSClient({ requestHandler: awsHttp({ silentMs: 10_000 }), ...client }),
      'sns',
      watch,
    );
  }

  async send(notification: Notification): Promise<void> {
    const { topicArn } = this.settings;
    try {
      await this.client.send(
        new PublishCommand({
          TopicArn: topicArn,
          Subject: notification.subject.slice(0, 100),
          Message: JSON.stringify(notification),
          MessageAttributes: {
            recipient: { DataType: 'String', StringValue: notification.recipient },
            notificationId: { DataType: 'String', StringValue: notification.id },
          },
          ...(topicArn.endsWith('.fifo') && {
            MessageGroupId: notification.recipient,
            MessageDeduplicationId: notification.id,
          }),
        }),
      );
    } catch (error) {
      const { $fault, name } = error as Error & { $fault?: string };
      // SNS reports throttling and expired credentials as client faults, but they are temporary.
      const passes = /Throttl|Expired|RequestLimit/.test(name);
      throw new ChannelError(`SNS refused: ${name}`, $fault === 'client' && !passes, error);
    }
  }
}
