import type { Notification } from '../../domain/platform/notification';

/** A notification channel. A crash can cause a second send; the notification's id lets the receiver detect the copy. */
export interface Channel {
  readonly name: 'webhook' | 'sns' | 'smtp';
  /** @throws ChannelError */
  send(notification: Notification): Promise<void>;
}

/** A channel could not deliver a notification. */
export class ChannelError extends Error {
  override readonly name = 'ChannelError';

  constructor(
    message: string,
    /** True if a retry of the same notification cannot succeed. */
    readonly final: boolean,
    cause?: unknown,
  ) {
    super(message, { cause });
  }
}
