import type { Payload } from '@temporalio/common';
import type { History } from './histories';

export interface FoundPayload {
  /** Where in the message it is, like `events.3.activityTaskScheduledEventAttributes.input.payloads.0`. */
  at: string;
  encoding: string;
  keyId: string | undefined;
  data: string;
}

/**
 * Every payload of a message of Temporal's, memo, user metadata and failures included; search attributes and headers
 * are no payloads of ours.
 */
export function payloadsOf(message: unknown, at = ''): FoundPayload[] {
  if (
    typeof message !== 'object' ||
    message === null ||
    ArrayBuffer.isView(message) ||
    /\.(searchAttributes|header)$/.test(at)
  )
    return [];
  const encoding = (message as Payload).metadata?.['encoding'];
  if (ArrayBuffer.isView(encoding)) {
    const { metadata, data } = message as Payload;
    const keyId = metadata?.['encryption-key-id'];
    return [
      {
        at,
        encoding: Buffer.from(encoding as Uint8Array).toString(),
        keyId: keyId ? Buffer.from(keyId).toString() : undefined,
        data: Buffer.from(data ?? []).toString('latin1'),
      },
    ];
  }
  return Object.entries(message).flatMap(([name, value]) => payloadsOf(value, at ? `${at}.${name}` : name));
}

/** What an operator of the server could read in a message: every string and every byte of it. */
export function legible(message: unknown): string {
  return JSON.stringify(message, (_, value: unknown) => {
    const bytes = value as { type?: string; data?: number[] } | null;
    return bytes?.type === 'Buffer' && Array.isArray(bytes.data)
      ? Buffer.from(bytes.data).toString('latin1')
      : ArrayBuffer.isView(value)
        ? Buffer.from(value as Uint8Array).toString('latin1')
        : value;
  });
}

/** What the headers of a message hold, by name: nothing encrypts them. */
export function headersOf(message: unknown): [string, unknown][] {
  if (typeof message !== 'object' || message === null || ArrayBuffer.isView(message)) return [];
  return Object.entries(message).flatMap(([name, value]) =>
    name === 'header'
      ? Object.entries((value as { fields?: Record<string, Payload> } | null)?.fields ?? {}).map(
          ([header, { data }]): [string, unknown] => [header, JSON.parse(Buffer.from(data ?? []).toString() || 'null')],
        )
      : headersOf(value),
  );
}

/** Search attributes of a history as they are, by name. */
export function searchAttributesOf({ events }: History): [string, unknown][] {
  return (events ?? []).flatMap((event) =>
    [
      event.workflowExecutionStartedEventAttributes,
      event.upsertWorkflowSearchAttributesEventAttributes,
      event.startChildWorkflowExecutionInitiatedEventAttributes,
      event.workflowExecutionContinuedAsNewEventAttributes,
    ].flatMap((attributes) =>
      Object.entries(attributes?.searchAttributes?.indexedFields ?? {}).map(([name, payload]): [string, unknown] => [
        name,
        JSON.parse(Buffer.from(payload.data ?? []).toString() || 'null'),
      ]),
    ),
  );
}
