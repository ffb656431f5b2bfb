import { createHmac } from 'node:crypto';
import type { Notification } from '../../domain/platform/notification';
import { againAfter, retry } from '../../timing/retry';
import { type CallResult, type CallWatch, resultOfError, watched } from '../../telemetry/calls';
import { type Channel, ChannelError } from './channel';
import { type Clock, systemClock } from '../../timing/clock';

/** URL and retries of the webhook. */
export interface WebhookSettings {
  url: string;
  /** Secret for the signature, shared with the receiver. */
  secret: string;
  /** Maximum number of attempts. Default 3. */
  attempts?: number;
  /** The longest pause before the second attempt, in milliseconds; it doubles for each further one. Default 200. */
  pauseMs?: number;
  watch?: CallWatch;
  clock?: Clock;
}

const LONGEST_PAUSE_MS = 10_000;

/**
 * Returns the signature header `t=<epoch s>,v1=<hex HMAC-SHA256 of "<t>.<body>">`. It lets the receiver refuse forged
 * and replayed requests.
 */
export function webhookSignature(secret: string, body: string, epochSeconds: number): string {
  return `t=${epochSeconds},v1=${createHmac('sha256', secret).update(`${epochSeconds}.${body}`).digest('hex')}`;
}

/**
 * POSTs notifications as signed JSON, at least once. The header `Longwatch-Notification-Id` is the same on every copy.
 */
export class WebhookChannel implements Channel {
  readonly name = 'webhook';

  constructor(private readonly settings: WebhookSettings) {}

  async send(notification: Notification): Promise<void> {
    const { attempts = 3, pauseMs = 200 } = this.settings;
    const backoff = { firstMs: pauseMs, lastMs: LONGEST_PAUSE_MS };
    await retry({ attempts, backoff, exhausted: (fault) => fault }, async () => {
      const fault = await this.attempt(notification);
      if (fault?.final) throw fault;
      return fault && againAfter(fault);
    });
  }

  private async attempt(notification: Notification): Promise<ChannelError | undefined> {
    try {
      await watched(this.settings.watch, { gateway: 'webhook', operation: 'POST', resultOf }, () =>
        this.post(notification),
      );
      return undefined;
    } catch (error) {
      return error instanceof ChannelError ? error : new ChannelError('the webhook cannot be reached', false, error);
    }
  }

  /** Sends one request. @throws ChannelError for a status other than 2xx */
  private async post(notification: Notification): Promise<void> {
    const { url, secret, clock = systemClock } = this.settings;
    const body = JSON.stringify(notification);
    const response = await fetch(url, {
      method: 'POST',
      body,
      headers: {
        'content-type': 'application/json',
        'longwatch-notification-id': notification.id,
        'longwatch-signature': webhookSignature(secret, body, Math.floor(clock.now() / 1000)),
      },
      redirect: 'error',
      signal: AbortSignal.timeout(5_000),
    });
    await response.body?.cancel();
    if (response.ok) return;
    const final = response.status >= 400 && response.status < 500 && ![408, 425, 429].includes(response.status);
    throw new ChannelError(`the webhook answered ${response.status}`, final);
  }
}

function resultOf(error: unknown): CallResult {
  if (error instanceof ChannelError) return error.final ? 'refused' : 'failed';
  return resultOfError(error);
}
