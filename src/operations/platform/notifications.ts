import { isLongwatchError, LongwatchError } from '../../domain/errors';
import type { Notification } from '../../domain/platform/notification';
import { type Channel, ChannelError } from '../../gateways/notifications/channel';
import type { NotificationStore } from '../../stores/platform/notifications';
import { isOfOne, type OnSkipped } from './isolate';

/**
 * Sends a message for work that goes on without one that can never be delivered: every channel refuses it, which its
 * record
 * says, or DynamoDB refuses its record, which is reported.
 * @returns why the message can never be delivered; undefined if it was sent. @throws every other failure.
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
 * Sends messages over the configured channels and keeps a record of each. The record comes first, so a
 * message is never sent without one; a crash between a channel's acceptance and its result on record sends
 * that channel's copy again, with the same id. Without a channel the record is the message.
 */
export class Notifications {
  constructor(
    private readonly store: NotificationStore,
    private readonly channels: readonly Channel[],
    /** Told of a message whose record is refused for good: nothing else says that there was one. */
    private readonly onSkipped?: OnSkipped,
  ) {}

  /**
   * Sends once per channel; a repetition finishes what an earlier attempt left open.
   * @throws LongwatchError `unavailable` (try again), `refused` (no channel can ever deliver it).
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
    // What went out is on record before the rest is tried again, so that it does not go out twice.
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
