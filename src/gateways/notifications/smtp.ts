import { createTransport, type Transporter } from 'nodemailer';
import type { Notification } from '../../domain/platform/notification';
import { type CallResult, type CallWatch, watched } from '../../telemetry/calls';
import { type Channel, ChannelError } from './channel';

/** Address of the mail server and the sender. */
export interface SmtpSettings {
  /** Server: `smtp://` or `smtps://`, with user and password if the server requires them. */
  url: string;
  from: string;
  /** Returns the mail address of a recipient. Default: the recipient's id, if it is an address. */
  addressOf?(recipient: string): string | undefined;
  watch?: CallWatch;
}

/**
 * Sends notifications as mail, at least once. Copies have the same Message-ID, by which mail clients detect duplicates.
 */
export class SmtpChannel implements Channel {
  readonly name = 'smtp';
  private readonly transport: Transporter;

  constructor(private readonly settings: SmtpSettings) {
    this.transport = createTransport(settings.url, { connectionTimeout: 5_000, socketTimeout: 10_000 } as object);
  }

  async send(notification: Notification): Promise<void> {
    const { from, addressOf = asAddress, watch } = this.settings;
    const to = addressOf(notification.recipient);
    if (to === undefined) throw new ChannelError('the recipient has no mail address', true);
    try {
      await watched(watch, { gateway: 'smtp', operation: 'SEND', resultOf }, () =>
        this.transport.sendMail({
          from,
          to,
          subject: notification.subject,
          text: notification.link ? `${notification.text}\n\n${notification.link}\n` : `${notification.text}\n`,
          messageId: `<${notification.id}@longwatch>`,
          date: new Date(notification.at),
        }),
      );
    } catch (error) {
      const { responseCode = 0 } = error as { responseCode?: number };
      throw new ChannelError(
        `the mail server refused (${responseCode || (error as Error).message})`,
        responseCode >= 500,
        error,
      );
    }
  }
}

/** A 5yz reply is permanent, a 4yz reply is temporary (RFC 5321, section 4.2.1). */
const resultOf = (error: unknown): CallResult =>
  ((error as { responseCode?: number }).responseCode ?? 0) >= 500
    ? 'refused'
    : (error as { code?: string }).code === 'ETIMEDOUT'
      ? 'late'
      : 'failed';

const asAddress = (recipient: string): string | undefined =>
  /^[^@\s/]+@[^@\s/]+$/.test(recipient) ? recipient : undefined;
