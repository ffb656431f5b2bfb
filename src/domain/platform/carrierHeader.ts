import { defaultPayloadConverter, type Headers } from '@temporalio/common';
import { type Carrier, CARRIER_HEADER } from './carrier';

/** The header that tells a carrier. */
export function carrierHeader(carrier: Carrier): Headers {
  return { [CARRIER_HEADER]: defaultPayloadConverter.toPayload(carrier) };
}

/** The carrier that a header tells. Others write it, too, so that it may hold anything: what is no carrier is none. */
export function carrierIn(headers: Headers): Carrier | undefined {
  const payload = headers[CARRIER_HEADER];
  if (payload === undefined) return undefined;
  try {
    const { traceparent, tracestate, requestId } =
      defaultPayloadConverter.fromPayload<Record<string, unknown>>(payload);
    return {
      ...(typeof traceparent === 'string' && { traceparent }),
      ...(typeof tracestate === 'string' && { tracestate }),
      ...(typeof requestId === 'string' && { requestId }),
    };
  } catch {
    return undefined;
  }
}
