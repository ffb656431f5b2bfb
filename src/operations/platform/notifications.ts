import { isLongwatchError, LongwatchError } from '../../domain/errors';
import type { Notification } from '../../domain/platform/notification';
import { type Channel, ChannelError } from '../../gateways/notifications/channel';
import type { NotificationStore } from '../../stores/platform/notifications';
import { isOfOne, type OnSkipped } from './isolate';

/**
 * Sends a message for work that continues even if the message can never be delivered. A message is undeliverable if
 * every channel refuses it, which its record shows, or if DynamoDB refuses its record, which `onSkipped` reports.
 * @returns why the message can never be delivered; undefined if it was sent
 * @throws every other failure
 */
export async function sendUnlessUndeliverable(
  notifications: Pick<Notifications, 'send'>,
  notification: Notification,
): Promise<unknown> {
  try {
    return void (await notifications.send(notification));
  } catch (error) {
    if (!isUndeliverable(error)) throw error;
    return error;
  }
}

/** A missing grant concerns every message, so it does not make one undeliverable. */
const isUndeliverable = (error: unknown): boolean => isLongwatchError(error, 'refused') && isOfOne(error);

/**
 * Sends messages over the configured channels and keeps a record of each. It writes the record first, so no message
 * goes out without one. If the process crashes after a channel accepted the message and before the record shows it, the
 * next attempt sends that channel's copy again with the same id. With no channel configured, the record is the message.
 */
export class Notifications {
  constructor(
    private readonly store: NotificationStore,
    private readonly channels: readonly Channel[],
    /** Called for a message whose record DynamoDB refuses permanently. No other trace of such a message exists. */
    private readonly onSkipped?: OnSkipped,
  ) {}

  /**
   * Sends a message once per channel. A repeated call completes the channels that an earlier attempt left open.
   * @throws LongwatchError `unavailable` (retry), `refused` (no channel can ever deliver the message)
   */
  async send(notification: Notification): Promise<void> {
    const { link: _private, ...kept } = notification;
    const record = await this.recorded(notification, () => this.store.begin(kept));
    if (record.status !== 'pending') return this.outcome(record.status, record.results);
    const results: Record<string, string> = { ...record.results };
    let again: ChannelError | undefined;
    for (const channel of this.channels) {
      if (results[channel.name] !== undefined) continue;
      try {
        await channel.send(notification);
        results[channel.name] = 'sent';
      } catch (error) {
        if (!(error instanceof ChannelError)) throw error;
        if (error.final) results[channel.name] = error.message;
        else again = error;
      }
    }
    // Record the channels that succeeded before the retry, so that they do not get the message twice.
    if (again) await this.recorded(notification, () => this.store.progress(notification, results));
    if (again)
      throw new LongwatchError('unavailable', `Notification ${notification.id}: ${again.message}`, { cause: again });
    const delivered = this.channels.length === 0 || Object.values(results).includes('sent');
    const status = delivered ? 'delivered' : 'failed';
    await this.recorded(notification, () => this.store.finish(notification, status, results));
    this.outcome(status, results);
  }

  private async recorded<T>({ id, recipient }: Notification, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (isUndeliverable(error)) this.onSkipped?.(`message ${id} to ${recipient}`, error);
      throw error;
    }
  }

  private outcome(status: 'delivered' | 'failed', results: Readonly<Record<string, string>>): void {
    if (status === 'delivered') return;
    throw new LongwatchError(
      'refused',
      Object.entries(results)
        .map(([channel, why]) => `${channel}: ${why}`)
        .join('; '),
    );
  }
}
