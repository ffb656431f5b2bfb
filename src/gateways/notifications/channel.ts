import type { Notification } from '../../domain/platform/notification';

/** A way to reach people. Sending twice is possible after a crash; the id tells the receiver. */
export interface Channel {
  readonly name: 'webhook' | 'sns' | 'smtp';
  /** @throws ChannelError */
  send(notification: Notification): Promise<void>;
}

export class ChannelError extends Error {
  override readonly name = 'ChannelError';

  constructor(
    message: string,
    /** The same message can never be delivered this way. */
    readonly final: boolean,
    cause?: unknown,
  ) {
    super(message, { cause });
  }
}
